// SPDX-License-Identifier: Apache-2.0

// Where kernel, initrd and tree go.

#include "base/test.h"

#include "test/support/virt_machine.h"

namespace socle::hwdom {
namespace {

using test::kHeapEnd;
using test::Planned;
using test::TreeBuilder;
using test::VirtMachine;

constexpr std::uint64_t kKernelSize = 0x200'0000;
constexpr std::uint64_t kInitrdSize = 0x80'1234;

VirtMachine with_modules(std::uint64_t kernel, std::uint64_t initrd) {
  VirtMachine machine;
  machine.modules = {{"multiboot,kernel", kernel, kKernelSize, "console=hvc0"},
                     {"multiboot,ramdisk", initrd, kInitrdSize}};
  return machine;
}

PlanInput image_input() {
  PlanInput input;
  input.kernel = {.file_size = kKernelSize, .memory_size = kKernelSize + 0x10'0000};
  return input;
}

TEST(Places, AnAlignedKernelAndAnInitrdInABankStayWhereTheyAre) {
  Planned p(with_modules(0x5000'0000, 0x5800'0000), image_input());
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.plan().kernel->in_place);
  EXPECT_EQ(p.plan().kernel->target.begin(), Ipa(0x5000'0000));
  EXPECT_EQ(p.plan().kernel->target.size(), kKernelSize + 0x10'0000);
  EXPECT_TRUE(p.plan().initrd->in_place);
  EXPECT_EQ(p.plan().initrd->target.size(), kInitrdSize);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, AKernelWithoutRoomForItsBssIsMoved) {
  Planned p(with_modules(0x5000'0000, 0x5000'0000 + kKernelSize), image_input());
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.plan().kernel->in_place);
  EXPECT_TRUE(p.plan().initrd->in_place);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, AMisalignedOrUnpackedKernelIsCopiedToTheLowestFreePlace) {
  Planned misaligned(with_modules(0x5000'1000, 0x5800'0000), image_input());
  ASSERT_TRUE(misaligned.ok());
  EXPECT_FALSE(misaligned.plan().kernel->in_place);
  EXPECT_EQ(misaligned.plan().kernel->target.begin().value(),
            align_up<std::uint64_t>(kHeapEnd, 2 * kMiB));
  PlanInput unpacked = image_input();
  unpacked.kernel.is_module_as_is = false;
  Planned p(with_modules(0x5000'0000, 0x5800'0000), unpacked);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.plan().kernel->in_place);
}

TEST(Places, TheKernelsTextOffsetIsHonoured) {
  PlanInput input = image_input();
  input.kernel.text_offset = 0x8'0000;
  Planned in_place(with_modules(0x5008'0000, 0x5800'0000), input);
  ASSERT_TRUE(in_place.ok());
  EXPECT_TRUE(in_place.plan().kernel->in_place);
  Planned moved(with_modules(0x5000'0000, 0x5800'0000), input);
  ASSERT_TRUE(moved.ok());
  EXPECT_FALSE(moved.plan().kernel->in_place);
  EXPECT_EQ(moved.plan().kernel->target.begin().value() % (2 * kMiB), 0x8'0000u);
}

TEST(Places, NothingIsCopiedOverWhatIsStillNeeded) {
  // Everything stands where the kernel would go first.
  VirtMachine machine = with_modules(kHeapEnd + 0x1000, kHeapEnd + 0x300'0000);
  PlanInput input = image_input();
  input.host_tree = PaRange(Pa(kHeapEnd + 0x400'0000), Pa(kHeapEnd + 0x410'0000));
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("fw").wide("reg", {kHeapEnd + 0x500'0000, 0x1000}).flag("no-map").end();
  };
  Planned p(machine, input);
  ASSERT_TRUE(p.ok());
  const auto spoils = [&](const PaRange& source) {
    const Range<Ipa> guest(direct_mapped(source.begin()), direct_mapped(source.end()));
    return p.plan().kernel->target.overlaps(guest) || p.plan().tree_slot.overlaps(guest);
  };
  EXPECT_FALSE(p.plan().kernel->in_place);
  EXPECT_FALSE(spoils(p.boot.modules[0].range));
  EXPECT_FALSE(spoils(p.boot.modules[1].range));
  EXPECT_FALSE(spoils(input.host_tree));
  EXPECT_FALSE(spoils(PaRange(Pa(kHeapEnd + 0x500'0000), Pa(kHeapEnd + 0x500'1000))));
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, AnInitrdOutsideTheDomainsRamIsCopied) {
  VirtMachine machine = with_modules(0x5000'0000, 0x6000'0000);
  machine.command_line = "dom0_mem=256M";
  machine.ram = {{0x4000'0000, 4 * kGiB}};
  Planned p(machine, image_input());
  ASSERT_TRUE(p.ok());
  ASSERT_FALSE(p.plan().ram[0].contains(Pa(0x6000'0000).frame()));
  EXPECT_FALSE(p.plan().initrd->in_place);
  EXPECT_EQ(p.plan().initrd->target.size(), kInitrdSize);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, AnInitrdTooFarFromTheKernelIsCopied) {
  VirtMachine machine = with_modules(0x5000'0000, 0x20'0000'0000);
  machine.ram = {{0x4000'0000, 256 * kGiB}};
  Planned p(machine, image_input());
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.plan().initrd->in_place);
  EXPECT_LT(p.plan().initrd->target.end().value(), 0x5000'0000 + 32 * kGiB);
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, AnOldKernelHasNothingBelowIt) {
  PlanInput input = image_input();
  input.kernel.runs_anywhere = false;
  Planned p(with_modules(0x6000'0000, 0x5000'0000), input);
  ASSERT_TRUE(p.ok());
  EXPECT_GT(p.plan().initrd->target.begin(), p.plan().kernel->target.begin());
  EXPECT_GT(p.plan().tree_slot.begin(), p.plan().kernel->target.begin());
  EXPECT_TRUE(p.is_consistent());
}

TEST(Places, ASmallDomainWithoutRoomForItsKernelIsRefused) {
  VirtMachine machine = with_modules(0x5000'0000, 0x5800'0000);
  machine.command_line = "dom0_mem=32M";
  Planned p(machine, image_input());
  EXPECT_EQ(p.result.error(), Error::kNotFound);
  EXPECT_TRUE(p.said("no bank of its RAM has room for the kernel"));
}

TEST(Places, WithoutAKernelThereIsNoDomain) {
  VirtMachine machine;
  machine.modules = {{"multiboot,ramdisk", 0x5000'0000, 0x1000}};
  Planned laptop(machine);
  EXPECT_TRUE(laptop.ok());  // no boot at all: a plan without placements
  EXPECT_FALSE(laptop.plan().kernel.has_value());
}

TEST(Places, ReservationsOfTheLoaderEndWithIt) {
  VirtMachine machine = with_modules(0x5000'0000, 0x5800'0000);
  machine.reservations = {{0x5800'0000, 0x90'0000}, {0x4800'0000, 0x1'0000}, {0x7000'0000, 0x1000}};
  PlanInput input = image_input();
  input.host_tree = PaRange(Pa(0x4800'0000), Pa(0x4801'0000));
  Planned p(machine, input);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.plan().initrd->in_place);
  ASSERT_EQ(p.plan().memory_reservations.size(), 1u);
  EXPECT_EQ(p.plan().memory_reservations[0].begin(), Pa(0x7000'0000));
}

}  // namespace
}  // namespace socle::hwdom
