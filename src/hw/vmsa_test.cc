// SPDX-License-Identifier: Apache-2.0
#include "hw/vmsa.h"

#include "base/test.h"
#include "hw/attributes_for_tests.h"

namespace socle::hw {
namespace {

using descriptor::Shareability;

TEST(Vmsa, DifferentAttributesHaveDifferentEncodings) {
  const Stage2Attributes format;
  unsigned same = 0;
  AttributesForTests::for_each([&](const Attributes& a) {
    AttributesForTests::for_each([&](const Attributes& b) {
      if (format.encode(decoded(a)) == format.encode(decoded(b))) ++same;
    });
  });
  EXPECT_EQ(same, 5u * 8u * 14u);  // each equals itself and nothing else
}

// The manual's numbers, one by one: a table that is wrong in encoder and decoder alike would pass
// the round trip. MemAttr in [5:2], S2AP in [7:6], SH in [9:8], AF in [10], XN in [54:53].
TEST(Vmsa, Stage2LeavesHaveTheArchitecturesBits) {
  const Stage2Attributes format;
  struct Row {
    MemoryType type;
    std::uint64_t bits;
  };
  constexpr Row kRows[] = {
      {MemoryType::kDeviceNGnRnE, 0x6c0},    {MemoryType::kDeviceNGnRE, 0x6c4},
      {MemoryType::kDeviceGRE, 0x6cc},       {MemoryType::kNormalNonCacheable, 0x6d4},
      {MemoryType::kNormalWriteBack, 0x7fc},
  };
  for (const Row& row : kRows)
    EXPECT_EQ(format.encode({row.type, {true, true, true}, Reason::kNone}), row.bits);
  const MemoryType type = MemoryType::kNormalWriteBack;
  EXPECT_EQ(format.encode({type, {true, false, true}, Reason::kNone}), 0x77cu);
  EXPECT_EQ(format.encode({type, {false, true, true}, Reason::kNone}), 0x7bcu);
  EXPECT_EQ(format.encode({type, {true, true, false}, Reason::kNone}), 0x0040'0000'0000'07fcu);
}

TEST(Vmsa, ForcedWriteBackLeavesTheTypeOfMemoryToStage1AndForcesTheOthers) {
  const Stage2Attributes format{.forced_write_back = true};
  struct Row {
    MemoryType type;
    std::uint64_t memattr;
  };
  constexpr Row kRows[] = {
      {MemoryType::kDeviceNGnRnE, 0b0000},    {MemoryType::kDeviceNGnRE, 0b0001},
      {MemoryType::kDeviceGRE, 0b0011},       {MemoryType::kNormalNonCacheable, 0b0101},
      {MemoryType::kNormalWriteBack, 0b0111},
  };
  for (const Row& row : kRows) {
    const std::uint64_t bits = format.encode({row.type, {true, true, true}, Reason::kNone});
    EXPECT_EQ(Stage2Attributes::MemAttr::get(bits), row.memattr);
  }
}

TEST(Vmsa, ShareabilityIsLegalForEveryType) {
  for (const MemoryType type : kAllMemoryTypes) {
    for (const bool forced : {false, true}) {
      const Stage2Attributes format{.forced_write_back = forced};
      const std::uint64_t expected = type == MemoryType::kNormalWriteBack
                                         ? descriptor::kInnerShareable
                                         : descriptor::kOuterShareable;
      EXPECT_EQ(Shareability::get(format.encode({type, {}, Reason::kNone})), expected);
    }
    EXPECT_EQ(Shareability::get(El2Attributes::encode({type, {true, false, false}, Reason::kNone})),
              Shareability::get(Stage2Attributes{}.encode({type, {}, Reason::kNone})));
  }
}

TEST(Vmsa, El2RefusesWhatIsWritableAndExecutable) {
  const MemoryType type = MemoryType::kNormalWriteBack;
  EXPECT_FALSE(El2Attributes::can_encode({type, {true, true, true}, Reason::kSocle}));
  EXPECT_FALSE(El2Attributes::can_encode({type, {false, true, false}, Reason::kSocle}));
  EXPECT_TRUE(El2Attributes::can_encode({type, {true, true, false}, Reason::kSocle}));
  EXPECT_TRUE(El2Attributes::can_encode({type, {true, false, true}, Reason::kSocle}));
}

TEST(Vmsa, MairNamesTheTypeOfEachIndex) {
  const auto mair_of = [](MemoryType type) {
    const std::uint64_t leaf = El2Attributes::encode({type, {true, false, false}, Reason::kNone});
    return (El2Attributes::kMair >> (8 * El2Attributes::AttrIndex::get(leaf))) & 0xff;
  };
  EXPECT_EQ(mair_of(MemoryType::kDeviceNGnRnE), 0x00u);
  EXPECT_EQ(mair_of(MemoryType::kDeviceNGnRE), 0x04u);
  EXPECT_EQ(mair_of(MemoryType::kDeviceGRE), 0x0cu);
  EXPECT_EQ(mair_of(MemoryType::kNormalNonCacheable), 0x44u);
  EXPECT_EQ(mair_of(MemoryType::kNormalWriteBack), 0xffu);
}

TEST(Vmsa, KindsOfDescriptorsDependOnTheLevel) {
  using descriptor::kind;
  for (int level = 0; level <= 3; ++level) {
    EXPECT_TRUE(kind(0b00, Level(level)) == DescriptorKind::kInvalid);
    EXPECT_TRUE(kind(0b10, Level(level)) == DescriptorKind::kInvalid);
    EXPECT_TRUE(kind(0b11, Level(level)) ==
                (level == 3 ? DescriptorKind::kLeaf : DescriptorKind::kTable));
  }
  EXPECT_TRUE(kind(0b01, Level(0)) == DescriptorKind::kInvalid);
  EXPECT_TRUE(kind(0b01, Level(1)) == DescriptorKind::kLeaf);
  EXPECT_TRUE(kind(0b01, Level(2)) == DescriptorKind::kLeaf);
  EXPECT_TRUE(kind(0b01, Level(3)) == DescriptorKind::kInvalid);
}

TEST(Vmsa, TableDescriptorsCountUpToAFullTable) {
  for (const unsigned count : {0u, 1u, 511u, 512u}) {
    const std::uint64_t word = descriptor::table(Mfn(0x123456789), count);
    EXPECT_TRUE(descriptor::kind(word, Level(2)) == DescriptorKind::kTable);
    EXPECT_EQ(descriptor::output(word).value(), 0x123456789u);
    EXPECT_EQ(descriptor::table_count(word), count);
    // Hierarchical permissions and the like stay out of it.
    EXPECT_EQ(word >> 48, 0u);
  }
}

MemoryFeatures with_pa_bits(unsigned bits) {
  return MemoryFeatures{.pa_bits = bits, .granule_4k = true, .stage2_granule_4k = true};
}

TEST(Vmsa, TheRootOfStage2IsAsLowAsConcatenationAllows) {
  struct Row {
    unsigned bits;
    int start;
    unsigned entries;
    unsigned order;
  };
  constexpr Row kRows[] = {
      {32, 1, 4, 0},    {34, 1, 16, 0},   {35, 1, 32, 0},   {36, 1, 64, 0}, {39, 1, 512, 0},
      {40, 1, 1024, 1}, {42, 1, 4096, 3}, {43, 1, 8192, 4}, {44, 0, 32, 0}, {48, 0, 512, 0},
  };
  for (const Row& row : kRows) {
    const auto geometry = stage2_geometry(row.bits, with_pa_bits(48));
    ASSERT_TRUE(geometry.has_value());
    EXPECT_EQ(geometry->start.value(), row.start);
    EXPECT_EQ(geometry->root_entries, row.entries);
    EXPECT_EQ(geometry->root_order().value(), row.order);
    EXPECT_EQ(geometry->frames().bytes(), std::uint64_t{1} << row.bits);
  }
}

TEST(Vmsa, Stage2CannotBeLargerThanThePhysicalAddressSpace) {
  EXPECT_FALSE(stage2_geometry(41, with_pa_bits(40)).has_value());
  EXPECT_TRUE(stage2_geometry(40, with_pa_bits(40)).has_value());
  EXPECT_FALSE(stage2_geometry(31, with_pa_bits(40)).has_value());
  EXPECT_FALSE(stage2_geometry(49, with_pa_bits(52)).has_value());
  MemoryFeatures without = with_pa_bits(40);
  without.stage2_granule_4k = false;
  EXPECT_FALSE(stage2_geometry(40, without).has_value());
}

TEST(Vmsa, Stage1HasASingleRootTable) {
  EXPECT_EQ(stage1_geometry(48)->start.value(), 0);
  EXPECT_EQ(stage1_geometry(39)->start.value(), 1);
  EXPECT_EQ(stage1_geometry(40)->root_entries, 2u);
  EXPECT_FALSE(stage1_geometry(49).has_value());
}

TEST(Vmsa, VtcrSaysSizeLevelAndVmids) {
  MemoryFeatures features = with_pa_bits(40);
  features.vmid_bits = 8;
  // T0SZ 24, SL0 1 (level 1), write-back inner-shareable walks, 4 KiB, PS 40 bits, RES1.
  EXPECT_EQ(Vtcr::make(*stage2_geometry(40, features), features), 0x8002'3558u);
  features.vmid_bits = 16;
  EXPECT_EQ(Vtcr::make(*stage2_geometry(40, features), features), 0x800a'3558u);
  features.pa_bits = 48;
  EXPECT_EQ(Vtcr::make(*stage2_geometry(48, features), features), 0x800d'3590u);
  features.pa_bits = 32;
  EXPECT_EQ(Vtcr::make(*stage2_geometry(32, features), features), 0x8008'3560u);
}

TEST(Vmsa, VttbrHoldsRootAndVmid) {
  MemoryFeatures features;
  EXPECT_EQ(Vttbr::make(Mfn(0x81234), 0xabcd, features), 0xabcd'0000'8123'4000u);
  features.common_not_private = true;
  EXPECT_EQ(Vttbr::make(Mfn(0x81234), 0xabcd, features), 0xabcd'0000'8123'4001u);
}

}  // namespace
}  // namespace socle::hw
