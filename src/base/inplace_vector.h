// SPDX-License-Identifier: Apache-2.0
#pragma once

// InplaceVector<T, N>: up to N elements inside itself; a full one answers with an error, never with
// a broken invariant, because what fills it comes from firmware or a guest.

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/result.h"

namespace socle {

template <typename T, std::size_t N>
class InplaceVector {
 public:
  constexpr InplaceVector() = default;

  [[nodiscard]] Result<> push_back(T value) {
    if (size_ == N) return fail(Error::kTooLarge);
    items_[size_++] = std::move(value);
    return {};
  }
  // Inserts before `index`, moving what follows.
  [[nodiscard]] Result<> insert(std::size_t index, T value) {
    CHECK(index <= size_);
    if (size_ == N) return fail(Error::kTooLarge);
    for (std::size_t i = size_; i > index; --i)
      items_[i] = std::move(items_[i - 1]);
    items_[index] = std::move(value);
    ++size_;
    return {};
  }
  void erase(std::size_t index) {
    CHECK(index < size_);
    for (std::size_t i = index + 1; i < size_; ++i)
      items_[i - 1] = std::move(items_[i]);
    --size_;
  }
  void truncate(std::size_t size) {
    CHECK(size <= size_);
    size_ = size;
  }
  void clear() { size_ = 0; }

  [[nodiscard]] constexpr std::size_t size() const { return size_; }
  [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
  [[nodiscard]] constexpr bool full() const { return size_ == N; }
  static constexpr std::size_t capacity() { return N; }
  constexpr T& operator[](std::size_t index) {
    CHECK(index < size_);
    return items_[index];
  }
  constexpr const T& operator[](std::size_t index) const {
    CHECK(index < size_);
    return items_[index];
  }
  constexpr T& back() { return (*this)[size_ - 1]; }
  constexpr const T& back() const { return (*this)[size_ - 1]; }
  constexpr T* begin() { return items_; }
  constexpr T* end() { return items_ + size_; }
  constexpr const T* begin() const { return items_; }
  constexpr const T* end() const { return items_ + size_; }
  constexpr std::span<const T> span() const { return {items_, size_}; }
  constexpr std::span<T> span() { return {items_, size_}; }

 private:
  T items_[N]{};
  std::size_t size_ = 0;
};

}  // namespace socle
