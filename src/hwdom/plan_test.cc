// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan.h"

#include "base/test.h"
#include "policy/policy.h"

#include "test/support/virt_machine.h"

namespace socle::hwdom {
namespace {

using test::kHeapEnd;
using test::kImageBegin;
using test::Planned;
using test::TreeBuilder;
using test::VirtMachine;

MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Pa(begin).frame(), Pa(end).frame());
}

// --- memory ---

TEST(Plan, GivesAllRamThatSocleDoesNotKeep) {
  Planned p(VirtMachine{});
  ASSERT_TRUE(p.ok());
  ASSERT_EQ(p.plan().ram.size(), 2u);
  EXPECT_EQ(p.plan().ram[0], frames(0x4000'0000, kImageBegin));
  EXPECT_EQ(p.plan().ram[1], frames(kHeapEnd, 0xc000'0000));
  EXPECT_EQ(p.plan().ram_bytes, 2 * kGiB - (kHeapEnd - kImageBegin));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, MapsRamAsMemoryAndOneToOne) {
  Planned p(VirtMachine{});
  ASSERT_TRUE(p.ok());
  const Mapping* ram = p.at(0x8000'0000);
  ASSERT_TRUE(ram != nullptr);
  EXPECT_EQ(ram->machine.value(), ram->first.value());
  EXPECT_TRUE(ram->attributes == policy::domain_ram());
  EXPECT_TRUE(p.at(kImageBegin) == nullptr);
  EXPECT_TRUE(p.at(kHeapEnd - kFrameSize) == nullptr);
}

TEST(Plan, TakesOneAlignedBankForDom0Memory) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=1G";
  machine.ram = {{0x4000'0000, 4 * kGiB}};
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  ASSERT_EQ(p.plan().ram.size(), 1u);
  EXPECT_EQ(p.plan().ram[0], frames(0x8000'0000, 0xc000'0000));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, TakesTheFirstBankBelowFourGiB) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=6G";
  machine.ram = {{0x8000'0000, 2 * kGiB}, {0x8'8000'0000, 14 * kGiB}};
  PlanInput input;
  const KeptMemory kept[] = {{"image", PaRange(Pa(0x8000'0000), Pa(0x8100'0000))}};
  input.kept = kept;
  Planned p(machine, input);
  ASSERT_TRUE(p.ok());
  ASSERT_EQ(p.plan().ram.size(), 2u);
  EXPECT_EQ(p.plan().ram[0], frames(0x8100'0000, 0x1'0000'0000));
  EXPECT_EQ(p.plan().ram[1].begin(), Pa(0x8'8000'0000).frame());
  EXPECT_EQ(p.plan().ram_bytes, 6 * kGiB);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, WarnsWhenThereIsNoRamBelowFourGiB) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=2G";
  machine.ram = {{0x80'0000'0000, 8 * kGiB}};
  PlanInput input;
  const KeptMemory kept[] = {{"image", PaRange(Pa(0x80'0000'0000), Pa(0x80'0100'0000))}};
  input.kept = kept;
  Planned p(machine, input);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.said("no free RAM below 4 GiB"));
  EXPECT_EQ(p.plan().ram[0], frames(0x80'4000'0000, 0x80'c000'0000));
}

TEST(Plan, RefusesDom0MemoryThatIsTooLarge) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=2G";
  Planned p(machine);
  ASSERT_FALSE(p.ok());
  EXPECT_EQ(p.result.error(), Error::kTooLarge);
  EXPECT_TRUE(
      p.said("dom0_mem: 2048 MiB asked for, 2030 MiB of the machine's 2048 MiB can be given"));
}

TEST(Plan, RefusesDom0MemoryOfLessThanAPage) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=1";  // KiB, as in Xen
  Planned p(machine);
  ASSERT_FALSE(p.ok());
  EXPECT_TRUE(p.said("dom0_mem: less than a page"));
}

TEST(Plan, MinimumAndMaximumBoundDom0Memory) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=max:512M";
  EXPECT_EQ(Planned(machine).plan().ram_bytes, 512 * kMiB);
  machine.command_line = "dom0_mem=256M,min:384M";
  EXPECT_EQ(Planned(machine).plan().ram_bytes, 384 * kMiB);
  machine.command_line = "dom0_mem=min:384M";
  EXPECT_EQ(Planned(machine).plan().ram_bytes, 2 * kGiB - (kHeapEnd - kImageBegin));
}

TEST(Plan, RefusesRamBeyondTheAddressSpace) {
  VirtMachine machine;
  machine.ram = {{0x4000'0000, kGiB}, {kTiB, kGiB}};
  Planned p(machine);
  EXPECT_EQ(p.result.error(), Error::kOutOfRange);
  EXPECT_TRUE(p.said("beyond the CPUs' 40 address bits"));
}

TEST(Plan, ReservedMemoryComesOnTopOfDom0Memory) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=512M";
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("cma@60000000").wide("reg", {0x6000'0000, 0x100'0000}).flag("reusable").end();
    b.begin("fw@b0000000").wide("reg", {0xb000'0000, 0x10'0000}).flag("no-map").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p.plan().ram_bytes, 512 * kMiB);
  EXPECT_FALSE(p.plan().ram[0].overlaps(frames(0x6000'0000, 0x6100'0000)));
  EXPECT_TRUE(p.at(0x6000'0000)->attributes == policy::reserved_memory(false));
  EXPECT_TRUE(p.at(0xb000'0000)->attributes == policy::reserved_memory(true));
  ASSERT_EQ(p.plan().reserved_ram.size(), 1u);
  EXPECT_EQ(p.plan().reserved_ram[0], frames(0x6000'0000, 0x6100'0000));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, ReservedMemoryOutsideRamIsMappedForItsDevice) {
  VirtMachine machine;
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("dsp@20000000").wide("reg", {0x3f80'0000, 0x10'0000}).flag("no-map").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x3f80'0000)->attributes == policy::reserved_memory(true));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, ReservedMemoryThatSocleSitsInIsNotMapped) {
  VirtMachine machine;
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("fw@40000000").wide("reg", {0x4000'0000, 0x200'0000}).flag("no-map").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.said("Socle's image at [0x40200000, 0x40400000) lies in memory that the tree"));
  EXPECT_TRUE(p.at(kImageBegin) == nullptr);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, FrameBuffersAreKnownHoweverTheTreeDescribesThem) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=512M";
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("splash@b0000000").text("compatible", "framebuffer");
    b.wide("reg", {0xb000'0000, 0x80'0000}).flag("no-map").end();
    b.begin("pixels@b1000000").wide("reg", {0xb100'0000, 0x80'0000}).cells("phandle", {0x77}).end();
    b.begin("dsp@b2000000").wide("reg", {0xb200'0000, 0x80'0000}).end();
  };
  machine.in_chosen = [](TreeBuilder& b) {
    b.flag("ranges");
    b.begin("framebuffer@b1000000").text("compatible", "simple-framebuffer");
    b.cells("memory-region", {0x77}).end();
    b.begin("framebuffer@b3000000").text("compatible", "simple-framebuffer");
    b.wide("reg", {0xb300'0000, 0x80'0000}).end();
  };
  machine.more = [](TreeBuilder& b) {
    b.begin("framebuffer@c000000").text("compatible", "simple-framebuffer");
    b.wide("reg", {0xc00'0000, 0x10'0000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  for (const std::uint64_t at : {0xb000'0000u, 0xb100'0000u, 0xb300'0000u, 0xc00'0000u}) {
    ASSERT_TRUE(p.at(at) != nullptr);
    EXPECT_TRUE(p.at(at)->attributes == policy::frame_buffer(policy::DomainKind::kHardware));
  }
  EXPECT_TRUE(p.at(0xb200'0000)->attributes == policy::reserved_memory(false));
  // In RAM or not, nobody asks for it with another type unless it is a device's.
  for (const MfnRange& range : p.plan().permitted)
    EXPECT_FALSE(range.overlaps(frames(0xb000'0000, 0xb400'0000)));
  EXPECT_TRUE(p.is_consistent());
}

// --- devices ---

TEST(Plan, MergesTheDevicesPagesIntoRanges) {
  Planned p(VirtMachine{});
  ASSERT_TRUE(p.ok());
  // Eight devices of 0x200 bytes in one page.
  const Mapping* virtio = p.at(0xa00'0000);
  ASSERT_TRUE(virtio != nullptr);
  EXPECT_EQ(virtio->count, FrameCount(1));
  EXPECT_EQ(virtio->source, p.node("/virtio_mmio@a000000"));
  // The PCI bridge's I/O and memory windows touch.
  EXPECT_EQ(p.at(0x1000'0000)->count, FrameCount(0x2f00'0000 >> 12));
  EXPECT_TRUE(p.at(0x1000'0000)->attributes.reason() == Reason::kPciWindow);
}

TEST(Plan, KeepsConsoleGicAndIommusForSocle) {
  VirtMachine machine;
  machine.with_smmu = true;
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  for (const int kept : {0x800'0000, 0x808'0000, 0x80a'0000, 0x900'0000, 0x905'0000})
    EXPECT_TRUE(p.at(static_cast<unsigned>(kept)) == nullptr);
  EXPECT_TRUE(p.at(0x901'0000) != nullptr);
  EXPECT_FALSE(p.routes(33));
  EXPECT_FALSE(p.routes(106));
  EXPECT_TRUE(p.routes(34));
  EXPECT_TRUE(p.said("1 IOMMUs (/smmuv3@9050000, SMMUv3, ...) are hidden"));
}

TEST(Plan, AConsoleThatSocleCannotDriveIsTheDomains) {
  VirtMachine machine;
  machine.command_line = "dtuart=/serial@9040000";
  machine.more = [](TreeBuilder& b) {
    b.begin("serial@9040000").text("compatible", "ns16550a").wide("reg", {0x904'0000, 0x1000});
    b.cells("interrupts", {0, 40, 4}).end();
  };
  for (const char* more : {"", " console=none dtuart=/pl011@9000000"}) {
    machine.command_line += more;
    Planned p(machine);
    ASSERT_TRUE(p.ok());
    for (const std::uint64_t port : {0x900'0000u, 0x904'0000u}) {
      ASSERT_TRUE(p.at(port) != nullptr);
      EXPECT_TRUE(p.at(port)->attributes.reason() == Reason::kDeviceRegisters);
    }
    EXPECT_TRUE(p.routes(33));
    EXPECT_TRUE(p.routes(72));
    EXPECT_TRUE(p.is_consistent());
  }
}

bool permits(const Planned& p, std::uint64_t address) {
  for (const MfnRange& range : p.plan().permitted)
    if (range.contains(Pa(address).frame())) return true;
  return false;
}

// A boot loader's tree may name no port, and Socle takes one.
TEST(Plan, APortInUseIsSoclesWhateverNamesIt) {
  VirtMachine machine;
  machine.with_console = false;
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x900'0000) == nullptr);
  EXPECT_FALSE(p.routes(33));
  const platform::Console unnamed =
      platform::console_in_use(*p.machine, PaRange(Pa(0xe00'0000), Pa(0xe00'1000)));
  p.input.console = &unnamed;
  p.options.mmio_fault = fw::MmioFault::kMap;
  p.result = plan(p.input, p.arena, p.notes);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(permits(p, 0xe00'0000));
  EXPECT_TRUE(permits(p, 0xe00'1000));
  EXPECT_TRUE(p.at(0x900'0000) != nullptr);
  EXPECT_EQ(p.plan().kept_devices.back().name, "console");
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, AnIommuIsPassedThroughOnRequest) {
  for (const char* name : {"all", "arm,smmu-v3", "/smmuv3@9050000"}) {
    VirtMachine machine;
    machine.with_smmu = true;
    machine.command_line = std::string("iommu-passthrough=") + name;
    Planned p(machine);
    ASSERT_TRUE(p.ok());
    ASSERT_TRUE(p.at(0x905'0000) != nullptr);
    EXPECT_TRUE(p.at(0x905'0000)->attributes.reason() == Reason::kDeviceRegisters);
    EXPECT_TRUE(p.routes(106));
    EXPECT_TRUE(p.said("/smmuv3@9050000 (SMMUv3) is passed through: dom0 decides"));
    EXPECT_TRUE(p.said("Linux 6.1 needs iommu.passthrough=1"));
    EXPECT_FALSE(p.said("are hidden"));
    EXPECT_TRUE(p.is_consistent());
  }
}

TEST(Plan, ARequestThatNoIommuMeetsIsReported) {
  VirtMachine machine;
  machine.with_smmu = true;
  // The console exists, and is no IOMMU.
  machine.command_line = "iommu-passthrough=/pl011@9000000 iommu-passthrough=arm,mmu-500";
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x905'0000) == nullptr);
  EXPECT_TRUE(p.at(0x900'0000) == nullptr);
  EXPECT_TRUE(p.said("iommu-passthrough=/pl011@9000000: no IOMMU of this path or compatible"));
  EXPECT_TRUE(p.said("iommu-passthrough=arm,mmu-500: no IOMMU"));
  EXPECT_TRUE(p.said("1 IOMMUs (/smmuv3@9050000, SMMUv3, ...) are hidden"));
}

TEST(Plan, OnChipSramIsMemoryAndItsPoolsAreNotLookedAt) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("sram@c000000").text("compatible", "mmio-sram").wide("reg", {0xc00'0000, 0x1'0000});
    b.cells("#address-cells", {1}).cells("#size-cells", {1});
    b.cells("ranges", {0, 0, 0xc00'0000, 0x1'0000});
    b.begin("pool@0").cells("reg", {0x0, 0x1000}).end().end();
    b.begin("sram@c100000").text("compatible", "mmio-sram").wide("reg", {0xc10'0000, 0x1000});
    b.flag("no-memory-wc").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  const Mapping* sram = p.at(0xc00'0000);
  EXPECT_EQ(sram->count, FrameCount(16));
  EXPECT_TRUE(sram->attributes.reason() == Reason::kOnChipSram);
  EXPECT_TRUE(sram->attributes.permissions() == policy::kReadWriteExecute);
  EXPECT_TRUE(p.at(0xc10'0000)->attributes.type() == MemoryType::kDeviceNGnRE);
  EXPECT_FALSE(p.at(0xc10'0000)->attributes.permissions().execute);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, PassthroughNodesAreNotTheDomains) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("eth@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("interrupts", {0, 90, 4});
    b.flag("xen,passthrough").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0xc00'0000) == nullptr);
  EXPECT_FALSE(p.routes(122));
}

TEST(Plan, NodesThatUsePrivateInterruptsAreLeftOut) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("thing@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("interrupts", {1, 0, 4}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  const NodeDecision decision = p.plan().nodes[index_of(p.node("/thing@c000000"))];
  EXPECT_TRUE(decision.action == NodeAction::kDrop);
  EXPECT_TRUE(decision.reason == NodeReason::kPrivateInterrupt);
  // Its interrupt is in use on the host all the same: event channels take the next.
  EXPECT_EQ(p.plan().event_channel_ppi, IntId(17));
}

// --- CPUs, GIC, interrupts ---

TEST(Plan, GivesVcpusTheirNumbersInClustersOfSixteen) {
  VirtMachine machine;
  machine.cpus = 20;
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  ASSERT_EQ(p.plan().vcpus.size(), 20u);
  EXPECT_EQ(p.plan().vcpus[15].vmpidr, 0xfu);
  EXPECT_EQ(p.plan().vcpus[16].vmpidr, 0x100u);
  EXPECT_EQ(p.plan().event_channel_ppi, IntId(16));
}

TEST(Plan, OptionsLimitTheVcpus) {
  VirtMachine machine;
  machine.cpus = 8;
  machine.command_line = "dom0_max_vcpus=3";
  EXPECT_EQ(Planned(machine).plan().vcpus.size(), 3u);
  machine.command_line = "maxcpus=2 dom0_max_vcpus=5";
  Planned both(machine);
  EXPECT_EQ(both.plan().vcpus.size(), 2u);
  EXPECT_TRUE(both.said("dom0_max_vcpus=5: there are only 2 CPUs"));
}

TEST(Plan, RefusesAMachineWithoutAGic) {
  VirtMachine machine;
  machine.with_gic = false;
  Planned p(machine);
  EXPECT_EQ(p.result.error(), Error::kNotFound);
  EXPECT_TRUE(p.said("no interrupt controller that Socle knows"));
}

TEST(Plan, RefusesAGicBeyondTheAddressSpace) {
  PlanInput input;
  input.ipa_bits = 27;
  Planned p(VirtMachine{}, input);
  EXPECT_EQ(p.result.error(), Error::kOutOfRange);
  EXPECT_TRUE(p.said("/intc@8000000: reg: beyond the CPUs' 27 address bits"));
}

TEST(Plan, RefusesRedistributorsWithoutRoom) {
  VirtMachine machine;
  machine.cpus = 4;
  machine.redistributors_size = 3 * 0x2'0000;
  Planned p(machine);
  EXPECT_EQ(p.result.error(), Error::kCorrupt);
  EXPECT_TRUE(p.said("/intc@8000000: reg: the redistributor regions have no room for 1 of 4"));
}

TEST(Plan, MapsTheVirtualCpuInterfaceOfAGicV2) {
  VirtMachine machine;
  machine.gic_v2 = true;
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  const Mapping* interface = p.at(0x801'0000);
  ASSERT_TRUE(interface != nullptr);
  EXPECT_EQ(Pa(interface->machine), Pa(0x804'0000));
  EXPECT_TRUE(interface->attributes.type() == MemoryType::kDeviceNGnRE);
  EXPECT_TRUE(p.at(0x804'0000) == nullptr);
  EXPECT_TRUE(p.at(0x800'0000) == nullptr);
  // The MSI frame is the domain's, and as strict as the rest of the GIC.
  ASSERT_TRUE(p.at(0x802'0000) != nullptr);
  EXPECT_TRUE(p.at(0x802'0000)->attributes == policy::interrupt_controller());
  EXPECT_TRUE(p.is_consistent());
}

// It is the one mapping that is not 1:1, so nothing else would notice.
TEST(Plan, AVirtualCpuInterfaceThatIsSomethingElseTooIsRefused) {
  for (const std::uint64_t at :
       {kImageBegin, kHeapEnd - 0x1000, std::uint64_t{0x800'0000}, std::uint64_t{0x803'0000},
        std::uint64_t{0x801'0000}, std::uint64_t{0x8ff'f000}}) {
    VirtMachine machine;
    machine.gic_v2 = true;
    machine.virtual_interface = at;
    Planned p(machine);
    EXPECT_FALSE(p.ok());
    EXPECT_TRUE(p.said("/intc@8000000: reg: the virtual CPU interface at"));
  }
}

TEST(Plan, AnInterruptSharedWithTheConsoleStaysSocles) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("dev@c000000").wide("reg", {0xc00'0000, 0x1000});
    b.cells("interrupts", {0, 1, 4, 0, 91, 4}).end();
    b.begin("twin@c001000").wide("reg", {0xc00'1000, 0x1000}).cells("interrupts", {0, 91, 4}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.routes(33));
  EXPECT_TRUE(p.said("/dev@c000000: interrupts: 33 is the console's too"));
  EXPECT_TRUE(p.routes(123));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, AnOpaqueControllerMakesAllSpisTheDomains) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("pdc@b220000").flag("interrupt-controller").cells("#interrupt-cells", {2});
    b.wide("reg", {0xb22'0000, 0x1'0000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p.plan().all_spis_because_of, p.node("/pdc@b220000"));
  EXPECT_EQ(Planned(VirtMachine{}).plan().all_spis_because_of, fw::dt::kNoNode);
}

// --- free guest addresses ---

TEST(Plan, TheGrantWindowStandsWhereSocleIs) {
  Planned p(VirtMachine{});
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p.plan().grant_table_window,
            GfnRange(Ipa(kImageBegin).frame(), Ipa(kImageBegin).frame() + FrameCount(64)));
}

TEST(Plan, ExtendedRegionsUseForeignRamBeforeHoles) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=512M";
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  bool has_foreign_ram = false;
  for (const GfnRange& region : p.plan().extended_regions) {
    EXPECT_TRUE(region.begin().is_aligned(kOrder2M));
    has_foreign_ram = has_foreign_ram || region.contains(Ipa(0xb000'0000).frame()) ||
                      region.contains(Ipa(0x5000'0000).frame());
  }
  EXPECT_TRUE(has_foreign_ram);
  EXPECT_TRUE(p.is_consistent());
}

// --- what may be mapped later ---

TEST(Plan, PermitsItsDeviceMappingsAndNothingElse) {
  for (const char* line : {"", "mmio-fault=deny", "mmio-fault=log"}) {
    VirtMachine machine;
    machine.command_line = line;
    Planned p(machine);
    ASSERT_TRUE(p.ok());
    EXPECT_TRUE(permits(p, 0x901'0000));   // the clock
    EXPECT_TRUE(permits(p, 0xa00'0000));   // virtio
    EXPECT_FALSE(permits(p, 0xa00'1000));  // behind it
    EXPECT_FALSE(permits(p, 0x900'0000));  // the console
    EXPECT_FALSE(permits(p, 0x4000'0000));
    EXPECT_TRUE(p.is_consistent());
  }
}

TEST(Plan, MmioFaultMapPermitsAllThatMayBeADevice) {
  VirtMachine machine;
  machine.command_line = "mmio-fault=map";
  machine.with_smmu = true;
  machine.redistributors_size = 0x4'0000;
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.plan().mmio_fault == fw::MmioFault::kMap);
  EXPECT_TRUE(permits(p, 0));
  EXPECT_TRUE(permits(p, 0xa00'1000));
  EXPECT_TRUE(permits(p, 0xff'ffff'f000));  // the last page of 40 bits
  EXPECT_FALSE(permits(p, 0x100'0000'0000));
  // Each end of the GIC, the SMMU and RAM, exactly; behind RAM is where grants go.
  constexpr std::pair<std::uint64_t, std::uint64_t> kDenied[] = {{0x800'0000, 0x801'0000},
                                                                 {0x808'0000, 0x80e'0000},
                                                                 {0x905'0000, 0x907'0000},
                                                                 {0x4000'0000, 0xc000'0000}};
  for (const auto& [begin, end] : kDenied) {
    EXPECT_TRUE(permits(p, begin - 1));
    EXPECT_FALSE(permits(p, begin));
    EXPECT_FALSE(permits(p, end - 1));
    EXPECT_TRUE(permits(p, end) == (end != 0xc000'0000));
  }
  EXPECT_FALSE(permits(p, 0x900'0000));
  EXPECT_TRUE(permits(p, 0x900'1000));
  for (const GfnRange& region : p.plan().extended_regions)
    EXPECT_FALSE(permits(p, Ipa(region.begin()).value()));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, MmioFaultMapLeavesRamOfOthersAndReservedMemoryAlone) {
  VirtMachine machine;
  machine.command_line = "mmio-fault=map dom0_mem=512M";
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("sram@2f000000").wide("reg", {0x2f00'0000, 0x1'0000}).flag("no-map").end();
    b.begin("secure@50000000").wide("reg", {0x5000'0000, 0x1'0000}).flag("no-map").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  for (std::uint64_t at = 0x4000'0000; at < 0xc000'0000; at += 0x8000)
    EXPECT_FALSE(permits(p, at));
  EXPECT_FALSE(permits(p, 0x2f00'0000));
  EXPECT_TRUE(permits(p, 0x2f01'0000));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Plan, MmioFaultMapLeavesADisabledDeviceThatIsAnothersAlone) {
  VirtMachine machine;
  machine.command_line = "mmio-fault=map";
  machine.more = [](TreeBuilder& b) {
    b.begin("iommu@b000000").cells("#iommu-cells", {1}).wide("reg", {0xb00'0000, 0x1000});
    b.text("compatible", "arm,smmu-v3").text("status", "disabled").end();
    b.begin("nic@b001000").text("compatible", "acme,nic").wide("reg", {0xb00'1000, 0x1000});
    b.flag("xen,passthrough").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(permits(p, 0xb00'0000));
  EXPECT_FALSE(permits(p, 0xb00'1000));
  EXPECT_TRUE(permits(p, 0xb00'2000));
  EXPECT_TRUE(p.is_consistent());
}

}  // namespace
}  // namespace socle::hwdom
