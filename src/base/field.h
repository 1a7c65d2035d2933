// SPDX-License-Identifier: Apache-2.0
#pragma once

// Field<high, low>: a bit field of a register or descriptor, named once and used for both
// directions, so that encoder and decoder cannot disagree. Bit numbers as in the Arm manuals:
// [high:low] inclusive.

#include <cstdint>

#include "base/check.h"

namespace socle {

template <unsigned High, unsigned Low, typename Word = std::uint64_t>
struct Field {
  static_assert(High >= Low && High < 8 * sizeof(Word));
  static constexpr unsigned kWidth = High - Low + 1;
  static constexpr Word kMax = kWidth == 8 * sizeof(Word)
                                   ? static_cast<Word>(~Word{0})
                                   : static_cast<Word>((Word{1} << kWidth) - 1);
  static constexpr Word kMask = static_cast<Word>(kMax << Low);

  static constexpr Word get(Word word) { return static_cast<Word>((word >> Low) & kMax); }
  // The value placed at the field's position. Our own values must fit.
  static constexpr Word make(Word value) {
    CHECK(value <= kMax);
    return static_cast<Word>(value << Low);
  }
  static constexpr Word set(Word word, Word value) {
    return static_cast<Word>((word & static_cast<Word>(~kMask)) | make(value));
  }
};

template <unsigned Bit, typename Word = std::uint64_t>
using Flag = Field<Bit, Bit, Word>;

}  // namespace socle
