// SPDX-License-Identifier: Apache-2.0
#include "port/cache.h"

#include <cstdint>

#include "port/phys_window.h"

namespace socle::port {

namespace {

// The smallest data cache line of all levels, in bytes (CTR_EL0.DminLine: log2 of words).
std::uintptr_t line_size() {
  std::uint64_t type;
  asm("mrs %0, ctr_el0" : "=r"(type));
  return std::uintptr_t{4} << ((type >> 16) & 0xf);
}

template <typename Operation>
void for_each_line(const void* start, std::size_t bytes, Operation operation) {
  if (bytes == 0) return;
  const std::uintptr_t line = line_size();
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(start) + bytes;
  for (std::uintptr_t at = reinterpret_cast<std::uintptr_t>(start) & ~(line - 1); at < end;
       at += line) {
    operation(at);
  }
  // Full system: the reader may be a device outside the inner-shareable domain.
  asm volatile("dsb sy" ::: "memory");
}

}  // namespace

void cache_clean(const void* start, std::size_t bytes) {
  for_each_line(start, bytes, [](std::uintptr_t at) {
    asm volatile("dc cvac, %0" ::"r"(at) : "memory");
  });
}

void cache_clean_invalidate(const void* start, std::size_t bytes) {
  for_each_line(start, bytes, [](std::uintptr_t at) {
    asm volatile("dc civac, %0" ::"r"(at) : "memory");
  });
}

void cache_clean_invalidate_frame(Mfn frame) {
  detail::WindowBank& bank = detail::window_bank;
  CHECK(bank.depth < kPhysWindowsPerCpu);
  std::uint64_t* const entry = &bank.entries[bank.depth];
  std::byte* const window = bank.first + (bank.depth << kFrameShift);
  const std::uint64_t value = (frame.value() << kFrameShift) | detail::kDeviceWindowAttributes;
  detail::window_remap(entry, value, window);
  cache_clean_invalidate(window, kFrameSize);
  // Unlike RAM's, the mapping does not stay.
  detail::window_remap(entry, 0, window);
}

void cache_invalidate(const void* start, std::size_t bytes) {
  for_each_line(start, bytes, [](std::uintptr_t at) {
    asm volatile("dc ivac, %0" ::"r"(at) : "memory");
  });
}

void cache_invalidate_instructions() {
  asm volatile("ic ialluis\n\tdsb ish\n\tisb" ::: "memory");
}

}  // namespace socle::port
