// SPDX-License-Identifier: Apache-2.0
#pragma once

// Windows at EL2: each CPU has eight level-3 entries of its own (one cache line) at the top of the
// address space, where no machine address is mapped (el2/address_map.h).
//
// A window keeps its last mapping when it is closed. Opening the same frame at the same depth again
// then costs a load and a compare. That is safe because
//  - only this CPU uses these addresses, so no other TLB holds them;
//  - software reaches a frame only through an open window, and the caller of open says that the
//    frame is RAM; a mapping that nobody uses can at most be read speculatively, as Normal
//    write-back memory, which is what every frame of RAM may be at any time;
//  - the entry says which frame it maps: a hit cannot be stale, whoever owns the frame now.
// A miss changes the output address of a live entry, so it breaks before it makes.

#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/types.h"

namespace socle::port {

namespace detail {

struct WindowBank {
  std::uint64_t* entries = nullptr;  // this CPU's kPhysWindowsPerCpu level-3 entries
  std::byte* first = nullptr;        // address of window 0
  std::uint64_t depth = 0;           // windows open now
};
extern thread_local constinit WindowBank window_bank;

// Valid page, Normal write-back (MAIR index 0), inner shareable, accessed, read-write, XN.
inline constexpr std::uint64_t kWindowAttributes = 0x0040'0000'0000'0743;

// The same as Device-nGnRnE (MAIR index 4), outer shareable: for cache maintenance only.
inline constexpr std::uint64_t kDeviceWindowAttributes = 0x0040'0000'0000'0653;

inline void window_remap(std::uint64_t* entry, std::uint64_t value, std::byte* window) {
  asm volatile(
      "str xzr, [%0]\n\t"
      "dsb nshst\n\t"
      "tlbi vae2, %2\n\t"
      "dsb nsh\n\t"
      "str %1, [%0]\n\t"
      "dsb nshst\n\t"
      "isb" ::"r"(entry),
      "r"(value), "r"(reinterpret_cast<std::uintptr_t>(window) >> kFrameShift)
      : "memory");
}

}  // namespace detail

inline std::byte* phys_window_open(Mfn frame) {
  detail::WindowBank& bank = detail::window_bank;
  const std::uint64_t slot = bank.depth;
  CHECK(slot < 8);
  bank.depth = slot + 1;
  std::byte* const window = bank.first + (slot << kFrameShift);
  const std::uint64_t value = (frame.value() << kFrameShift) | detail::kWindowAttributes;
  if (bank.entries[slot] != value) detail::window_remap(&bank.entries[slot], value, window);
  return window;
}

inline void phys_window_close([[maybe_unused]] std::byte* window) {
  detail::WindowBank& bank = detail::window_bank;
#if SOCLE_DEBUG
  CHECK(window == bank.first + ((bank.depth - 1) << kFrameShift));
#endif
  --bank.depth;
}

// Socle's heap and image: VA == PA.
inline std::byte* owned_frame(Mfn frame) {
  return reinterpret_cast<std::byte*>(frame.value() << kFrameShift);
}
inline Mfn owned_frame_of(const void* address) {
  return Mfn(reinterpret_cast<std::uintptr_t>(address) >> kFrameShift);
}

}  // namespace socle::port
