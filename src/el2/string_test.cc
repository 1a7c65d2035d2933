// SPDX-License-Identifier: Apache-2.0
// The memory and string functions of the freestanding image, under their own names: at EL2, and on
// the host (test/CMakeLists.txt).
#include <array>
#include <cstddef>

#include "base/test.h"
#include "el2/string_functions.h"

namespace socle::el2::strings {
namespace {

constexpr std::size_t kArea = 256;
constexpr std::size_t kMargin = 32;
using Area = std::array<unsigned char, kArea>;

// A value that differs at neighbouring places, and never is 0xee.
unsigned char pattern(std::size_t i) {
  return static_cast<unsigned char>((i * 37 + 11) % 0xed);
}
void fill_with_pattern(Area& area) {
  for (std::size_t i = 0; i < kArea; ++i)
    area[i] = pattern(i);
}

// Whether area[to, to + bytes) holds the pattern from `from` on, and all else is `around(i)`.
template <typename Around>
bool holds_copy(const Area& area, std::size_t to, std::size_t from, std::size_t bytes,
                Around around) {
  for (std::size_t i = 0; i < kArea; ++i) {
    const bool inside = i >= to && i < to + bytes;
    const unsigned char expected = inside ? pattern(from + (i - to)) : around(i);
    if (area[i] != expected) return false;
  }
  return true;
}

TEST(MemoryFunctions, CopyIsRightForEveryAlignmentAndLength) {
  alignas(16) Area source;
  alignas(16) Area target;
  fill_with_pattern(source);
  for (std::size_t to = 0; to < 9; ++to) {
    for (std::size_t from = 0; from < 9; ++from) {
      for (std::size_t bytes = 0; bytes <= kArea - 2 * kMargin; bytes += bytes < 40 ? 1 : 13) {
        target.fill(0xee);
        const void* const result = copy(&target[kMargin + to], &source[kMargin + from], bytes);
        EXPECT_TRUE(result == &target[kMargin + to]);
        EXPECT_TRUE(holds_copy(target, kMargin + to, kMargin + from, bytes,
                               [](std::size_t) { return static_cast<unsigned char>(0xee); }));
      }
    }
  }
}

TEST(MemoryFunctions, MoveIsRightForEveryOverlap) {
  alignas(16) Area area;
  for (std::size_t from = kMargin; from < kMargin + 9; ++from) {
    for (std::size_t to = 0; to < 3 * kMargin; ++to) {
      for (const std::size_t bytes : {0u, 1u, 7u, 8u, 15u, 16u, 17u, 63u, 64u, 65u, 120u}) {
        fill_with_pattern(area);
        EXPECT_TRUE(move(&area[to], &area[from], bytes) == &area[to]);
        EXPECT_TRUE(holds_copy(area, to, from, bytes, pattern));
      }
    }
  }
}

TEST(MemoryFunctions, FillTouchesExactlyItsBytes) {
  alignas(16) Area area;
  for (std::size_t to = 0; to < 9; ++to) {
    for (std::size_t bytes = 0; bytes < 160; ++bytes) {
      fill_with_pattern(area);
      EXPECT_TRUE(fill(&area[kMargin + to], 0x1ee, bytes) == &area[kMargin + to]);
      bool right = true;
      for (std::size_t i = 0; i < kArea; ++i) {
        const bool inside = i >= kMargin + to && i < kMargin + to + bytes;
        right = right && area[i] == (inside ? 0xee : pattern(i));
      }
      EXPECT_TRUE(right);
    }
  }
}

TEST(MemoryFunctions, CompareFindsTheFirstDifferenceAndItsSign) {
  alignas(16) Area left;
  alignas(16) Area right;
  for (const std::size_t skew : {0u, 1u, 8u}) {
    for (std::size_t at = 0; at < 40; ++at) {
      fill_with_pattern(left);
      for (std::size_t i = 0; i + skew < kArea; ++i)
        right[i + skew] = pattern(i);
      EXPECT_EQ(compare(&left[0], &right[skew], 40), 0);
      left[at] = 1;
      right[at + skew] = 0xf0;
      EXPECT_LT(compare(&left[0], &right[skew], 40), 0);
      EXPECT_GT(compare(&right[skew], &left[0], 40), 0);
      EXPECT_EQ(compare(&left[0], &right[skew], at), 0);
    }
  }
}

TEST(MemoryFunctions, FindByteLooksNoFurtherThanTold) {
  const char text[] = "socle";
  EXPECT_TRUE(find_byte(text, 'c', 5) == &text[2]);
  EXPECT_TRUE(find_byte(text, 'c', 2) == nullptr);
  EXPECT_TRUE(find_byte(text, 'x', 5) == nullptr);
  EXPECT_TRUE(find_byte(text, 's' + 256, 5) == &text[0]);
}

TEST(StringFunctions, LengthStopsAtTheTerminatorOrTheLimit) {
  EXPECT_EQ(length(""), 0u);
  EXPECT_EQ(length("dom0"), 4u);
  EXPECT_EQ(length_up_to("dom0", 10), 4u);
  EXPECT_EQ(length_up_to("dom0", 2), 2u);
}

TEST(StringFunctions, FirstAndLastOccurrence) {
  const char path[] = "/soc/uart";
  EXPECT_TRUE(find_first(path, '/') == &path[0]);
  EXPECT_TRUE(find_last(path, '/') == &path[4]);
  EXPECT_TRUE(find_first(path, 'x') == nullptr);
  EXPECT_TRUE(find_last(path, 'x') == nullptr);
  EXPECT_TRUE(find_first(path, '\0') == &path[9]);
  EXPECT_TRUE(find_last(path, '\0') == &path[9]);
}

TEST(StringFunctions, TextsCompareAsUnsignedCharacters) {
  constexpr std::size_t kAll = 100;
  EXPECT_EQ(compare_text("gic", "gic", kAll), 0);
  EXPECT_LT(compare_text("gic", "gicv3", kAll), 0);
  EXPECT_GT(compare_text("gic\x80", "gic\x7f", kAll), 0);
  EXPECT_EQ(compare_text("gicv2", "gicv3", 4), 0);
}

TEST(StringFunctions, NumbersAreReadInTheirBase) {
  char* end = nullptr;
  const char text[] = " 0x1f rest";
  EXPECT_EQ(to_unsigned(text, &end, 0), 0x1fu);
  EXPECT_TRUE(end == &text[5]);
  EXPECT_EQ(to_unsigned("0755", nullptr, 0), 0755u);
  EXPECT_EQ(to_unsigned("1f", nullptr, 16), 0x1fu);
  EXPECT_EQ(to_unsigned("z", nullptr, 36), 35u);
  EXPECT_EQ(to_unsigned("-1", nullptr, 10), ~std::uint64_t{0});
  EXPECT_EQ(to_unsigned("18446744073709551616", nullptr, 10), ~std::uint64_t{0});
}

TEST(StringFunctions, WhatIsNoNumberIsZeroAndConsumesNothing) {
  char* end = nullptr;
  const char text[] = " -x";
  EXPECT_EQ(to_unsigned(text, &end, 10), 0u);
  EXPECT_TRUE(end == &text[0]);
  const char hex[] = "0xg";
  EXPECT_EQ(to_unsigned(hex, &end, 16), 0u);
  EXPECT_TRUE(end == &hex[1]);
}

}  // namespace
}  // namespace socle::el2::strings
