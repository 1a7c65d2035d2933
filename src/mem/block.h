// SPDX-License-Identifier: Apache-2.0
#pragma once

// How the frame table stores what it knows, in two levels.
//
// Block: one 16-byte descriptor for each 2 MiB of address space that holds RAM. A run of blocks
// with one owner and nothing else to say about it is described by its *head*, the descriptor of its
// first block, together with an order of 9 (2 MiB) to 18 (1 GiB); a run is aligned to its size. The
// other descriptors of the run are *tails*: all zero. So a table of tails costs nothing to make,
// and 1 TiB of a domain's RAM is 1024 heads.
//
// Leaf: 512 8-byte descriptors, one for each frame of a block whose frames differ in owner or are
// referenced. It is one frame of the heap. Its block is *split*.
//
// Nothing here locks; FrameTable does.

#include <cstdint>

#include "base/field.h"
#include "base/types.h"
#include "mem/owner.h"

namespace socle::mem {

// A block's place in the table. Dense: gaps between banks of RAM take no indexes (mem/block_map.h).
using BlockIndex = std::uint32_t;
inline constexpr BlockIndex kNoBlock = ~BlockIndex{0};

inline constexpr Order kBlockOrder = kOrder2M;
inline constexpr Order kMaxOrder = kOrder1G;
inline constexpr std::uint64_t kFramesPerBlock = kBlockOrder.count().value();
inline constexpr BlockIndex kBlocksPerGiB = 512;

class Block {
 public:
  enum class Kind : std::uint8_t { kTail = 0, kWhole = 1, kSplit = 2 };

  static constexpr Block whole(Owner owner, Order order, bool is_dirty) {
    return Block(KindField::make(static_cast<std::uint64_t>(Kind::kWhole)) |
                 OrderField::make(order.value()) | Dirty::make(is_dirty ? 1 : 0) |
                 Payload::make(owner.code()));
  }
  // `free_frames` of the leaf's frames are free (general block) or in stock (heap block);
  // `largest_run` says that no aligned free run of more than that order is among them.
  static constexpr Block split(Mfn leaf, bool is_heap, std::uint64_t free_frames,
                               Order largest_run) {
    return Block(KindField::make(static_cast<std::uint64_t>(Kind::kSplit)) |
                 OrderField::make(largest_run.value()) | Heap::make(is_heap ? 1 : 0) |
                 FreeFrames::make(free_frames) | Payload::make(leaf.value()));
  }
  static constexpr Block tail() { return Block(); }
  constexpr Block() = default;

  [[nodiscard]] constexpr Kind kind() const { return static_cast<Kind>(KindField::get(word_)); }
  [[nodiscard]] constexpr bool is_tail() const { return kind() == Kind::kTail; }
  [[nodiscard]] constexpr bool is_whole() const { return kind() == Kind::kWhole; }
  [[nodiscard]] constexpr bool is_split() const { return kind() == Kind::kSplit; }

  // Of a whole head: the frames it stands for.
  [[nodiscard]] constexpr Order order() const {
    return Order(static_cast<unsigned>(OrderField::get(word_)));
  }
  [[nodiscard]] constexpr Owner owner() const {
    return Owner::from_code(static_cast<std::uint16_t>(Payload::get(word_)));
  }
  // A whole run: some domain owned it since reset (free), or a scrub is owed (domain).
  [[nodiscard]] constexpr bool is_dirty() const { return Dirty::get(word_) != 0; }

  // Of a split block.
  [[nodiscard]] constexpr Mfn leaf() const { return Mfn(Payload::get(word_)); }
  [[nodiscard]] constexpr bool is_heap() const { return Heap::get(word_) != 0; }
  [[nodiscard]] constexpr std::uint64_t free_frames() const { return FreeFrames::get(word_); }
  [[nodiscard]] constexpr Order largest_run() const { return order(); }

  // Links of the free list that the head is in (mem/free_lists.h).
  BlockIndex next = kNoBlock;
  BlockIndex previous = kNoBlock;

 private:
  using Payload = Field<39, 0>;  // owner or leaf
  using FreeFrames = Field<49, 40>;
  using OrderField = Field<54, 50>;
  using KindField = Field<56, 55>;
  using Dirty = Flag<57>;
  using Heap = Flag<58>;

  constexpr explicit Block(std::uint64_t word) : word_(word) {}

  std::uint64_t word_ = 0;
};
static_assert(sizeof(Block) == 16);

// The largest frame number that a descriptor can hold: 52-bit addresses.
inline constexpr std::uint64_t kMaxFrame = (std::uint64_t{1} << 40) - 1;

// One frame of a split block.
struct FrameState {
  std::uint32_t references = 0;
  std::uint16_t owner_code = 0;
  bool is_dirty : 1 = false;     // as Block::is_dirty()
  bool is_released : 1 = false;  // the owner gave it up; the last reference frees it
  // Only in every eighth entry: how many of the eight frames from here on are free. Makes the
  // search for a run a matter of 64 bytes.
  std::uint8_t free_in_group = 0;

  [[nodiscard]] Owner owner() const { return Owner::from_code(owner_code); }
};
static_assert(sizeof(FrameState) == 8);

class Leaf {
 public:
  static constexpr unsigned kGroup = 8;

  [[nodiscard]] FrameState& operator[](unsigned slot) { return frames_[slot]; }
  [[nodiscard]] const FrameState& operator[](unsigned slot) const { return frames_[slot]; }
  [[nodiscard]] std::uint8_t& free_in_group_of(unsigned slot) {
    return frames_[slot & ~(kGroup - 1)].free_in_group;
  }

  // All frames become `owner`'s, unreferenced.
  void fill(Owner owner, bool is_dirty, bool counts_as_free);
  // The first aligned run of 2^order free frames (order < 9); kNone if there is none.
  static constexpr unsigned kNone = kFramesPerBlock;
  [[nodiscard]] unsigned find_run(Order order, Owner free_owner) const;
  // The order of the largest aligned run of free frames that holds `slot`, which is free.
  [[nodiscard]] Order run_around(unsigned slot, Owner free_owner) const;

 private:
  [[nodiscard]] bool is_run(unsigned first, unsigned count, Owner free_owner) const;

  FrameState frames_[kFramesPerBlock];
};
static_assert(sizeof(Leaf) == kFrameSize);

// A change of frames in one leaf that keeps its counts. The block's descriptor is out of date until
// FrameTable::end_edit().
class SplitEdit {
 public:
  SplitEdit(const Block& block, Leaf& leaf)
      : leaf_(leaf),
        free_owner_(block.is_heap() ? Owner::heap_stock() : Owner::free()),
        free_frames_(block.free_frames()),
        largest_run_(block.largest_run()) {}

  // The frame passes to another owner. It must not be referenced.
  void set(unsigned slot, Owner owner, bool is_dirty);
  [[nodiscard]] const FrameState& operator[](unsigned slot) const { return leaf_[slot]; }

  [[nodiscard]] std::uint64_t free_frames() const { return free_frames_; }
  [[nodiscard]] Order largest_run() const { return largest_run_; }
  [[nodiscard]] bool any_dirty() const;

 private:
  Leaf& leaf_;
  const Owner free_owner_;
  std::uint64_t free_frames_;
  Order largest_run_;
};

}  // namespace socle::mem
