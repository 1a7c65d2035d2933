// SPDX-License-Identifier: Apache-2.0
// All leaf formats, all attributes, all bits: what can be encoded comes back, and what was not
// encoded by us is recognised.
#include "base/test.h"
#include "hw/attributes_for_tests.h"
#include "hw/iommu_formats.h"
#include "hw/vmsa.h"

namespace socle::hw {
namespace {

// Where a leaf's meaning is: [10:2], nG, XN[1:0] or PXN and UXN, and the reason.
using Low = Field<10, 2>;
using High = Field<58, 53>;
constexpr std::uint64_t kPatterns = std::uint64_t{1}
                                    << (Low::kWidth + stage1::NotGlobal::kWidth + High::kWidth);
constexpr std::uint64_t pattern(std::uint64_t number) {
  return Low::make(number & Low::kMax) | stage1::NotGlobal::make((number >> Low::kWidth) & 1) |
         High::make(number >> (Low::kWidth + 1));
}

// Of 5 types x 8 permissions x 14 reasons, those that a format can hold; each must come back.
template <typename Format>
unsigned encodable(const Format& format) {
  unsigned count = 0;
  AttributesForTests::for_each([&](const Attributes& attributes) {
    const DecodedAttributes meaning = decoded(attributes);
    if (!format.can_encode(meaning)) return;
    ++count;
    const std::uint64_t bits = format.encode(meaning);
    EXPECT_TRUE(format.decode(bits) == meaning);
    EXPECT_TRUE(is_canonical(format, bits));
    EXPECT_EQ(bits, descriptor::attribute_bits(bits));
    for (const Level level : {Level(1), Level(2), Level(3)}) {
      const std::uint64_t leaf = descriptor::leaf(Mfn(0x40000 << 9), bits, level);
      EXPECT_TRUE(format.decode(leaf) == meaning);
      EXPECT_TRUE(is_canonical(format, leaf | descriptor::Contiguous::kMask));
    }
  });
  return count;
}

bool is_defined(const DecodedAttributes& meaning) {
  bool known = false;
  for (const MemoryType type : kAllMemoryTypes)
    known = known || meaning.type == type;
  return known && meaning.reason <= Reason::kSocle;
}

// Of all bit patterns, those that are what the format would have written. As many as can be encoded
// means: exactly those, each once.
template <typename Format>
unsigned canonical(const Format& format) {
  unsigned count = 0;
  for (std::uint64_t number = 0; number < kPatterns; ++number) {
    const std::uint64_t leaf = pattern(number);
    if (!is_defined(format.decode(leaf))) return 0;
    if (is_canonical(format, leaf)) ++count;
  }
  return count;
}

constexpr unsigned kReasons = 14;

TEST(Formats, Stage2HoldsEverythingAndKnowsWhatItWrote) {
  for (const bool forced : {false, true}) {
    const Stage2Attributes format{.forced_write_back = forced};
    EXPECT_EQ(encodable(format), 5u * 8u * kReasons);
    EXPECT_EQ(canonical(format), 5u * 8u * kReasons);
  }
}

TEST(Formats, El2HoldsWhatIsReadableAndNotWritableAndExecutableAndKnowsWhatItWrote) {
  EXPECT_EQ(encodable(El2Attributes{}), 5u * 3u * kReasons);
  EXPECT_EQ(canonical(El2Attributes{}), 5u * 3u * kReasons);
}

TEST(Formats, AnSmmusStage1HoldsReadAndReadWriteAndKnowsWhatItWrote) {
  EXPECT_EQ(encodable(SmmuStage1Attributes{}), 5u * 2u * kReasons);
  EXPECT_EQ(canonical(SmmuStage1Attributes{}), 5u * 2u * kReasons);
}

TEST(Formats, AnIpmmuHoldsReadAndReadWriteOfFourTypesAndKnowsWhatItWrote) {
  EXPECT_EQ(encodable(IpmmuAttributes{}), 4u * 2u * kReasons);
  EXPECT_EQ(canonical(IpmmuAttributes{}), 4u * 2u * kReasons);
  EXPECT_FALSE(IpmmuAttributes::can_encode(
      {MemoryType::kDeviceGRE, {true, true, false}, Reason::kDeviceRegisters}));
}

template <typename Format>
unsigned canonical_with(const Format& format, std::uint64_t more) {
  unsigned count = 0;
  AttributesForTests::for_each([&](const Attributes& attributes) {
    if (format.can_encode(decoded(attributes)) &&
        is_canonical(format, format.encode(decoded(attributes)) | more))
      ++count;
  });
  return count;
}

// DBM and GP in [51:50], reserved bits in [49:48], PBHA and the like in [63:59].
TEST(Formats, BitsThatNoFormatUsesAreNotOurs) {
  for (const unsigned bit : {48u, 49u, 50u, 51u, 59u, 60u, 61u, 62u, 63u}) {
    const std::uint64_t more = std::uint64_t{1} << bit;
    EXPECT_EQ(canonical_with(Stage2Attributes{}, more), 0u);
    EXPECT_EQ(canonical_with(Stage2Attributes{.forced_write_back = true}, more), 0u);
    EXPECT_EQ(canonical_with(El2Attributes{}, more), 0u);
    EXPECT_EQ(canonical_with(SmmuStage1Attributes{}, more), 0u);
    EXPECT_EQ(canonical_with(IpmmuAttributes{}, more), 0u);
  }
}

// The two encodings of stage 2 agree but for memory, whose bits mean something else in the other.
TEST(Formats, WriteBackIsNotMistakenForTheOtherEncodingOfStage2) {
  const Stage2Attributes plain;
  const Stage2Attributes forced{.forced_write_back = true};
  for (const MemoryType type : kAllMemoryTypes) {
    const DecodedAttributes meaning{type, {true, true, false}, Reason::kDomainRam};
    const bool same = type != MemoryType::kNormalWriteBack;
    EXPECT_EQ(is_canonical(forced, plain.encode(meaning)), same);
    EXPECT_EQ(is_canonical(plain, forced.encode(meaning)), same);
  }
}

// The manual's numbers: AttrIndx [4:2], NS [5], AP [7:6], SH [9:8], AF [10], nG [11], PXN [53],
// UXN [54].
TEST(Formats, Stage1OfIommusHasTheArchitecturesBits) {
  struct Row {
    MemoryType type;
    std::uint64_t smmu;
    std::uint64_t ipmmu;  // 0: it has none
  };
  constexpr Row kRows[] = {
      {MemoryType::kNormalWriteBack, 0x0060'0000'0000'0f40, 0x0060'0000'0000'0f64},
      {MemoryType::kNormalNonCacheable, 0x0060'0000'0000'0e44, 0x0060'0000'0000'0e60},
      {MemoryType::kDeviceGRE, 0x0060'0000'0000'0e48, 0},
      {MemoryType::kDeviceNGnRE, 0x0060'0000'0000'0e4c, 0x0060'0000'0000'0e68},
      {MemoryType::kDeviceNGnRnE, 0x0060'0000'0000'0e50, 0x0060'0000'0000'0e6c},
  };
  for (const Row& row : kRows) {
    const DecodedAttributes meaning{row.type, {true, true, false}, Reason::kNone};
    const DecodedAttributes read_only{row.type, {true, false, false}, Reason::kNone};
    EXPECT_EQ(SmmuStage1Attributes::encode(meaning), row.smmu);
    EXPECT_EQ(SmmuStage1Attributes::encode(read_only), row.smmu | 0x80);
    if (row.ipmmu == 0) continue;
    EXPECT_EQ(IpmmuAttributes::encode(meaning), row.ipmmu);
    EXPECT_EQ(IpmmuAttributes::encode(read_only), row.ipmmu | 0x80);
  }
  EXPECT_EQ(SmmuStage1Attributes::kMair, 0x00'040c'44ffu);
  EXPECT_EQ(IpmmuAttributes::kImmair0, 0x0004'ff44u);
}

TEST(Formats, DevicesNeverExecuteAndNobodyWritesWithoutReading) {
  const MemoryType type = MemoryType::kNormalWriteBack;
  for (unsigned bits = 0; bits < 8; ++bits) {
    const Permissions may{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
    const DecodedAttributes meaning{type, may, Reason::kDomainRam};
    EXPECT_EQ(SmmuStage1Attributes::can_encode(meaning), may.read && !may.execute);
    EXPECT_EQ(IpmmuAttributes::can_encode(meaning), may.read && !may.execute);
  }
}

}  // namespace
}  // namespace socle::hw
