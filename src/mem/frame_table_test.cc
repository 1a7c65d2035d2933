// SPDX-License-Identifier: Apache-2.0
// FrameTable: the heap, a heap that is empty, questions.
#include "mem/frame_table.h"

#include <array>
#include <cstring>
#include <vector>

#include "mem/test_frame_table.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

// --- The heap -----------------------------------------------------------------------------------

TEST(FrameTableHeap, FramesAreZeroedWheneverTheyAreGivenOut) {
  StartedMachine machine;
  const Mfn frame = machine.table.allocate(kOrder4K).value();
  EXPECT_TRUE(machine.is_zero(MfnRange(frame, frame + FrameCount(1))));
  machine.soil(MfnRange(frame, frame + FrameCount(1)));
  machine.table.free(frame, kOrder4K);
  const Mfn again = machine.table.allocate(kOrder4K).value();
  EXPECT_TRUE(again == frame);
  EXPECT_TRUE(machine.is_zero(MfnRange(again, again + FrameCount(1))));
}

TEST(FrameTableHeap, RunsAreAlignedToTheirSizeAndDisjoint) {
  StartedMachine machine;
  std::vector<MfnRange> taken;
  for (unsigned round = 0; round < 5; ++round) {
    for (unsigned order = 0; order <= 9; ++order) {
      const Mfn first = machine.table.allocate(Order(order)).value();
      EXPECT_TRUE(first.is_aligned(Order(order)));
      const MfnRange run(first, first + Order(order).count());
      for (const MfnRange& other : taken)
        EXPECT_FALSE(run.overlaps(other));
      taken.push_back(run);
    }
  }
  machine.table.verify();
}

TEST(FrameTableHeap, GrowsByBlocksThatAreMappedWhenItsStockIsUsedUp) {
  StartedMachine machine;
  for (int i = 0; i < 2000; ++i) {
    const Mfn frame = machine.table.allocate(kOrder4K).value();
    EXPECT_TRUE(machine.memory.is_owned(frame));
  }
  machine.table.verify();
  EXPECT_GT(machine.table.statistics().heap.value(), 2000u);
}

TEST(FrameTableHeap, AFailedMappingLeavesTheBlockFree) {
  StartedMachine machine;
  const Statistics before = machine.table.statistics();
  machine.memory.fail_maps(1);
  EXPECT_TRUE(error_of(machine.table.allocate(kOrder2M)) == Error::kNoMemory);
  machine.table.verify();
  EXPECT_EQ(machine.table.statistics().free.value(), before.free.value());
  EXPECT_TRUE(machine.table.allocate(kOrder2M).has_value());
}

TEST(FrameTableHeap, MoreThanABlockIsRefused) {
  StartedMachine machine;
  EXPECT_TRUE(error_of(machine.table.allocate(Order(10))) == Error::kTooLarge);
  EXPECT_TRUE(error_of(machine.table.allocate_frames(FrameCount(513))) == Error::kTooLarge);
}

TEST(FrameTableHeap, ACountThatIsNoPowerOfTwoCostsNoMoreThanItself) {
  StartedMachine machine;
  const Statistics before = machine.table.statistics();
  const Mfn first = machine.table.allocate_frames(FrameCount(5)).value();
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), before.heap_stock.value() - 5);
  EXPECT_TRUE(machine.table.owner_of(first + FrameCount(4)) == Owner::heap());
  machine.table.free_frames(first, FrameCount(5));
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), before.heap_stock.value());
  machine.table.verify();
}

TEST(FrameTableHeap, LargeCountsTakeAWholeBlockAndGiveItBack) {
  StartedMachine machine;
  const Mfn first = machine.table.allocate_frames(FrameCount(300)).value();
  EXPECT_TRUE(first.is_aligned(kOrder2M));
  const Statistics with = machine.table.statistics();
  machine.table.free_frames(first, FrameCount(300));
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), with.heap_stock.value() + 512);
  machine.table.verify();
}

TEST(FrameTableHeap, ReservingMakesTheNextAllocationsIndependentOfFreeMemory) {
  StartedMachine machine;
  ASSERT_TRUE(machine.table.reserve_heap(FrameCount(3000)).has_value());
  machine.use_up_blocks(kDom0);
  for (int i = 0; i < 3000 - 5; ++i)
    ASSERT_TRUE(machine.table.allocate(kOrder4K).has_value());
}

TEST(FrameTableHeap, WhenAllIsUsedUpItSaysSoAndRecovers) {
  StartedMachine machine(0x4000);
  std::vector<Mfn> taken;
  for (;;) {
    const auto frame = machine.table.allocate(kOrder4K);
    if (!frame) {
      EXPECT_TRUE(frame.error() == Error::kNoMemory);
      break;
    }
    taken.push_back(*frame);
  }
  machine.table.verify();
  // What heap_block_map() may need for its tables is still there.
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), 8u);
  // All but the image's block and the reserve for growth.
  EXPECT_GT(taken.size(), 0x4000u - 3 * 512u);
  for (const Mfn frame : taken)
    machine.table.free(frame, kOrder4K);
  machine.table.verify();
  EXPECT_TRUE(machine.table.allocate(kOrder2M).has_value());
}

// --- No leaf to be had --------------------------------------------------------------------------

// A machine whose heap is empty and cannot grow. What is left is in blocks without leaves.
struct StarvedMachine : StartedMachine {
  StarvedMachine() {
    own = table.allocate_for(kDom1, kOrder2M, Contents::kAsFound).value();
    memory.fail_maps(1000);
    for (auto frame = table.allocate(kOrder4K); frame; frame = table.allocate(kOrder4K))
      some_heap_frame = *frame;
  }
  Mfn own;
  Mfn some_heap_frame;
};

TEST(FrameTableStarved, ClaimingPartOfABlockChangesNothing) {
  StarvedMachine machine;
  const Statistics before = machine.table.statistics();
  const auto result = machine.table.assign(frames(0x50001, 0x1000), kDom0, Contents::kAsFound);
  EXPECT_TRUE(error_of(result) == Error::kNoMemory);
  EXPECT_TRUE(machine.table.owner_of(Mfn(0x50200)) == Owner::free());
  EXPECT_EQ(machine.table.statistics().free.value(), before.free.value());
  machine.table.verify();
  EXPECT_TRUE(machine.table.assign(frames(0x50000, 0x1000), kDom0, Contents::kAsFound).has_value());
}

TEST(FrameTableStarved, ALeafThatWasGainedForNothingGoesBack) {
  StarvedMachine machine;
  const MfnRange some = frames(machine.some_heap_frame.value(), 1);
  machine.table.free(some.begin(), kOrder4K);
  const Statistics before = machine.table.statistics();
  // Both ends cut a block: two leaves are needed, there is one.
  const auto result = machine.table.assign(frames(0x50001, 0x1000), kDom0, Contents::kAsFound);
  EXPECT_TRUE(error_of(result) == Error::kNoMemory);
  EXPECT_EQ(machine.table.statistics().heap_stock.value(), before.heap_stock.value());
  EXPECT_TRUE(machine.table.assign(frames(0x50001, 0x11ff), kDom0, Contents::kAsFound).has_value());
}

TEST(FrameTableStarved, ReleasingPartOfABlockChangesNothing) {
  StarvedMachine machine;
  EXPECT_TRUE(error_of(machine.table.release(frames(machine.own.value() + 1, 1), kDom1)) ==
              Error::kNoMemory);
  EXPECT_TRUE(machine.table.owner_of(machine.own + FrameCount(1)) == kOwner1);
  machine.table.verify();
  EXPECT_TRUE(machine.table.release(frames(machine.own.value(), 512), kDom1).has_value());
}

TEST(FrameTableStarved, AReferenceIsRefused) {
  StarvedMachine machine;
  EXPECT_TRUE(error_of(machine.table.get_ref(machine.own, kOwner1)) == Error::kNoMemory);
  EXPECT_EQ(machine.table.references(machine.own), 0u);
  machine.table.verify();
}

TEST(FrameTableStarved, SmallAllocationsComeFromBlocksThatAreSplitAlready) {
  StarvedMachine machine;
  EXPECT_TRUE(error_of(machine.table.allocate_for(kDom1, kOrder4K, Contents::kAsFound)) ==
              Error::kNoMemory);
  EXPECT_TRUE(machine.table.allocate_for(kDom1, kOrder2M, Contents::kAsFound).has_value());
  machine.table.verify();
}

// --- Questions ----------------------------------------------------------------------------------

TEST(FrameTableQuestions, TheLargestAssignableRangesComeInAscendingOrder) {
  StartedMachine machine;
  for (const std::uint64_t hole : {0x48000ull, 0x4a000ull, 0x60000ull})
    ASSERT_TRUE(machine.table.assign(frames(hole, 1), kDom1, Contents::kAsFound).has_value());
  std::array<MfnRange, 2> runs;
  ASSERT_EQ(machine.table.assignable_ranges(runs), 2u);
  EXPECT_TRUE(runs[0] == MfnRange(Mfn(0x4a001), Mfn(0x60000)));
  EXPECT_EQ(runs[1].begin().value(), 0x60001u);
  EXPECT_EQ(machine.table.assignable_ranges({}), 0u);
}

TEST(FrameTableQuestions, StatisticsAddUp) {
  StartedMachine machine;
  const Statistics counts = machine.table.statistics();
  EXPECT_EQ(counts.ram.value(), 0x40000u);
  EXPECT_EQ(counts.end_of_ram.value(), 0x80000u);
  EXPECT_EQ(counts.free.value() + counts.heap.value() + 0x60, counts.ram.value());
}

}  // namespace
}  // namespace socle::mem
