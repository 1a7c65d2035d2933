// SPDX-License-Identifier: Apache-2.0
#include "base/field.h"

#include "base/test.h"

namespace socle {
namespace {

using Middle = Field<11, 4>;
using Top = Field<63, 60>;
using All = Field<63, 0>;
using Bit = Flag<5>;

TEST(Field, WhatIsMadeIsReadBack) {
  for (std::uint64_t value = 0; value <= Middle::kMax; ++value)
    EXPECT_EQ(Middle::get(Middle::make(value)), value);
  EXPECT_EQ(Top::make(0xf), 0xf000'0000'0000'0000u);
  EXPECT_EQ(All::get(~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(Field, SettingLeavesOtherBitsAlone) {
  EXPECT_EQ(Middle::set(0xffff'ffff, 0), 0xffff'f00fu);
  EXPECT_EQ(Middle::set(0, 0xff), 0xff0u);
  EXPECT_EQ(Bit::set(0, 1), 0x20u);
}

TEST(Field, MaskAndWidthFollowFromTheBitNumbers) {
  EXPECT_EQ(Middle::kWidth, 8u);
  EXPECT_EQ(Middle::kMask, 0xff0u);
  EXPECT_EQ(Bit::kMask, 0x20u);
  EXPECT_EQ((Field<7, 4, std::uint8_t>::make(0xa)), 0xa0u);
}

#if __STDC_HOSTED__
TEST(FieldDeathTest, AValueThatDoesNotFitIsABrokenInvariant) {
  EXPECT_DEATH((void)Middle::make(0x100), "CHECK");
}
#endif

}  // namespace
}  // namespace socle
