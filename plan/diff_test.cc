// SPDX-License-Identifier: Apache-2.0
#include "plan/diff.h"

#include <gtest/gtest.h>

#include "plan/test_report.h"

namespace socle::plan {
namespace {

using test::TreeBuilder;
using test::VirtMachine;

VirtMachine with_device(const char* compatible) {
  VirtMachine machine;
  machine.more = [compatible](TreeBuilder& b) {
    b.begin("thing@c000000").text("compatible", compatible);
    b.wide("reg", {0xc00'0000, 0x2000}).cells("interrupts", {0, 90, 4}).end();
  };
  return machine;
}

TEST(PlanDiff, OfTheSamePlanIsEmpty) {
  EXPECT_EQ(differences(report_of(VirtMachine{}), report_of(VirtMachine{})), "");
}

TEST(PlanDiff, ADeviceMoreIsAMappingAndAnInterruptMore) {
  const Report before = report_of(VirtMachine{});
  const Report after = report_of(with_device("a,b"));
  const std::string text = differences(before, after);
  EXPECT_NE(text.find("+ 00c000000-00c002000 Normal-WB rw- device registers"), std::string::npos)
      << text;
  EXPECT_NE(text.find("+  122: /thing@c000000 level high"), std::string::npos) << text;
  EXPECT_NE(differences(after, before).find("- 00c000000-00c002000"), std::string::npos);
}

TEST(PlanDiff, AnotherTypeIsAChange) {
  const std::string text =
      differences(report_of(with_device("a,b")), report_of(with_device("mmio-sram")));
  EXPECT_NE(text.find("~ 00c000000-00c002000 Normal-WB rw- device registers -> Normal-WB rwx"),
            std::string::npos)
      << text;
}

TEST(PlanDiff, AnotherCommandLineChangesRam) {
  const Report all = report_of(VirtMachine{}, "");
  const std::string text = differences(all, report_of(VirtMachine{}, "dom0_mem=512M"));
  EXPECT_NE(text.find("-> 524288 KiB"), std::string::npos) << text;
  EXPECT_NE(text.find("mappings\n  - "), std::string::npos) << text;
}

TEST(PlanDiff, AConsoleThatIsGivenBackIsNoLongerKept) {
  const std::string text =
      differences(report_of(VirtMachine{}), report_of(VirtMachine{.command_line = "console=none"}));
  EXPECT_NE(text.find("- 009000000-009001000 /pl011@9000000: Socle's console"), std::string::npos)
      << text;
}

TEST(PlanDiff, AMasterThatLosesItsProtectionIsADifference) {
  const auto with_streams = [](std::uint32_t iommu) {
    VirtMachine machine{.with_smmu = true};
    machine.more = [iommu](TreeBuilder& b) {
      b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("iommus", {iommu, 7}).end();
    };
    return report_of(machine);
  };
  const std::string text =
      differences(with_streams(VirtMachine::kSmmu), with_streams(VirtMachine::kGic));
  EXPECT_EQ(text,
            "IOMMUs\n"
            "  ~ /smmuv3@9050000: SMMUv3, enabled, 2 masters -> SMMUv3, enabled, 1 masters\n"
            "DMA masters\n"
            "  ~ /dma@c000000: behind an IOMMU, /smmuv3@9050000 0x7 -> not protected\n");
}

TEST(PlanDiff, AnotherMachineIsADifferenceWhateverItsPlan) {
  VirtMachine machine;
  machine.cpus = 4;
  const std::string text = differences(report_of(VirtMachine{}, "dom0_max_vcpus=1"),
                                       report_of(machine, "dom0_max_vcpus=1"));
  EXPECT_EQ(text,
            "machine\n"
            "  ~ CPUs: 1 x arm,cortex-a57 (psci), 1 x arm,cortex-a53 (psci) -> "
            "1 x arm,cortex-a57 (psci), 1 x arm,cortex-a53 (psci), 1 x arm,cortex-a57 (psci), "
            "1 x arm,cortex-a53 (psci)\n");
}

TEST(PlanDiff, ARefusalIsADifference) {
  const std::string text =
      differences(report_of(VirtMachine{}), report_of(VirtMachine{.with_gic = false}));
  EXPECT_NE(text.find(" -> refused: no interrupt"), std::string::npos);
}

}  // namespace
}  // namespace socle::plan
