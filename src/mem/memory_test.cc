// SPDX-License-Identifier: Apache-2.0
// The functions of mem/memory.h and mem/object.h on the one frame table: the same on the host and
// at EL2.
#include "mem/memory.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/test.h"
#include "mem/object.h"
#include "mem/test_machine.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

constexpr DomainId kDomain{0x7123};
constexpr DomainId kOther{0x7124};

bool is_zero(const std::byte* bytes, std::size_t count) {
  return std::all_of(bytes, bytes + count, [](std::byte b) { return b == std::byte{}; });
}

TEST(Memory, HeapFramesCanBeWrittenAndComeBackZeroed) {
  const TestMachine machine;
  for (const Order order : {kOrder4K, Order(3), kOrder2M}) {
    const Mfn first = allocate(order).value();
    EXPECT_TRUE(first.is_aligned(order));
    EXPECT_TRUE(owner_of(first) == Owner::heap());
    EXPECT_TRUE(is_zero(port::owned_frame(first), order.bytes()));
    std::memset(port::owned_frame(first), 0xa5, order.bytes());
    free(first, order);
    EXPECT_TRUE(owner_of(first) == Owner::heap_stock());
  }
}

TEST(Memory, TheHeapGrowsAndItsNewBlocksAreMapped) {
  const TestMachine machine;
  // More than any stock that a test run has: every block is one growth.
  std::array<Mfn, 4> blocks;
  for (Mfn& block : blocks) {
    block = allocate(kOrder2M).value();
    std::memset(port::owned_frame(block), 0xff, kOrder2M.bytes());
  }
  for (const Mfn block : blocks)
    free(block, kOrder2M);
}

TEST(Memory, ADomainsFramesAreScrubbedForTheNextOne) {
  const TestMachine machine;
  const Mfn frame = allocate_for(kDomain, kOrder4K, Contents::kScrubbed).value();
  {
    const port::PhysWindow window(frame);
    EXPECT_TRUE(is_zero(window.data(), kFrameSize));
    std::memset(window.data(), 0x77, kFrameSize);
  }
  ASSERT_TRUE(release(MfnRange(frame, frame + FrameCount(1)), kDomain).has_value());
  ASSERT_TRUE(
      assign(MfnRange(frame, frame + FrameCount(1)), kOther, Contents::kAsFound).has_value());
  {
    const port::PhysWindow window(frame);
    EXPECT_TRUE(is_zero(window.data(), kFrameSize));
  }
  ASSERT_TRUE(release(MfnRange(frame, frame + FrameCount(1)), kOther).has_value());
}

TEST(Memory, AReferenceKeepsAReleasedFrameFromReuse) {
  const TestMachine machine;
  const Mfn frame = allocate_for(kDomain, kOrder4K, Contents::kScrubbed).value();
  ASSERT_TRUE(get_ref(frame, kDomain).has_value());
  ASSERT_TRUE(release(MfnRange(frame, frame + FrameCount(1)), kDomain).has_value());
  EXPECT_TRUE(owner_of(frame) == Owner::domain(kDomain));
  EXPECT_FALSE(get_ref(frame, kDomain).has_value());
  put_ref(frame);
  EXPECT_TRUE(owner_of(frame) == Owner::free());
}

TEST(Memory, ADomainNumberWithASpecialMeaningOwnsNothing) {
  const TestMachine machine;
  const auto result = get_ref(Mfn(0), DomainId{0x7ff0});
  EXPECT_TRUE(!result && result.error() == Error::kDenied);
}

TEST(Memory, NothingIsLostOverManyAllocations) {
  const TestMachine machine;
  const Statistics before = statistics();
  for (unsigned i = 0; i < 200; ++i) {
    const FrameCount count(1 + i % 40);
    const Mfn first = allocate_frames(count).value();
    free_frames(first, count);
  }
  const Statistics after = statistics();
  EXPECT_EQ(after.heap.value() - after.heap_stock.value(),
            before.heap.value() - before.heap_stock.value());
}

int live_things = 0;
struct Thing {
  Thing(int first, int second) : sum(first + second) { ++live_things; }
  ~Thing() { --live_things; }
  int sum;
  std::array<std::uint8_t, 3 * kFrameSize> space{};
};

TEST(Object, LivesInFramesOfItsOwnFromCreateToDestroy) {
  const TestMachine machine;
  const Statistics before = statistics();
  Thing* const thing = create<Thing>(3, 4).value();
  EXPECT_EQ(thing->sum, 7);
  EXPECT_EQ(live_things, 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(thing) % kFrameSize, 0u);
  EXPECT_EQ(statistics().heap_stock.value(), before.heap_stock.value() - 4);
  destroy(thing);
  EXPECT_EQ(live_things, 0);
  EXPECT_EQ(statistics().heap_stock.value(), before.heap_stock.value());
  destroy(static_cast<Thing*>(nullptr));
}

TEST(Object, AnArraysElementsStartAsZero) {
  const TestMachine machine;
  const auto numbers = create_array<std::uint64_t>(2000).value();
  EXPECT_EQ(numbers.size(), 2000u);
  EXPECT_TRUE(std::ranges::all_of(numbers, [](std::uint64_t n) { return n == 0; }));
  numbers[1999] = 1;
  destroy_array(numbers);
  EXPECT_TRUE(create_array<std::uint64_t>(0).value().empty());
}

TEST(Object, AnArrayWhoseSizeOverflowsIsRefused) {
  const TestMachine machine;
  EXPECT_FALSE(create_array<std::uint64_t>(~std::size_t{0} / 4).has_value());
  EXPECT_FALSE(create_array<std::uint64_t>(1 << 20).has_value());
}

}  // namespace
}  // namespace socle::mem
