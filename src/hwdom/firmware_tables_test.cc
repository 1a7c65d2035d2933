// SPDX-License-Identifier: Apache-2.0
#include "hwdom/firmware_tables.h"

#include <array>
#include <vector>

#include "base/test.h"
#include "hwdom/crc32.h"
#include "policy/policy.h"

#include "test/support/acpi_builder.h"
#include "test/support/tree_builder.h"

namespace socle::hwdom {
namespace {

using fw::acpi::Fields;
using test::AcpiBytes;
using test::AcpiTable;

constexpr std::uint64_t kBank = 0x4000'0000;
constexpr std::uint64_t kPlace = 0x4800'0000;
constexpr std::uint64_t kUart = 0x900'0000;

AcpiBytes gicc(std::uint32_t uid, std::uint64_t mpidr, std::uint32_t flags = 1) {
  AcpiBytes out;
  out.u8(0x0b).u8(80).u16(0).u32(77).u32(uid).u32(flags).u32(1).u32(23);
  out.u64(0x1000).u64(0x2000).u64(0x3000).u64(0x4000).u32(25).u64(0x5000).u64(mpidr);
  return out.u8(6).u8(0).u16(21);
}

AcpiTable madt() {
  AcpiTable out("APIC", 5);
  // The first is that of an empty socket.
  out.u32(0).u32(0).append(gicc(0, 0, 0));
  out.append(gicc(10, 0)).append(gicc(11, 0x100)).append(gicc(12, 0x200));
  out.u8(0x0c).u8(24).u16(0).u32(0).u64(0x800'0000).u32(0).u8(3).zeros(3);
  out.u8(0x0e).u8(16).u16(0).u64(0x80a'0000).u32(0xf6'0000);
  out.u8(0x0f).u8(20).u16(0).u32(0).u64(0x808'0000).u32(0);
  out.u8(0x0d).u8(24).u16(0).u32(0).u64(0x802'0000).u32(1).u16(64).u16(80);
  return out;
}

AcpiTable gtdt() {
  AcpiTable out("GTDT", 3);
  out.u64(0).u32(0).u32(29).u32(4).u32(30).u32(4).u32(27).u32(4).u32(26).u32(4);
  return out.u64(0).u32(0).u32(0).u32(28).u32(4);
}

AcpiBytes iort_node(std::uint8_t type, std::size_t body, std::uint32_t mappings) {
  AcpiBytes out;
  const std::size_t own = 16 + body;
  out.u8(type).u16(static_cast<std::uint16_t>(own + 20 * mappings)).u8(1).u32(0).u32(mappings);
  out.u32(static_cast<std::uint32_t>(mappings == 0 ? 0 : own)).zeros(body);
  for (std::uint32_t i = 0; i < mappings; ++i)
    out.u32(0).u32(0xffff).u32(0).u32(48).u32(0);
  return out;
}

AcpiTable iort() {
  AcpiTable out("IORT", 3);
  out.u32(4).u32(48).u32(0);
  out.append(iort_node(0, 8, 0)).append(iort_node(4, 52, 1)).append(iort_node(2, 20, 1));
  return out.append(iort_node(1, 40, 2));
}

struct Machine {
  Machine() {
    firmware.add(AcpiTable("FACP", 6).fill_to(276));
    firmware.add(madt());
    firmware.add(gtdt());
    mcfg = firmware.add(AcpiTable("MCFG", 1).zeros(24));
    firmware.add(iort());
    platform.console.emplace().registers = PaRange(Pa(kUart), Pa(kUart + 0x1000));
    for (const std::uint64_t mpidr : {0u, 0x100u, 0x200u})
      EXPECT_TRUE(platform.cpus.push_back({.mpidr = mpidr}).has_value());
    EXPECT_TRUE(plan.vcpus.push_back({.cpu = 0, .vmpidr = 0}).has_value());
    EXPECT_TRUE(plan.vcpus.push_back({.cpu = 2, .vmpidr = 1}).has_value());
    plan.gic.version = platform::Gic::Version::kV3;
    plan.gic.distributor = Ipa(0x800'0000);
    EXPECT_TRUE(plan.gic.redistributors.push_back({Ipa(0x80a'0000), 2}).has_value());
    plan.ram = bank;
    plan.firmware_memory = memory;
    plan.kept_devices = kept;
  }

  // Writes them, as boot does; answers with what a table of that name has for the domain.
  void write() {
    tables = *fw::acpi::read_tables(firmware.finish(), firmware, arena, notes);
    buffer.resize(align_up<std::size_t>(firmware_tables_bound(tables, plan), kFrameSize));
    made = write_firmware_tables({.tables = &tables,
                                  .platform = &platform,
                                  .plan = &plan,
                                  .place = Range<Ipa>(Ipa(kPlace), Ipa(kPlace + buffer.size()))},
                                 buffer, notes);
  }
  // The domain's view: our buffer, and firmware's memory at its own place.
  std::optional<std::span<const std::byte>> operator()(PaRange range) const {
    if (range.begin().value() < kPlace || range.begin().value() >= kPlace + buffer.size())
      return firmware(range);
    const std::uint64_t offset = range.begin().value() - kPlace;
    if (range.size() > buffer.size() - offset) return std::nullopt;
    return std::span(buffer).subspan(offset, range.size());
  }
  [[nodiscard]] Fields at(Ipa address) const {
    return Fields(std::span(buffer)).from(address.value() - kPlace);
  }
  // As firmware's own memory, so that the domain sees what lies there.
  void show_firmware() {
    memory.push_back(
        {PaRange(Pa(test::FirmwareMemory::kFirst), Pa(test::FirmwareMemory::kFirst + 0x10'0000)),
         fw::EfiMemoryType::kAcpiReclaim, fw::kEfiMemoryWriteBack});
    plan.firmware_memory = memory;
  }
  [[nodiscard]] Pa root() const {
    const Fields system_table = at(made->system_table);
    return Pa(at(Ipa(system_table.u64(112))).u64(16));
  }

  test::FirmwareMemory firmware;
  Pa mcfg;
  std::vector<std::byte> bytes = std::vector<std::byte>(1 << 18);
  fw::Arena arena{bytes};
  fw::Diagnostics notes{arena};
  platform::Platform platform;
  DomainPlan plan;
  std::array<MfnRange, 1> bank{MfnRange(Mfn(kBank >> 12), Mfn(0x8000'0000 >> 12))};
  static constexpr std::uint64_t kUncached = 1;
  std::vector<FirmwareMemory> memory{
      {PaRange(Pa(0xb000'0000), Pa(0xb000'3000)), fw::EfiMemoryType::kAcpiReclaim,
       fw::kEfiMemoryWriteBack},
      {PaRange(Pa(0xb001'0000), Pa(0xb001'1000)), fw::EfiMemoryType::kAcpiNvs,
       fw::kEfiMemoryWriteBack | fw::kEfiMemoryRuntime},
      {PaRange(Pa(0xb002'0000), Pa(0xb002'1000)), fw::EfiMemoryType::kReserved, kUncached}};
  std::array<KeptDevice, 1> kept{{{.node = fw::dt::kNoNode,
                                   .name = "SPCR",
                                   .region = {.range = PaRange(Pa(kUart), Pa(kUart + 0x1000))},
                                   .reason = NodeReason::kConsole}}};
  fw::acpi::Tables tables;
  std::vector<std::byte> buffer;
  Result<FirmwareTables> made = fail(Error::kNotFound);
};

// What the domain reads back, by the reader that firmware's own tables go through.
struct ReadBack {
  explicit ReadBack(Machine& machine) : notes(arena) {
    machine.write();
    if (machine.made.has_value())
      tables = *fw::acpi::read_tables(machine.root(), machine, arena, notes);
  }
  [[nodiscard]] Fields table(std::string_view name) const {
    const fw::acpi::Table* const found = tables.find(name);
    return found == nullptr ? Fields() : found->fields;
  }
  std::vector<std::byte> bytes = std::vector<std::byte>(1 << 18);
  fw::Arena arena{bytes};
  fw::Diagnostics notes;
  fw::acpi::Tables tables;
};

TEST(FirmwareTables, TheDomainFindsAllTablesWholeAndTheOthersWhereTheyWere) {
  Machine machine;
  machine.show_firmware();
  const ReadBack dom0(machine);
  ASSERT_TRUE(machine.made.has_value());
  EXPECT_TRUE(dom0.notes.lines().empty());  // checksums, lengths
  EXPECT_EQ(dom0.tables.all.size(), 7u);    // SPCR and STAO are new
  ASSERT_TRUE(dom0.tables.find("MCFG") != nullptr);
  EXPECT_EQ(dom0.tables.find("MCFG")->address, machine.mcfg);
  EXPECT_EQ(dom0.tables.root.oem_id(), "SOCLE");
}

TEST(FirmwareTables, ATableInMemoryThatTheDomainDoesNotSeeIsCopied) {
  Machine machine;
  const Pa dsdt = machine.firmware.put(AcpiTable(AcpiTable("DSDT", 2).zeros(100)).finished());
  auto& fadt = machine.firmware.bytes_at(machine.firmware.named()[0]);
  AcpiBytes edited;
  edited.bytes() = fadt;
  edited.put(140, dsdt.value(), 8);
  edited.fix_checksum(9, 0, fadt.size());
  fadt = edited.bytes();
  const ReadBack dom0(machine);
  ASSERT_TRUE(dom0.tables.find("DSDT") != nullptr);
  EXPECT_EQ(dom0.tables.find("DSDT")->fields.size(), 136u);
  EXPECT_GE(dom0.tables.find("DSDT")->address.value(), kPlace);
  EXPECT_LT(dom0.tables.find("DSDT")->address.value(), kPlace + machine.buffer.size());
  EXPECT_GE(dom0.tables.find("MCFG")->address.value(), kPlace);
}

TEST(FirmwareTables, PsciIsThereByHvc) {
  Machine machine;
  EXPECT_EQ(ReadBack(machine).table("FACP").u16(129), 3u);
}

TEST(FirmwareTables, WithoutAnItsOrAFrameForThemThereAreNoMessages) {
  Machine machine;
  EXPECT_EQ(ReadBack(machine).table("FACP").u16(109), 8u);
  Machine with_frame;
  with_frame.plan.gic.version = platform::Gic::Version::kV2;
  std::array<platform::Device, 1> devices;
  devices[0].origin = platform::Device::Origin::kMsiFrame;
  with_frame.platform.devices = devices;
  EXPECT_EQ(ReadBack(with_frame).table("FACP").u16(109), 0u);
}

TEST(FirmwareTables, EachVcpuIsACpuUnderItsOldNumberAndItsNewAffinity) {
  Machine machine;
  const ReadBack dom0(machine);
  const Fields madt = dom0.table("APIC");
  EXPECT_EQ(madt.u32(44 + 8), 10u);  // not that of the socket without a CPU
  const Fields second = madt.part(44 + 80, 80);
  EXPECT_EQ(second.u8(0), 0x0bu);
  EXPECT_EQ(second.u32(4), 1u);   // interface number
  EXPECT_EQ(second.u32(8), 12u);  // processor UID, as AML has it
  EXPECT_EQ(second.u32(12), 1u);  // enabled
  EXPECT_EQ(second.u64(68), 1u);  // MPIDR
  EXPECT_EQ(second.u8(76), 6u);   // efficiency class
  EXPECT_EQ(second.u16(78), 0u);  // no profiling
  for (std::size_t at = 16; at < 68; at += 4)
    EXPECT_EQ(second.u32(at), 0u) << at;
}

TEST(FirmwareTables, TheInterruptControllerIsTheVirtualOneWithoutIts) {
  Machine machine;
  const ReadBack dom0(machine);
  const Fields madt = dom0.table("APIC");
  const Fields rest = madt.from(44 + 2 * 80);
  EXPECT_EQ(rest.size(), 24u + 16 + 24);
  EXPECT_EQ(rest.u8(0), 0x0cu);
  EXPECT_EQ(rest.u64(8), 0x800'0000u);
  EXPECT_EQ(rest.u8(20), 3u);
  EXPECT_EQ(rest.u8(24), 0x0eu);
  EXPECT_EQ(rest.u64(24 + 4), 0x80a'0000u);
  EXPECT_EQ(rest.u32(24 + 12), 0x4'0000u);
  EXPECT_EQ(rest.u8(24 + 16), 0x0du);  // MSI frames stay
}

TEST(FirmwareTables, AVcpuHasNoTimersOfEl2AndNoSecureOne) {
  Machine machine;
  const Fields gtdt = ReadBack(machine).table("GTDT");
  EXPECT_EQ(gtdt.u64(48), 0u);
  EXPECT_EQ(gtdt.u32(56), 30u);
  EXPECT_EQ(gtdt.u32(64), 27u);
  EXPECT_EQ(gtdt.u64(72), 0u);
  EXPECT_EQ(gtdt.u64(96), 0u);
}

TEST(FirmwareTables, IortHasTheDomainsDevicesWithoutTheirStreams) {
  Machine machine;
  const ReadBack dom0(machine);
  const Fields iort = dom0.table("IORT");
  EXPECT_EQ(iort.u32(36), 2u);
  EXPECT_EQ(iort.u8(48), 2u);
  EXPECT_EQ(iort.u16(49), 36u);
  EXPECT_EQ(iort.u64(56), 0u);  // no mappings
  EXPECT_EQ(iort.u8(48 + 36), 1u);
  EXPECT_EQ(iort.size(), 48u + 36 + 56);
}

// A node as long as its field can say, and many of odd lengths: they stay as long, and all fit.
TEST(FirmwareTables, NodesOfAnyLengthStayAsLongAsTheyAre) {
  Machine machine;
  machine.firmware = test::FirmwareMemory();
  machine.firmware.add(AcpiTable("FACP", 6).fill_to(276));
  machine.firmware.add(madt());
  machine.firmware.add(gtdt());
  AcpiTable odd("IORT", 3);
  odd.u32(301).u32(48).u32(0).append(iort_node(1, 65535 - 16, 0));
  for (int i = 0; i < 300; ++i)
    odd.append(iort_node(1, 5, 0));
  machine.firmware.add(odd);
  const ReadBack dom0(machine);
  ASSERT_TRUE(machine.made.has_value());
  const Fields made = dom0.table("IORT");
  EXPECT_EQ(made.u32(36), 301u);
  EXPECT_EQ(made.u16(49), 65535u);
  EXPECT_EQ(made.u16(48 + 65535 + 1), 21u);
  EXPECT_EQ(made.size(), 48u + 65535 + 300 * 21);
}

TEST(FirmwareTables, TheConsolesUartIsMarkedAsTakenIfSocleHasIt) {
  Machine machine;
  EXPECT_EQ(ReadBack(machine).table("STAO").u8(36), 1u);
  Machine without;
  without.plan.kept_devices = {};
  EXPECT_EQ(ReadBack(without).table("STAO").size(), 0u);
  Machine another;
  another.kept[0].region.range = PaRange(Pa(kUart + 0x1000), Pa(kUart + 0x2000));
  EXPECT_EQ(ReadBack(another).table("STAO").u8(36), 1u);
  EXPECT_EQ(ReadBack(another).table("SPCR").u64(44), kUart + 0x1000);
}

constexpr std::uint64_t kErrors = 0xb100'0000;
constexpr std::uint64_t kElsewhere = 0xb200'0000;

// What Linux reads at boot, and does not survive an abort of.
TEST(FirmwareTables, TablesThatLeadToMemoryThatIsNotTheDomainsAreLeftOut) {
  for (const std::uint64_t at : {kErrors, kElsewhere, kErrors + 0x1000}) {
    Machine machine;
    const Mapping errors = {.first = Gfn(kErrors >> 12),
                            .machine = Mfn(kErrors >> 12),
                            .count = FrameCount(1),
                            .attributes = policy::reserved_memory(true)};
    const MfnRange more(Mfn((kErrors >> 12) + 1), Mfn((kErrors >> 12) + 2));
    machine.plan.mappings = std::span(&errors, 1);
    machine.plan.permitted = std::span(&more, 1);
    machine.firmware.add(AcpiTable("BERT", 1).u32(0x1000).u64(at));
    machine.firmware.add(AcpiTable("PRMT", 0).zeros(64));
    const ReadBack dom0(machine);
    EXPECT_EQ(dom0.table("BERT").size(), at == kElsewhere ? 0u : 48u);
    EXPECT_EQ(dom0.table("PRMT").size(), 0u);
    EXPECT_TRUE(dom0.table("MCFG").size() != 0);
  }
}

TEST(FirmwareTables, ErrorSourcesWhoseRecordsAreNotTheDomainsAreNotInUse) {
  Machine machine;
  const MfnRange errors(Mfn(kErrors >> 12), Mfn((kErrors >> 12) + 1));
  machine.plan.permitted = std::span(&errors, 1);
  AcpiTable hest("HEST", 1);
  hest.u32(2);
  for (const std::uint64_t at : {kErrors, kElsewhere})
    hest.append(AcpiBytes().u16(9).zeros(5).u8(1).zeros(12).u32(64 << 8).u64(at).fill_to(64));
  machine.firmware.add(hest);
  const Fields made = ReadBack(machine).table("HEST");
  ASSERT_EQ(made.size(), 40u + 2 * 64);
  EXPECT_EQ(made.u8(40 + 7), 1u);
  EXPECT_EQ(made.u8(40 + 64 + 7), 0u);
}

TEST(FirmwareTables, TheUartThatIsTakenIsTheOneThatSpcrNames) {
  // STAO hides what SPCR names; the console may be another table's.
  Machine none;
  const Fields made = ReadBack(none).table("SPCR");
  ASSERT_EQ(made.size(), 80u);
  EXPECT_EQ(made.u64(44), kUart);
  EXPECT_EQ(made.u8(36), 0xff);
  Machine wrong;
  wrong.firmware.add(AcpiTable("SPCR", 2).fill_to(80).put(44, 0x1234'0000, 8));
  EXPECT_EQ(ReadBack(wrong).table("SPCR").u64(44), kUart);
  Machine right;
  right.firmware.add(AcpiTable("SPCR", 2).fill_to(80).put(36, 3, 1).put(44, kUart, 8));
  EXPECT_EQ(ReadBack(right).table("SPCR").u8(36), 3);
  Machine without;
  without.plan.kept_devices = {};
  EXPECT_EQ(ReadBack(without).table("SPCR").size(), 0u);
}

TEST(FirmwareTables, TheSystemTableIsWhatLinuxChecks) {
  Machine machine;
  machine.write();
  ASSERT_TRUE(machine.made.has_value());
  const Fields table = machine.at(machine.made->system_table);
  EXPECT_EQ(table.text(0, 8), "IBI SYST");
  std::vector<std::byte> copy(table.bytes().begin(), table.bytes().begin() + 120);
  for (std::size_t i = 16; i < 20; ++i)
    copy[i] = std::byte{0};
  EXPECT_EQ(table.u32(16), crc32_of(0, copy));
  EXPECT_EQ(machine.at(Ipa(table.u64(24))).u8(0), 'S');
  EXPECT_EQ(table.u64(104), 1u);
}

TEST(FirmwareTables, TheMemoryMapHasTheBanksAroundTheTablesAndFirmwaresMemory) {
  Machine machine;
  machine.write();
  ASSERT_TRUE(machine.made.has_value());
  const Fields map = machine.at(machine.made->memory_map);
  EXPECT_EQ(machine.made->memory_map_size, 6 * 40u);
  const std::array<std::array<std::uint64_t, 4>, 6> expected = {{
      {7, kBank, kPlace - kBank, 8},
      {9, kPlace, machine.buffer.size(), 8},
      {7, kPlace + machine.buffer.size(), 0x8000'0000 - kPlace - machine.buffer.size(), 8},
      {9, 0xb000'0000, 0x3000, 8},
      {10, 0xb001'0000, 0x1000, 8},
      {0, 0xb002'0000, 0x1000, Machine::kUncached},
  }};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Fields entry = map.part(40 * i, 40);
    EXPECT_EQ(entry.u32(0), expected[i][0]) << i;
    EXPECT_EQ(entry.u64(8), expected[i][1]) << i;
    EXPECT_EQ(entry.u64(24) * 4096, expected[i][2]) << i;
    EXPECT_EQ(entry.u64(32), expected[i][3]) << i;
  }
}

// --- the tree beside them ---

TEST(FirmwareTables, TheTreeHasNothingButChosenAndHypervisor) {
  Machine machine;
  machine.write();
  ASSERT_TRUE(machine.made.has_value());
  test::TreeBuilder loader;
  loader.begin("chosen").cells("kaslr-seed", {1, 2}).text("bootargs", "for Socle").end();
  test::Opened host(loader.blob());
  machine.plan.command_line = "console=hvc0";
  machine.plan.initrd =
      Placement{.source = {}, .target = Range<Ipa>(Ipa(0x5000'0000), Ipa(0x5000'1234))};
  PlanInput input;
  input.tree = &host.tree();
  std::vector<std::byte> bytes(stub_tree_bound(machine.plan));
  const auto size = write_stub_tree(input, machine.plan, *machine.made, bytes, machine.notes);
  ASSERT_TRUE(size.has_value());
  test::Opened made(std::span(bytes).first(*size));
  ASSERT_TRUE(made.result.has_value());
  const auto& tree = made.tree();
  EXPECT_EQ(tree.node_count(), 4u);
  EXPECT_EQ(*tree.find("/chosen").string("bootargs"), "console=hvc0");
  EXPECT_TRUE(tree.find("/chosen").has("kaslr-seed"));
  EXPECT_EQ(tree.find("/chosen").property("linux,initrd-end")->bytes().size(), 8u);
  EXPECT_TRUE(tree.find("/hypervisor").is_compatible("xen,xen"));
  const auto uefi = tree.find("/hypervisor/uefi");
  EXPECT_EQ(*uefi.cell("xen,uefi-mmap-size"), machine.made->memory_map_size);
  EXPECT_EQ(*uefi.cell("xen,uefi-mmap-desc-size"), 40u);
  EXPECT_EQ(*uefi.property("xen,uefi-system-table")->cell(1), machine.made->system_table.value());
}

// --- hostile tables ---

TEST(FirmwareTables, WhatIsMissingOrTooShortIsNamed) {
  Machine machine;
  machine.firmware = test::FirmwareMemory();
  machine.firmware.add(AcpiTable("FACP", 6).fill_to(276));
  machine.firmware.add(AcpiTable("APIC", 5));
  machine.write();
  EXPECT_TRUE(machine.made.error() == Error::kCorrupt);
  EXPECT_TRUE(machine.notes.mentions("ACPI: APIC: 36 bytes are too few"));
  Machine other;
  other.firmware = test::FirmwareMemory();
  other.firmware.add(madt());
  other.write();
  EXPECT_TRUE(other.made.error() == Error::kNotFound);
  EXPECT_TRUE(other.notes.mentions("ACPI: no FACP"));
}

TEST(FirmwareTables, TablesThatAreCutOffAreCompletedByWhatIsNotStated) {
  Machine machine;
  machine.firmware = test::FirmwareMemory();
  machine.firmware.add(AcpiTable("FACP", 6).fill_to(116));
  machine.firmware.add(madt());
  machine.firmware.add(AcpiTable("GTDT", 3).fill_to(44));
  const Pa dsdt = machine.firmware.add(AcpiTable("DSDT", 2));
  machine.show_firmware();
  const ReadBack made(machine);
  ASSERT_EQ(made.table("FACP").size(), 148u);
  EXPECT_EQ(made.table("FACP").u32(112), 1u << 20);
  EXPECT_EQ(made.table("FACP").u16(129), 3u);
  EXPECT_EQ(made.table("FACP").u64(140), dsdt.value());
  ASSERT_EQ(made.table("GTDT").size(), 104u);
  EXPECT_EQ(made.table("GTDT").u32(64), machine.plan.timer.virt.value());
  EXPECT_EQ(made.table("GTDT").u32(88), 0u);
}

TEST(FirmwareTables, AVcpuOfACpuThatTheTableDoesNotKnowIsOneWithoutANumber) {
  Machine machine;
  machine.platform.cpus[0].mpidr = 0x7700;
  const Fields table = ReadBack(machine).table("APIC");
  EXPECT_EQ(table.u8(44), 0x0b);
  EXPECT_EQ(table.u8(45), 76);
  EXPECT_EQ(table.u32(44 + 8), 0xffff'ffffu);
  EXPECT_EQ(table.u32(44 + 12), 1u);
  EXPECT_EQ(table.u64(44 + 68), 0u);
}

TEST(FirmwareTables, AStructureThatEndsNowhereEndsTheWalk) {
  Machine machine;
  machine.firmware = test::FirmwareMemory();
  machine.firmware.add(AcpiTable("FACP", 6).fill_to(276));
  machine.firmware.add(AcpiTable("APIC", 5).u32(0).u32(0).u8(0x0b).u8(0));
  machine.firmware.add(gtdt());
  EXPECT_EQ(ReadBack(machine).table("APIC").size(), 44 + 76 + 76 + 24 + 16u);
}

}  // namespace
}  // namespace socle::hwdom
