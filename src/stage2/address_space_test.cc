// SPDX-License-Identifier: Apache-2.0
#include "stage2/address_space.h"

#include "port/memory_features.h"
#include "stage2/test_space.h"

namespace socle::stage2 {
namespace {

constexpr std::uint64_t k2M = 512;
constexpr std::uint64_t k1G = 512 * 512;

bool maps(const AddressSpace& space, Gfn gfn, Mfn mfn, const Attributes& attributes) {
  const auto found = space.lookup(gfn);
  return found && found->mfn == mfn && found->attributes == decoded(attributes);
}

TEST(AddressSpace, IsEmptyAtFirst) {
  TestSpace test;
  ASSERT_TRUE(test.is_ready());
  EXPECT_FALSE(test.space.lookup(Gfn(0)).has_value());
  EXPECT_FALSE(test.space.lookup(Gfn((std::uint64_t{1} << 28) - 1)).has_value());
  EXPECT_FALSE(test.space.lookup(Gfn(std::uint64_t{1} << 28)).has_value());
  EXPECT_EQ(test.space.coverage().frames().value(), 0u);
  EXPECT_EQ(test.space.coverage().tables, 0u);
}

TEST(AddressSpace, TranslatesWhatWasMapped) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0x40000, 3), Mfn(0x80005), kTestRam).has_value());
  EXPECT_TRUE(maps(test.space, Gfn(0x40000), Mfn(0x80005), kTestRam));
  EXPECT_TRUE(maps(test.space, Gfn(0x40002), Mfn(0x80007), kTestRam));
  EXPECT_FALSE(test.space.lookup(Gfn(0x3ffff)).has_value());
  EXPECT_FALSE(test.space.lookup(Gfn(0x40003)).has_value());
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, MapsATebibyteAsBlocksOf1GiB) {
  TestSpace test(40);
  ASSERT_TRUE(test.space.map(frames(0, 1024 * k1G), Mfn(0), kTestRam).has_value());
  const Coverage coverage = test.space.coverage();
  EXPECT_EQ(coverage.entries_1g, 1024u);
  EXPECT_EQ(coverage.contiguous_1g, 1024u);
  EXPECT_EQ(coverage.entries_2m + coverage.entries_4k, 0u);
  EXPECT_EQ(coverage.tables, 0u);  // besides the root, which is of level 1
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, UsesTheLargestBlocksThatAlignmentAllows) {
  TestSpace test;
  // 4 KiB before a 2 MiB boundary, to 4 KiB after a 1 GiB block.
  const std::uint64_t first = k1G - k2M - 1;
  const std::uint64_t count = 1 + k2M + k1G + 1;
  ASSERT_TRUE(test.space.map(frames(first, count), Mfn(first), kTestRam).has_value());
  const Coverage coverage = test.space.coverage();
  EXPECT_EQ(coverage.entries_1g, 1u);
  EXPECT_EQ(coverage.entries_2m, 1u);
  EXPECT_EQ(coverage.entries_4k, 2u);
  EXPECT_EQ(coverage.frames().value(), count);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, UsesPagesWhereGuestAndMachineFramesAreAlignedDifferently) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k2M), Mfn(0x80001), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().entries_4k, k2M);
  EXPECT_EQ(test.space.coverage().contiguous_4k, 0u);
  EXPECT_TRUE(maps(test.space, Gfn(511), Mfn(0x80200), kTestRam));
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, MarksSixteenNeighboursAsContiguous) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(16, 31), Mfn(0x80010), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().contiguous_4k, 16u);
  ASSERT_TRUE(test.space.map(frames(47, 1), Mfn(0x8002f), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().contiguous_4k, 32u);
  ASSERT_TRUE(test.space.unmap(frames(20, 1)).has_value());
  EXPECT_EQ(test.space.coverage().contiguous_4k, 16u);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, AHoleInABlockSplitsItAndClosingTheHoleMergesItAgain) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k1G), Mfn(0x80000 << 1), kTestRam).has_value());
  ASSERT_TRUE(test.space.unmap(frames(12345, 1)).has_value());
  Coverage coverage = test.space.coverage();
  EXPECT_EQ(coverage.entries_2m, 511u);
  EXPECT_EQ(coverage.entries_4k, 511u);
  EXPECT_EQ(coverage.tables, 2u);
  EXPECT_FALSE(test.space.lookup(Gfn(12345)).has_value());
  EXPECT_TRUE(maps(test.space, Gfn(12344), Mfn(0x100000 + 12344), kTestRam));
  EXPECT_TRUE(maps(test.space, Gfn(12346), Mfn(0x100000 + 12346), kTestRam));
  ASSERT_TRUE(test.space.map(frames(12345, 1), Mfn(0x100000 + 12345), kTestRam).has_value());
  coverage = test.space.coverage();
  EXPECT_EQ(coverage.entries_1g, 1u);
  EXPECT_EQ(coverage.tables, 0u);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, PagesMappedOneByOneInAnyOrderBecomeABlock) {
  TestSpace test;
  for (std::uint64_t i = 0; i < k2M; ++i) {
    const std::uint64_t frame = (i * 199) % k2M;  // 199 is odd: each frame once
    ASSERT_TRUE(test.space.map(frames(frame, 1), Mfn(0x80000 + frame), kTestRam).has_value());
  }
  EXPECT_EQ(test.space.coverage().entries_2m, 1u);
  EXPECT_EQ(test.space.coverage().tables, 1u);  // IPA of 40 bits: the root is of level 1
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, MappingTheSameAgainIsNoError) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, 2 * k2M), Mfn(0x80000), kTestRam).has_value());
  EXPECT_TRUE(test.space.map(frames(100, 1), Mfn(0x80064), kTestRam).has_value());
  EXPECT_TRUE(test.space.map(frames(0, 3 * k2M), Mfn(0x80000), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().frames().value(), 3 * k2M);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, MappingSomethingElseThereIsRefusedAndChangesNothing) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(100, 1), Mfn(0x80000), kTestRam).has_value());
  const auto other_frame = test.space.map(frames(99, 2), Mfn(0x90000), kTestRam);
  EXPECT_TRUE(!other_frame && other_frame.error() == Error::kExists);
  const auto other_type = test.space.map(frames(100, 1), Mfn(0x80000), kTestDevice);
  EXPECT_TRUE(!other_type && other_type.error() == Error::kExists);
  EXPECT_FALSE(test.space.lookup(Gfn(99)).has_value());
  EXPECT_TRUE(maps(test.space, Gfn(100), Mfn(0x80000), kTestRam));
  EXPECT_EQ(test.space.coverage().frames().value(), 1u);
}

TEST(AddressSpace, ReplacingAFrameTellsWhatWasThere) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k2M), Mfn(0x80000), kTestRam).has_value());
  const auto before = test.space.replace(Gfn(7), Mfn(0x90000), kTestReadOnly);
  ASSERT_TRUE(before.has_value() && before->has_value());
  EXPECT_EQ((*before)->mfn.value(), 0x80007u);
  EXPECT_TRUE((*before)->attributes == decoded(kTestRam));
  EXPECT_TRUE(maps(test.space, Gfn(7), Mfn(0x90000), kTestReadOnly));
  EXPECT_TRUE(maps(test.space, Gfn(8), Mfn(0x80008), kTestRam));
  const auto nothing = test.space.replace(Gfn(k2M), Mfn(0x90001), kTestRam);
  EXPECT_TRUE(nothing.has_value() && !nothing->has_value());
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, OverwritingReplacesWholeTables) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(5, 100), Mfn(0x80001), kTestRam).has_value());
  ASSERT_TRUE(test.space.map_overwrite(frames(0, k1G), Mfn(k1G), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().entries_1g, 1u);
  EXPECT_EQ(test.space.coverage().tables, 0u);
  EXPECT_EQ(test.pool().used().value(), 2u);  // the concatenated root
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, ChangesAttributesOfPartOfABlock) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k2M), Mfn(0x80000), kTestRam).has_value());
  ASSERT_TRUE(test.space.change(frames(3, 2), kTestReadOnly).has_value());
  EXPECT_TRUE(maps(test.space, Gfn(2), Mfn(0x80002), kTestRam));
  EXPECT_TRUE(maps(test.space, Gfn(3), Mfn(0x80003), kTestReadOnly));
  EXPECT_TRUE(maps(test.space, Gfn(4), Mfn(0x80004), kTestReadOnly));
  EXPECT_TRUE(maps(test.space, Gfn(5), Mfn(0x80005), kTestRam));
  ASSERT_TRUE(test.space.change(frames(0, k2M), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().entries_2m, 1u);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, ChangingWhatIsNotMappedIsRefusedAndChangesNothing) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, 4), Mfn(0x80000), kTestRam).has_value());
  const auto result = test.space.change(frames(2, 3), kTestReadOnly);
  EXPECT_TRUE(!result && result.error() == Error::kNotFound);
  EXPECT_TRUE(maps(test.space, Gfn(2), Mfn(0x80002), kTestRam));
}

TEST(AddressSpace, UnmappingNothingIsNoError) {
  TestSpace test;
  EXPECT_TRUE(test.space.unmap(frames(0, 1000 * k1G)).has_value());
  EXPECT_TRUE(test.space.unmap(frames(10, 0)).has_value());
  EXPECT_EQ(test.pool().used().value(), 2u);
}

TEST(AddressSpace, UnmappingTheLastFrameOfATableFreesIt) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(1000, 2), Mfn(0x80000), kTestRam).has_value());
  EXPECT_EQ(test.pool().used().value(), 4u);
  ASSERT_TRUE(test.space.unmap(frames(1000, 1)).has_value());
  EXPECT_EQ(test.pool().used().value(), 4u);
  ASSERT_TRUE(test.space.unmap(frames(1001, 1)).has_value());
  EXPECT_EQ(test.pool().used().value(), 2u);
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, RefusesFramesBeyondItsEnd) {
  TestSpace test(36);
  const std::uint64_t end = std::uint64_t{1} << 24;
  EXPECT_TRUE(test.space.map(frames(end - 1, 1), Mfn(1), kTestRam).has_value());
  const auto guest = test.space.map(frames(end - 1, 2), Mfn(1), kTestRam);
  EXPECT_TRUE(!guest && guest.error() == Error::kOutOfRange);
  const auto machine = test.space.map(frames(0, 2), Mfn((std::uint64_t{1} << 40) - 1), kTestRam);
  EXPECT_TRUE(!machine && machine.error() == Error::kOutOfRange);
  const auto wrapping = test.space.map(frames(0, 2), Mfn(~std::uint64_t{0}), kTestRam);
  EXPECT_TRUE(!wrapping && wrapping.error() == Error::kOutOfRange);
  EXPECT_EQ(test.space.all().size(), end);
}

TEST(AddressSpace, RefusesMachineFramesThatBeginInsideAndEndBeyondTheMachine) {
  TestSpace test(36);
  const std::uint64_t end = std::uint64_t{1} << (port::memory_features().pa_bits - kFrameShift);
  const auto across = test.space.map(frames(0, 2), Mfn(end - 1), kTestRam);
  EXPECT_TRUE(!across && across.error() == Error::kOutOfRange);
  EXPECT_FALSE(test.space.lookup(Gfn(0)).has_value());
  EXPECT_TRUE(test.space.map(frames(0, 1), Mfn(end - 1), kTestRam).has_value());
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, WalkShowsMaximalExtents) {
  TestSpace test;
  // One line over pages, blocks and tables; a jump in machine frames; a change of attributes.
  ASSERT_TRUE(test.space.map(frames(500, 2000), Mfn(0x80000 + 500), kTestRam).has_value());
  ASSERT_TRUE(test.space.map(frames(2500, 10), Mfn(0x90000), kTestRam).has_value());
  ASSERT_TRUE(test.space.map(frames(2510, 1), Mfn(0x9000a), kTestDevice).has_value());
  struct Expected {
    std::uint64_t first, count, mfn;
  };
  constexpr Expected kExpected[] = {{500, 2000, 0x801f4}, {2500, 10, 0x90000}, {2510, 1, 0x9000a}};
  std::size_t seen = 0;
  bool as_expected = true;
  const Gfn end = test.space.walk(test.space.all(), [&](const Extent& extent) {
    as_expected = as_expected && seen < 3 &&
                  extent.range == frames(kExpected[seen].first, kExpected[seen].count) &&
                  extent.mfn == Mfn(kExpected[seen].mfn);
    ++seen;
    return true;
  });
  EXPECT_TRUE(as_expected);
  EXPECT_EQ(seen, 3u);
  EXPECT_TRUE(end == test.space.all().end());
}

TEST(AddressSpace, WalkStopsWhenToldAndSaysWhereToContinue) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(10, 5), Mfn(0x80000), kTestRam).has_value());
  ASSERT_TRUE(test.space.map(frames(20, 5), Mfn(0x90000), kTestRam).has_value());
  std::size_t calls = 0;
  const auto once = [&](const Extent&) {
    ++calls;
    return false;
  };
  const Gfn next = test.space.walk(frames(0, 100), once);
  EXPECT_EQ(next.value(), 15u);
  const Gfn last = test.space.walk(GfnRange(next, Gfn(100)), once);
  EXPECT_EQ(last.value(), 25u);
  EXPECT_EQ(calls, 2u);
  EXPECT_EQ(test.space.walk(GfnRange(last, Gfn(100)), once).value(), 100u);
  EXPECT_EQ(calls, 2u);
}

TEST(AddressSpace, WalkCutsExtentsAtTheEndsOfItsRange) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k1G), Mfn(0), kTestRam).has_value());
  bool as_expected = false;
  test.space.walk(frames(1000, 7), [&](const Extent& extent) {
    as_expected = extent.range == frames(1000, 7) && extent.mfn == Mfn(1000);
    return true;
  });
  EXPECT_TRUE(as_expected);
}

TEST(AddressSpace, AReaderHoldsTheMapStillAndLooksUp) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, 1), Mfn(0x80000), kTestRam).has_value());
  const AddressSpace::Reader reader(test.space);
  const auto found = reader.lookup(Gfn(0));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->mfn.value(), 0x80000u);
}

TEST(AddressSpace, ABatchSeesItsOwnChangesAndSurvivesAFailureAmongThem) {
  TestSpace test;
  {
    AddressSpace::Batch batch(test.space);
    ASSERT_TRUE(batch.map(frames(0, 1), Mfn(0x80000), kTestRam).has_value());
    EXPECT_TRUE(batch.lookup(Gfn(0)).has_value());
    EXPECT_FALSE(batch.map(frames(0, 1), Mfn(0x90000), kTestRam).has_value());
    ASSERT_TRUE(batch.unmap(frames(0, 1)).has_value());
    EXPECT_FALSE(batch.lookup(Gfn(0)).has_value());
    // Made where a broken entry is still owed.
    ASSERT_TRUE(batch.map(frames(0, 1), Mfn(0x90000), kTestRam).has_value());
  }
  EXPECT_TRUE(maps(test.space, Gfn(0), Mfn(0x90000), kTestRam));
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, OutOfTablesNothingChanges) {
  TestSpace test;
  ASSERT_TRUE(test.space.map(frames(0, k1G), Mfn(0), kTestRam).has_value());
  // A hole needs two tables; only one can be had.
  test.pool().set_quota(FrameCount(3));
  const auto hole = test.space.unmap(frames(5, 1));
  EXPECT_TRUE(!hole && hole.error() == Error::kNoMemory);
  EXPECT_TRUE(maps(test.space, Gfn(5), Mfn(5), kTestRam));
  EXPECT_EQ(test.space.coverage().entries_1g, 1u);
  EXPECT_EQ(test.pool().used().value(), 2u);
  test.pool().set_quota(FrameCount(4));
  EXPECT_TRUE(test.space.unmap(frames(5, 1)).has_value());
  EXPECT_TRUE(test.is_settled());
}

TEST(AddressSpace, TeardownGivesBackEveryTableInSlices) {
  TestSpace test;
  for (std::uint64_t i = 0; i < 8; ++i)
    ASSERT_TRUE(test.space.map(frames(i * k1G, 1), Mfn(0x80000), kTestRam).has_value());
  EXPECT_EQ(test.pool().used().value(), 2 + 2 * 8u);
  test.unload();
  unsigned calls = 1;
  while (!test.space.teardown(3)) {
    ++calls;
    EXPECT_FALSE(test.space.lookup(Gfn(0)).has_value());
    EXPECT_FALSE(test.space.map(frames(0, 1), Mfn(0), kTestRam).has_value());
  }
  EXPECT_EQ(calls, 6u);
  EXPECT_EQ(test.pool().used().value(), 0u);
  EXPECT_TRUE(test.space.teardown(1));
}

TEST(AddressSpace, CannotBeLargerThanTheMachineAllows) {
  TestSpace test(49);
  EXPECT_FALSE(test.is_ready());
  EXPECT_FALSE(test.space.lookup(Gfn(0)).has_value());
  EXPECT_FALSE(test.space.map(frames(0, 1), Mfn(0), kTestRam).has_value());
}

}  // namespace
}  // namespace socle::stage2
