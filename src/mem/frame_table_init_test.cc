// SPDX-License-Identifier: Apache-2.0
// FrameTable: who owns what when the machine has booted.
#include <array>

#include "mem/frame_table.h"
#include "mem/test_frame_table.h"

namespace socle::mem {
namespace {

TEST(FrameTableInit, EveryFrameGetsTheOwnerThatTheLayoutSays) {
  StartedMachine machine;
  EXPECT_TRUE(machine.table.owner_of(Mfn(0)) == Owner::none());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x40000)) == Owner::free());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x40200)) == Owner::socle());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x40260)) == Owner::heap());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x403ff)) == Owner::heap_stock());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x40400)) == Owner::free());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x80000)) == Owner::none());
}

TEST(FrameTableInit, TheStrictestOfContradictingListsWins) {
  Machine machine;
  const std::array reserved{frames(0x48000, 0x10), frames(0x3ff00, 0x110), frames(0, 1ull << 36)};
  const std::array modules{frames(0x48008, 0x10), frames(0x7fff8, 0x10)};
  machine.layout.reserved = std::span(reserved).first(2);
  machine.layout.boot_modules = modules;
  machine.start();
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x48008)) == Owner::reserved());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x48010)) == Owner::boot_module());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x4000f)) == Owner::reserved());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x3ff00)) == Owner::none());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x80000)) == Owner::none());
  // Everything reserved: nothing is left for the table itself.
  machine.layout.reserved = reserved;
  EXPECT_TRUE(error_of(machine.table.init(machine.layout)) == Error::kInvalid);
}

// Its block ends in what firmware keeps, so the heap ends before that, and begins behind an image
// that begins anywhere. The hardware domain's plan goes by is_lost().
TEST(FrameTableInit, WhatSharesABlockWithTheFirstHeapIsLostAndNothingElse) {
  Machine machine;
  const std::array reserved{frames(0x403c0, 0x10), frames(0x40610, 0x1f0)};
  const std::array modules{frames(0x403f0, 8)};
  machine.layout.image = frames(0x40234, 0x60);
  machine.layout.reserved = reserved;
  machine.layout.boot_modules = modules;
  machine.start();
  ASSERT_TRUE(machine.layout.bootstrap.begin() == Mfn(0x40294));
  ASSERT_TRUE(machine.layout.bootstrap.end() < Mfn(0x403c0));
  std::uint64_t lost = 0;
  for (Mfn frame(0x40000); frame < Mfn(0x40800); ++frame) {
    const bool is_unused =
        machine.table.owner_of(frame) == Owner::socle() && !machine.layout.image.contains(frame);
    EXPECT_EQ(is_lost(machine.layout, frame), is_unused);
    lost += is_unused ? 1 : 0;
  }
  EXPECT_EQ(lost, 0x200 - machine.layout.bootstrap.size() - 0x60 - 0x10);
}

TEST(FrameTableInit, ReservationsFarLargerThanRamCostNoTime) {
  Machine machine;
  const std::array reserved{frames(0x50000, (1ull << 52) - 0x50000)};
  machine.layout.reserved = reserved;
  machine.start();
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x7ffff)) == Owner::reserved());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x4ffff)) == Owner::free());
}

TEST(FrameTableInit, BanksThatTouchInsideABlockBecomeOneRun) {
  Machine machine;
  machine.ram = {frames(0x60123, 0x1fedd), frames(0x40000, 0x20123)};
  machine.layout.ram = machine.ram;
  machine.start();
  std::array<MfnRange, 4> runs;
  ASSERT_EQ(machine.table.assignable_ranges(runs), 2u);
  EXPECT_TRUE(runs[0] == frames(0x40000, 0x200));
  EXPECT_TRUE(runs[1] == frames(0x40400, 0x3fc00));
}

TEST(FrameTableInit, BanksThatTouchAtABlockBecomeOneRun) {
  Machine machine(0x80000);
  machine.ram = {frames(0x80000, 0x20000), frames(0x40000, 0x40000), frames(0xa0000, 0x20000)};
  machine.layout.ram = machine.ram;
  machine.start();
  EXPECT_TRUE(machine.table.allocate_for(kDom1, kOrder1G, Contents::kAsFound).has_value());
}

TEST(FrameTableInit, WhatLiesBesideTheBootstrapInItsBlockIsNobodys) {
  Machine machine;
  const std::array modules{frames(0x42000, 0x10)};
  machine.layout.boot_modules = modules;
  machine.layout.bootstrap = frames(0x42100, bootstrap_need(machine.layout).value());
  machine.memory.own(machine.layout.bootstrap);
  ASSERT_TRUE(machine.table.init(machine.layout).has_value());
  machine.table.verify();
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x42000)) == Owner::socle());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x42080)) == Owner::socle());
  EXPECT_TRUE(machine.table.owner_of(machine.layout.bootstrap.end()) == Owner::socle());
}

TEST(FrameTableInit, NothingButDescriptorsAndLeavesIsInUse) {
  Machine machine;
  machine.layout.bootstrap = frames(0x42000, 0x100);
  machine.memory.own(machine.layout.bootstrap);
  ASSERT_TRUE(machine.table.init(machine.layout).has_value());
  // Sections, two frames of descriptors; leaves of the image's block and of the bootstrap's.
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), 0x100u - 3 - 2);
}

TEST(FrameTableInit, RamThatIsNoWholeNumberOfBlocksIsUsedToTheLastFrame) {
  StartedMachine machine(0x1003);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x41002)) == Owner::free());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x41003)) == Owner::none());
  EXPECT_EQ(machine.table.statistics().ram.value(), 0x1003u);
}

TEST(FrameTableInit, AnyBootstrapAtLeastAsLargeAsNeededIsEnough) {
  // Bootstrap ranges that begin and end anywhere in their blocks.
  for (const std::uint64_t begin : {0x42000ull, 0x42001ull, 0x42100ull, 0x421ffull}) {
    for (const std::uint64_t more : {0ull, 1ull, 0x100ull, 0x3ffull, 0x400ull}) {
      Machine machine;
      machine.layout.bootstrap = frames(begin, bootstrap_need(machine.layout).value() + more);
      machine.memory.own(machine.layout.bootstrap);
      ASSERT_TRUE(machine.table.init(machine.layout).has_value());
      machine.table.verify();
      const Statistics counts = machine.table.statistics();
      EXPECT_EQ(counts.heap.value(), machine.layout.bootstrap.size());
      EXPECT_GE(counts.heap_stock.value(), 60u);
    }
  }
}

TEST(FrameTableInit, ABootstrapThatIsTooSmallIsRefused) {
  Machine machine;
  machine.memory.own(frames(0x42000, 8));
  for (std::uint64_t count = 1; count <= 8; ++count) {
    machine.layout.bootstrap = frames(0x42000, count);
    EXPECT_TRUE(error_of(machine.table.init(machine.layout)) == Error::kNoMemory);
  }
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x40000)) == Owner::none());
}

TEST(FrameTableInit, ABootstrapThatIsNotFreeRamIsRefused) {
  Machine machine;
  machine.layout.bootstrap = frames(0x4025f, 0x100);
  EXPECT_TRUE(error_of(machine.table.init(machine.layout)) == Error::kInvalid);
  machine.layout.bootstrap = frames(0x7ff80, 0x100);
  EXPECT_TRUE(error_of(machine.table.init(machine.layout)) == Error::kInvalid);
}

TEST(FrameTableInit, RamBeyondTheArchitectureIsRefused) {
  Machine machine;
  machine.ram = {frames(0x40000, 0x40000), frames(1ull << 40, 0x200)};
  machine.layout.ram = machine.ram;
  machine.layout.bootstrap = frames(0x42000, 0x400);
  EXPECT_TRUE(error_of(machine.table.init(machine.layout)) == Error::kOutOfRange);
}

TEST(FrameTableInit, ATebibyteCostsEightMebibytesAndAnInstant) {
  StartedMachine machine(0x10000000);
  const Statistics counts = machine.table.statistics();
  EXPECT_EQ(counts.ram.bytes(), kTiB);
  EXPECT_LE(counts.heap.bytes(), 10 * kMiB);
  const MfnRange most = frames(0x80000, 0x10000000 - 0x40000);
  ASSERT_TRUE(machine.table.assign(most, kDom0, Contents::kAsFound).has_value());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x8000000)) == kOwner0);
  EXPECT_EQ(machine.table.statistics().heap.value(), counts.heap.value());
}

}  // namespace
}  // namespace socle::mem
