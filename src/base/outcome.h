// SPDX-License-Identifier: Apache-2.0
#pragma once

// Outcome<T, E>: std::expected, but dropping one unseen is an error of compilation (libstdc++'s own
// is not marked so). For answers whose errors are not base's Error (base/result.h).

#include <expected>
#include <utility>

namespace socle {

template <typename T, typename E>
class [[nodiscard]] Outcome : public std::expected<T, E> {
  using Base = std::expected<T, E>;

 public:
  using Base::Base;
  constexpr Outcome() = default;
  // NOLINTBEGIN(google-explicit-constructor): it is the same thing.
  constexpr Outcome(const Base& other) : Base(other) {}
  constexpr Outcome(Base&& other) : Base(std::move(other)) {}
  // NOLINTEND(google-explicit-constructor)
};

}  // namespace socle
