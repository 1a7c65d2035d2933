// SPDX-License-Identifier: Apache-2.0
#pragma once

// What firmware says about RAM, as the frame table needs it at boot, and where its first memory
// goes. Pure functions: no effects, usable by `socle plan`. Frames; any order; the ranges of one
// list may touch and overlap. Where lists contradict each other, the strictest wins: not RAM,
// reserved, image, boot module, free.

#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::mem {

struct MemoryLayout {
  std::span<const MfnRange> ram;
  std::span<const MfnRange> reserved;      // firmware, /memreserve/, /reserved-memory
  std::span<const MfnRange> boot_modules;  // kernel, initrd, the device tree blob
  MfnRange image;                          // Socle: code, data, bss
  MfnRange bootstrap;  // free RAM, mapped for Socle: descriptors and the first heap
};

// Whether all of `frames` is RAM that nothing else claims. False for no frames.
[[nodiscard]] bool is_free_ram(const MemoryLayout& layout, const MfnRange& frames);

// Whether FrameTable::init() has no use for `frame`, though nobody keeps it: it lies beside the
// bootstrap range in a block of 2 MiB that has become the heap's. It will never be assignable.
[[nodiscard]] bool is_lost(const MemoryLayout& layout, Mfn frame);

// Of the bootstrap range: leaves for the blocks that its own ends cut (at most four).
inline constexpr FrameCount kBootstrapLeaves{4};

// The least size of `bootstrap` with which FrameTable::init() succeeds: 8 KiB per GiB of RAM, a
// leaf for every end of a range that is not 2 MiB-aligned, and a first heap of 256 KiB.
[[nodiscard]] FrameCount bootstrap_need(const MemoryLayout& layout);

// A place for `frames` frames of bootstrap memory: directly behind the image if there is room,
// else in the smallest hole that holds them. The range ends at a 2 MiB boundary where it can.
// layout.bootstrap is ignored. kNoMemory: no hole is large enough.
[[nodiscard]] Result<MfnRange> place_bootstrap(const MemoryLayout& layout, FrameCount frames);

}  // namespace socle::mem
