// SPDX-License-Identifier: Apache-2.0
#pragma once

// sort(items, less): a heap sort whose code exists once for all types. std::sort is faster and is a
// kilobyte for each type; what boot sorts is short, and the image should be small. Never quadratic,
// not stable.

#include <cstddef>
#include <span>
#include <type_traits>

namespace socle::fw {

// `less` gets two elements and `context`. Elements are moved as bytes.
void sort_bytes(std::byte* items, std::size_t count, std::size_t size,
                bool (*less)(const void* a, const void* b, const void* context),
                const void* context);

template <typename T, typename Less>
void sort(std::span<T> items, const Less& less) {
  static_assert(std::is_trivially_copyable_v<T>);
  sort_bytes(
      reinterpret_cast<std::byte*>(items.data()), items.size(), sizeof(T),
      [](const void* a, const void* b, const void* context) {
        return (*static_cast<const Less*>(context))(*static_cast<const T*>(a),
                                                    *static_cast<const T*>(b));
      },
      &less);
}

// By what `key` says about an element.
template <typename T, typename Key>
void sort_by(std::span<T> items, const Key& key) {
  sort(items, [&key](const T& a, const T& b) { return key(a) < key(b); });
}

}  // namespace socle::fw
