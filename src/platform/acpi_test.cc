// SPDX-License-Identifier: Apache-2.0
#include "base/test.h"
#include "platform/platform.h"
#include "platform/requirements.h"

#include "test/support/acpi_machine.h"

namespace socle::platform {
namespace {

using test::AcpiBytes;
using test::AcpiMachine;
using test::AcpiTable;
using test::FirmwareMemory;
using test::IortBuilder;

PaRange bytes(std::uint64_t begin, std::uint64_t size) {
  return PaRange(Pa(begin), Pa(begin + size));
}

// The whole way from tables to a platform.
struct Machine {
  explicit Machine(const AcpiMachine& machine, const ReadOptions& options = {})
      : memory(1 << 20), arena(memory), notes(arena) {
    machine.put_into(firmware);
    const auto tables = fw::acpi::read_tables(firmware.finish(), firmware, arena, notes);
    if (tables) platform = read_acpi(*tables, {ram, {}}, options, arena, notes);
  }
  const Platform* operator->() const { return *platform; }
  [[nodiscard]] bool said(std::string_view part) const { return notes.mentions(part); }
  [[nodiscard]] const Device* device(std::string_view name) const {
    for (const Device& device : (*platform)->devices)
      if (device.name == name) return &device;
    return nullptr;
  }

  FirmwareMemory firmware;
  std::vector<std::byte> memory;
  fw::Arena arena;
  fw::Diagnostics notes;
  RamBank ram[1] = {{bytes(0x8000'0000, 0x4000'0000)}};
  Result<const Platform*> platform = fail(Error::kNotFound);
};

// --- CPUs, GIC ---

TEST(AcpiPlatform, ReadsASmallServer) {
  const Machine m{AcpiMachine{}};
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.notes.lines().empty());
  ASSERT_EQ(m->cpus.size(), 2u);
  EXPECT_EQ(m->cpus[1].mpidr, 0x101u);
  EXPECT_EQ(m->cpus[1].uid, 6u);
  EXPECT_TRUE(m->cpus[1].enable_method == Cpu::EnableMethod::kPsci);
  EXPECT_EQ(m->ram_bytes(), kGiB);
  EXPECT_TRUE(m->gic.version == Gic::Version::kV3);
  EXPECT_EQ(m->gic.distributor, bytes(0x3000'0000, 0x1'0000));
  ASSERT_EQ(m->gic.redistributors.size(), 1u);
  EXPECT_EQ(m->gic.redistributors[0], bytes(0x3010'0000, 0x20'0000));
  ASSERT_EQ(m->gic.its.size(), 1u);
  EXPECT_EQ(m->gic.its[0].range, bytes(0x3004'0000, 0x2'0000));
  EXPECT_EQ(m->gic.its[0].name, "APIC ITS 0");
  EXPECT_EQ(m->gic.maintenance->id, IntId(25));
  EXPECT_TRUE(m->gic.maintenance->trigger == Trigger::kLevelHigh);
  EXPECT_TRUE(m->psci.conduit == Psci::Conduit::kSmc);
  EXPECT_FALSE(find_missing(**m.platform).has_value());
}

TEST(AcpiPlatform, TheBootCpuComesFirst) {
  const Machine m(AcpiMachine{}, {.boot_mpidr = 0x8000'0101});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus[0].uid, 6u);
}

TEST(AcpiPlatform, TheCpuThatRunsIsOneWhateverTheTableSays) {
  const Machine m(AcpiMachine{}, {.boot_mpidr = 0x102});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("APIC: none of the CPUs is the one that runs (0x102): used all the same"));
  ASSERT_EQ(m->cpus.size(), 3u);
  EXPECT_EQ(m->cpus[0].mpidr, 0x102u);
  EXPECT_EQ(m->cpus[0].uid, Cpu::kNoUid);
  AcpiMachine machine;
  machine.madt_body.append(test::gicc({.uid = 7, .mpidr = 0x102, .flags = 0}));
  const Machine off(machine, {.boot_mpidr = 0x102});
  ASSERT_TRUE(off.platform.has_value());
  EXPECT_TRUE(off.said("APIC: CPU 0x102 (UID 7) runs, but is not enabled: used all the same"));
  EXPECT_EQ(off->cpus[0].uid, 7u);
}

TEST(AcpiPlatform, RedistributorsThatTakeInTheMachineAreCutOff) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  machine.madt_body.append(test::gicc({.mpidr = 0})).append(test::gicc({.mpidr = 1}));
  machine.madt_body.append(test::gicd(0x3000'0000, 3));
  machine.madt_body.u8(0x0e).u8(16).u16(0).u64(0x3010'0000).u32(0xffff'ffff);
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("APIC: redistributors in 4294967295 bytes at 0x30100000"));
  EXPECT_EQ(m->gic.redistributors[0], bytes(0x3010'0000, 0x4'0000));
}

// With their redistributors, where each GICC names its own.
TEST(AcpiPlatform, CpusBeyondTheLimitAreSaidAndTheBootCpuIsNotAmongThem) {
  constexpr std::uint64_t kLast = kMaxCpus + 2;
  const auto redistributor_of = [](std::uint64_t cpu) { return 0x3100'0000 + cpu * 0x10'0000; };
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  for (std::uint64_t cpu = 0; cpu <= kLast; ++cpu)
    machine.madt_body.append(
        test::gicc({.mpidr = cpu << 8 & 0xffff00, .redistributor = redistributor_of(cpu)}));
  machine.madt_body.append(test::gicd(0x3000'0000, 3));
  const Machine m(machine, {.boot_mpidr = kLast << 8});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus.size(), kMaxCpus);
  EXPECT_EQ(m->cpus[0].mpidr, kLast << 8);
  EXPECT_TRUE(m.said("APIC: 3 CPUs more than the 128 that Socle can use"));
  ASSERT_EQ(m->gic.redistributors.size(), kMaxCpus);
  EXPECT_EQ(m->gic.redistributors[0].begin().value(), redistributor_of(0));
  EXPECT_EQ(m->gic.redistributors.back().begin().value(), redistributor_of(kLast));
}

TEST(AcpiPlatform, CpusThatAreOffOrNamedTwiceAreNoCpus) {
  AcpiMachine machine;
  machine.madt_body.append(test::gicc({.uid = 7, .mpidr = 0x102, .flags = 0}));
  machine.madt_body.append(test::gicc({.uid = 8, .mpidr = 0x103, .flags = 8}));
  machine.madt_body.append(test::gicc({.uid = 9, .mpidr = 0x101}));
  machine.madt_body.append(test::gicc({.uid = 10, .mpidr = 0x1'0000'0000'0000}));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus.size(), 2u);
  EXPECT_TRUE(m.said("CPU 0x103 may come later"));
  EXPECT_TRUE(m.said("CPU 0x101 (UID 9) is impossible or named twice"));
  EXPECT_TRUE(m.said("(UID 10) is impossible"));
}

TEST(AcpiPlatform, AnEmptySocketIsNotTheCpuThatRuns) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  machine.madt_body.append(test::gicc({.uid = 0, .mpidr = 0, .flags = 0}))
      .append(test::gicc({.uid = 7, .mpidr = 0}))
      .append(test::gicd(0x3000'0000, 3));
  const Machine m(machine, {.boot_mpidr = 0});
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->cpus.size(), 1u);
  EXPECT_EQ(m->cpus[0].uid, 7u);
  EXPECT_FALSE(m.said("used all the same"));
}

TEST(AcpiPlatform, RedistributorsMayStandAtTheCpus) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  machine.madt_body.append(test::gicc({.mpidr = 0, .redistributor = 0x3100'0000}))
      .append(test::gicc({.mpidr = 1, .redistributor = 0x3200'0000}))
      .append(test::gicd(0x3000'0000, 4));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->gic.redistributors.size(), 2u);
  EXPECT_EQ(m->gic.redistributors[1], bytes(0x3200'0000, 0x4'0000));
}

TEST(AcpiPlatform, ReadsAGicV2WithMsiFrames) {
  const Machine m(test::gicv2_machine());
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m->gic.version == Gic::Version::kV2);
  EXPECT_EQ(m->gic.distributor, bytes(0x2c01'0000, 0x1000));
  EXPECT_EQ(m->gic.cpu_interface, bytes(0x2c00'0000, 0x2000));
  EXPECT_EQ(m->gic.hypervisor_interface, bytes(0x2c04'0000, 0x1000));
  EXPECT_EQ(m->gic.virtual_interface, bytes(0x2c06'0000, 0x2000));
  ASSERT_TRUE(m.device("APIC MSI frame 3") != nullptr);
  EXPECT_TRUE(m.device("APIC MSI frame 3")->origin == Device::Origin::kMsiFrame);
  EXPECT_FALSE(find_missing(**m.platform).has_value());
}

TEST(AcpiPlatform, ADistributorWithoutAVersionIsToldByItsRedistributors) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes().append(test::gicc({})).append(test::gicd(0x3000'0000, 0));
  EXPECT_TRUE(Machine(machine)->gic.version == Gic::Version::kV2);
  machine.madt_body.append(test::gicr(0x3010'0000, 0x2'0000));
  EXPECT_TRUE(Machine(machine)->gic.version == Gic::Version::kV3);
}

TEST(AcpiPlatform, WhatIsMissingFromTheMadtIsSaid) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes().append(test::gicd(0x3000'0000, 3));
  const Machine no_cpu(machine);
  EXPECT_EQ(no_cpu.platform.error(), Error::kNotFound);
  EXPECT_TRUE(no_cpu.said("APIC: no CPU that is enabled"));
  machine.madt_body = AcpiBytes().append(test::gicc({}));
  const Machine no_gic(machine);
  ASSERT_TRUE(no_gic.platform.has_value());
  EXPECT_TRUE(no_gic.said("APIC: no distributor"));
  EXPECT_TRUE(find_missing(**no_gic.platform).has_value());
}

TEST(AcpiPlatform, UnknownAndShortStructuresAreSkippedWithALine) {
  AcpiMachine machine;
  machine.madt_body.append(test::short_structure(0x18, AcpiBytes().u32(0)));
  machine.madt_body.append(test::short_structure(0x0b, AcpiBytes().zeros(38)));
  machine.madt_body.append(test::short_structure(0x0e, AcpiBytes().u16(0).u64(0).u32(0)));
  machine.madt_body.append(test::gicc({.uid = 7, .mpidr = 0x102}));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus.size(), 3u);
  EXPECT_TRUE(m.said("has type 24, which is not for Arm: skipped"));
  EXPECT_TRUE(m.said("(type 11) is too short with 40 bytes"));
  EXPECT_TRUE(m.said("are a range that cannot be"));
}

TEST(AcpiPlatform, StructuresWithoutEndAreNotReadToTheEnd) {
  AcpiMachine machine;
  machine.madt_body = AcpiBytes();
  machine.madt_body.append(test::gicc({.mpidr = 0})).append(test::gicd(0x3000'0000, 3));
  for (int i = 0; i < 5000; ++i)
    machine.madt_body.u8(0x42).u8(2);
  machine.madt_body.append(test::gicc({.mpidr = 1}));
  const Machine m(machine);
  ASSERT_FALSE(m.platform.has_value());
  EXPECT_EQ(m.platform.error(), Error::kTooLarge);
  EXPECT_TRUE(m.said("APIC: more than 4096 structures"));
}

TEST(AcpiPlatform, AStructureOfNoLengthEndsTheMadt) {
  AcpiMachine machine;
  machine.madt_body.u8(0x0b).u8(0).zeros(74).append(test::gicc({.uid = 7, .mpidr = 0x102}));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus.size(), 2u);
  EXPECT_TRUE(m.said("APIC: the structure at 0x108 has length 0, the rest is lost"));
}

// --- FADT ---

TEST(AcpiPlatform, TheFadtTellsHowFirmwareIsCalled) {
  AcpiMachine machine;
  machine.fadt_table = test::fadt(3);
  EXPECT_TRUE(Machine(machine)->psci.conduit == Psci::Conduit::kHvc);
  machine.fadt_table = test::fadt(0);
  const Machine none(machine);
  ASSERT_TRUE(none.platform.has_value());
  EXPECT_TRUE(none->psci.conduit == Psci::Conduit::kNone);
  EXPECT_TRUE(none->cpus[0].enable_method == Cpu::EnableMethod::kNone);
}

TEST(AcpiPlatform, CpusMayWaitInTheParkingProtocol) {
  AcpiMachine machine;
  machine.fadt_table = test::fadt(0);
  machine.madt_body = AcpiBytes().append(test::gicc({.parking_version = 1, .parked = 0x8fff'1000}));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m->cpus[0].enable_method == Cpu::EnableMethod::kParkingProtocol);
  EXPECT_EQ(m->cpus[0].release_address, 0x8fff'1000u);
}

TEST(AcpiPlatform, FadtsWithWhichLinuxGivesAcpiUpAreRefused) {
  AcpiMachine machine;
  machine.fadt_table = test::fadt(0, 5, 0);
  const Machine old(machine);
  EXPECT_EQ(old.platform.error(), Error::kUnsupported);
  EXPECT_TRUE(old.said("FACP: revision 5.0 is older than 5.1"));
  machine.fadt_table = test::fadt(1, 4, 0);  // old, but with Arm's flags
  EXPECT_TRUE(Machine(machine).platform.has_value());
  machine.fadt_table = test::fadt();
  machine.fadt_table.put(112, 0, 4);
  const Machine full(machine);
  EXPECT_EQ(full.platform.error(), Error::kUnsupported);
  EXPECT_TRUE(full.said("FACP: not hardware-reduced"));
}

TEST(AcpiPlatform, AFadtThatEndsBeforeItsFlagsIsTakenForHardwareReduced) {
  AcpiMachine machine;
  machine.fadt_table.bytes().resize(100);
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("FACP: 100 bytes are too few for its flags"));
  EXPECT_TRUE(m->psci.conduit == Psci::Conduit::kNone);
}

// --- GTDT ---

TEST(AcpiPlatform, ReadsTheTimersWithTheirTriggers) {
  const Machine m{AcpiMachine{}};
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->timer.secure_physical->id, IntId(29));
  EXPECT_TRUE(m->timer.secure_physical->trigger == Trigger::kLevelHigh);
  EXPECT_TRUE(m->timer.physical->trigger == Trigger::kLevelHigh);  // always-on is no trigger
  EXPECT_EQ(m->timer.virt->id, IntId(27));
  EXPECT_TRUE(m->timer.virt->trigger == Trigger::kLevelLow);
  EXPECT_TRUE(m->timer.hypervisor->trigger == Trigger::kEdgeRising);
  EXPECT_EQ(m->timer.hypervisor_virtual->id, IntId(28));
}

TEST(AcpiPlatform, TimersWithoutAPpiHaveArmsNumbers) {
  AcpiMachine machine;
  machine.gtdt_table.put(64, 40, 4);  // an SPI
  machine.gtdt_table.put(72, 0, 4);
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("GTDT: no PPI of its own for the virtual timer: taken for 27"));
  EXPECT_TRUE(m.said("GTDT: no PPI of its own for the hypervisor's timer: taken for 26"));
  EXPECT_EQ(m->timer.virt->id, IntId(27));
  EXPECT_EQ(m->timer.hypervisor->id, IntId(26));
  EXPECT_FALSE(find_missing(**m.platform).has_value());
  machine.gtdt_table.bytes().resize(44);
  EXPECT_TRUE(Machine(machine).platform.has_value());
  machine.gtdt_table = test::gtdt_head();
  machine.gtdt_table.put(64, 30, 4);  // the physical timer's
  EXPECT_EQ(Machine(machine)->timer.virt->id, IntId(27));
}

TEST(AcpiPlatform, AnOldGtdtHasNeitherPlatformTimersNorTheHostsVirtualTimer) {
  AcpiMachine machine;
  machine.gtdt_table = test::gtdt_head(1, 1);
  machine.gtdt_table.append(test::watchdog(0x2a44'0000, 0x2a45'0000, 0));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_FALSE(m->timer.hypervisor_virtual.has_value());
  EXPECT_TRUE(m.device("GTDT watchdog 0") == nullptr);
}

TEST(AcpiPlatform, ReadsWatchdogsAndTimerBlocks) {
  AcpiBytes frames;
  frames.u8(0).zeros(3).u64(0x2a83'0000).u64(~std::uint64_t{0}).u32(60).u32(0).u32(0).u32(0).u32(0);
  frames.u8(1).zeros(3).u64(0x2a82'0000).u64(0x2a81'0000).u32(61).u32(1).u32(0).u32(0).u32(1);
  frames.u8(2).zeros(3).u64(0x2a84'0000).u64(0x2a85'0000).u32(62).u32(1).u32(63).u32(2).u32(0);
  AcpiMachine machine;
  machine.gtdt_table = test::gtdt_head(4);
  machine.gtdt_table.append(
      test::long_structure(0, AcpiBytes().u8(0).u64(0x2a80'0000).u32(3).u32(20).append(frames)));
  machine.gtdt_table.append(test::watchdog(0x2a44'0000, 0x2a45'0000, 0));
  machine.gtdt_table.append(test::watchdog(0x2a46'0000, 0x2a47'0000, 4));
  machine.gtdt_table.append(test::long_structure(9, AcpiBytes().u8(0)));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  const Device* block = m.device("GTDT timer block 0");
  ASSERT_TRUE(block != nullptr);
  ASSERT_EQ(block->regions.size(), 4u);  // the secure frame is not ours
  EXPECT_EQ(block->regions[0].range, bytes(0x2a80'0000, 0x1000));
  EXPECT_EQ(block->regions[2].range, bytes(0x2a84'0000, 0x1000));
  ASSERT_EQ(block->interrupts.size(), 3u);
  EXPECT_EQ(block->interrupts[2], (Interrupt{IntId(63), Trigger::kLevelLow}));
  const Device* watchdog = m.device("GTDT watchdog 1");
  ASSERT_TRUE(watchdog != nullptr);
  EXPECT_TRUE(watchdog->enabled);
  EXPECT_EQ(watchdog->regions[1].range, bytes(0x2a45'0000, 0x1000));
  EXPECT_EQ(watchdog->interrupts[0].id, IntId(48));
  EXPECT_FALSE(m.device("GTDT watchdog 2")->enabled);
  EXPECT_TRUE(m.said("has the unknown type 9: skipped"));
}

TEST(AcpiPlatform, PlatformTimersThatCannotBeAreSaid) {
  AcpiMachine machine;
  machine.gtdt_table = test::gtdt_head(1);
  machine.gtdt_table.put(92, 40, 4);
  EXPECT_TRUE(Machine(machine).said("GTDT: its platform timers cannot be at 0x28"));
  machine.gtdt_table = test::gtdt_head(2);
  // Claims more frames than it has room for; then a watchdog that is cut off.
  machine.gtdt_table.append(
      test::long_structure(0, AcpiBytes().u8(0).u64(0x2a80'0000).u32(8).u32(20).zeros(40)));
  machine.gtdt_table.append(test::long_structure(1, AcpiBytes().u8(0).u64(0x2a44'0000)));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("GTDT: the structure at 0x68 (type 0) ends too early"));
  EXPECT_TRUE(m.said("(type 1) ends too early"));
}

// --- consoles ---

TEST(AcpiPlatform, TheConsoleIsSpcrs) {
  const Machine m{AcpiMachine{}};
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_TRUE(m->console.has_value());
  EXPECT_EQ(m->console->name, "SPCR");
  EXPECT_EQ(m->console->compatibles[0], "arm,pl011");
  EXPECT_EQ(m->console->registers, bytes(0x1c09'0000, 0x1000));
  EXPECT_EQ(m->console->interrupt->id, IntId(53));
  EXPECT_EQ(m->console->options, "115200n8");
  ASSERT_TRUE(m.device("SPCR") != nullptr);
  EXPECT_TRUE(m.device("SPCR")->origin == Device::Origin::kSerialPort);
}

TEST(AcpiPlatform, A16550HasRegistersAsWideAsItsAccesses) {
  AcpiMachine machine;
  machine.spcr_table = test::spcr(0x12);
  const Machine m(machine);
  EXPECT_EQ(m->console->compatibles[0], "ns16550a");
  EXPECT_EQ(m->console->register_shift, 2u);
  EXPECT_EQ(m->console->register_io_width, 4u);
  EXPECT_EQ(m->console->registers.size(), 32u);
}

AcpiTable debug_ports(std::uint32_t size = 0x1000) {
  AcpiBytes port;  // from its fourth byte on
  port.u8(1).u16(0).u16(0).u16(0).u16(0).u16(0x8000).u16(0x0e).u16(0).u16(22).u16(34);
  port.u8(0).u8(32).u8(0).u8(3).u64(0x7ff8'0000).u32(size);
  AcpiBytes usb;
  usb.u8(1).u16(0).u16(0).u16(0).u16(0).u16(0x8002).u16(0).u16(0).u16(22).u16(34);
  usb.u8(0).u8(32).u8(0).u8(3).u64(0x6000'0000).u32(0x1000);
  AcpiTable out("DBG2", 0);
  out.u32(44).u32(2).append(test::long_structure(0, usb)).append(test::long_structure(0, port));
  return out;
}

// A wrong size would take other devices with it: what is Socle's by overlap is not dom0's.
TEST(AcpiPlatform, ADebugPortThatIsLargerThanPortsAreIsOnePage) {
  AcpiMachine machine;
  machine.more.push_back(debug_ports(0xffff'ffff));
  const Machine m(machine);
  ASSERT_TRUE(m.device("DBG2[0]") != nullptr);
  EXPECT_EQ(m.device("DBG2[0]")->regions[0].range, bytes(0x7ff8'0000, 0x1000));
  EXPECT_TRUE(m.said("DBG2[0]: a port of 4294967295 bytes"));
}

TEST(AcpiPlatform, WithoutSpcrTheConsoleIsTheFirstDebugPort) {
  AcpiMachine machine;
  machine.more.push_back(debug_ports());
  const Machine both(machine);
  EXPECT_EQ(both->console->name, "SPCR");
  ASSERT_TRUE(both.device("DBG2[0]") != nullptr);
  EXPECT_EQ(both.device("DBG2[0]")->regions[0].range, bytes(0x7ff8'0000, 0x1000));
  machine.spcr_table.reset();
  const Machine m(machine);
  ASSERT_TRUE(m->console.has_value());
  EXPECT_EQ(m->console->name, "DBG2[0]");
  EXPECT_EQ(m->console->compatibles[0], "arm,sbsa-uart");
  EXPECT_EQ(m->console->registers, bytes(0x7ff8'0000, 0x1000));
  EXPECT_FALSE(m->console->interrupt.has_value());
}

TEST(AcpiPlatform, SaysWhyThereIsNoConsole) {
  AcpiMachine machine;
  machine.spcr_table.reset();
  EXPECT_TRUE(Machine(machine).said("neither SPCR nor DBG2 names a serial port"));
  machine.spcr_table = test::spcr();
  machine.spcr_table->put(40, 1, 1);  // I/O ports
  EXPECT_TRUE(Machine(machine).said("SPCR: the console is not in memory"));
  machine.spcr_table = test::spcr(0x42);
  const Machine unknown(machine);
  EXPECT_TRUE(unknown.said("SPCR: a serial port of kind 0x42"));
  EXPECT_TRUE(unknown->console->compatibles.empty());
  machine.spcr_table = AcpiTable("SPCR", 2).u32(3);
  EXPECT_TRUE(Machine(machine).said("SPCR: too short"));
}

TEST(AcpiPlatform, AConsoleWhereNoneCanBeGivesWayToTheNext) {
  AcpiMachine machine;
  machine.spcr_table = test::spcr();
  machine.more.push_back(debug_ports());
  machine.spcr_table->put(44, 0x8000'0000, 8);
  const std::array<fw::EfiMemoryRange, 1> memory{{{.range = bytes(0x8000'0000, kGiB),
                                                   .type = fw::EfiMemoryType::kConventional,
                                                   .attributes = fw::kEfiMemoryWriteBack}}};
  const Machine m(machine, {.efi_memory = memory});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m.said("SPCR: [0x80000000, 0x80001000) is memory, no serial port"));
  EXPECT_EQ(m->console->name, "DBG2[0]");
}

// --- MCFG ---

TEST(AcpiPlatform, PciHostsAreMcfgs) {
  AcpiMachine machine;
  machine.mcfg_table->append(test::ecam(0x50'0000'0000, 2, 0x40, 0x7f));
  machine.mcfg_table->append(test::ecam(0x60'0000'0000, 3, 0x40, 0x3f));
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  const Device* host = m.device("MCFG[1]");
  ASSERT_TRUE(host != nullptr);
  EXPECT_TRUE(host->is_pci_host);
  EXPECT_EQ(host->segment, 2u);
  EXPECT_TRUE(host->regions[0].kind == Region::Kind::kPciConfiguration);
  // The base is bus 0's.
  EXPECT_EQ(host->regions[0].range, bytes(0x50'0400'0000, 0x400'0000));
  EXPECT_EQ(m.device("MCFG[0]")->regions[0].range, bytes(0x40'0000'0000, 0x1000'0000));
  EXPECT_TRUE(m.said("MCFG: entry 2 is a range that cannot be"));
}

// --- IORT ---

TEST(AcpiPlatform, FollowsStreamsToTheirSmmu) {
  IortBuilder iort;
  const auto its = iort.its_group();
  const auto v3 = iort.smmu_v3(0x2b40'0000, its);
  const auto v2 = iort.smmu(0x2b50'0000, 0x1'0000, {201, 202, 201});
  iort.root_complex(0, {{0, 0x100, 0x1000, v3}, {0x100, 0xff00, 0x100, its}});
  iort.named_component("\\_SB.ETH0", {{0, 1, 0x17, v2, true}});
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->iommus.size(), 2u);
  EXPECT_TRUE(m->iommus[0].kind == IommuKind::kSmmuV3);
  EXPECT_EQ(m->iommus[0].name, "IORT SMMUv3 at 0x2b400000");
  EXPECT_EQ(m->iommus[0].regions[0].range, bytes(0x2b40'0000, 0x2'0000));
  ASSERT_EQ(m->iommus[0].interrupts.size(), 4u);
  EXPECT_TRUE(m->iommus[0].interrupts[0].trigger == Trigger::kEdgeRising);
  EXPECT_TRUE(m->iommus[1].kind == IommuKind::kSmmuV1V2);
  EXPECT_EQ(m->iommus[1].regions[0].range, bytes(0x2b50'0000, 0x1'0000));
  ASSERT_EQ(m->iommus[1].interrupts.size(), 3u);
  EXPECT_EQ(m->iommus[1].interrupts[2].id, IntId(202));

  const Device* host = m.device("MCFG[0]");
  ASSERT_EQ(host->iommu_map.size(), 1u);  // what goes to an ITS goes past all SMMUs
  EXPECT_EQ(host->iommu_map[0].first_output, 0x1000u);
  EXPECT_EQ(host->iommu_map[0].count, 0x100u);
  EXPECT_EQ(m->iommu(host->iommu_map[0]), &m->iommus[0]);
  const Device* card = m.device("IORT \\_SB.ETH0");
  ASSERT_TRUE(card != nullptr);
  EXPECT_TRUE(card->declares_dma);
  ASSERT_EQ(card->iommus.size(), 1u);
  EXPECT_EQ(card->iommus[0].cells[0], 0x17u);
  EXPECT_EQ(m->iommu(card->iommus[0]), &m->iommus[1]);
  EXPECT_TRUE(m->device(fw::dt::kNoNode) == nullptr);
}

TEST(AcpiPlatform, SegmentsShareTheStreamsOfAllTheirRootComplexes) {
  IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  iort.root_complex(0, {{0, 0x8000, 0, v3}});
  iort.root_complex(0, {{0x8000, 0x8000, 0x8000, v3}});
  iort.root_complex(9, {{0, 0x1'0000, 0, v3}});
  AcpiMachine machine;
  machine.mcfg_table->append(test::ecam(0x50'0000'0000, 0, 0, 0xff));
  machine.more.push_back(iort.table());
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m.device("MCFG[0]")->iommu_map.size(), 2u);
  EXPECT_EQ(m.device("MCFG[1]")->iommu_map.size(), 2u);
  const Device* lonely = m.device("IORT root complex of segment 9");
  ASSERT_TRUE(lonely != nullptr);
  EXPECT_TRUE(lonely->origin == Device::Origin::kRootComplex);
  EXPECT_EQ(lonely->iommu_map.size(), 1u);
}

TEST(AcpiPlatform, KeepsCountersAndMemoryThatDevicesUse) {
  IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  iort.pmcg(0x2b42'0000, 0x2b43'0000, v3);
  iort.pmcg(0x2b44'0000, 0x2b44'0000, v3);
  iort.rmr(0xfe00'0000, 0x20'0000, {{0, 4, 0x700, v3}});
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  const Device* pmcg = m.device("IORT PMCG at 0x2b420000");
  ASSERT_TRUE(pmcg != nullptr);
  EXPECT_EQ(pmcg->regions.size(), 2u);
  EXPECT_EQ(m.device("IORT PMCG at 0x2b440000")->regions.size(), 1u);
  ASSERT_EQ(m->direct_mappings.size(), 1u);
  EXPECT_EQ(m->direct_mappings[0].range, bytes(0xfe00'0000, 0x20'0000));
  ASSERT_EQ(m->direct_mappings[0].streams.size(), 1u);
  EXPECT_EQ(m->direct_mappings[0].streams[0].first_output, 0x700u);
  EXPECT_EQ(m->direct_mappings[0].streams[0].count, 4u);
}

TEST(AcpiPlatform, ReferencesThatLeadNowhereAreSaidAndLeftOut) {
  IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  iort.root_complex(0, {{0, 1, 0, v3 + 4}, {0, 1, 0, 0xffff'ffff}, {1, 1, 1, v3}});
  // A loop of two, and one of itself.
  const auto at = static_cast<std::uint32_t>(iort.table().size());
  iort.root_complex(1, {{0, 1, 0, at}});
  iort.named_component("\\_SB.\x01?", {});
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m.device("MCFG[0]")->iommu_map.size(), 1u);
  EXPECT_TRUE(m.said("ID mapping 0 leads to"));
  EXPECT_TRUE(m.device("IORT root complex of segment 1")->iommu_map.empty());
  EXPECT_TRUE(m.device("IORT \\_SB.??") != nullptr);
}

TEST(AcpiPlatform, MappingsThatDoNotFitAreNotRead) {
  IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  const auto host = iort.root_complex(0, {{0, 1, 0, v3}, {1, 1, 1, v3}});
  iort.table().put(host + 8, 0xffff'ffff, 4);
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  const Machine m(machine);
  EXPECT_EQ(m.device("MCFG[0]")->iommu_map.size(), 2u);
  EXPECT_TRUE(m.said("has room for 2 of its 4294967295 ID mappings"));
}

TEST(AcpiPlatform, AnIortThatBreaksOffCountsAsFarAsItGoes) {
  IortBuilder iort;
  iort.smmu_v3(0x2b40'0000, iort.its_group());
  const auto last = iort.smmu_v3(0x2b60'0000, 48);
  iort.table().put(last + 1, 0, 2);
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  const Machine m(machine);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->iommus.size(), 1u);
  EXPECT_TRUE(m.said("IORT: the structure at"));
}

TEST(AcpiPlatform, ATableTooMuchForTheArenaIsAnError) {
  AcpiMachine machine;
  FirmwareMemory firmware;
  machine.put_into(firmware);
  const Pa rsdp = firmware.finish();
  bool was_enough = false;
  for (std::size_t size = 64; !was_enough; size += 64) {
    std::vector<std::byte> memory(size);
    fw::Arena arena(memory);
    fw::Diagnostics notes(arena);
    const auto tables = fw::acpi::read_tables(rsdp, firmware, arena, notes);
    const auto platform = tables ? read_acpi(*tables, {}, {}, arena, notes)
                                 : Result<const Platform*>(fail(tables.error()));
    was_enough = platform.has_value();
    if (!was_enough) EXPECT_EQ(platform.error(), Error::kNoMemory);
  }
}

}  // namespace
}  // namespace socle::platform
