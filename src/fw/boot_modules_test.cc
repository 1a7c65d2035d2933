// SPDX-License-Identifier: Apache-2.0
#include "fw/boot_modules.h"

#include <array>

#include "base/test.h"

#include "test/support/tree_builder.h"

namespace socle::fw {
namespace {

using test::Opened;
using test::TreeBuilder;

PaRange bytes(std::uint64_t begin, std::uint64_t size) {
  return PaRange(Pa(begin), Pa(begin + size));
}

TreeBuilder chosen() {
  TreeBuilder b;
  b.begin("chosen").cells("#address-cells", {2}).cells("#size-cells", {2});
  return b;
}

void add_module(TreeBuilder& b, const char* name, std::uint64_t begin, std::uint64_t size,
                std::string_view kind = {}, std::string_view line = {}) {
  b.begin(name);
  if (kind.empty())
    b.text("compatible", "multiboot,module");
  else
    b.texts("compatible", {kind, "multiboot,module"});
  b.wide("reg", {begin, size});
  if (!line.empty()) b.text("bootargs", line);
  b.end();
}

struct Read : Opened {
  explicit Read(TreeBuilder& b, ModuleProbe probe = nullptr) : Opened(b.end()) {
    done = read_boot_info(tree(), info, probe);
  }
  BootInfo info;
  Result<> done;
};

TEST(BootModules, AreKnownByTheirCompatible) {
  TreeBuilder b = chosen();
  add_module(b, "module@2", 0x4600'0000, 0x1000, "multiboot,ramdisk");
  add_module(b, "module@1", 0x4500'0000, 0x2000, "multiboot,kernel", "console=hvc0");
  const Read r(b);
  ASSERT_TRUE(r.done.has_value());
  EXPECT_EQ(r.info.find(ModuleKind::kKernel)->range, bytes(0x4500'0000, 0x2000));
  EXPECT_EQ(r.info.find(ModuleKind::kKernel)->command_line, "console=hvc0");
  EXPECT_EQ(r.info.find(ModuleKind::kRamdisk)->range, bytes(0x4600'0000, 0x1000));
}

TEST(BootModules, ACommandLineEndsAtItsNul) {
  TreeBuilder b = chosen();
  b.begin("module@45000000").text("compatible", "multiboot,module");
  b.wide("reg", {0x4500'0000, 0x2000})
      .text("bootargs", std::string_view("ro quiet\0\x7f", 10))
      .end();
  const Read r(b);
  EXPECT_EQ(r.info.find(ModuleKind::kKernel)->command_line, "ro quiet");
}

TEST(BootModules, WithoutATypeTheirOrderTells) {
  TreeBuilder b = chosen();
  add_module(b, "module@45000000", 0x4500'0000, 0x2000);
  add_module(b, "module@46000000", 0x4600'0000, 0x1000);
  add_module(b, "module@47000000", 0x4700'0000, 0x1000);
  const Read r(b);
  ASSERT_TRUE(r.done.has_value());
  EXPECT_EQ(r.info.find(ModuleKind::kKernel)->range, bytes(0x4500'0000, 0x2000));
  EXPECT_EQ(r.info.find(ModuleKind::kRamdisk)->range, bytes(0x4600'0000, 0x1000));
  EXPECT_EQ(r.info.modules[2].kind, ModuleKind::kUnknown);
}

TEST(BootModules, AnUntypedPolicyIsNoRamdisk) {
  TreeBuilder b = chosen();
  add_module(b, "module@45000000", 0x4500'0000, 0x2000);
  add_module(b, "module@46000000", 0x4600'0000, 0x1000);
  const Read r(b, [](const PaRange& module) { return module.begin() == Pa(0x4600'0000); });
  ASSERT_TRUE(r.done.has_value());
  EXPECT_EQ(r.info.modules[1].kind, ModuleKind::kXsmPolicy);
  EXPECT_EQ(r.info.find(ModuleKind::kRamdisk), nullptr);
}

TEST(BootModules, MayStandADeeperLevelDown) {
  TreeBuilder b = chosen();
  b.begin("modules").cells("#address-cells", {2}).cells("#size-cells", {2});
  add_module(b, "kernel", 0x4500'0000, 0x2000, "xen,linux-zimage");
  b.end();
  const Read r(b);
  ASSERT_TRUE(r.done.has_value());
  ASSERT_TRUE(r.info.find(ModuleKind::kKernel) != nullptr);
}

TEST(BootModules, OfSizeZeroOrWithoutAPlaceAreErrors) {
  TreeBuilder zero = chosen();
  add_module(zero, "module@1", 0x4500'0000, 0);
  const Read empty(zero);
  EXPECT_EQ(empty.done.error(), Error::kInvalid);
  EXPECT_TRUE(empty.said("/chosen/module@1: module of size zero"));
  TreeBuilder wraps = chosen();
  add_module(wraps, "module@1", ~std::uint64_t{0}, 0x1000);
  EXPECT_EQ(Read(wraps).done.error(), Error::kOutOfRange);
  TreeBuilder without = chosen();
  without.begin("module").text("compatible", "multiboot,module").end();
  EXPECT_TRUE(Read(without).said("/chosen/module: module without a usable reg"));
}

// xen-abi 1.2, case by case.
TEST(CommandLines, GoToWhomTheLoaderMeant) {
  {
    TreeBuilder b = chosen();
    b.text("xen,xen-bootargs", "ours").text("bootargs", "theirs");
    const Read r(b);
    EXPECT_EQ(r.info.socle_command_line, "ours");
    EXPECT_EQ(r.info.dom0_command_line, "theirs");
  }
  {
    TreeBuilder b = chosen();
    b.text("bootargs", "ours").text("xen,dom0-bootargs", "theirs");
    const Read r(b);
    EXPECT_EQ(r.info.socle_command_line, "ours");
    EXPECT_EQ(r.info.dom0_command_line, "theirs");
  }
  {
    TreeBuilder b = chosen();
    b.text("bootargs", "ours").text("xen,dom0-bootargs", "no");
    add_module(b, "module@1", 0x4500'0000, 0x2000, {}, "theirs");
    const Read r(b);
    EXPECT_EQ(r.info.socle_command_line, "ours");
    EXPECT_EQ(r.info.dom0_command_line, "theirs");
  }
  {
    TreeBuilder b = chosen();
    b.text("bootargs", "whose?");
    const Read r(b);
    EXPECT_EQ(r.info.socle_command_line, "");
    EXPECT_EQ(r.info.dom0_command_line, "");
  }
}

struct Checked : Read {
  explicit Checked(TreeBuilder& b) : Read(b) {
    const std::array<PaRange, 1> ram = {bytes(0x4000'0000, 0x4000'0000)};
    const std::array<Occupied, 1> occupied = {{{"Socle's image", bytes(0x4020'0000, 0x10'0000)}}};
    verdict = check_modules(info, ram, occupied, notes);
  }
  Result<> verdict;
};

TEST(BootModules, ThatAreInOrderPass) {
  TreeBuilder b = chosen();
  add_module(b, "module@1", 0x4500'0000, 0x2000);
  add_module(b, "module@2", 0x4500'2000, 0x2000);
  const Checked c(b);
  EXPECT_TRUE(c.verdict.has_value());
  EXPECT_TRUE(c.notes.lines().empty());
}

TEST(BootModules, ThatOverlapAreRefusedWithOneLine) {
  TreeBuilder b = chosen();
  add_module(b, "module@1", 0x4500'0000, 0x2001);
  add_module(b, "module@2", 0x4500'2000, 0x2000);
  const Checked c(b);
  EXPECT_FALSE(c.verdict.has_value());
  EXPECT_EQ(c.notes.lines().size(), 1u);
  EXPECT_TRUE(c.said("the ramdisk at [0x45002000, 0x45004000) overlaps the kernel"));
}

TEST(BootModules, OverSocleOrOutsideRamAreRefused) {
  TreeBuilder over = chosen();
  add_module(over, "module@1", 0x402f'f000, 0x2000);
  EXPECT_TRUE(Checked(over).said("overlaps Socle's image"));
  TreeBuilder outside = chosen();
  add_module(outside, "module@1", 0x7fff'f000, 0x2000);
  EXPECT_TRUE(Checked(outside).said("does not lie in RAM"));
}

TEST(BootModules, WithoutAKernelThereIsNoDom0) {
  TreeBuilder b = chosen();
  add_module(b, "module@1", 0x4500'0000, 0x1000, "multiboot,ramdisk");
  const Checked c(b);
  EXPECT_EQ(c.verdict.error(), Error::kNotFound);
  EXPECT_TRUE(c.said("no kernel for dom0"));
}

TEST(BootModules, AnEfiStartSaysWhereItsMapAndTablesAre) {
  TreeBuilder b = chosen();
  b.wide("linux,uefi-system-table", {0xbfff'0018});
  b.wide("linux,uefi-mmap-start", {0x1'4000'0000}).cells("linux,uefi-mmap-size", {480});
  b.cells("linux,uefi-mmap-desc-size", {48}).cells("linux,uefi-mmap-desc-ver", {1});
  b.wide("socle,acpi-rsdp", {0xbffe'0000});
  const Read r(b);
  ASSERT_TRUE(r.info.efi.has_value());
  EXPECT_EQ(r.info.efi->system_table, Pa(0xbfff'0018));
  EXPECT_EQ(r.info.efi->memory_map, bytes(0x1'4000'0000, 480));
  EXPECT_EQ(r.info.efi->descriptor_size, 48u);
  EXPECT_EQ(r.info.efi->descriptor_version, 1u);
  EXPECT_EQ(r.info.efi->rsdp, Pa(0xbffe'0000));
}

TEST(BootModules, HalfAnEfiStartIsRefused) {
  TreeBuilder b = chosen();
  b.wide("linux,uefi-system-table", {0xbfff'0018}).wide("linux,uefi-mmap-start", {0x4000'0000});
  const Read r(b);
  EXPECT_EQ(r.done.error(), Error::kCorrupt);
  EXPECT_TRUE(r.notes.mentions("linux,uefi-"));
}

}  // namespace
}  // namespace socle::fw
