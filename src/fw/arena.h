// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arena: memory for what boot learns from firmware. A bump allocator over memory that its maker
// gives and keeps; nothing is freed one by one, and what it hands out lives as long as that memory.
// Not for use by two CPUs at once. Full is an error of the input (a tree that is too large), so it
// is answered with kNoMemory.
//
// ArenaVector<T>: a vector that grows in an arena. Appending grows it in place while nothing else
// is allocated from the arena; otherwise it moves to twice the room and the old room is lost until
// the arena is.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/check.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::fw {

class Arena {
 public:
  constexpr Arena() = default;
  constexpr explicit Arena(std::span<std::byte> memory) : memory_(memory) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t remaining() const { return memory_.size() - used_; }

  // Uninitialised bytes. kNoMemory when they do not fit.
  [[nodiscard]] Result<std::byte*> allocate_bytes(std::size_t size, std::size_t alignment) {
    const auto base = reinterpret_cast<std::uintptr_t>(memory_.data());
    const std::uintptr_t at = align_up<std::uintptr_t>(base + used_, alignment);
    const std::size_t start = at - base;
    if (start > memory_.size() || size > memory_.size() - start) return fail(Error::kNoMemory);
    used_ = start + size;
    return memory_.data() + start;
  }

  // `count` copies of `value`.
  template <typename T>
  [[nodiscard]] Result<std::span<T>> allocate(std::size_t count, const T& value = T{}) {
    static_assert(std::is_trivially_destructible_v<T>);
    std::size_t bytes = 0;
    if (__builtin_mul_overflow(count, sizeof(T), &bytes)) return fail(Error::kNoMemory);
    T* first = reinterpret_cast<T*>(TRY(allocate_bytes(bytes, alignof(T))));
    for (std::size_t i = 0; i < count; ++i)
      std::construct_at(first + i, value);
    return std::span<T>(first, count);
  }

  // One object, default-made in place (it may be too big for a stack).
  template <typename T>
  [[nodiscard]] Result<T*> make() {
    static_assert(std::is_trivially_destructible_v<T>);
    return std::construct_at(reinterpret_cast<T*>(TRY(allocate_bytes(sizeof(T), alignof(T)))));
  }

  [[nodiscard]] Result<std::string_view> copy(std::string_view text) {
    std::byte* to = TRY(allocate_bytes(text.size(), 1));
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    return std::string_view(reinterpret_cast<const char*>(to), text.size());
  }

  // Gives back everything allocated since mark(): only for scratch that nobody keeps, and only if
  // nothing else allocated in between (a line in Diagnostics does).
  [[nodiscard]] std::size_t mark() const { return used_; }
  void rewind(std::size_t mark) {
    CHECK(mark <= used_);
    used_ = mark;
  }

 private:
  template <typename T>
  friend class ArenaVector;

  // Grows the last allocation, if `end` is its end and there is room.
  bool extend(const std::byte* end, std::size_t more) {
    if (end != memory_.data() + used_ || more > remaining()) return false;
    used_ += more;
    return true;
  }

  void give_back(const std::byte* end, std::size_t bytes) {
    if (end == memory_.data() + used_) used_ -= bytes;
  }

  std::span<std::byte> memory_;
  std::size_t used_ = 0;
};

template <typename T>
class ArenaVector {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  explicit ArenaVector(Arena& arena) : arena_(&arena) {}

  [[nodiscard]] Result<> push_back(const T& value) {
    if (size_ == capacity_) {
      const T copy = value;  // it may live in the room that is left
      TRY(grow());
      std::construct_at(data_ + size_++, copy);
      return {};
    }
    std::construct_at(data_ + size_++, value);
    return {};
  }
  void truncate(std::size_t size) {
    CHECK(size <= size_);
    size_ = size;
  }
  void pop_back() { truncate(size_ - 1); }

  // The elements, for good: room that was not used goes back to the arena if it can. Nothing is
  // appended afterwards.
  [[nodiscard]] std::span<T> finish() {
    if (data_ != nullptr)
      arena_->give_back(reinterpret_cast<const std::byte*>(data_ + capacity_),
                        (capacity_ - size_) * sizeof(T));
    capacity_ = size_;
    return span();
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  T& operator[](std::size_t index) {
    CHECK(index < size_);
    return data_[index];
  }
  const T& operator[](std::size_t index) const {
    CHECK(index < size_);
    return data_[index];
  }
  T& back() { return (*this)[size_ - 1]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  [[nodiscard]] std::span<T> span() { return {data_, size_}; }
  [[nodiscard]] std::span<const T> span() const { return {data_, size_}; }

 private:
  [[nodiscard]] Result<> grow() {
    const std::size_t wanted = capacity_ == 0 ? 8 : capacity_ * 2;
    const std::size_t more = (wanted - capacity_) * sizeof(T);
    if (capacity_ != 0 &&
        arena_->extend(reinterpret_cast<const std::byte*>(data_ + capacity_), more)) {
      capacity_ = wanted;
      return {};
    }
    T* to = reinterpret_cast<T*>(TRY(arena_->allocate_bytes(wanted * sizeof(T), alignof(T))));
    for (std::size_t i = 0; i < size_; ++i)
      std::construct_at(to + i, data_[i]);
    data_ = to;
    capacity_ = wanted;
    return {};
  }

  Arena* arena_;
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace socle::fw
