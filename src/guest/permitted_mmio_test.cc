// SPDX-License-Identifier: Apache-2.0
#include "guest/permitted_mmio.h"

#include <array>

#include "base/test.h"

namespace socle::guest {
namespace {

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}

constexpr std::array kRanges = {frames(0x10, 0x20), frames(0x21, 0x22), frames(0x400, 0x4'0000)};
constexpr PermittedMmio kPermitted{kRanges};

TEST(PermittedMmio, WithoutRangesNothingIsPermitted) {
  const PermittedMmio none;
  EXPECT_FALSE(none.permits(Mfn(0)));
  EXPECT_FALSE(none.permits(Mfn(~std::uint64_t{0} >> kFrameShift)));
  EXPECT_TRUE(none.run_around(Mfn(5)).empty());
}

// Requirement 1.13.
TEST(PermittedMmio, BothNeighboursOfADeniedFrameArePermitted) {
  EXPECT_TRUE(kPermitted.permits(Mfn(0x1f)));
  EXPECT_FALSE(kPermitted.permits(Mfn(0x20)));
  EXPECT_TRUE(kPermitted.permits(Mfn(0x21)));
  EXPECT_FALSE(kPermitted.permits(Mfn(0x22)));
  EXPECT_FALSE(kPermitted.permits(Mfn(0xf)));
  EXPECT_TRUE(kPermitted.permits(Mfn(0x10)));
  EXPECT_TRUE(kPermitted.permits(Mfn(0x3'ffff)));
  EXPECT_FALSE(kPermitted.permits(Mfn(0x4'0000)));
}

TEST(PermittedMmio, ARangeIsPermittedOnlyAsAWhole) {
  EXPECT_TRUE(kPermitted.permits(frames(0x10, 0x20)));
  EXPECT_TRUE(kPermitted.permits(frames(0x12, 0x13)));
  EXPECT_FALSE(kPermitted.permits(frames(0x10, 0x21)));
  EXPECT_FALSE(kPermitted.permits(frames(0x10, 0x22)));
  EXPECT_FALSE(kPermitted.permits(frames(0xf, 0x11)));
  EXPECT_TRUE(kPermitted.permits(frames(0x20, 0x20)));
}

TEST(PermittedMmio, TheRunAroundAFrameEndsAtTheDeniedOnes) {
  EXPECT_EQ(kPermitted.run_around(Mfn(0x15)), frames(0x10, 0x20));
  EXPECT_EQ(kPermitted.run_around(Mfn(0x21)), frames(0x21, 0x22));
  EXPECT_TRUE(kPermitted.run_around(Mfn(0x22)).empty());
  EXPECT_EQ(kPermitted.run_around(Mfn(0x4321)), frames(0x400, 0x4'0000));
}

TEST(PermittedMmio, ABlockIsAlignedToItsSize) {
  EXPECT_EQ(block_around(Mfn(0x4321), kOrder4K), frames(0x4321, 0x4322));
  EXPECT_EQ(block_around(Mfn(0x4321), kOrder64K), frames(0x4320, 0x4330));
  EXPECT_EQ(block_around(Mfn(0x4321), kOrder2M), frames(0x4200, 0x4400));
  EXPECT_EQ(block_around(Mfn(0x4321), kOrder1G), frames(0, 0x4'0000));
}

}  // namespace
}  // namespace socle::guest
