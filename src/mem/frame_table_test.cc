// SPDX-License-Identifier: Apache-2.0
#include "mem/frame_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/test.h"
#include "port/phys_window.h"
#include "sim/memory.h"

namespace socle::mem {
namespace {

constexpr DomainId kDom0{0};
constexpr DomainId kDom1{1};
constexpr DomainId kDom2{2};
const Owner kOwner0 = Owner::domain(kDom0);
const Owner kOwner1 = Owner::domain(kDom1);

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t count) {
  return MfnRange(Mfn(begin), Mfn(begin + count));
}

template <typename T>
Error error_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? Error{} : result.error();
}

// RAM in one bank from 1 GiB on (1 GiB of it unless said otherwise), Socle's image near its
// beginning, bootstrap behind.
struct Machine {
  static constexpr std::uint64_t kBase = 0x40000;

  explicit Machine(std::uint64_t ram_frames = 0x40000)
      : ram{frames(kBase, ram_frames)}, memory{ram[0]} {
    layout.ram = ram;
    layout.image = frames(kBase + 0x200, 0x60);
  }
  void start() {
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    memory.own(layout.bootstrap);
    ASSERT_TRUE(table.init(layout).has_value());
    table.verify();
  }
  // Takes 2 MiB blocks until there is none.
  void use_up_blocks(DomainId domain) {
    while (table.allocate_for(domain, kOrder2M, Contents::kAsFound).has_value()) {
    }
  }
  [[nodiscard]] bool is_zero(const MfnRange& range) const {
    for (Mfn frame = range.begin(); frame < range.end(); ++frame) {
      const std::byte* const bytes = memory.frame(frame);
      if (!std::all_of(bytes, bytes + kFrameSize, [](std::byte b) { return b == std::byte{}; }))
        return false;
    }
    return true;
  }
  void soil(const MfnRange& range) {
    for (Mfn frame = range.begin(); frame < range.end(); ++frame)
      std::memset(memory.frame(frame), 0x5a, kFrameSize);
  }

  std::vector<MfnRange> ram;
  sim::Memory memory;
  MemoryLayout layout;
  FrameTable table;
};

struct StartedMachine : Machine {
  explicit StartedMachine(std::uint64_t ram_frames = 0x40000) : Machine(ram_frames) { start(); }
};

// --- Boot ---------------------------------------------------------------------------------------

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
