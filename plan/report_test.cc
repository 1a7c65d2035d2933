// SPDX-License-Identifier: Apache-2.0
#include "plan/report.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "plan/test_report.h"

namespace socle::plan {
namespace {

using test::TreeBuilder;
using test::VirtMachine;

TEST(PlanReport, AMachineWithAGicV3Boots) {
  const Report report = report_of(VirtMachine{});
  EXPECT_EQ(report.verdict, Verdict::kReady);
  EXPECT_EQ(report.reason, "");
  ASSERT_TRUE(report.domain);
  EXPECT_EQ(report.domain->vcpus, 2u);
  EXPECT_EQ(report.platform->gic, "GICv3");
  EXPECT_EQ(report.platform->psci, "PSCI 1.0 by SMC");
}

TEST(PlanReport, AMachineWithAGicV2Boots) {
  const Report report = report_of(VirtMachine{.gic_v2 = true});
  EXPECT_EQ(report.verdict, Verdict::kReady);
  EXPECT_EQ(report.platform->gic, "GICv2");
  EXPECT_TRUE(report.domain);
}

TEST(PlanReport, PartsOfAGicV2ThatOverlapEndWhereTheNextBegins) {
  TreeBuilder builder;
  VirtMachine{.gic_v2 = true}.write(builder);
  const auto blob = builder.blob();
  std::vector<std::byte> tree(blob.begin(), blob.end());
  const int gic = fdt_path_offset(tree.data(), "/intc@8000000");
  std::vector<std::uint64_t> reg;
  for (const std::uint64_t begin : {0x800'0000U, 0x800'1000U, 0x800'3000U, 0x800'5000U})
    reg.insert(reg.end(), {cpu_to_fdt64(begin), cpu_to_fdt64(0x1'0000)});
  ASSERT_EQ(fdt_setprop_inplace(tree.data(), gic, "reg", reg.data(), 64), 0);
  const Report report = report_of(tree);
  EXPECT_EQ(report.verdict, Verdict::kReady) << report.reason;
  ASSERT_TRUE(report.domain);
  const auto at =
      std::ranges::find(report.domain->mappings, Ipa(0x800'1000),
                        [](const MappingFacts& mapping) { return mapping.guest.begin(); });
  ASSERT_NE(at, report.domain->mappings.end());
  EXPECT_EQ(at->machine, PaRange(Pa(0x800'5000), Pa(0x800'7000)));
  EXPECT_EQ(at->guest.size(), 0x2000u);
}

TEST(PlanReport, ACpuThatPsciCannotStartIsNoVcpu) {
  TreeBuilder builder;
  VirtMachine{}.write(builder);
  const auto blob = builder.blob();
  std::vector<std::byte> tree(blob.begin(), blob.end());
  const int cpu = fdt_path_offset(tree.data(), "/cpus/cpu@1");
  ASSERT_EQ(fdt_setprop_inplace(tree.data(), cpu, "enable-method", "spin", 5), 0);
  const Report report = report_of(tree);
  ASSERT_TRUE(report.domain);
  EXPECT_EQ(report.domain->vcpus, 1u);
  ASSERT_FALSE(report.notes.empty());
  EXPECT_EQ(report.notes.back().text, "1 of 2 CPUs stay off: PSCI cannot start them");
}

TEST(PlanReport, APortOfSizeZeroIsNoConsole) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("serial@9040000").text("compatible", "arm,pl011").wide("reg", {0x904'0000, 0x1000});
    b.end();
  };
  TreeBuilder builder;
  machine.write(builder);
  const auto blob = builder.blob();
  std::vector<std::byte> tree(blob.begin(), blob.end());
  const int port = fdt_path_offset(tree.data(), "/pl011@9000000");
  const std::uint64_t reg[2] = {cpu_to_fdt64(0x900'0000), 0};
  ASSERT_EQ(fdt_setprop_inplace(tree.data(), port, "reg", reg, sizeof reg), 0);
  const Report report = report_of(tree);
  ASSERT_TRUE(report.platform && report.platform->console);
  EXPECT_EQ(report.platform->console->node, "/serial@9040000");
}

TEST(PlanReport, RegionsWhollyOverWhatSocleKeepsAreListed) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("second@9000000").wide("reg", {0x900'0000, 0x1000}).end();
  };
  const Report report = report_of(machine);
  ASSERT_TRUE(report.domain);
  ASSERT_EQ(report.domain->not_mapped.size(), 1u);
  EXPECT_EQ(report.domain->not_mapped[0].node, "/second@9000000");
  EXPECT_EQ(report.domain->not_mapped[0].what, "all of its pages are Socle's");
}

TEST(PlanReport, AMasterWhoseStreamsLeadNowhereIsOneWithoutProtection) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("iommus", {0x999, 7}).end();
  };
  const Report report = report_of(machine);
  const auto& masters = report.platform->masters;
  const auto dma = std::ranges::find(masters, "/dma@c000000", &MasterFacts::node);
  ASSERT_NE(dma, masters.end());
  EXPECT_FALSE(dma->is_behind_iommu);
}

TEST(PlanReport, ARefusedMachineHasAReasonAndWhatIsKnown) {
  const Report report = report_of(VirtMachine{.with_gic = false});
  EXPECT_EQ(report.verdict, Verdict::kRefused);
  EXPECT_NE(report.reason.find("interrupt controller"), std::string::npos);
  EXPECT_TRUE(report.platform);
  EXPECT_FALSE(report.domain);
}

TEST(PlanReport, BytesThatAreNoTreeAreRefusedWithAReason) {
  const std::vector<std::byte> nonsense(64, std::byte{0x55});
  const Report report = report_of(nonsense);
  EXPECT_EQ(report.verdict, Verdict::kRefused);
  EXPECT_NE(report.reason, "");
  EXPECT_FALSE(report.platform);
}

TEST(PlanReport, AnOverlayIsRefusedAsOne) {
  TreeBuilder builder;
  builder.begin("fragment@0").begin("__overlay__").text("status", "okay").end().end();
  const Report report = report_of(builder.blob());
  EXPECT_EQ(report.verdict, Verdict::kRefused);
  EXPECT_NE(report.reason.find("overlay"), std::string::npos);
}

TEST(PlanReport, AMasterIsBehindAnIommuOnlyIfThatIsEnabled) {
  VirtMachine machine{.with_smmu = true};
  machine.more = [](TreeBuilder& b) {
    b.begin("off@b000000").text("compatible", "arm,smmu-v3").cells("phandle", {0x99});
    b.cells("#iommu-cells", {1}).wide("reg", {0xb00'0000, 0x2'0000}).text("status", "disabled");
    b.end();
    b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("iommus", {0x99, 7}).end();
  };
  const Report report = report_of(machine);
  const auto& masters = report.platform->masters;
  const auto find = [&](std::string_view node) {
    return std::ranges::find(masters, node, &MasterFacts::node);
  };
  const auto pci = find("/pcie@10000000");
  const auto dma = find("/dma@c000000");
  ASSERT_NE(pci, masters.end());
  ASSERT_NE(dma, masters.end());
  EXPECT_TRUE(pci->is_behind_iommu);
  EXPECT_EQ(pci->streams, std::vector<std::string>{"/smmuv3@9050000 requesters 0x0-0x10000"});
  EXPECT_FALSE(dma->is_behind_iommu);
  EXPECT_EQ(dma->streams, std::vector<std::string>{"/off@b000000 0x7"});
  ASSERT_EQ(report.platform->iommus.size(), 2u);
}

TEST(PlanReport, TellsWhichIommusAreDom0s) {
  const VirtMachine machine{.with_smmu = true};
  EXPECT_FALSE(report_of(machine).platform->iommus.front().is_dom0s);
  EXPECT_TRUE(report_of(machine, "iommu-passthrough=all").platform->iommus.front().is_dom0s);
}

TEST(PlanReport, AMappingNamesAllItsNodesOnce) {
  const Report report = report_of(VirtMachine{});
  const auto& mappings = report.domain->mappings;
  const auto virtio = std::ranges::find_if(mappings, [](const MappingFacts& mapping) {
    return mapping.guest.contains(Ipa(0xa00'0000));
  });
  ASSERT_NE(virtio, mappings.end());
  EXPECT_EQ(virtio->nodes.size(), 8u);
  EXPECT_EQ(virtio->nodes.front(), "/virtio_mmio@a000000");
  EXPECT_EQ(virtio->nodes.back(), "/virtio_mmio@a000e00");
}

TEST(PlanReport, APageNamesAllWhoseRegionsAreRoundedToIt) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("syscon@c000000").wide("reg", {0xc00'0000, 0x1000}).end();
    b.begin("phy@c000080").wide("reg", {0xc00'0080, 0x20, 0xc00'00c0, 0x20}).end();
    b.begin("alone@c010010").wide("reg", {0xc01'0010, 0x20}).end();
    b.begin("a@c020000").wide("reg", {0xc02'0000, 0x1800}).end();
    b.begin("b@c021800").wide("reg", {0xc02'1800, 0x800}).end();
  };
  const Report report = report_of(machine);
  const auto& pages = report.domain->shared_pages;
  ASSERT_EQ(pages.size(), 2u);
  EXPECT_EQ(pages[0].page.begin(), Pa(0xa00'0000));  // eight virtio-mmio devices
  EXPECT_EQ(pages[0].nodes.size(), 8u);
  EXPECT_EQ(pages[1].page.begin(), Pa(0xc02'1000));
  EXPECT_EQ(pages[1].nodes, (std::vector<std::string>{"/a@c020000", "/b@c021800"}));
}

TEST(PlanReport, TheCommandLineReplacesTheTrees) {
  VirtMachine machine;
  machine.command_line = "dom0_mem=1G";
  EXPECT_EQ(report_of(machine).domain->ram_bytes, kGiB);
  EXPECT_EQ(report_of(machine, "dom0_mem=512M").domain->ram_bytes, 512 * kMiB);
}

TEST(PlanReport, BytesOfFirmwareBecomePrintable) {
  EXPECT_EQ(printable("a\x1b[31m\n\xff"), "a\\x1b[31m\\x0a\\xff");
}

TEST(PlanReport, SizesHaveAtMostOneDecimal) {
  EXPECT_EQ(human_size(0), "0 B");
  EXPECT_EQ(human_size(4096), "4 KiB");
  EXPECT_EQ(human_size(kGiB + kGiB / 2), "1.5 GiB");
  EXPECT_EQ(human_size(~std::uint64_t{0}), "15.9 EiB");
}

TEST(PlanRam, ATreeThatNamesASizeStaysAsItIs) {
  TreeBuilder builder;
  VirtMachine{}.write(builder);
  std::vector<std::byte> bytes(builder.blob().begin(), builder.blob().end());
  bytes.resize(bytes.size() + kRoomForRam + 64);
  EXPECT_FALSE(give_ram(bytes));
}

TEST(PlanRam, ATreeWithoutASizeGetsOneWhereTheNodeStands) {
  TreeBuilder builder;
  VirtMachine machine;
  machine.ram = {{0x4800'0000, 0}};
  machine.write(builder);
  std::vector<std::uint64_t> words(builder.blob().size() / 8 + kRoomForRam / 8 + 8);
  std::memcpy(words.data(), builder.blob().data(), builder.blob().size());
  const auto given = give_ram(std::as_writable_bytes(std::span(words)));
  ASSERT_TRUE(given);
  EXPECT_EQ(*given, PaRange(Pa(0x4800'0000), Pa(0x8800'0000)));
  EXPECT_EQ(report_of(std::as_bytes(std::span(words))).verdict, Verdict::kReady);
}

}  // namespace
}  // namespace socle::plan
