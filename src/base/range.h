// SPDX-License-Identifier: Apache-2.0
#pragma once

// Range<T>: the half-open interval [begin, end) of addresses or frame numbers. A Range is never
// reversed; an empty one has begin == end. Made from outside numbers only through from_size(),
// which refuses what would wrap.

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "base/types.h"

namespace socle {

template <typename T>
class Range {
 public:
  constexpr Range() = default;
  constexpr Range(T begin, T end) : begin_(begin), end_(end) { CHECK(begin <= end); }

  // [begin, begin + size), or nothing if that passes the end of the 64-bit space.
  static constexpr std::optional<Range> from_size(T begin, std::uint64_t size) {
    std::uint64_t end = 0;
    if (__builtin_add_overflow(begin.value(), size, &end)) return std::nullopt;
    return Range(begin, T(end));
  }

  [[nodiscard]] constexpr T begin() const { return begin_; }
  [[nodiscard]] constexpr T end() const { return end_; }
  // In the unit of T: bytes for addresses, frames for frame numbers.
  [[nodiscard]] constexpr std::uint64_t size() const { return end_.value() - begin_.value(); }
  [[nodiscard]] constexpr bool empty() const { return begin_ == end_; }
  [[nodiscard]] constexpr bool contains(T value) const { return begin_ <= value && value < end_; }
  [[nodiscard]] constexpr bool contains(const Range& other) const {
    return begin_ <= other.begin_ && other.end_ <= end_;
  }
  // Empty ranges overlap nothing.
  [[nodiscard]] constexpr bool overlaps(const Range& other) const {
    return std::max(begin_, other.begin_) < std::min(end_, other.end_);
  }
  [[nodiscard]] constexpr Range intersection(const Range& other) const {
    const T begin = std::max(begin_, other.begin_);
    const T end = std::min(end_, other.end_);
    return begin < end ? Range(begin, end) : Range(begin_, begin_);
  }
  constexpr bool operator==(const Range&) const = default;

 private:
  T begin_{};
  T end_{};
};

using PaRange = Range<Pa>;
using MfnRange = Range<Mfn>;
using GfnRange = Range<Gfn>;

// The frames that a byte range touches, rounded outwards.
constexpr MfnRange frames_touched(const PaRange& bytes) {
  if (bytes.empty()) return MfnRange(bytes.begin().frame(), bytes.begin().frame());
  return MfnRange(bytes.begin().frame(), (bytes.end() - 1).frame() + FrameCount(1));
}
// The frames wholly inside a byte range, rounded inwards.
constexpr MfnRange frames_inside(const PaRange& bytes) {
  const std::uint64_t mask = kFrameSize - 1;
  const std::uint64_t first =
      (bytes.begin().value() >> kFrameShift) + ((bytes.begin().value() & mask) != 0 ? 1 : 0);
  const std::uint64_t last = bytes.end().value() >> kFrameShift;
  return first < last ? MfnRange(Mfn(first), Mfn(last)) : MfnRange(Mfn(first), Mfn(first));
}

}  // namespace socle
