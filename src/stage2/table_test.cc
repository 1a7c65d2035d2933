// SPDX-License-Identifier: Apache-2.0
// The table code away from AddressSpace: another format, a walker without a view into the caches,
// listeners, and what TLB maintenance costs.
#include "stage2/table.h"

#include <gtest/gtest.h>
#include <memory>
#include <thread>
#include <vector>

#include "hw/attributes_for_tests.h"
#include "port/tlb.h"
#include "stage2/address_space.h"
#include "stage2/edit.h"
#include "stage2/test_pool.h"

namespace socle::stage2 {
namespace {

constexpr std::uint64_t k2M = 512;
constexpr std::uint64_t k1G = 512 * 512;

InputRange inputs(std::uint64_t first, std::uint64_t count) {
  return InputRange(InputFrame(first), InputFrame(first + count));
}
GfnRange frames(std::uint64_t first, std::uint64_t count) {
  return GfnRange(Gfn(first), Gfn(first + count));
}

constexpr MfnRange kFrames{Mfn(0x40000), Mfn(0x41000)};
constexpr DecodedAttributes kCode{
    MemoryType::kNormalWriteBack, {true, false, true}, Reason::kSocle};
constexpr DecodedAttributes kData{
    MemoryType::kNormalWriteBack, {true, true, false}, Reason::kSocle};

class El2Invalidator final : public Invalidator {
 public:
  void invalidate(const InputRange& range, Level, port::TlbReach) override {
    port::tlb_el2_range(range.begin().value() << kFrameShift, range.end().value() << kFrameShift);
  }
  void invalidate_all() override { port::tlb_el2_all(); }
  void complete() override { port::tlb_sync(); }
};

// EL2's own tables: stage 1, another format, no VMID.
class El2Tables : public testing::Test {
 protected:
  El2Tables() {
    EXPECT_TRUE(table.create({}, *hw::stage1_geometry(48), TableSource(pool), {}));
    mmu.load_el2(table.root(), 48);
  }
  ~El2Tables() override {
    const Edit everything{.kind = Edit::Kind::kUnmap, .range = table.all(), .output = {}};
    EXPECT_TRUE(edit(everything));
    mmu.forget_el2();
    EXPECT_TRUE(table.free_some(100));
  }

  Result<> edit(const Edit& edit) {
    Ledger ledger(invalidator, TableSource(pool));
    table.commit(TRY(table.prepare(edit)), ledger);
    return {};
  }
  Result<> map(std::uint64_t first, std::uint64_t count, std::uint64_t mfn,
               const DecodedAttributes& attributes) {
    return edit({.kind = Edit::Kind::kMap,
                 .range = inputs(first, count),
                 .output = Mfn(mfn),
                 .attributes = hw::El2Attributes::encode(attributes)});
  }

  sim::Memory memory{kFrames};
  sim::Mmu mmu{memory};
  TestPool pool{memory, kFrames};
  El2Invalidator invalidator;
  Table<hw::El2Attributes> table;
};

TEST_F(El2Tables, MapInTheirOwnFormat) {
  ASSERT_TRUE(map(0, 3 * k2M, 0, kData));
  ASSERT_TRUE(map(3 * k2M, 4, 3 * k2M, kCode));
  mmu.expect_settled();
  EXPECT_EQ(table.lookup(InputFrame(5))->attributes, kData);
  EXPECT_EQ(table.lookup(InputFrame(5))->level, Level(2));
  EXPECT_EQ(table.lookup(InputFrame(3 * k2M))->attributes, kCode);
  EXPECT_EQ(mmu.translate(table.root(), 3 * k2M + 3)->mfn, Mfn(3 * k2M + 3));
}

TEST_F(El2Tables, SplitAndMergeLikeStage2) {
  ASSERT_TRUE(map(0, k1G, 0, kData));
  ASSERT_TRUE(edit({.kind = Edit::Kind::kChange,
                    .range = inputs(1000, 1),
                    .output = {},
                    .attributes = hw::El2Attributes::encode(kCode)}));
  mmu.expect_settled();
  EXPECT_EQ(table.lookup(InputFrame(1000))->attributes, kCode);
  EXPECT_EQ(table.lookup(InputFrame(1001))->attributes, kData);
  ASSERT_TRUE(edit({.kind = Edit::Kind::kChange,
                    .range = inputs(1000, 1),
                    .output = {},
                    .attributes = hw::El2Attributes::encode(kData)}));
  mmu.expect_settled();
  EXPECT_EQ(table.lookup(InputFrame(1000))->level, Level(1));
}

TEST_F(El2Tables, ReachTheEndOfTheAddressSpace) {
  const std::uint64_t last = (std::uint64_t{1} << 36) - 1;
  ASSERT_TRUE(map(last, 1, 0x80000, kData));
  EXPECT_EQ(table.lookup(InputFrame(last))->output, Mfn(0x80000));
  EXPECT_FALSE(map(last, 2, 0x80000, kData));
}

// --- An IOMMU's tables
// -----------------------------------------------------------------------------

// Every word that a walker of `table` meets.
template <typename Format, typename Visit>
void for_each_pointer(const Table<Format>& table, Visit visit) {
  const auto look = [&](Mfn number, std::size_t size, Level level) {
    const auto* const entries = port::owned_frame_as<std::uint64_t>(number);
    for (std::size_t index = 0; index < size; ++index) {
      if (hw::descriptor::kind(entries[index], level) == hw::DescriptorKind::kTable)
        visit(entries[index]);
    }
  };
  look(table.root(), table.geometry().root_entries, table.geometry().start);
  table.for_each_table(
      [&](Mfn number, Level level) { look(number, hw::descriptor::kEntries, level); });
}

// The IPMMU refuses a walk that meets a descriptor without NSTable.
TEST(IommuTables, AnIpmmusPointersAreNonSecureWhateverHappensToTheTree) {
  sim::Memory memory{kFrames};
  sim::Mmu mmu{memory};
  TestPool pool(memory, kFrames);
  El2Invalidator invalidator;
  Table<hw::IpmmuAttributes> table;
  ASSERT_TRUE(table.create({}, *hw::stage1_geometry(hw::IpmmuAttributes::kInputBits),
                           TableSource(pool), {}));
  EXPECT_EQ(table.geometry().root_entries, 4u);
  EXPECT_EQ(table.geometry().start, Level(1));
  mmu.load_el2(table.root(), hw::IpmmuAttributes::kInputBits);
  const auto edit = [&](Edit::Kind kind, std::uint64_t first, std::uint64_t count,
                        const DecodedAttributes& attributes) {
    Ledger ledger(invalidator, TableSource(pool));
    auto plan = table.prepare({.kind = kind,
                               .range = inputs(first, count),
                               .output = Mfn(0x80000 + first),
                               .attributes = hw::IpmmuAttributes::encode(attributes)});
    ASSERT_TRUE(plan);
    table.commit(std::move(*plan), ledger);
  };
  const auto pointers = [&] {
    unsigned count = 0;
    for_each_pointer(table, [&](std::uint64_t word) {
      EXPECT_EQ(word >> 63, 1u);
      ++count;
    });
    return count;
  };
  const DecodedAttributes read_only{
      MemoryType::kNormalWriteBack, {true, false, false}, Reason::kGrantMapping};
  edit(Edit::Kind::kMap, 0, k1G, kData);
  edit(Edit::Kind::kMap, k1G, 3, kData);
  EXPECT_EQ(pointers(), 2u);
  edit(Edit::Kind::kChange, 700, 1, read_only);
  mmu.expect_settled();
  EXPECT_EQ(pointers(), 4u);
  EXPECT_EQ(table.lookup(InputFrame(700))->attributes, read_only);
  edit(Edit::Kind::kUnmap, 700, 1, kData);
  EXPECT_EQ(pointers(), 4u);
  edit(Edit::Kind::kUnmap, 0, table.geometry().frames().value(), kData);
  EXPECT_EQ(pointers(), 0u);
  mmu.expect_settled();
  mmu.forget_el2();
  EXPECT_TRUE(table.free_some(100));
}

// --- Listeners
// ------------------------------------------------------------------------------------

// A view with tables of its own, in another format, that replays each change: what an IOMMU that
// cannot share the CPUs' tables will be.
class Mirror final : public Listener {
 public:
  explicit Mirror(TestPool& pool) {
    EXPECT_TRUE(table.create({}, *hw::stage1_geometry(39), TableSource(pool), {}));
  }
  Result<> prepare(const Change& change) override {
    plan_ = std::make_unique<Plan>(TRY(table.prepare(edit_of(change))));
    return {};
  }
  void cancel(const Change&) override { plan_.reset(); }
  void commit(const Change&) override {
    Ledger ledger(invalidator_, table.source());
    table.commit(std::move(*plan_), ledger);
    plan_.reset();
  }
  void complete() override { ++completions; }

  Table<hw::El2Attributes> table;
  unsigned completions = 0;

 private:
  class NoTlb final : public Invalidator {
    void invalidate(const InputRange&, Level, port::TlbReach) override {}
    void invalidate_all() override {}
    void complete() override {}
  };
  // A device never executes.
  Edit edit_of(const Change& change) const {
    DecodedAttributes attributes = change.attributes;
    attributes.permissions.execute = false;
    Edit edit{.range = input(change.range), .output = change.output};
    switch (change.kind) {
      case Change::Kind::kMap:
        edit.kind = Edit::Kind::kOverwrite;
        edit.attributes = hw::El2Attributes::encode(attributes);
        break;
      case Change::Kind::kUnmap:
        edit.kind = Edit::Kind::kUnmap;
        break;
      case Change::Kind::kAttributes:
        edit.kind = Edit::Kind::kChange;
        edit.attributes = hw::El2Attributes::encode(attributes);
        break;
    }
    return edit;
  }
  NoTlb invalidator_;
  std::unique_ptr<Plan> plan_;
};

class Listeners : public testing::Test {
 protected:
  Listeners() {
    EXPECT_TRUE(space.init({.tables = TableSource(pool), .vmids = &vmids, .ipa_bits = 39}));
    mmu.load_stage2(CpuIndex{0}, space.activate(CpuIndex{0}).vttbr, space.vtcr());
  }
  ~Listeners() override {
    mmu.load_stage2(CpuIndex{0}, 0, 0);
    while (!space.teardown(10)) {
    }
  }
  sim::Memory memory{kFrames};
  sim::Mmu mmu{memory};
  TestPool pool{memory, kFrames};
  VmidAllocator vmids;
  AddressSpace space;
};

TEST_F(Listeners, WithTablesOfTheirOwnFollowEveryChangeInWholeBlocks) {
  Mirror mirror(pool);
  space.add_listener(mirror);
  ASSERT_TRUE(space.map(frames(0, 2 * k1G), Mfn(0), kTestRam));
  EXPECT_EQ(mirror.table.lookup(InputFrame(77))->level, Level(1));
  EXPECT_FALSE(mirror.table.lookup(InputFrame(77))->attributes.permissions.execute);
  ASSERT_TRUE(space.unmap(frames(5, 1)));
  ASSERT_TRUE(space.change(frames(k1G, k2M), kTestReadOnly));
  ASSERT_TRUE(space.replace(Gfn(9), Mfn(0x123456), kTestRam));
  EXPECT_FALSE(mirror.table.lookup(InputFrame(5)));
  EXPECT_EQ(mirror.table.lookup(InputFrame(9))->output, Mfn(0x123456));
  EXPECT_FALSE(mirror.table.lookup(InputFrame(k1G + 1))->attributes.permissions.write);
  EXPECT_EQ(mirror.table.lookup(InputFrame(k1G + 1))->level, Level(2));
  ASSERT_TRUE(space.unmap(frames(0, 2 * k1G)));
  EXPECT_FALSE(mirror.table.lookup(InputFrame(k1G)));
  EXPECT_GE(mirror.completions, 5u);
  space.remove_listener(mirror);
  EXPECT_TRUE(mirror.table.free_some(1));
}

TEST_F(Listeners, ThatCannotFollowStopTheChangeForEverybody) {
  Mirror first(pool);
  Mirror second(pool);
  space.add_listener(first);
  space.add_listener(second);
  const std::size_t used = pool.used();
  // One page needs two tables in each of the three trees; the last tree's are not to be had.
  for (const std::size_t n : {0u, 1u, 2u, 3u, 4u, 5u}) {
    pool.fail_after(n);
    const Result<> result = space.map(frames(1, 1), Mfn(1), kTestRam);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Error::kNoMemory);
    EXPECT_EQ(pool.used(), used);
    EXPECT_FALSE(space.lookup(Gfn(1)));
    EXPECT_FALSE(first.table.lookup(InputFrame(1)));
    EXPECT_FALSE(second.table.lookup(InputFrame(1)));
  }
  pool.fail_after(6);
  EXPECT_TRUE(space.map(frames(1, 1), Mfn(1), kTestRam));
  pool.fail_after(TestPool::kNever);
  EXPECT_TRUE(space.unmap(frames(1, 1)));
  space.remove_listener(first);
  space.remove_listener(second);
  EXPECT_TRUE(first.table.free_some(1));
  EXPECT_TRUE(second.table.free_some(1));
}

TEST_F(Listeners, JoiningLateCatchUpByWalkingInSlices) {
  for (std::uint64_t i = 0; i < 20; ++i)
    ASSERT_TRUE(space.map(frames(100 * i, 10), Mfn(0x80000 + 1000 * i), kTestRam));
  Mirror mirror(pool);
  space.add_listener(mirror);
  Gfn cursor = space.all().begin();
  unsigned slices = 0;
  while (cursor < space.all().end()) {
    unsigned extents = 0;
    cursor = space.walk(GfnRange(cursor, space.all().end()), [&](const Extent& extent) {
      const Change change{.kind = Change::Kind::kMap,
                          .range = extent.range,
                          .output = extent.mfn,
                          .attributes = extent.attributes};
      EXPECT_TRUE(mirror.prepare(change));
      mirror.commit(change);
      return ++extents < 3;
    });
    ++slices;
    // Between two slices the map changes, behind the cursor and before it.
    if (slices == 2) {
      ASSERT_TRUE(space.unmap(frames(0, 10)));
      ASSERT_TRUE(space.map(frames(5000, 1), Mfn(0x70000), kTestRam));
    }
  }
  EXPECT_GE(slices, 7u);
  EXPECT_FALSE(mirror.table.lookup(InputFrame(5)));
  EXPECT_EQ(mirror.table.lookup(InputFrame(5000))->output, Mfn(0x70000));
  EXPECT_EQ(mirror.table.lookup(InputFrame(1909))->output, Mfn(0x80000 + 19009));
  EXPECT_TRUE(space.unmap(space.all()));
  space.remove_listener(mirror);
  EXPECT_TRUE(mirror.table.free_some(1));
}

// A view that walks these very tables and has a TLB.
class Sharer final : public Listener {
 public:
  void invalidate(const GfnRange& range) override { invalidated = range; }
  void complete() override { ++completions; }
  std::optional<GfnRange> invalidated;
  unsigned completions = 0;
};

TEST_F(Listeners, ThatShareTheTablesAreToldWhatToForgetBeforeTheCallReturns) {
  Sharer sharer;
  space.add_listener(sharer);
  ASSERT_TRUE(space.map(frames(0, k2M), Mfn(0x80000), kTestRam));
  EXPECT_FALSE(sharer.invalidated.has_value());
  ASSERT_TRUE(space.unmap(frames(0, k2M)));
  ASSERT_TRUE(sharer.invalidated.has_value());
  EXPECT_TRUE(sharer.invalidated->contains(frames(0, k2M)));
  EXPECT_GE(sharer.completions, 1u);
  space.remove_listener(sharer);
}

// --- What it costs
// --------------------------------------------------------------------------------

TEST_F(Listeners, BuildingAMapNeedsNoTlbMaintenance) {
  mmu.counters = {};
  ASSERT_TRUE(space.map(frames(1, 10 * k1G), Mfn(1), kTestRam));
  EXPECT_EQ(mmu.counters.tlb_operations, 0u);
  EXPECT_EQ(mmu.counters.waits, 0u);
}

TEST_F(Listeners, ABatchOfUnmapsPaysOnce) {
  for (std::uint64_t i = 0; i < 64; ++i)
    ASSERT_TRUE(space.map(frames(i, 1), Mfn(0x80000 + 2 * i), kTestRam));
  mmu.counters = {};
  {
    AddressSpace::Batch batch(space);
    for (std::uint64_t i = 0; i < 64; ++i)
      ASSERT_TRUE(batch.unmap(frames(i, 1)));
    EXPECT_EQ(mmu.counters.waits, 0u);
  }
  EXPECT_EQ(mmu.counters.waits, 2u);  // stage 2, then the combined entries
  // The pages, as one range; the two tables that became empty; the combined entries.
  EXPECT_EQ(mmu.counters.tlb_operations, 4u);
  mmu.expect_settled();
}

TEST_F(Listeners, AnAddressSpaceThatNeverRanIsEditedWithoutTlbMaintenance) {
  AddressSpace other;
  ASSERT_TRUE(other.init({.tables = TableSource(pool), .vmids = &vmids, .ipa_bits = 39}));
  mmu.counters = {};
  ASSERT_TRUE(other.map(frames(0, k1G), Mfn(0), kTestRam));
  ASSERT_TRUE(other.unmap(frames(3, 1)));
  EXPECT_EQ(mmu.counters.tlb_operations, 0u);
  EXPECT_TRUE(other.teardown(10));
}

TEST_F(Listeners, ATebibyteInOneGibibyteBlocksTakesFewStores) {
  AddressSpace large;
  ASSERT_TRUE(large.init({.tables = TableSource(pool), .vmids = &vmids, .ipa_bits = 43}));
  mmu.load_stage2(CpuIndex{1}, large.activate(CpuIndex{1}).vttbr, large.vtcr());
  mmu.counters = {};
  ASSERT_TRUE(large.map(frames(0, 1024 * k1G), Mfn(0), kTestRam));
  EXPECT_EQ(mmu.counters.stores, 1024u);
  EXPECT_EQ(pool.used(), 2u);  // two roots, nothing else
  mmu.load_stage2(CpuIndex{1}, 0, 0);
  EXPECT_TRUE(large.teardown(1));
}

// --- Several CPUs
// ---------------------------------------------------------------------------------

// Without a model MMU, which is for one thread. Each CPU keeps to its own part of the map, but they
// share tables, the pool and the lock.
TEST(SeveralCpus, MayEditOneAddressSpaceAtOnce) {
  sim::Memory memory{kFrames};
  TestPool pool{memory, kFrames};
  VmidAllocator vmids;
  AddressSpace space;
  ASSERT_TRUE(space.init({.tables = TableSource(pool), .vmids = &vmids, .ipa_bits = 36}));
  constexpr std::uint64_t kCpus = 2;  // as many as a small host runs at once: ticket locks spin
  std::vector<std::thread> threads;
  threads.reserve(kCpus);
  for (std::uint64_t cpu = 0; cpu < kCpus; ++cpu) {
    threads.emplace_back([&space, cpu] {
      for (std::uint64_t round = 0; round < 600; ++round) {
        space.activate(CpuIndex{static_cast<std::uint16_t>(cpu)});
        const std::uint64_t frame = kCpus * (round % 300) + cpu;
        EXPECT_TRUE(space.map(frames(frame, 1), Mfn(0x80000 + frame), kTestRam));
        EXPECT_EQ(space.lookup(Gfn(frame))->mfn, Mfn(0x80000 + frame));
        if (round % 3 == 0) EXPECT_TRUE(space.unmap(frames(frame, 1)));
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  std::uint64_t mapped = 0;
  for (std::uint64_t frame = 0; frame < kCpus * 300; ++frame) {
    const auto found = space.lookup(Gfn(frame));
    mapped += found ? 1 : 0;
    EXPECT_TRUE(!found || found->mfn == Mfn(0x80000 + frame));
  }
  EXPECT_EQ(space.coverage().frames().value(), mapped);
  EXPECT_TRUE(space.teardown(100));
}

// --- Walkers that do not look into the caches
// -------------------------------------------------------

class IncoherentWalker : public testing::Test {
 protected:
  sim::Memory memory{kFrames};
  sim::Mmu mmu{memory, sim::Mmu::Walker::kNonCoherent};
  TestPool pool{memory, kFrames};
  El2Invalidator invalidator;
  Table<hw::El2Attributes> table;

  void edit(Edit::Kind kind, std::uint64_t first, std::uint64_t count) {
    Ledger ledger(invalidator, TableSource(pool));
    auto plan = table.prepare({.kind = kind,
                               .range = inputs(first, count),
                               .output = Mfn(first),
                               .attributes = hw::El2Attributes::encode(kData)});
    ASSERT_TRUE(plan);
    table.commit(std::move(*plan), ledger);
  }
  void finish() {
    edit(Edit::Kind::kUnmap, 0, std::uint64_t{1} << 27);
    mmu.expect_settled();
    mmu.forget_el2();
    EXPECT_TRUE(table.free_some(1));
  }
};

TEST_F(IncoherentWalker, SeesEveryChangeOfTablesThatAreCleanedForIt) {
  ASSERT_TRUE(
      table.create({}, *hw::stage1_geometry(39), TableSource(pool), {.clean_for_walker = true}));
  mmu.load_el2(table.root(), 39);
  edit(Edit::Kind::kMap, 0, k1G);
  mmu.expect_settled();
  edit(Edit::Kind::kUnmap, 1000, 20);
  mmu.expect_settled();
  EXPECT_TRUE(mmu.translate(table.root(), 999));
  EXPECT_FALSE(mmu.translate(table.root(), 1000));
  edit(Edit::Kind::kMap, 1000, 20);
  mmu.expect_settled();
  EXPECT_EQ(mmu.translate(table.root(), 1000)->level, Level(1));
  finish();
}

TEST_F(IncoherentWalker, MayJoinLate) {
  ASSERT_TRUE(table.create({}, *hw::stage1_geometry(39), TableSource(pool), {}));
  edit(Edit::Kind::kMap, 7, 3000);
  table.begin_cleaning();
  mmu.load_el2(table.root(), 39);
  EXPECT_EQ(mmu.translate(table.root(), 3006)->mfn, Mfn(3006));
  edit(Edit::Kind::kUnmap, 8, 1);
  mmu.expect_settled();
  finish();
}

}  // namespace
}  // namespace socle::stage2
