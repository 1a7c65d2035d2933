// SPDX-License-Identifier: Apache-2.0
// FrameTable: what belongs to domains, references, contents.
#include "mem/frame_table.h"
#include "mem/test_frame_table.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

// --- The RAM of domains -------------------------------------------------------------------------

TEST(FrameTableDomains, ARangeIsClaimedAndReleasedExactly) {
  StartedMachine machine;
  const Statistics before = machine.table.statistics();
  const MfnRange range = frames(0x50001, 0x8000);
  ASSERT_TRUE(machine.table.assign(range, kDom0, Contents::kAsFound).has_value());
  machine.table.verify();
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50000)) == Owner::free());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50001)) == kOwner0);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x58000)) == kOwner0);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x58001)) == Owner::free());
  ASSERT_TRUE(machine.table.release(range, kDom0).has_value());
  machine.table.verify();
  const Statistics after = machine.table.statistics();
  EXPECT_EQ(after.free.value(), before.free.value());
  EXPECT_EQ(after.heap_stock.value(), before.heap_stock.value());
}

TEST(FrameTableDomains, ARangeWithOneFrameInUseIsRefusedWhole) {
  StartedMachine machine;
  ASSERT_TRUE(machine.table.assign(frames(0x57000, 1), kDom1, Contents::kAsFound).has_value());
  const MfnRange range = frames(0x50000, 0x8000);
  EXPECT_TRUE(error_of(machine.table.assign(range, kDom0, Contents::kAsFound)) == Error::kBusy);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50000)) == Owner::free());
  machine.table.verify();
}

TEST(FrameTableDomains, WhatIsNoRamCannotBeClaimed) {
  StartedMachine machine;
  const auto claim = [&](std::uint64_t begin, std::uint64_t count) {
    return error_of(machine.table.assign(frames(begin, count), kDom0, Contents::kAsFound));
  };
  EXPECT_TRUE(claim(0x7ffff, 2) == Error::kInvalid);
  EXPECT_TRUE(claim(0, 1) == Error::kInvalid);
  EXPECT_TRUE(claim(0x3ffff, 1) == Error::kInvalid);
  EXPECT_TRUE(claim(0x50000, (1ull << 52) - 1) == Error::kInvalid);
}

TEST(FrameTableDomains, BootModulesCanBeClaimedButAreNotAllocated) {
  Machine machine;
  const std::array modules{frames(0x50010, 0x1000)};
  machine.layout.boot_modules = modules;
  machine.start();
  std::array<MfnRange, 4> runs;
  ASSERT_EQ(machine.table.assignable_ranges(runs), 2u);
  EXPECT_TRUE(runs[1] == frames(0x40400, 0x3fc00));
  machine.use_up_blocks(kDom1);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50010)) == Owner::boot_module());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50a00)) == Owner::boot_module());
  ASSERT_TRUE(machine.table.assign(frames(0x50010, 0x800), kDom0, Contents::kAsFound).has_value());
  machine.table.release_boot_modules();
  machine.table.verify();
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x5080f)) == kOwner0);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50810)) == Owner::free());
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x5100f)) == Owner::free());
}

TEST(FrameTableDomains, AllocationsOfEveryOrderAreAlignedAndOwned) {
  StartedMachine machine(0x100000);
  for (unsigned order = 0; order <= 18; ++order) {
    const auto first = machine.table.allocate_for(kDom1, Order(order), Contents::kAsFound);
    ASSERT_TRUE(first.has_value());
    EXPECT_TRUE(first->is_aligned(Order(order)));
    EXPECT_TRUE(machine.table.owner_of(*first) == kOwner1);
    EXPECT_TRUE(machine.table.owner_of(*first + Order(order).count() - FrameCount(1)) == kOwner1);
    machine.table.verify();
  }
  EXPECT_TRUE(error_of(machine.table.allocate_for(kDom1, Order(19), Contents::kAsFound)) ==
              Error::kTooLarge);
}

TEST(FrameTableDomains, SmallAllocationsFillUsedBlocksBeforeBreakingNewOnes) {
  StartedMachine machine;
  const Mfn first = machine.table.allocate_for(kDom1, kOrder4K, Contents::kScrubbed).value();
  for (int i = 1; i < 512; ++i) {
    const Mfn next = machine.table.allocate_for(kDom1, kOrder4K, Contents::kScrubbed).value();
    EXPECT_EQ(next.value() >> 9, first.value() >> 9);
  }
  machine.table.verify();
}

TEST(FrameTableDomains, SpecialDomainNumbersOwnNothing) {
  StartedMachine machine;
  const DomainId self{0x7ff0};
  EXPECT_TRUE(error_of(machine.table.assign(frames(0x50000, 1), self, Contents::kAsFound)) ==
              Error::kInvalid);
  EXPECT_TRUE(error_of(machine.table.allocate_for(self, kOrder4K, Contents::kAsFound)) ==
              Error::kInvalid);
  EXPECT_TRUE(error_of(machine.table.release(frames(0x50000, 1), self)) == Error::kDenied);
}

TEST(FrameTableDomains, OnlyTheOwnerReleases) {
  StartedMachine machine;
  ASSERT_TRUE(machine.table.assign(frames(0x50000, 0x400), kDom0, Contents::kAsFound).has_value());
  EXPECT_TRUE(error_of(machine.table.release(frames(0x50000, 0x400), kDom1)) == Error::kDenied);
  EXPECT_TRUE(error_of(machine.table.release(frames(0x503ff, 2), kDom0)) == Error::kDenied);
  EXPECT_TRUE(error_of(machine.table.release(frames(0x100, 1), kDom0)) == Error::kDenied);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50000)) == kOwner0);
}

TEST(FrameTableDomains, AReleasedFrameCannotBeReleasedAgain) {
  StartedMachine machine;
  const Mfn frame = machine.table.allocate_for(kDom1, kOrder4K, Contents::kAsFound).value();
  const MfnRange range(frame, frame + FrameCount(1));
  ASSERT_TRUE(machine.table.get_ref(frame, kOwner1).has_value());
  ASSERT_TRUE(machine.table.release(range, kDom1).has_value());
  EXPECT_TRUE(error_of(machine.table.release(range, kDom1)) == Error::kDenied);
  machine.table.put_ref(frame);
  EXPECT_TRUE(error_of(machine.table.release(range, kDom1)) == Error::kDenied);
}

TEST(FrameTableDomains, FreedNeighboursJoinToTheLargestRun) {
  StartedMachine machine(0x80000);
  const Mfn whole = machine.table.allocate_for(kDom1, kOrder1G, Contents::kAsFound).value();
  for (std::uint64_t i = 0; i < 512; ++i) {
    const std::uint64_t block = (i * 37) % 512;
    ASSERT_TRUE(machine.table.release(frames(whole.value() + block * 512, 512), kDom1).has_value());
  }
  machine.table.verify();
  EXPECT_TRUE(machine.table.allocate_for(kDom2, kOrder1G, Contents::kAsFound).has_value());
}

// --- References ---------------------------------------------------------------------------------

TEST(FrameTableReferences, AReferencedFrameIsFreedByItsLastPut) {
  StartedMachine machine;
  const Mfn frame = machine.table.allocate_for(kDom1, kOrder2M, Contents::kScrubbed).value();
  ASSERT_TRUE(machine.table.get_ref(frame, kOwner1).has_value());
  ASSERT_TRUE(machine.table.get_ref(frame, kOwner1).has_value());
  ASSERT_TRUE(machine.table.release(frames(frame.value(), 512), kDom1).has_value());
  machine.table.put_ref(frame);
  machine.table.verify();
  EXPECT_TRUE(machine.table.owner_of(frame) == kOwner1);
  EXPECT_TRUE(machine.table.owner_of(frame + FrameCount(1)) == Owner::free());
  EXPECT_TRUE(error_of(machine.table.assign(frames(frame.value(), 1), kDom2,
                                            Contents::kScrubbed)) == Error::kBusy);
  machine.table.put_ref(frame);
  machine.table.verify();
  EXPECT_TRUE(machine.table.owner_of(frame) == Owner::free());
}

TEST(FrameTableReferences, AReleasedFrameGetsNoNewReferences) {
  StartedMachine machine;
  const Mfn frame = machine.table.allocate_for(kDom1, kOrder4K, Contents::kScrubbed).value();
  ASSERT_TRUE(machine.table.get_ref(frame, kOwner1).has_value());
  ASSERT_TRUE(machine.table.release(frames(frame.value(), 1), kDom1).has_value());
  EXPECT_TRUE(error_of(machine.table.get_ref(frame, kOwner1)) == Error::kDenied);
  machine.table.put_ref(frame);
}

TEST(FrameTableReferences, TheOwnerMustBeTheOneThatIsMeant) {
  StartedMachine machine;
  const Mfn frame = machine.table.allocate_for(kDom1, kOrder4K, Contents::kScrubbed).value();
  EXPECT_TRUE(error_of(machine.table.get_ref(frame, kOwner0)) == Error::kDenied);
  EXPECT_TRUE(error_of(machine.table.get_ref(Mfn(0x40200), Owner::socle())) == Error::kDenied);
  EXPECT_TRUE(error_of(machine.table.get_ref(Mfn(0x50000), Owner::free())) == Error::kDenied);
  EXPECT_TRUE(error_of(machine.table.get_ref(Mfn(1), kOwner1)) == Error::kDenied);
}

TEST(FrameTableReferences, AFrameOfTheHeapIsReferencedAndFreedTheSameWay) {
  StartedMachine machine;
  for (const Order order : {kOrder4K, kOrder2M}) {
    const Mfn first = machine.table.allocate(order).value();
    ASSERT_TRUE(machine.table.get_ref(first, Owner::heap()).has_value());
    machine.table.free(first, order);
    machine.table.verify();
    EXPECT_TRUE(machine.table.owner_of(first) == Owner::heap());
    machine.table.put_ref(first);
    EXPECT_TRUE(machine.table.owner_of(first) == Owner::heap_stock());
    machine.table.verify();
  }
}

// --- Contents -----------------------------------------------------------------------------------

TEST(FrameTableContents, WhatOneDomainWroteNoOtherFinds) {
  StartedMachine machine;
  for (const Contents contents : {Contents::kScrubbed, Contents::kAsFound}) {
    const MfnRange range = frames(0x50010, 0x700);
    ASSERT_TRUE(machine.table.assign(range, kDom1, contents).has_value());
    machine.soil(range);
    ASSERT_TRUE(machine.table.release(range, kDom1).has_value());
    ASSERT_TRUE(machine.table.assign(frames(0x50000, 0x800), kDom2, contents).has_value());
    EXPECT_TRUE(machine.is_zero(range));
    ASSERT_TRUE(machine.table.release(frames(0x50000, 0x800), kDom2).has_value());
  }
}

TEST(FrameTableContents, WhatFirmwareLeftGoesToTheHardwareDomainOnly) {
  StartedMachine machine;
  machine.soil(frames(0x50000, 0x400));
  ASSERT_TRUE(machine.table.assign(frames(0x50000, 0x200), kDom0, Contents::kAsFound).has_value());
  ASSERT_TRUE(machine.table.assign(frames(0x50200, 0x200), kDom1, Contents::kScrubbed).has_value());
  EXPECT_FALSE(machine.is_zero(frames(0x50000, 1)));
  EXPECT_TRUE(machine.is_zero(frames(0x50200, 0x200)));
}

TEST(FrameTableContents, AllocationsAreScrubbedToo) {
  StartedMachine machine;
  for (const Order order : {kOrder4K, Order(3), kOrder2M, Order(11)}) {
    const Mfn first = machine.table.allocate_for(kDom1, order, Contents::kScrubbed).value();
    const MfnRange range(first, first + order.count());
    machine.soil(range);
    ASSERT_TRUE(machine.table.release(range, kDom1).has_value());
    const Mfn second = machine.table.allocate_for(kDom2, order, Contents::kAsFound).value();
    EXPECT_TRUE(machine.is_zero(MfnRange(second, second + order.count())));
    ASSERT_TRUE(machine.table.release(MfnRange(second, second + order.count()), kDom2).has_value());
  }
}

TEST(FrameTableContents, ACleanBlockThatJoinsADirtyOneIsScrubbedWithIt) {
  Machine machine;
  const std::array modules{frames(0x50000, 0x200)};
  machine.layout.boot_modules = modules;
  machine.start();
  const MfnRange buddy = frames(0x50200, 0x200);
  ASSERT_TRUE(machine.table.assign(buddy, kDom1, Contents::kAsFound).has_value());
  machine.soil(buddy);
  ASSERT_TRUE(machine.table.release(buddy, kDom1).has_value());
  machine.table.release_boot_modules();
  ASSERT_TRUE(machine.table.assign(buddy, kDom0, Contents::kAsFound).has_value());
  EXPECT_TRUE(machine.is_zero(buddy));
}

}  // namespace
}  // namespace socle::mem
