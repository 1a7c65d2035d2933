// SPDX-License-Identifier: Apache-2.0
#pragma once

// FrameTable: who owns each frame of RAM, and the allocator over what is free. mem/memory.h has the
// contract of each operation; this class is what they work on (one for the machine; tests make
// their own).
//
// Invariants, whenever lock_ is free:
// - every frame of RAM has one owner; a head's run is aligned and inside its section;
// - a whole free run is in lists_, has no free buddy of its own order, and is at most 1 GiB;
// - a split block has a leaf; its count of free frames is right; it is in the list of an order not
//   below its largest free run, exactly if it has a free frame; a general block with 512 free
//   frames is not split;
// - a referenced frame is in a split block; it is never free;
// - leaves are frames of the heap.
//
// Locks: lock_ protects the table. heap_lock_ is held while the heap grows, so that one CPU grows
// it and the others find the result. Memory is zeroed with neither held.

#include <optional>
#include <span>

#include "base/inplace_vector.h"
#include "base/lock.h"
#include "base/range.h"
#include "base/result.h"
#include "mem/block.h"
#include "mem/block_map.h"
#include "mem/free_lists.h"
#include "mem/layout.h"
#include "mem/memory.h"

namespace socle::mem {

class FrameTable {
 public:
  constexpr FrameTable() = default;
  FrameTable(const FrameTable&) = delete;
  FrameTable& operator=(const FrameTable&) = delete;

  // As the functions of the same names in mem/memory.h. A second init() forgets everything: tests.
  Result<> init(const MemoryLayout& layout) SOCLE_EXCLUDES(lock_);

  Result<Mfn> allocate(Order order) SOCLE_EXCLUDES(lock_);
  // The same, with arbitrary contents: for tables that are written whole.
  Result<Mfn> allocate_unscrubbed(Order order) SOCLE_EXCLUDES(lock_);
  Result<Mfn> allocate_frames(FrameCount count) SOCLE_EXCLUDES(lock_);
  void free(Mfn first, Order order) SOCLE_EXCLUDES(lock_);
  void free_frames(Mfn first, FrameCount count) SOCLE_EXCLUDES(lock_);
  Result<> reserve_heap(FrameCount count) SOCLE_EXCLUDES(lock_);

  Result<> assign(const MfnRange& frames, DomainId domain, Contents contents) SOCLE_EXCLUDES(lock_);
  Result<Mfn> allocate_for(DomainId domain, Order order, Contents contents) SOCLE_EXCLUDES(lock_);
  Result<> release(const MfnRange& frames, DomainId domain) SOCLE_EXCLUDES(lock_);
  void release_boot_modules() SOCLE_EXCLUDES(lock_);
  [[nodiscard]] Owner owner_of(Mfn frame) SOCLE_EXCLUDES(lock_);

  Result<> get_ref(Mfn frame, Owner owner) SOCLE_EXCLUDES(lock_);
  void put_ref(Mfn frame) SOCLE_EXCLUDES(lock_);
  [[nodiscard]] std::uint32_t references(Mfn frame) SOCLE_EXCLUDES(lock_);

  [[nodiscard]] Statistics statistics() SOCLE_EXCLUDES(lock_);
  [[nodiscard]] std::size_t assignable_ranges(std::span<MfnRange> out) SOCLE_EXCLUDES(lock_);

  // Walks everything and CHECKs the invariants above. For tests and debugging.
  void verify() SOCLE_EXCLUDES(lock_);

 private:
  // Leaves in hand for an operation that may split blocks. No range splits more than two.
  using LeafStock = InplaceVector<Mfn, 2>;

  // Frames of the heap kept for port::heap_block_map's translation tables.
  static constexpr FrameCount kGrowthReserve{8};
  // Split blocks that a search tries before it breaks a whole one.
  static constexpr unsigned kSearchLimit = 16;

  // frame_table_init.cc
  void reset() SOCLE_REQUIRES(lock_);
  Result<> build(const MemoryLayout& layout) SOCLE_REQUIRES(lock_);
  void adopt(const MfnRange& bootstrap, const MfnRange& descriptors, const MfnRange& leaves)
      SOCLE_REQUIRES(lock_);
  void adopt_in_split(BlockIndex block, const MfnRange& adopted, const MfnRange& in_use, Mfn leaf)
      SOCLE_REQUIRES(lock_);
  Result<> mark(const MfnRange& frames, Owner owner) SOCLE_REQUIRES(lock_);
  void mark_in_section(const MfnRange& frames, Owner owner, LeafStock& leaves)
      SOCLE_REQUIRES(lock_);
  template <typename IsKept>
  void mark_in_split(BlockIndex block, const MfnRange& frames, Owner owner, IsKept is_kept)
      SOCLE_REQUIRES(lock_);
  void finish() SOCLE_REQUIRES(lock_);

  // frame_table.cc: runs and blocks
  FreeLists* list_of(BlockIndex head) SOCLE_REQUIRES(lock_);
  // The frames that a head has to give.
  FrameCount available(BlockIndex head) SOCLE_REQUIRES(lock_);
  // Lists a head if it has something to give; counts it. Every change of a head is between
  // unlink() and link().
  void link(BlockIndex head) SOCLE_REQUIRES(lock_);
  void unlink(BlockIndex head) SOCLE_REQUIRES(lock_);
  // Cuts a whole run in two; returns the upper half.
  BlockIndex halve(BlockIndex head) SOCLE_REQUIRES(lock_);
  // Puts an unlisted run among the free ones, joined with its free buddies.
  void insert_free(BlockIndex head, Order order, bool is_dirty) SOCLE_REQUIRES(lock_);
  // Gives a whole block a leaf.
  void split(BlockIndex head, Mfn leaf) SOCLE_REQUIRES(lock_);
  SplitEdit begin_edit(BlockIndex block) SOCLE_REQUIRES(lock_);
  // Returns the block's leaf if it needs none any more: for give_back_leaf().
  std::optional<Mfn> end_edit(BlockIndex block, const SplitEdit& edit) SOCLE_REQUIRES(lock_);
  void give_back_leaf(std::optional<Mfn> leaf) SOCLE_REQUIRES(lock_);
  // Cuts until the head that holds `frame` stands for frames of `range` only, or is split. Takes
  // at most one leaf; leaves_to_fit() tells how many a walk over the range needs.
  BlockIndex fit(Mfn frame, const MfnRange& range, LeafStock& leaves) SOCLE_REQUIRES(lock_);
  std::size_t leaves_to_fit(const MfnRange& range) SOCLE_REQUIRES(lock_);
  Leaf& leaf_of(BlockIndex block) SOCLE_REQUIRES(lock_);

  // frame_table_verify.cc
  void verify_whole(BlockIndex head, Statistics& seen) SOCLE_REQUIRES(lock_);
  void verify_split(BlockIndex head, Statistics& seen) SOCLE_REQUIRES(lock_);

  // frame_table.cc: allocation
  BlockIndex take_whole(Order order, Owner owner, Contents contents) SOCLE_REQUIRES(lock_);
  std::optional<Mfn> take_from_split(FreeLists& lists, Order order, Owner owner, Contents contents,
                                     std::size_t tries) SOCLE_REQUIRES(lock_);
  Mfn take_in_split(BlockIndex block, unsigned slot, Order order, Owner owner, Contents contents)
      SOCLE_REQUIRES(lock_);
  // Not if fewer than `kept` frames would stay in stock.
  std::optional<Mfn> take_heap(Order order, FrameCount kept) SOCLE_EXCLUDES(lock_);
  std::optional<Mfn> take_heap_locked(Order order, FrameCount kept) SOCLE_REQUIRES(lock_);
  std::optional<Mfn> take_for(Owner owner, Order order, Contents contents, LeafStock& leaves,
                              bool exhaustive) SOCLE_REQUIRES(lock_);
  Result<> grow_heap() SOCLE_REQUIRES(heap_lock_) SOCLE_EXCLUDES(lock_);
  void free_heap_frame(Mfn frame) SOCLE_REQUIRES(lock_);
  // Makes sure that `leaves` holds `count`; gives all of them back.
  Result<> fill(LeafStock& leaves, std::size_t count) SOCLE_EXCLUDES(lock_);
  void give_back(LeafStock& leaves) SOCLE_EXCLUDES(lock_);

  // frame_owners.cc: the RAM of domains
  Result<> check_assignable(const MfnRange& frames) SOCLE_REQUIRES(lock_);
  Result<> check_owned(const MfnRange& frames, Owner owner) SOCLE_REQUIRES(lock_);
  void claim(const MfnRange& frames, Owner owner, Contents contents, LeafStock& leaves)
      SOCLE_REQUIRES(lock_);
  void claim_in_split(BlockIndex block, const MfnRange& frames, Owner owner, Contents contents)
      SOCLE_REQUIRES(lock_);
  void give_up(const MfnRange& frames, LeafStock& leaves) SOCLE_REQUIRES(lock_);
  void give_up_in_split(BlockIndex block, const MfnRange& frames) SOCLE_REQUIRES(lock_);
  Result<> add_reference(Mfn frame, Owner owner, LeafStock& leaves) SOCLE_REQUIRES(lock_);
  MfnRange next_scrub(Mfn from, const MfnRange& frames) SOCLE_REQUIRES(lock_);
  void settle_scrubs(const MfnRange& frames) SOCLE_EXCLUDES(lock_);

  SpinLock heap_lock_{LockRank::kHeap};
  SpinLock lock_{LockRank::kFrameTable};
  BlockMap map_ SOCLE_GUARDED_BY(lock_);
  FreeLists lists_ SOCLE_GUARDED_BY(lock_);       // free memory
  FreeLists heap_lists_ SOCLE_GUARDED_BY(lock_);  // the heap's stock: orders 0 to 9
  Statistics counts_ SOCLE_GUARDED_BY(lock_);
};

// The machine's.
FrameTable& frame_table();

}  // namespace socle::mem
