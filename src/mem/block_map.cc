// SPDX-License-Identifier: Apache-2.0
#include "mem/block_map.h"

#include <algorithm>

namespace socle::mem {
namespace {

constexpr unsigned kGibShift = kMaxOrder.value();  // frame number -> GiB number

struct GibRun {
  std::uint64_t begin;
  std::uint64_t end;
};

// The lowest run of RAM-holding GiB units that begins at `from` or later. RAM ranges come in any
// order and there are few, so looking through all of them for each run is enough.
std::optional<GibRun> next_run(std::span<const MfnRange> ram, std::uint64_t from) {
  std::optional<GibRun> found;
  const auto begin_of = [&](const MfnRange& range) {
    return std::max(range.begin().value() >> kGibShift, from);
  };
  const auto end_of = [](const MfnRange& range) {
    return ((range.end().value() - 1) >> kGibShift) + 1;
  };
  for (const MfnRange& range : ram) {
    if (range.empty() || end_of(range) <= from) continue;
    if (!found || begin_of(range) < found->begin) found = GibRun{begin_of(range), end_of(range)};
  }
  for (bool grown = found.has_value(); grown;) {
    grown = false;
    for (const MfnRange& range : ram) {
      if (range.empty() || begin_of(range) > found->end || end_of(range) <= found->end) continue;
      found->end = end_of(range);
      grown = true;
    }
  }
  return found;
}

}  // namespace

std::size_t make_sections(std::span<const MfnRange> ram, std::span<Section> out) {
  std::size_t count = 0;
  BlockIndex base = 0;
  for (auto run = next_run(ram, 0); run; run = next_run(ram, run->end)) {
    const auto blocks = static_cast<BlockIndex>((run->end - run->begin) * kBlocksPerGiB);
    if (count < out.size()) out[count] = Section{run->begin, base, blocks};
    base += blocks;
    ++count;
  }
  return count;
}

std::uint64_t blocks_needed(std::span<const MfnRange> ram) {
  std::uint64_t gibs = 0;
  for (auto run = next_run(ram, 0); run; run = next_run(ram, run->end))
    gibs += run->end - run->begin;
  return gibs * kBlocksPerGiB;
}

void BlockMap::attach(std::span<const Section> sections, std::span<Block> blocks) {
  sections_ = sections;
  blocks_ = blocks;
  std::ranges::fill(blocks_, Block::tail());
  for (BlockIndex index = 0; index < size(); index += kBlocksPerGiB)
    blocks_[index] = Block::whole(Owner::none(), kMaxOrder, false);
}

BlockIndex BlockMap::index_of(Mfn frame) const {
  const std::uint64_t gib = frame.value() >> kGibShift;
  const auto after = std::ranges::upper_bound(sections_, gib, {}, &Section::first_gib);
  if (after == sections_.begin()) return kNoBlock;
  const Section& section = *(after - 1);
  const std::uint64_t block =
      (frame.value() >> kBlockOrder.value()) - section.first_gib * kBlocksPerGiB;
  return block < section.blocks ? section.base + static_cast<BlockIndex>(block) : kNoBlock;
}

Mfn BlockMap::first_frame(BlockIndex index) const {
  CHECK(index < size());
  const auto after = std::ranges::upper_bound(sections_, index, {}, &Section::base);
  const Section& section = *(after - 1);
  return Mfn((section.first_gib * kBlocksPerGiB + (index - section.base)) << kBlockOrder.value());
}

BlockIndex BlockMap::head_of(BlockIndex index) const {
  // A descriptor that is no tail and lies at an aligned place below covers the index, or the index
  // would be a head itself or have one nearer.
  for (BlockIndex mask = 0; mask < kBlocksPerGiB; mask = 2 * mask + 1) {
    if (!blocks_[index & ~mask].is_tail()) return index & ~mask;
  }
  CHECK(false);
}

BlockIndex BlockMap::head_of(Mfn frame) const {
  const BlockIndex index = index_of(frame);
  return index == kNoBlock ? kNoBlock : head_of(index);
}

MfnRange BlockMap::frames_of(BlockIndex head) const {
  const Mfn first = first_frame(head);
  const Order order = blocks_[head].is_split() ? kBlockOrder : blocks_[head].order();
  return MfnRange(first, first + order.count());
}

BlockIndex BlockMap::next_head(BlockIndex head) const {
  return head + (blocks_[head].is_split() ? 1 : blocks_in(blocks_[head].order()));
}

BlockIndex BlockMap::halve(BlockIndex head) {
  const Block block = blocks_[head];
  CHECK(block.is_whole() && block.order() > kBlockOrder);
  const Order half(block.order().value() - 1);
  const BlockIndex upper = head + blocks_in(half);
  blocks_[head] = Block::whole(block.owner(), half, block.is_dirty());
  blocks_[upper] = blocks_[head];
  return upper;
}

}  // namespace socle::mem
