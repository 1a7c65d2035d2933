// SPDX-License-Identifier: Apache-2.0
#include "fw/cmdline.h"

#include <string>
#include <vector>

#include "base/test.h"

namespace socle::fw {
namespace {

struct Parsed {
  explicit Parsed(std::string_view line) { options = parse_options(line, notes); }
  std::vector<std::byte> memory = std::vector<std::byte>(16 * kKiB);
  Arena arena{std::span(memory)};
  Diagnostics notes{arena};
  Options options;
};

TEST(CommandLine, SizesHaveXensUnits) {
  EXPECT_EQ(Parsed("dom0_mem=1024M").options.dom0_mem.size, 1024 * kMiB);
  EXPECT_EQ(Parsed("dom0_mem=2g").options.dom0_mem.size, 2 * kGiB);
  EXPECT_EQ(Parsed("dom0_mem=1T").options.dom0_mem.size, kTiB);
  EXPECT_EQ(Parsed("dom0_mem=524288").options.dom0_mem.size, 512 * kMiB);
  EXPECT_EQ(Parsed("dom0_mem=4096B").options.dom0_mem.size, 4096u);
  EXPECT_EQ(Parsed("dom0_mem=0x10M").options.dom0_mem.size, 16 * kMiB);
}

TEST(CommandLine, Dom0MemoryTakesMinimumAndMaximum) {
  const Parsed p("dom0_mem=512M,min:256M,max:1G");
  EXPECT_EQ(p.options.dom0_mem.size, 512 * kMiB);
  EXPECT_EQ(p.options.dom0_mem.minimum, 256 * kMiB);
  EXPECT_EQ(p.options.dom0_mem.maximum, kGiB);
  EXPECT_TRUE(p.notes.lines().empty());
}

TEST(CommandLine, AcpiIsOffOnOrForced) {
  EXPECT_TRUE(Parsed("").options.acpi == Acpi::kDefault);
  EXPECT_TRUE(Parsed("acpi=off").options.acpi == Acpi::kOff);
  EXPECT_TRUE(Parsed("acpi=0").options.acpi == Acpi::kOff);
  EXPECT_TRUE(Parsed("acpi=force acpi=on").options.acpi == Acpi::kOn);
  EXPECT_TRUE(Parsed("acpi=force").options.acpi == Acpi::kForce);
  const Parsed bad("acpi=strict acpi");
  EXPECT_TRUE(bad.options.acpi == Acpi::kDefault);
  EXPECT_EQ(bad.notes.lines().size(), 2u);
}

TEST(CommandLine, EfiRuntimeServicesCanBeLeftAlone) {
  EXPECT_TRUE(Parsed("").options.efi_runtime);
  EXPECT_FALSE(Parsed("efi=no-rs").options.efi_runtime);
  EXPECT_FALSE(Parsed("efi=rs=off").options.efi_runtime);
  EXPECT_TRUE(Parsed("efi=no-rs efi=rs").options.efi_runtime);
  EXPECT_TRUE(Parsed("efi=no-rs efi=rs=1").options.efi_runtime);
  const Parsed bad("efi=no-rs efi efi=attr=uc efi=rs=perhaps efi=no-rs=1 efi=rsx");
  EXPECT_FALSE(bad.options.efi_runtime);
  EXPECT_EQ(bad.notes.lines().size(), 5u);
}

TEST(CommandLine, MmioFaultsHaveThreeAnswers) {
  EXPECT_FALSE(Parsed("").options.mmio_fault.has_value());
  EXPECT_TRUE(Parsed("mmio-fault=deny").options.mmio_fault == MmioFault::kDeny);
  EXPECT_TRUE(Parsed("mmio-fault=map mmio-fault=log").options.mmio_fault == MmioFault::kLog);
  EXPECT_TRUE(Parsed("mmio_fault=map").options.mmio_fault == MmioFault::kMap);
  EXPECT_FALSE(Parsed("mmio_fault=map").options.mmio_fault_by_pages);
  EXPECT_TRUE(Parsed("mmio-fault=map,pages").options.mmio_fault == MmioFault::kMap);
  EXPECT_TRUE(Parsed("mmio-fault=map,pages").options.mmio_fault_by_pages);
  EXPECT_FALSE(Parsed("mmio-fault=,pages").options.mmio_fault.has_value());
  EXPECT_FALSE(Parsed("mmio-fault=log,pages").options.mmio_fault.has_value());
  const Parsed bad("mmio-fault=map mmio-fault=yes");
  EXPECT_TRUE(bad.options.mmio_fault == MmioFault::kMap);
  EXPECT_TRUE(bad.notes.mentions("'mmio-fault=yes' has a bad value"));
}

TEST(CommandLine, IommusToPassThroughAreCollected) {
  EXPECT_TRUE(Parsed("").options.iommu_passthrough.empty());
  const Parsed p("iommu-passthrough=/soc/iommu@1,0 iommu_passthrough=arm,smmu-v3");
  ASSERT_EQ(p.options.iommu_passthrough.size(), 2u);
  EXPECT_EQ(p.options.iommu_passthrough[0], "/soc/iommu@1,0");
  EXPECT_EQ(p.options.iommu_passthrough[1], "arm,smmu-v3");
  EXPECT_TRUE(p.notes.lines().empty());
  EXPECT_TRUE(Parsed("iommu-passthrough=").notes.mentions("has a bad value"));
  EXPECT_TRUE(Parsed("iommu-passthrough").notes.mentions("has a bad value"));
  std::string many;
  for (int i = 0; i < 9; ++i)
    many += " iommu-passthrough=/iommu@" + std::to_string(i);
  const Parsed full(many);
  EXPECT_EQ(full.options.iommu_passthrough.size(), 8u);
  EXPECT_TRUE(full.notes.mentions("'iommu-passthrough=/iommu@8' has a bad value"));
}

TEST(CommandLine, TheLastOneWins) {
  const Parsed p("dom0_mem=512M,max:1G maxcpus=2 dom0_mem=256M maxcpus=4");
  EXPECT_EQ(p.options.dom0_mem.size, 256 * kMiB);
  EXPECT_FALSE(p.options.dom0_mem.maximum.has_value());
  EXPECT_EQ(p.options.maxcpus, 4u);
}

TEST(CommandLine, ABadValueIsReportedAndChangesNothing) {
  for (const char* line : {"dom0_mem=512M dom0_mem=", "dom0_mem=512M dom0_mem=12Q",
                           "dom0_mem=512M dom0_mem=99999999999999999999G",
                           "dom0_mem=512M dom0_mem=max:", "dom0_mem=512M dom0_mem",
                           "dom0_mem=512M dom0_mem=-1", "dom0_mem=512M dom0_mem=0"}) {
    const Parsed p(line);
    EXPECT_EQ(p.options.dom0_mem.size, 512 * kMiB);
    EXPECT_TRUE(p.notes.mentions("has a bad value"));
  }
  EXPECT_TRUE(Parsed("maxcpus=0").notes.mentions("'maxcpus=0' has a bad value"));
  EXPECT_TRUE(Parsed("maxcpus=2x").notes.mentions("bad value"));
  EXPECT_TRUE(Parsed("loglvl=loud").notes.mentions("bad value"));
  EXPECT_TRUE(Parsed("noreboot=maybe").notes.mentions("bad value"));
}

TEST(CommandLine, UnknownWordsAreReportedAndIgnored) {
  const Parsed p("placeholder vwfi=native  maxcpus=3");
  EXPECT_TRUE(p.notes.mentions("'placeholder'"));
  EXPECT_TRUE(p.notes.mentions("'vwfi=native'"));
  EXPECT_EQ(p.options.maxcpus, 3u);
}

TEST(CommandLine, BooleansTakeXensForms) {
  EXPECT_TRUE(Parsed("noreboot").options.noreboot);
  EXPECT_TRUE(Parsed("noreboot=1").options.noreboot);
  EXPECT_FALSE(Parsed("noreboot noreboot=off").options.noreboot);
  EXPECT_TRUE(Parsed("sync_console").options.sync_console);
  EXPECT_TRUE(Parsed("sync-console=yes").options.sync_console);
  EXPECT_FALSE(Parsed("sync_console no-sync_console").options.sync_console);
}

TEST(CommandLine, LevelsMayHaveARateLimitedPart) {
  EXPECT_EQ(Parsed("loglvl=all").options.loglvl, LogLevel::kDebug);
  EXPECT_EQ(Parsed("loglvl=error/info").options.loglvl, LogLevel::kInfo);
  EXPECT_TRUE(Parsed("loglvl=none").options.loglvl_none);
  EXPECT_FALSE(Parsed("loglvl=none/error").options.loglvl_none);
  EXPECT_EQ(Parsed("guest_loglvl=warning").options.guest_loglvl, LogLevel::kWarning);
}

TEST(CommandLine, AConsoleThatBootDoesNotKnowIsReported) {
  for (const char* line : {"console=ttyAMA0", "console=DTUART", "console=", "console=vga,dtuart"}) {
    EXPECT_EQ(Parsed(line).notes.lines().size(), 1u);
    EXPECT_TRUE(Parsed(line).options.console.empty());
  }
  EXPECT_EQ(Parsed("console=dtuart,vga").notes.lines().size(), 0u);
}

TEST(CommandLine, ASpeedThatCannotBeIsReportedAndLeftAlone) {
  EXPECT_EQ(read_speed("115200n8"), 115200u);
  EXPECT_EQ(read_speed("1500000"), 1500000u);
  for (const char* speed : {"n8", "0", "99999999n8", "18446744073709667000n8"}) {
    EXPECT_EQ(read_speed(speed), 0u);
    const std::string line = "dtuart=serial0:" + std::string(speed);
    const Parsed p(line);
    EXPECT_EQ(p.notes.lines().size(), 1u);
    EXPECT_TRUE(p.options.dtuart.starts_with("serial0:"));
  }
  EXPECT_TRUE(Parsed("dtuart=serial0:115200n8").notes.lines().empty());
  EXPECT_TRUE(Parsed("dtuart=serial0:").notes.lines().empty());
  EXPECT_TRUE(Parsed("dtuart=serial0").notes.lines().empty());
}

TEST(CommandLine, DtuartIsAPathAndThePortsOptions) {
  EXPECT_EQ(Parsed("dtuart=serial1:115200n8").options.dtuart, "serial1:115200n8");
}

}  // namespace
}  // namespace socle::fw
