// SPDX-License-Identifier: Apache-2.0
#include "mem/block.h"

#include "base/test.h"

namespace socle::mem {
namespace {

constexpr DomainId kGuest{3};
constinit Leaf leaf;

SplitEdit edit_of_free_leaf() {
  leaf.fill(Owner::free(), false, true);
  return SplitEdit(Block::split(Mfn(1), false, kFramesPerBlock, Order(8)), leaf);
}

TEST(Block, AWholeHeadKeepsOwnerOrderAndDirt) {
  const Block block = Block::whole(Owner::domain(kGuest), kOrder1G, true);
  EXPECT_TRUE(block.is_whole());
  EXPECT_TRUE(block.owner() == Owner::domain(kGuest));
  EXPECT_TRUE(block.order() == kOrder1G);
  EXPECT_TRUE(block.is_dirty());
}

TEST(Block, ASplitBlockKeepsTheHighestLeafFrameAndItsCounts) {
  const Block block = Block::split(Mfn(kMaxFrame), true, 512, Order(8));
  EXPECT_TRUE(block.is_split());
  EXPECT_TRUE(block.is_heap());
  EXPECT_EQ(block.leaf().value(), kMaxFrame);
  EXPECT_EQ(block.free_frames(), 512u);
  EXPECT_EQ(block.largest_run().value(), 8u);
}

TEST(Block, ATailIsNeitherWholeNorSplit) {
  EXPECT_TRUE(Block::tail().is_tail());
  EXPECT_FALSE(Block::tail().is_whole());
  EXPECT_FALSE(Block::tail().is_split());
}

TEST(Leaf, AFreeLeafHasARunOfEveryOrderAtItsBeginning) {
  (void)edit_of_free_leaf();
  for (unsigned order = 0; order < 9; ++order)
    EXPECT_EQ(leaf.find_run(Order(order), Owner::free()), 0u);
}

TEST(Leaf, AUsedFrameEndsTheRunsThatItLiesIn) {
  SplitEdit edit = edit_of_free_leaf();
  edit.set(0, Owner::domain(kGuest), false);
  for (unsigned order = 0; order < 9; ++order)
    EXPECT_EQ(leaf.find_run(Order(order), Owner::free()), 1u << order);
  edit.set(256, Owner::domain(kGuest), false);
  EXPECT_EQ(leaf.find_run(Order(8), Owner::free()), Leaf::kNone);
  EXPECT_EQ(leaf.find_run(Order(7), Owner::free()), 128u);
}

TEST(Leaf, RunsOfLessThanAGroupAreFoundInsideGroups) {
  SplitEdit edit = edit_of_free_leaf();
  // Only frames 8k+5 (an odd one), and the pair 502, 503 stay free.
  for (unsigned slot = 0; slot < kFramesPerBlock; ++slot) {
    if (slot % 8 != 5 && slot != 502 && slot != 503) edit.set(slot, Owner::domain(kGuest), false);
  }
  EXPECT_EQ(leaf.find_run(Order(0), Owner::free()), 5u);
  EXPECT_EQ(leaf.find_run(Order(1), Owner::free()), 502u);
  EXPECT_EQ(leaf.find_run(Order(2), Owner::free()), Leaf::kNone);
}

TEST(Leaf, TheRunAroundAFrameIsAlignedAndMaximal) {
  SplitEdit edit = edit_of_free_leaf();
  edit.set(4, Owner::domain(kGuest), false);
  EXPECT_EQ(leaf.run_around(5, Owner::free()).value(), 0u);
  EXPECT_EQ(leaf.run_around(6, Owner::free()).value(), 1u);
  EXPECT_EQ(leaf.run_around(0, Owner::free()).value(), 2u);
  EXPECT_EQ(leaf.run_around(8, Owner::free()).value(), 3u);
  EXPECT_EQ(leaf.run_around(511, Owner::free()).value(), 8u);
}

TEST(SplitEdit, CountsFramesThatComeAndGo) {
  SplitEdit edit = edit_of_free_leaf();
  edit.set(10, Owner::domain(kGuest), false);
  edit.set(11, Owner::domain(kGuest), false);
  EXPECT_EQ(edit.free_frames(), 510u);
  edit.set(11, Owner::domain(DomainId{4}), false);
  EXPECT_EQ(edit.free_frames(), 510u);
  edit.set(10, Owner::free(), true);
  edit.set(10, Owner::free(), true);
  EXPECT_EQ(edit.free_frames(), 511u);
  EXPECT_TRUE(edit.any_dirty());
}

TEST(SplitEdit, AReturnedFrameRaisesThePromiseToTheRunItCompletes) {
  leaf.fill(Owner::domain(kGuest), false, false);
  SplitEdit edit(Block::split(Mfn(1), false, 0, Order(0)), leaf);
  for (unsigned slot = 64; slot < 128; ++slot)
    edit.set(slot, Owner::free(), true);
  EXPECT_EQ(edit.largest_run().value(), 6u);
}

}  // namespace
}  // namespace socle::mem
