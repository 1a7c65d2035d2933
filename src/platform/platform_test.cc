// SPDX-License-Identifier: Apache-2.0
#include "platform/platform.h"

#include "base/test.h"
#include "platform/requirements.h"

#include "test/support/virt_machine.h"

namespace socle::platform {
namespace {

using test::Opened;
using test::TreeBuilder;
using test::VirtMachine;

PaRange bytes(std::uint64_t begin, std::uint64_t size) {
  return PaRange(Pa(begin), Pa(begin + size));
}

// A machine, read.
struct Machine : Opened {
  explicit Machine(TreeBuilder& b, ReadOptions options = {}) : Opened(b) { read_it(options); }
  explicit Machine(const VirtMachine& virt, ReadOptions options = {})
      : Machine(*written(virt), options) {}
  const Platform* operator->() const { return *platform; }
  const Device* device(std::string_view path) const { return (*platform)->device(node(path).id()); }

  Result<const Platform*> platform = fail(Error::kNotFound);

 private:
  static std::unique_ptr<TreeBuilder> written(const VirtMachine& virt) {
    auto b = std::make_unique<TreeBuilder>();
    virt.write(*b);
    return b;
  }
  void read_it(const ReadOptions& options) {
    if (result) platform = read(tree(), options, arena, notes);
  }
};

TEST(Platform, KnowsTheCpusAndPutsTheBootCpuFirst) {
  VirtMachine virt;
  virt.cpus = 10;
  const Machine m(virt, {.boot_mpidr = 0x8000'0101});
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->cpus.size(), 10u);
  EXPECT_EQ(m->cpus[0].mpidr, 0x101u);
  EXPECT_EQ(m->cpus[1].mpidr, 0x0u);
  EXPECT_EQ(m->cpus[9].mpidr, 0x100u);
  EXPECT_TRUE(m->cpus[0].enable_method == Cpu::EnableMethod::kPsci);
}

TEST(Platform, RefusesATreeWithoutTheCpuThatRuns) {
  const Machine m(VirtMachine{}, {.boot_mpidr = 0x77});
  EXPECT_FALSE(m.platform.has_value());
  EXPECT_TRUE(m.said("/cpus: none of them is the one that runs (0x77)"));
}

TEST(Platform, CountsTheCpusThatItCannotHold) {
  VirtMachine virt;
  virt.cpus = kMaxCpus + 3;
  const Machine m(virt, {.boot_mpidr = 0x1001});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->cpus.size(), kMaxCpus);
  EXPECT_EQ(m->cpus[0].mpidr, 0x1001u);
  EXPECT_EQ(m->cpus_left_out, 3u);
}

TEST(Platform, MergesRamThatTouchesAndWarnsOfRamNamedTwice) {
  VirtMachine virt;
  virt.ram = {{0x8000'0000, kGiB}, {0x4000'0000, kGiB}, {0xa000'0000, kGiB}, {0x2'0000'0000, kGiB}};
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->ram.size(), 2u);
  EXPECT_EQ(m->ram[0].range, bytes(0x4000'0000, 0xa000'0000));
  EXPECT_EQ(m->ram[1].range, bytes(0x2'0000'0000, kGiB));
  EXPECT_EQ(m->ram_bytes(), 0xa000'0000 + kGiB);
  EXPECT_TRUE(m.said("is named twice"));
}

TEST(Platform, RamIsWholeFrames) {
  VirtMachine virt;
  virt.ram = {{0x4000'0800, 0x2000}};
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->ram[0].range, bytes(0x4000'1000, 0x1000));
}

TEST(Platform, RefusesATreeWithoutRam) {
  VirtMachine virt;
  virt.ram = {{0x4000'0000, 0}};
  const Machine m(virt);
  EXPECT_EQ(m.platform.error(), Error::kNotFound);
  EXPECT_TRUE(m.said("no RAM"));
}

TEST(Platform, CollectsWhatIsReserved) {
  VirtMachine virt;
  virt.reservations = {{0x4800'0000, 0x1'0000}};
  virt.in_reserved = [](TreeBuilder& b) {
    b.begin("fw@42000000").wide("reg", {0x4200'0000, 0x10'0000}).flag("no-map").end();
    b.begin("cma").wide("size", {0x400'0000}).wide("alignment", {0x20'0000}).flag("reusable");
    b.wide("alloc-ranges", {0x4000'0000, 0x4000'0000}).end();
    b.begin("off").wide("reg", {0x4300'0000, 0x1000}).text("status", "disabled").end();
  };
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m->reserved.size(), 2u);
  EXPECT_TRUE(m->reserved[0].no_map);
  EXPECT_EQ(m->reserved[0].range, bytes(0x4200'0000, 0x10'0000));
  EXPECT_TRUE(m->reserved[1].origin == ReservedRange::Origin::kMemoryReservation);
  ASSERT_EQ(m->dynamic_reservations.size(), 1u);
  EXPECT_EQ(m->dynamic_reservations[0].size, 0x400'0000u);
  EXPECT_EQ(m->dynamic_reservations[0].allowed[0], bytes(0x4000'0000, 0x4000'0000));
}

TEST(Platform, ReadsAGicV3) {
  const Machine m(VirtMachine{});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m->gic.version == Gic::Version::kV3);
  EXPECT_EQ(m->gic.distributor, bytes(0x800'0000, 0x1'0000));
  ASSERT_EQ(m->gic.redistributors.size(), 1u);
  EXPECT_EQ(m->gic.redistributors[0], bytes(0x80a'0000, 0xf6'0000));
  ASSERT_EQ(m->gic.its.size(), 1u);
  EXPECT_EQ(m->gic.its[0].range, bytes(0x808'0000, 0x2'0000));
  EXPECT_EQ(m->gic.maintenance->id, IntId(25));
}

TEST(Platform, ReadsAGicV3WithSeveralRegionsAndOldInterfaces) {
  TreeBuilder b;
  b.cells("#address-cells", {1}).cells("#size-cells", {1}).cells("interrupt-parent", {1});
  b.begin("cpus").cells("#address-cells", {1}).cells("#size-cells", {0});
  b.begin("cpu@0").text("device_type", "cpu").cells("reg", {0}).end().end();
  b.begin("memory@0").text("device_type", "memory").cells("reg", {0, 0x1000'0000}).end();
  b.begin("gic").text("compatible", "arm,gic-v3").flag("interrupt-controller");
  b.cells("#interrupt-cells", {4}).cells("phandle", {1}).cells("#redistributor-regions", {2});
  b.cells("redistributor-stride", {0, 0x4'0000});
  b.cells("reg", {0x2f00'0000, 0x1'0000, 0x2f10'0000, 0x20'0000, 0x2f40'0000, 0x20'0000,  //
                  0x2c00'0000, 0x2000, 0x2c01'0000, 0x2000, 0x2c02'0000, 0x2000});
  b.end();
  const Machine m(b);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->gic.redistributors.size(), 2u);
  EXPECT_EQ(m->gic.redistributors[1], bytes(0x2f40'0000, 0x20'0000));
  EXPECT_EQ(m->gic.redistributor_stride, 0x4'0000u);
  EXPECT_EQ(m->gic.virtual_interface, bytes(0x2c02'0000, 0x2000));
  EXPECT_EQ(m->gic.interrupt_cells, 4u);
}

TEST(Platform, ReadsAGicV2WithItsVirtualInterface) {
  VirtMachine virt;
  virt.gic_v2 = true;
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m->gic.version == Gic::Version::kV2);
  EXPECT_EQ(m->gic.cpu_interface, bytes(0x801'0000, 0x2000));
  EXPECT_EQ(m->gic.virtual_interface, bytes(0x804'0000, 0x2000));
}

TEST(Platform, AGicV2HasToVirtualiseAndToDeactivateSeparately) {
  VirtMachine virt;
  virt.gic_v2 = true;
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  platform::Platform changed = *m.operator->();
  EXPECT_FALSE(find_missing(changed).has_value());
  changed.gic.cpu_interface = bytes(0x801'0000, 0x1000);
  EXPECT_TRUE(find_missing(changed).has_value());
  changed = *m.operator->();
  changed.gic.hypervisor_interface = {};
  EXPECT_TRUE(find_missing(changed).has_value());
}

TEST(Platform, PsciStartsAllCpusButTheFirst) {
  const Machine m(VirtMachine{});
  ASSERT_TRUE(m.platform.has_value());
  platform::Platform changed = *m.operator->();
  EXPECT_TRUE(can_start(changed, 0));
  EXPECT_TRUE(can_start(changed, 1));
  changed.cpus[0].enable_method = changed.cpus[1].enable_method = Cpu::EnableMethod::kSpinTable;
  EXPECT_TRUE(can_start(changed, 0));
  EXPECT_FALSE(can_start(changed, 1));
  changed = *m.operator->();
  changed.psci.conduit = Psci::Conduit::kNone;
  EXPECT_TRUE(can_start(changed, 0));
  EXPECT_FALSE(can_start(changed, 1));
}

TEST(Platform, ReadsTimerInterruptsByOrderAndByName) {
  const Machine m(VirtMachine{});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->timer.secure_physical->id, IntId(29));
  EXPECT_EQ(m->timer.virt->id, IntId(27));
  EXPECT_EQ(m->timer.hypervisor->id, IntId(26));
  EXPECT_FALSE(m->timer.hypervisor_virtual.has_value());

  TreeBuilder b;
  b.cells("#address-cells", {1}).cells("#size-cells", {1}).cells("interrupt-parent", {1});
  b.begin("cpus").cells("#address-cells", {1}).cells("#size-cells", {0});
  b.begin("cpu@0").text("device_type", "cpu").cells("reg", {0}).end().end();
  b.begin("memory@0").text("device_type", "memory").cells("reg", {0, 0x1000'0000}).end();
  b.begin("gic").text("compatible", "arm,gic-v3").flag("interrupt-controller");
  b.cells("#interrupt-cells", {3})
      .cells("phandle", {1})
      .cells("reg", {0x1000'0000, 0x1'0000})
      .end();
  b.begin("timer").text("compatible", "arm,armv8-timer");
  b.texts("interrupt-names", {"phys", "virt", "hyp-phys", "hyp-virt"});
  b.cells("interrupts", {1, 14, 4, 1, 11, 4, 1, 10, 4, 1, 12, 4}).end();
  const Machine named(b);
  ASSERT_TRUE(named.platform.has_value());
  EXPECT_FALSE(named->timer.secure_physical.has_value());
  EXPECT_EQ(named->timer.physical->id, IntId(30));
  EXPECT_EQ(named->timer.hypervisor_virtual->id, IntId(28));
}

TEST(Platform, ReadsPsci) {
  const Machine m(VirtMachine{});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_TRUE(m->psci.conduit == Psci::Conduit::kSmc);
  EXPECT_TRUE(m->psci.version == Psci::Version::k1_0);
}

TEST(Platform, TheConsoleIsWhatStdoutPathNames) {
  const Machine m(VirtMachine{});
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_TRUE(m->console.has_value());
  EXPECT_EQ(m->console->registers, bytes(0x900'0000, 0x1000));
  EXPECT_EQ(m->console->options, "115200n8");
  EXPECT_EQ(m->console->interrupt->id, IntId(33));
  EXPECT_EQ(m->console->clock_hz, 24'000'000u);
  EXPECT_EQ(m->console->compatibles[0], "arm,pl011");
}

TEST(Platform, DtuartComesBeforeStdoutPath) {
  VirtMachine virt;
  virt.more = [](TreeBuilder& b) {
    b.begin("serial@9040000").text("compatible", "ns16550a").wide("reg", {0x904'0000, 0x100});
    b.cells("reg-shift", {2}).cells("reg-io-width", {4}).end();
  };
  const Machine m(virt, {.dtuart = "/serial@9040000"});
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m->console->compatibles[0], "ns16550a");
  EXPECT_EQ(m->console->register_shift, 2u);
  EXPECT_EQ(m->console->register_io_width, 4u);
  const Machine by_alias(virt, {.dtuart = "serial0:9600"});
  EXPECT_EQ(by_alias->console->options, "9600");
}

TEST(Platform, APortWithoutADriverIsNotSoclesConsoleAndNoOtherIs) {
  VirtMachine virt;
  virt.more = [](TreeBuilder& b) {
    b.begin("serial@9040000").text("compatible", "ns16550a").wide("reg", {0x904'0000, 0x100}).end();
    b.begin("serial@9050000").text("compatible", "arm,pl011").wide("reg", {0x905'0000, 0x40}).end();
  };
  for (const char* name : {"/serial@9040000", "/serial@9050000"}) {
    Machine m(virt, {.dtuart = name});
    EXPECT_FALSE(choose_console(**m.platform, &m.tree(), m.notes).has_value());
    EXPECT_TRUE(m.said("no driver for the console's port: it is dom0's"));
  }
  Machine known(virt);
  EXPECT_EQ(choose_console(**known.platform, &known.tree(), known.notes)->registers.begin(),
            Pa(0x900'0000));
  // Nothing names one: the first that a driver knows.
  virt.with_console = false;
  Machine unnamed(virt);
  const auto first = choose_console(**unnamed.platform, &unnamed.tree(), unnamed.notes);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->node, unnamed.node("/pl011@9000000").id());
  EXPECT_EQ(first->interrupt->id, IntId(33));
}

TEST(Platform, TheConsoleInUseIsThePortThatBootOpenedWhateverNamedIt) {
  VirtMachine virt;
  virt.more = [](TreeBuilder& b) {
    b.begin("serial@9040000").text("compatible", "arm,pl011").wide("reg", {0x904'0000, 0x1000});
    b.cells("interrupts", {0, 40, 4}).end();
  };
  const Machine m(virt);
  const Console named = console_in_use(**m.platform, bytes(0x900'0000, 0x1000));
  EXPECT_EQ(named.options, "115200n8");
  const Console other = console_in_use(**m.platform, bytes(0x904'0000, 0x1000));
  EXPECT_EQ(other.node, m.node("/serial@9040000").id());
  EXPECT_EQ(other.interrupt->id, IntId(72));
  const Console unknown = console_in_use(**m.platform, bytes(0xe00'0000, 0x1000));
  EXPECT_EQ(unknown.node, fw::dt::kNoNode);
  EXPECT_EQ(unknown.registers, bytes(0xe00'0000, 0x1000));
  EXPECT_FALSE(unknown.interrupt.has_value());
}

TEST(Platform, SaysWhyThereIsNoConsole) {
  VirtMachine without;
  without.with_console = false;
  EXPECT_TRUE(Machine(without).said("names a UART"));
  const Machine m(VirtMachine{}, {.dtuart = "serial7"});
  EXPECT_TRUE(m.said("dtuart= 'serial7' is no node"));
  EXPECT_EQ(m->console->registers.begin(), Pa(0x900'0000));  // stdout-path's, then
  EXPECT_TRUE(Machine(VirtMachine{}, {.dtuart = "/cpus"}).said("/cpus has no registers"));
}

TEST(Platform, ListsDevicesWithWhatTheyHave) {
  VirtMachine virt;
  virt.with_smmu = true;
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  const Device* pci = m.device("/pcie@10000000");
  ASSERT_TRUE(pci != nullptr);
  EXPECT_TRUE(pci->is_pci_host);
  ASSERT_EQ(pci->regions.size(), 3u);
  EXPECT_TRUE(pci->regions[0].kind == Region::Kind::kPciConfiguration);
  EXPECT_TRUE(pci->regions[1].kind == Region::Kind::kPciIo);
  EXPECT_TRUE(pci->regions[2].kind == Region::Kind::kPciMemory);
  ASSERT_EQ(pci->interrupts.size(), 2u);
  EXPECT_EQ(pci->interrupts[1].id, IntId(36));
  ASSERT_EQ(pci->iommu_map.size(), 1u);
  EXPECT_EQ(pci->iommu_map[0].count, 0x1'0000u);
  ASSERT_EQ(m->iommus.size(), 1u);
  EXPECT_TRUE(m->iommus[0].kind == IommuKind::kSmmuV3);
  EXPECT_EQ(pci->iommu_map[0].target, m->iommus[0].node);
  const Device* virtio = m.device("/virtio_mmio@a000200");
  ASSERT_TRUE(virtio != nullptr);
  EXPECT_TRUE(virtio->declares_dma);
  EXPECT_TRUE(virtio->interrupts[0].trigger == Trigger::kEdgeRising);
}

TEST(Platform, FollowsStreamsToTheirIommu) {
  VirtMachine virt;
  virt.with_smmu = true;
  virt.more = [](TreeBuilder& b) {
    b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000});
    b.cells("iommus", {VirtMachine::kSmmu, 0x40, VirtMachine::kSmmu, 0x41}).end();
    b.begin("bad@c001000").wide("reg", {0xc00'1000, 0x1000}).cells("iommus", {0x77, 1}).end();
  };
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  ASSERT_EQ(m.device("/dma@c000000")->iommus.size(), 2u);
  EXPECT_EQ(m.device("/dma@c000000")->iommus[1].cells[0], 0x41u);
  EXPECT_TRUE(m.said("/bad@c001000: iommus: leads to no IOMMU"));
}

TEST(Platform, ControllersInFrontOfTheGicPassItsNumbersOn) {
  VirtMachine virt;
  virt.more = [](TreeBuilder& b) {
    b.begin("sysirq@c000000").flag("interrupt-controller").cells("#interrupt-cells", {3});
    b.cells("phandle", {0x50}).wide("reg", {0xc00'0000, 0x1000}).end();
    b.begin("mailbox@c001000").flag("interrupt-controller").cells("#interrupt-cells", {3});
    b.cells("phandle", {0x51}).wide("reg", {0xc00'1000, 0x1000}).cells("interrupts", {0, 99, 4});
    b.end();
    b.begin("dev@c002000").cells("interrupts-extended", {0x50, 0, 50, 8}).end();
    b.begin("peer@c003000").cells("interrupts-extended", {0x51, 1, 2, 1}).end();
  };
  const Machine m(virt);
  ASSERT_TRUE(m.platform.has_value());
  EXPECT_EQ(m.device("/dev@c002000")->interrupts[0].id, IntId(82));
  EXPECT_TRUE(m->device(m.node("/peer@c003000").id()) == nullptr);
  // It names no interrupt of its own, so others may pass too.
  EXPECT_EQ(m->opaque_interrupt_controller, m.node("/sysirq@c000000").id());
}

TEST(Platform, FindsTheHighestFreeRamBelowALimitIfThereIsSome) {
  const RamBank banks[] = {{.range = bytes(0x4000'0000, kGiB)},
                           {.range = bytes(0x1'0000'0000, kGiB)}};
  const ReservedRange reserved[] = {{.range = bytes(0x7fff'0000, 0x8000)}};
  const PaRange occupied[] = {bytes(0x7fc0'0000, 0x10'0000)};
  const Pa limit(0x1'0000'0000);
  const auto place =
      find_free_ram(banks, reserved, occupied,
                    {.size = 0x40'0000, .alignment = 0x20'0000, .preferred_limit = limit});
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(*place, bytes(0x7f80'0000, 0x40'0000));
  // A machine whose RAM begins above it, or has it in use, still has a place.
  EXPECT_EQ(
      *find_free_ram(banks, reserved, occupied, {.size = 0x4000'0000, .preferred_limit = limit}),
      bytes(0x1'0000'0000, kGiB));
  EXPECT_EQ(
      *find_free_ram(std::span(banks).last(1), {}, {}, {.size = kMiB, .preferred_limit = limit}),
      bytes(0x1'3ff0'0000, kMiB));
  EXPECT_EQ(*find_free_ram(banks, reserved, occupied, {.size = kGiB, .alignment = kGiB}),
            bytes(0x1'0000'0000, kGiB));
  EXPECT_EQ(find_free_ram(banks, reserved, occupied, {.size = 2 * kGiB}).error(), Error::kNotFound);
}

TEST(Platform, ARegionThatNoCpuReachesHidesNoneBehindIt) {
  VirtMachine virt;
  virt.more = [](TreeBuilder& b) {
    b.begin("bus@c000000").text("compatible", "simple-bus").cells("#address-cells", {1});
    b.cells("#size-cells", {1}).cells("ranges", {0, 0, 0xc00'0000, 0x10'0000});
    b.begin("device@0").cells("reg", {0, 0x1000, 0x8000'0000, 0x1000, 0x2000, 0x1000}).end();
    b.end();
  };
  const Machine m(virt);
  const Device* device = m.device("/bus@c000000/device@0");
  ASSERT_NE(device, nullptr);
  ASSERT_EQ(device->regions.size(), 2u);
  EXPECT_EQ(device->regions[1].range, bytes(0xc00'2000, 0x1000));
}

}  // namespace
}  // namespace socle::platform
