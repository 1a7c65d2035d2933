// SPDX-License-Identifier: Apache-2.0
#include "mem/table_pool.h"

#include <array>

#include "base/test.h"
#include "mem/test_machine.h"

namespace socle::mem {
namespace {

TEST(TablePool, WithoutAQuotaNothingCanBeTaken) {
  const TestMachine machine;
  TablePool pool;
  const auto frame = pool.take();
  EXPECT_FALSE(frame.has_value());
  EXPECT_TRUE(frame.has_value() || frame.error() == Error::kNoMemory);
}

TEST(TablePool, TakesUpToItsQuotaAndNoFurther) {
  const TestMachine machine;
  TablePool pool;
  pool.set_quota(FrameCount(3));
  std::array<Mfn, 3> frames;
  for (Mfn& frame : frames)
    frame = pool.take().value();
  EXPECT_FALSE(pool.take().has_value());
  EXPECT_EQ(pool.used().value(), 3u);
  pool.give(frames[1]);
  EXPECT_EQ(pool.used().value(), 2u);
  frames[1] = pool.take().value();
  for (const Mfn frame : frames)
    pool.give(frame);
  EXPECT_EQ(pool.used().value(), 0u);
}

TEST(TablePool, OnePoolsUseDoesNotTouchAnothersReservation) {
  const TestMachine machine;
  TablePool careful;
  careful.set_quota(FrameCount(8));
  ASSERT_TRUE(careful.reserve(FrameCount(4)).has_value());
  const Statistics before = statistics();
  std::array<Mfn, 4> frames;
  for (Mfn& frame : frames)
    frame = careful.take().value();
  // They came from the stock: the heap did not see it.
  EXPECT_EQ(statistics().heap_stock.value(), before.heap_stock.value());
  for (const Mfn frame : frames)
    careful.give(frame);
  EXPECT_EQ(careful.stock().value(), 4u);
}

TEST(TablePool, AReservationBeyondTheQuotaIsRefusedAndKeepsWhatItGained) {
  const TestMachine machine;
  TablePool pool;
  pool.set_quota(FrameCount(2));
  const auto reserved = pool.reserve(FrameCount(3));
  EXPECT_FALSE(reserved.has_value());
  EXPECT_EQ(pool.stock().value(), 2u);
  const Mfn frame = pool.take().value();
  EXPECT_EQ(pool.used().value(), 1u);
  EXPECT_EQ(pool.stock().value(), 1u);
  pool.give(frame);
  EXPECT_EQ(pool.used().value(), 0u);
  pool.drain();
  EXPECT_EQ(pool.stock().value(), 0u);
}

TEST(TablePool, FramesBeyondTheReservationGoBackToTheHeap) {
  const TestMachine machine;
  const Statistics before = statistics();
  TablePool pool;
  pool.set_quota(FrameCount(10));
  ASSERT_TRUE(pool.reserve(FrameCount(1)).has_value());
  const Mfn first = pool.take().value();
  const Mfn second = pool.take().value();
  pool.give(first);
  pool.give(second);
  EXPECT_EQ(pool.stock().value(), 1u);
  EXPECT_EQ(statistics().heap_stock.value(), before.heap_stock.value() - 1);
  pool.drain();
  EXPECT_EQ(statistics().heap_stock.value(), before.heap_stock.value());
}

TEST(TablePool, ContiguousFramesAreAlignedAndCountAgainstTheQuota) {
  const TestMachine machine;
  TablePool pool;
  pool.set_quota(FrameCount(17));
  const Mfn root = pool.take_contiguous(Order(4)).value();
  EXPECT_TRUE(root.is_aligned(Order(4)));
  EXPECT_EQ(pool.used().value(), 16u);
  EXPECT_FALSE(pool.take_contiguous(Order(1)).has_value());
  pool.give_contiguous(root, Order(4));
  EXPECT_EQ(pool.used().value(), 0u);
}

#if __STDC_HOSTED__

TEST(TablePool, AFailedAllocationIsNotCountedAsUsed) {
  TestMachine machine(FrameCount(0x1000));
  TablePool pool;
  pool.set_quota(FrameCount(0x1000));
  std::array<Mfn, 0x1000> frames;
  std::size_t count = 0;
  for (;;) {
    const auto frame = pool.take();
    if (!frame) break;
    frames[count++] = *frame;
  }
  EXPECT_EQ(pool.used().value(), count);
  EXPECT_GT(count, 0u);
  while (count > 0)
    pool.give(frames[--count]);
  frame_table().verify();
}

#endif

}  // namespace
}  // namespace socle::mem
