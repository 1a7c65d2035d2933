// SPDX-License-Identifier: Apache-2.0
#include "mem/layout.h"

#include <algorithm>
#include <optional>

#include "mem/block.h"
#include "mem/block_map.h"

namespace socle::mem {
namespace {

// The first heap: what comes up before there is a frame table that could grow it.
constexpr FrameCount kFirstHeap = FrameCount(64);

// The end of the RAM that begins at or before `frame` and holds it without a gap; `frame` itself if
// it is not RAM.
Mfn end_of_ram(const MemoryLayout& layout, Mfn frame) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const MfnRange& range : layout.ram) {
      if (!range.contains(frame)) continue;
      frame = range.end();
      grown = true;
    }
  }
  return frame;
}

// Calls visit(range) for everything in RAM that is taken.
template <typename Visit>
void for_each_taken(const MemoryLayout& layout, Visit visit) {
  for (const MfnRange& range : layout.reserved)
    visit(range);
  for (const MfnRange& range : layout.boot_modules)
    visit(range);
  visit(layout.image);
}

// The free RAM from `frame` up to what is taken or no RAM; empty if `frame` is not free.
MfnRange free_from(const MemoryLayout& layout, Mfn frame) {
  Mfn end = end_of_ram(layout, frame);
  for_each_taken(layout, [&](const MfnRange& taken) {
    if (taken.empty() || taken.end() <= frame) return;
    end = std::min(end, std::max(taken.begin(), frame));
  });
  return MfnRange(frame, end);
}

// The first `frames` frames of a hole, rounded up to the end of a 2 MiB block if the hole allows.
std::optional<MfnRange> place_in(const MfnRange& hole, FrameCount frames) {
  if (hole.size() < frames.value()) return std::nullopt;
  const Mfn least = hole.begin() + frames;
  const Mfn rounded(align_up(least.value(), kFramesPerBlock));
  return MfnRange(hole.begin(), rounded <= hole.end() ? rounded : least);
}

}  // namespace

bool is_free_ram(const MemoryLayout& layout, const MfnRange& frames) {
  return !frames.empty() && free_from(layout, frames.begin()).contains(frames);
}

bool is_lost(const MemoryLayout& layout, Mfn frame) {
  const auto has_frame = [frame](const MfnRange& range) { return range.contains(frame); };
  const Mfn block(align_down(frame.value(), kFramesPerBlock));
  return std::ranges::any_of(layout.ram, has_frame) &&
         MfnRange(block, block + kBlockOrder.count()).overlaps(layout.bootstrap) &&
         !has_frame(layout.bootstrap) && !has_frame(layout.image) &&
         std::ranges::none_of(layout.reserved, has_frame);
}

FrameCount bootstrap_need(const MemoryLayout& layout) {
  // Every end of a range may cut a block.
  const std::uint64_t ranges =
      layout.ram.size() + layout.reserved.size() + layout.boot_modules.size() + 1;
  const FrameCount sections =
      FrameCount::containing(make_sections(layout.ram, std::span<Section>()) * sizeof(Section));
  const FrameCount blocks = FrameCount::containing(blocks_needed(layout.ram) * sizeof(Block));
  return sections + blocks + FrameCount(2 * ranges) + kBootstrapLeaves + kFirstHeap;
}

Result<MfnRange> place_bootstrap(const MemoryLayout& layout, FrameCount frames) {
  if (const auto place = place_in(free_from(layout, layout.image.end()), frames)) return *place;
  // Holes begin where RAM begins or where something ends.
  std::optional<MfnRange> smallest;
  const auto consider = [&](Mfn begin) {
    const Mfn aligned(align_up(begin.value(), kFramesPerBlock));
    const MfnRange hole = free_from(layout, aligned);
    if (hole.size() < frames.value()) return;
    if (!smallest || hole.size() < smallest->size()) smallest = hole;
  };
  for (const MfnRange& range : layout.ram)
    consider(range.begin());
  for_each_taken(layout, [&](const MfnRange& taken) { consider(taken.end()); });
  if (!smallest) return fail(Error::kNoMemory);
  return *place_in(*smallest, frames);
}

}  // namespace socle::mem
