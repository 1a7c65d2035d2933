// SPDX-License-Identifier: Apache-2.0
#include "base/types.h"

#include <type_traits>

#include "base/test.h"

namespace socle {
namespace {

// test/nocompile shows what the types refuse; here, that they say what they mean.
static_assert(!std::is_convertible_v<Gfn, Mfn> && !std::is_convertible_v<Ipa, Pa>);
static_assert(!std::is_constructible_v<Mfn, Gfn> && !std::is_constructible_v<Pa, Ipa>);
static_assert(!std::is_convertible_v<std::uint64_t, Mfn>);
static_assert(sizeof(Mfn) == 8 && std::is_trivially_copyable_v<Mfn>);

TEST(Types, AlignmentRoundsDownAndUp) {
  EXPECT_TRUE(is_aligned<std::uint64_t>(0x4000, 0x1000));
  EXPECT_FALSE(is_aligned<std::uint64_t>(0x4001, 0x1000));
  EXPECT_EQ(align_down<std::uint64_t>(0x4fff, 0x1000), 0x4000u);
  EXPECT_EQ(align_up<std::uint64_t>(0x4001, 0x1000), 0x5000u);
  EXPECT_EQ(align_up<std::uint64_t>(0x4000, 0x1000), 0x4000u);
}

TEST(Types, AFrameCountHoldsEveryByte) {
  EXPECT_EQ(FrameCount::containing(0).value(), 0u);
  EXPECT_EQ(FrameCount::containing(1).value(), 1u);
  EXPECT_EQ(FrameCount::containing(4096).value(), 1u);
  EXPECT_EQ(FrameCount::containing(4097).value(), 2u);
  EXPECT_EQ(FrameCount::containing(~std::uint64_t{0}).value(), std::uint64_t{1} << 52);
}

TEST(Types, OrdersAndLevelsAgreeOnSizes) {
  EXPECT_EQ(kOrder2M.bytes(), 2 * kMiB);
  EXPECT_EQ(kOrder1G.bytes(), kGiB);
  EXPECT_EQ(kOrder64K.count().value(), 16u);
  EXPECT_TRUE(Level(3).order() == kOrder4K);
  EXPECT_TRUE(Level(2).order() == kOrder2M);
  EXPECT_TRUE(Level(1).order() == kOrder1G);
  EXPECT_EQ(Level(0).order().bytes(), 512 * kGiB);
  EXPECT_TRUE(Level(2).next() == kLeafLevel);
}

TEST(Types, AddressesAndFramesTranslate) {
  const Pa address(0x4123'4567);
  EXPECT_TRUE(address.frame() == Mfn(0x41234));
  EXPECT_EQ(address.offset_in_frame(), 0x567u);
  EXPECT_TRUE(Pa(Mfn(0x41234)) == Pa(0x4123'4000));
  EXPECT_TRUE(Pa(0x1000) + 0x20 == Pa(0x1020));
  EXPECT_EQ(Pa(0x1020) - Pa(0x1000), 0x20u);
  EXPECT_TRUE(Pa(0x1000).is_aligned(0x1000));
  EXPECT_FALSE(Pa(0x1004).is_aligned(8));
}

TEST(Types, FramesAreAlignedToOrders) {
  EXPECT_TRUE(Mfn(0x400).is_aligned(kOrder2M));
  EXPECT_FALSE(Mfn(0x401).is_aligned(Order(1)));
  EXPECT_TRUE(Mfn(0).is_aligned(kOrder1G));
}

TEST(Types, FrameArithmeticCountsInFrames) {
  Mfn frame(10);
  frame += FrameCount(5);
  ++frame;
  EXPECT_TRUE(frame == Mfn(16));
  EXPECT_EQ((frame - Mfn(10)).value(), 6u);
  EXPECT_TRUE(frame - FrameCount(6) == Mfn(10));
  EXPECT_TRUE(Mfn(9) < frame);
}

TEST(Types, DirectMappingKeepsTheNumber) {
  EXPECT_TRUE(direct_mapped(Mfn(7)) == Gfn(7));
  EXPECT_TRUE(direct_mapped(Pa(0x7008)) == Ipa(0x7008));
}

TEST(Types, InterruptNumbersKnowTheirKind) {
  EXPECT_TRUE(IntId(15).is_sgi());
  EXPECT_TRUE(IntId(16).is_ppi() && IntId(31).is_ppi());
  EXPECT_TRUE(IntId(31).is_private() && !IntId(32).is_private());
  EXPECT_TRUE(IntId(32).is_spi() && IntId(1019).is_spi());
  EXPECT_FALSE(IntId(1020).is_spi());
}

}  // namespace
}  // namespace socle
