// SPDX-License-Identifier: Apache-2.0
#include "fw/sort.h"

#include <utility>

namespace socle::fw {

namespace {

struct Heap {
  std::byte* items;
  std::size_t size;
  bool (*less)(const void* a, const void* b, const void* context);
  const void* context;

  [[nodiscard]] std::byte* at(std::size_t index) const { return items + index * size; }
  [[nodiscard]] bool is_less(std::size_t a, std::size_t b) const {
    return less(at(a), at(b), context);
  }
  void swap(std::size_t a, std::size_t b) const {
    std::byte* left = at(a);
    std::byte* right = at(b);
    for (std::size_t i = 0; i < size; ++i)
      std::swap(left[i], right[i]);
  }
  // Lets the element at `root` sink to its place among the first `count`.
  void sink(std::size_t root, std::size_t count) const {
    for (;;) {
      std::size_t child = 2 * root + 1;
      if (child >= count) return;
      if (child + 1 < count && is_less(child, child + 1)) ++child;
      if (!is_less(root, child)) return;
      swap(root, child);
      root = child;
    }
  }
};

}  // namespace

void sort_bytes(std::byte* items, std::size_t count, std::size_t size,
                bool (*less)(const void* a, const void* b, const void* context),
                const void* context) {
  const Heap heap{items, size, less, context};
  for (std::size_t root = count / 2; root-- != 0;)
    heap.sink(root, count);
  for (std::size_t last = count; last > 1; --last) {
    heap.swap(0, last - 1);
    heap.sink(0, last - 1);
  }
}

}  // namespace socle::fw
