// SPDX-License-Identifier: Apache-2.0
#include "hw/memory_features.h"

#include "base/test.h"

namespace socle::hw {
namespace {

TEST(MemoryFeatures, OfACortexA57AreTheOldestWeRunOn) {
  // MMFR0 of QEMU's cortex-a57: PARange 44 bits, 4 KiB and 64 KiB granules; no later feature.
  const MemoryFeatures features = MemoryFeatures::decode({.mmfr0 = 0x0000'1124});
  EXPECT_TRUE((features ==
               MemoryFeatures{
                   .pa_bits = 44, .vmid_bits = 8, .granule_4k = true, .stage2_granule_4k = true}));
}

TEST(MemoryFeatures, EachComesFromItsField) {
  const MemoryFeatures base = MemoryFeatures::decode({});
  EXPECT_FALSE(base.forced_write_back || base.tlb_ranges || base.level_hints ||
               base.common_not_private);
  EXPECT_EQ(MemoryFeatures::decode({.mmfr1 = 0x20}).vmid_bits, 16u);
  EXPECT_TRUE(MemoryFeatures::decode({.mmfr2 = 1ull << 40}).forced_write_back);
  EXPECT_TRUE(MemoryFeatures::decode({.mmfr2 = 1ull << 48}).level_hints);
  EXPECT_TRUE(MemoryFeatures::decode({.mmfr2 = 1}).common_not_private);
  EXPECT_EQ(MemoryFeatures::decode({.mmfr2 = 2ull << 52}).bbm_level, 2u);
  EXPECT_FALSE(MemoryFeatures::decode({.isar0 = 1ull << 56}).tlb_ranges);
  EXPECT_TRUE(MemoryFeatures::decode({.isar0 = 2ull << 56}).tlb_ranges);
}

TEST(MemoryFeatures, GranuleOfStage2FollowsStage1UnlessSaidOtherwise) {
  constexpr std::uint64_t kNone = 0xf;
  EXPECT_TRUE(MemoryFeatures::decode({.mmfr0 = 0}).stage2_granule_4k);
  EXPECT_FALSE(MemoryFeatures::decode({.mmfr0 = kNone << 28}).granule_4k);
  EXPECT_FALSE(MemoryFeatures::decode({.mmfr0 = kNone << 28}).stage2_granule_4k);
  EXPECT_FALSE(MemoryFeatures::decode({.mmfr0 = 1ull << 40}).stage2_granule_4k);
  EXPECT_TRUE(MemoryFeatures::decode({.mmfr0 = 2ull << 40 | kNone << 28}).stage2_granule_4k);
}

TEST(MemoryFeatures, MoreThan48AddressBitsAreNotUsed) {
  EXPECT_EQ(MemoryFeatures::decode({.mmfr0 = 6}).pa_bits, 48u);
  EXPECT_EQ(MemoryFeatures::decode({.mmfr0 = 15}).pa_bits, 48u);
}

TEST(MemoryFeatures, RangesOfAddressBitsConvertBothWays) {
  for (std::uint64_t range = 0; range < 8; ++range)
    EXPECT_EQ(pa_range_of_bits(pa_bits_of_range(range)), range);
  EXPECT_EQ(pa_range_of_bits(39), 1u);
}

}  // namespace
}  // namespace socle::hw
