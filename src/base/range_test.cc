// SPDX-License-Identifier: Apache-2.0
#include "base/range.h"

#include "base/test.h"

namespace socle {
namespace {

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}
constexpr PaRange bytes(std::uint64_t begin, std::uint64_t end) {
  return PaRange(Pa(begin), Pa(end));
}

TEST(Range, TheEndIsNotPartOfIt) {
  const MfnRange range = frames(10, 20);
  EXPECT_EQ(range.size(), 10u);
  EXPECT_TRUE(range.contains(Mfn(10)));
  EXPECT_TRUE(range.contains(Mfn(19)));
  EXPECT_FALSE(range.contains(Mfn(20)));
  EXPECT_FALSE(range.contains(Mfn(9)));
}

TEST(Range, ADefaultRangeIsEmpty) {
  EXPECT_TRUE(MfnRange().empty());
  EXPECT_EQ(MfnRange().size(), 0u);
}

TEST(Range, ASizeThatWrapsMakesNoRange) {
  EXPECT_TRUE(PaRange::from_size(Pa(0x1000), 0x2000) == bytes(0x1000, 0x3000));
  EXPECT_FALSE(PaRange::from_size(Pa(~std::uint64_t{0}), 1).has_value());
  EXPECT_FALSE(PaRange::from_size(Pa(0x1000), ~std::uint64_t{0}).has_value());
  EXPECT_TRUE(PaRange::from_size(Pa(1), ~std::uint64_t{0} - 1).has_value());
}

TEST(Range, RangesThatTouchDoNotOverlap) {
  EXPECT_FALSE(frames(10, 20).overlaps(frames(20, 30)));
  EXPECT_FALSE(frames(20, 30).overlaps(frames(10, 20)));
  EXPECT_TRUE(frames(10, 21).overlaps(frames(20, 30)));
  EXPECT_TRUE(frames(10, 40).overlaps(frames(20, 30)));
}

TEST(Range, AnEmptyRangeOverlapsNothing) {
  EXPECT_FALSE(frames(15, 15).overlaps(frames(10, 20)));
  EXPECT_FALSE(frames(10, 20).overlaps(frames(15, 15)));
}

TEST(Range, ContainsWholeRanges) {
  EXPECT_TRUE(frames(10, 20).contains(frames(10, 20)));
  EXPECT_TRUE(frames(10, 20).contains(frames(12, 13)));
  EXPECT_FALSE(frames(10, 20).contains(frames(9, 12)));
  EXPECT_FALSE(frames(10, 20).contains(frames(19, 21)));
}

TEST(Range, TheIntersectionOfStrangersIsEmpty) {
  EXPECT_TRUE(frames(10, 20).intersection(frames(15, 30)) == frames(15, 20));
  EXPECT_TRUE(frames(10, 20).intersection(frames(0, 30)) == frames(10, 20));
  EXPECT_TRUE(frames(10, 20).intersection(frames(20, 30)).empty());
  EXPECT_TRUE(frames(10, 20).intersection(frames(0, 5)).empty());
}

TEST(Range, BytesTouchFramesOutwards) {
  EXPECT_TRUE(frames_touched(bytes(0x1fff, 0x2001)) == frames(1, 3));
  EXPECT_TRUE(frames_touched(bytes(0x1000, 0x2000)) == frames(1, 2));
  EXPECT_TRUE(frames_touched(bytes(0x1234, 0x1234)).empty());
}

TEST(Range, FramesLieInsideBytesInwards) {
  EXPECT_TRUE(frames_inside(bytes(0x1fff, 0x4001)) == frames(2, 4));
  EXPECT_TRUE(frames_inside(bytes(0x1000, 0x2000)) == frames(1, 2));
  EXPECT_TRUE(frames_inside(bytes(0x1001, 0x1fff)).empty());
  EXPECT_TRUE(frames_inside(bytes(0x1001, 0x2fff)).empty());
}

#if __STDC_HOSTED__
TEST(RangeDeathTest, AReversedRangeIsABrokenInvariant) {
  EXPECT_DEATH((void)frames(2, 1), "CHECK");
}
#endif

}  // namespace
}  // namespace socle
