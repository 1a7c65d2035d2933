// SPDX-License-Identifier: Apache-2.0
#include "mem/frame_table.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/test.h"
#include "port/phys_window.h"
#include "sim/memory.h"

namespace socle::mem {
namespace {

constexpr DomainId kDom0{0};
constexpr DomainId kDom1{1};

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t count) {
  return MfnRange(Mfn(begin), Mfn(begin + count));
}

// A machine with RAM in one bank from 1 GiB on, Socle's image at its beginning, bootstrap behind.
struct Machine {
  static constexpr std::uint64_t kBase = 0x40000;

  explicit Machine(std::uint64_t ram_frames = 0x40000)
      : ram{frames(kBase, ram_frames)}, memory{ram[0]} {
    layout.ram = ram;
    layout.image = frames(kBase + 0x200, 0x60);
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    memory.own(layout.bootstrap);
    EXPECT_TRUE(table.init(layout).has_value());
    table.verify();
  }

  std::array<MfnRange, 1> ram;
  sim::Memory memory;
  MemoryLayout layout;
  FrameTable table;
};

TEST(FrameTable, AfterInitEveryFrameHasTheOwnerThatTheLayoutSays) {
  Machine machine;
  EXPECT_EQ(machine.table.owner_of(Mfn(0)), Owner::none());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x40000)), Owner::free());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x40200)), Owner::socle());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x40260)), Owner::heap());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x403ff)), Owner::heap_stock());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x40400)), Owner::free());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x80000)), Owner::none());
}

TEST(FrameTable, AllocatedFramesAreZeroedAndMapped) {
  Machine machine;
  const auto frame = machine.table.allocate(kOrder4K);
  ASSERT_TRUE(frame.has_value());
  std::byte* const bytes = port::owned_frame(*frame);
  EXPECT_TRUE(std::all_of(bytes, bytes + kFrameSize, [](std::byte b) { return b == std::byte{}; }));
  std::memset(bytes, 0xff, kFrameSize);
  machine.table.free(*frame, kOrder4K);
  const auto again = machine.table.allocate(kOrder4K);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(static_cast<int>(*port::owned_frame(*again)), 0);
  machine.table.verify();
}

TEST(FrameTable, TheHeapGrowsWhenItsStockIsUsedUp) {
  Machine machine;
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(machine.table.allocate(kOrder4K).has_value());
  machine.table.verify();
  EXPECT_GT(machine.table.statistics().heap.value(), 2000u);
}

TEST(FrameTable, ARangeIsClaimedExactly) {
  Machine machine;
  ASSERT_TRUE(machine.table.assign(frames(0x50001, 0x8000), kDom0, Contents::kAsFound).has_value());
  machine.table.verify();
  EXPECT_EQ(machine.table.owner_of(Mfn(0x50000)), Owner::free());
  EXPECT_EQ(machine.table.owner_of(Mfn(0x50001)), Owner::domain(kDom0));
  EXPECT_EQ(machine.table.owner_of(Mfn(0x58000)), Owner::domain(kDom0));
  EXPECT_EQ(machine.table.owner_of(Mfn(0x58001)), Owner::free());
  ASSERT_TRUE(machine.table.release(frames(0x50001, 0x8000), kDom0).has_value());
  machine.table.verify();
  EXPECT_EQ(machine.table.owner_of(Mfn(0x50001)), Owner::free());
}

TEST(FrameTable, AReferencedFrameIsFreedByItsLastPut) {
  Machine machine;
  const Mfn frame = machine.table.allocate_for(kDom1, kOrder2M, Contents::kScrubbed).value();
  ASSERT_TRUE(machine.table.get_ref(frame, Owner::domain(kDom1)).has_value());
  ASSERT_TRUE(machine.table.release(frames(frame.value(), 512), kDom1).has_value());
  machine.table.verify();
  EXPECT_EQ(machine.table.owner_of(frame), Owner::domain(kDom1));
  machine.table.put_ref(frame);
  machine.table.verify();
  EXPECT_EQ(machine.table.owner_of(frame), Owner::free());
}

}  // namespace
}  // namespace socle::mem
