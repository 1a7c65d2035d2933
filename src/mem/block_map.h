// SPDX-License-Identifier: Apache-2.0
#pragma once

// BlockMap: the block descriptors of all RAM and how to find them. RAM lies in banks with large
// gaps; each run of 1 GiB units that holds some RAM is a section, and sections share one dense
// array of descriptors. Within a section every index is aligned as its address is, so that buddies
// can be found by index.
//
// Not locked; used by FrameTable under its lock. Storage is given by the creator and mapped for
// Socle.

#include <optional>
#include <span>

#include "base/range.h"
#include "mem/block.h"

namespace socle::mem {

struct Section {
  std::uint64_t first_gib;  // address >> 30
  BlockIndex base;          // index of its first block
  BlockIndex blocks;        // a multiple of kBlocksPerGiB
};

// Fills `out` with the sections that cover `ram`, in ascending order and with gaps between them;
// returns how many there are (out may be shorter: then the first ones are written).
std::size_t make_sections(std::span<const MfnRange> ram, std::span<Section> out);
// The number of blocks that the sections of `ram` have together.
std::uint64_t blocks_needed(std::span<const MfnRange> ram);

class BlockMap {
 public:
  constexpr BlockMap() = default;
  // All descriptors become whole 1 GiB runs of `none`.
  void attach(std::span<const Section> sections, std::span<Block> blocks);

  [[nodiscard]] BlockIndex size() const { return static_cast<BlockIndex>(blocks_.size()); }
  [[nodiscard]] std::span<const Section> sections() const { return sections_; }
  Block& operator[](BlockIndex index) { return blocks_[index]; }
  const Block& operator[](BlockIndex index) const { return blocks_[index]; }

  // The block of a frame, or kNoBlock.
  [[nodiscard]] BlockIndex index_of(Mfn frame) const;
  [[nodiscard]] Mfn first_frame(BlockIndex index) const;
  // The head whose run holds the block.
  [[nodiscard]] BlockIndex head_of(BlockIndex index) const;
  [[nodiscard]] BlockIndex head_of(Mfn frame) const;
  // The frames that a head stands for: its run, or the block if it is split.
  [[nodiscard]] MfnRange frames_of(BlockIndex head) const;
  // The head after this one in ascending order; size() at the end.
  [[nodiscard]] BlockIndex next_head(BlockIndex head) const;

  // Cuts a whole run of at least 4 MiB in two; returns the head of the upper half. The run must be
  // in no list.
  BlockIndex halve(BlockIndex head);

 private:
  std::span<const Section> sections_;
  std::span<Block> blocks_;
};

[[nodiscard]] constexpr unsigned slot_of(Mfn frame) {
  return static_cast<unsigned>(frame.value() & (kFramesPerBlock - 1));
}
// The number of blocks in a run.
[[nodiscard]] constexpr BlockIndex blocks_in(Order order) {
  return BlockIndex{1} << (order.value() - kBlockOrder.value());
}

}  // namespace socle::mem
