// SPDX-License-Identifier: Apache-2.0
#pragma once

// Objects in heap frames: Socle's replacement of new. Each object or array has frames of its own,
// so it is for things that are as large as a frame or few: domains, vCPUs, event arrays. The rules
// of mem/memory.h apply. kNoMemory is the only error.

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <utility>

#include "base/result.h"
#include "base/types.h"
#include "mem/memory.h"
#include "port/phys_window.h"

namespace socle::mem {

// Constructs a T in zeroed frames.
template <typename T, typename... Args>
[[nodiscard]] Result<T*> create(Args&&... args) {
  static_assert(alignof(T) <= kFrameSize);
  const Mfn first = TRY(allocate_frames(FrameCount::containing(sizeof(T))));
  return std::construct_at(port::owned_frame_as<T>(first), std::forward<Args>(args)...);
}

// Ends the life of an object made by create(). A null pointer is left alone.
template <typename T>
void destroy(T* object) {
  if (object == nullptr) return;
  std::destroy_at(object);
  free_frames(port::owned_frame_of(object), FrameCount::containing(sizeof(T)));
}

// `count` value-initialised elements; an empty span for 0.
template <typename T>
[[nodiscard]] Result<std::span<T>> create_array(std::size_t count) {
  static_assert(alignof(T) <= kFrameSize);
  if (count == 0) return std::span<T>();
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, sizeof(T), &bytes)) return fail(Error::kNoMemory);
  const Mfn first = TRY(allocate_frames(FrameCount::containing(bytes)));
  T* const elements = port::owned_frame_as<T>(first);
  std::uninitialized_value_construct_n(elements, count);
  return std::span<T>(elements, count);
}

template <typename T>
void destroy_array(std::span<T> elements) {
  if (elements.empty()) return;
  std::destroy(elements.begin(), elements.end());
  free_frames(port::owned_frame_of(elements.data()), FrameCount::containing(elements.size_bytes()));
}

}  // namespace socle::mem
