// SPDX-License-Identifier: Apache-2.0
#include "mem/frame_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "port/heap_map.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

// The largest run that a split block can give.
constexpr Order kMostInSplit{kBlockOrder.value() - 1};

constexpr bool owes_scrub(bool is_dirty, Contents contents) {
  return is_dirty || contents == Contents::kScrubbed;
}

constexpr Order order_containing(FrameCount count) {
  return Order(static_cast<unsigned>(std::bit_width(count.value() - 1)));
}

}  // namespace

// --- Runs and blocks ----------------------------------------------------------------------------

Leaf& FrameTable::leaf_of(BlockIndex block) {
  CHECK(map_[block].is_split());
  return *port::owned_frame_as<Leaf>(map_[block].leaf());
}

FreeLists* FrameTable::list_of(BlockIndex head) {
  const Block& block = map_[head];
  if (block.is_split()) {
    if (block.free_frames() == 0) return nullptr;
    return block.is_heap() ? &heap_lists_ : &lists_;
  }
  if (block.owner() == Owner::free()) return &lists_;
  return block.owner() == Owner::heap_stock() ? &heap_lists_ : nullptr;
}

FrameCount FrameTable::available(BlockIndex head) {
  const Block& block = map_[head];
  return block.is_split() ? FrameCount(block.free_frames()) : block.order().count();
}

void FrameTable::link(BlockIndex head) {
  FreeLists* const list = list_of(head);
  if (list == nullptr) return;
  list->insert(map_, head);
  (list == &lists_ ? counts_.free : counts_.heap_stock) += available(head);
}

void FrameTable::unlink(BlockIndex head) {
  FreeLists* const list = list_of(head);
  if (list == nullptr) return;
  list->remove(map_, head);
  (list == &lists_ ? counts_.free : counts_.heap_stock) -= available(head);
}

BlockIndex FrameTable::halve(BlockIndex head) {
  unlink(head);
  const BlockIndex upper = map_.halve(head);
  link(head);
  link(upper);
  return upper;
}

void FrameTable::insert_free(BlockIndex head, Order order, bool is_dirty) {
  while (order < kMaxOrder) {
    const BlockIndex buddy = head ^ blocks_in(order);
    const Block& other = map_[buddy];
    if (!other.is_whole() || other.owner() != Owner::free() || other.order() != order) break;
    unlink(buddy);
    is_dirty = is_dirty || other.is_dirty();
    map_[std::max(head, buddy)] = Block::tail();
    head = std::min(head, buddy);
    order = Order(order.value() + 1);
  }
  map_[head] = Block::whole(Owner::free(), order, is_dirty);
  link(head);
}

void FrameTable::split(BlockIndex head, Mfn leaf) {
  const Block block = map_[head];
  CHECK(block.is_whole() && block.order() == kBlockOrder);
  const bool is_heap = block.owner() == Owner::heap() || block.owner() == Owner::heap_stock();
  const bool is_free = block.owner() == Owner::free() || block.owner() == Owner::heap_stock();
  unlink(head);
  port::owned_frame_as<Leaf>(leaf)->fill(block.owner(), block.is_dirty(), is_free);
  map_[head] = Block::split(leaf, is_heap, is_free ? kFramesPerBlock : 0, kMostInSplit);
  link(head);
}

SplitEdit FrameTable::begin_edit(BlockIndex block) {
  unlink(block);
  return SplitEdit(map_[block], leaf_of(block));
}

std::optional<Mfn> FrameTable::end_edit(BlockIndex block, const SplitEdit& edit) {
  const Mfn leaf = map_[block].leaf();
  const bool is_heap = map_[block].is_heap();
  // A block of the heap may hold its own leaf; that is the only frame in use then.
  const bool holds_leaf = is_heap && map_.frames_of(block).contains(leaf);
  if (edit.free_frames() == kFramesPerBlock - (holds_leaf ? 1 : 0)) {
    if (is_heap) {
      map_[block] = Block::whole(Owner::heap_stock(), kBlockOrder, false);
      link(block);
    } else {
      insert_free(block, kBlockOrder, edit.any_dirty());
    }
    return holds_leaf ? std::nullopt : std::optional(leaf);
  }
  map_[block] =
      Block::split(leaf, is_heap, edit.free_frames(), std::min(edit.largest_run(), kMostInSplit));
  link(block);
  return std::nullopt;
}

void FrameTable::give_back_leaf(std::optional<Mfn> leaf) {
  // Its block may become whole by that and give back its own leaf, and so on.
  while (leaf) {
    const BlockIndex block = map_.head_of(*leaf);
    SplitEdit edit = begin_edit(block);
    edit.set(slot_of(*leaf), Owner::heap_stock(), false);
    leaf = end_edit(block, edit);
  }
}

BlockIndex FrameTable::fit(Mfn frame, const MfnRange& range, LeafStock& leaves) {
  BlockIndex head = map_.head_of(frame);
  while (map_[head].is_whole() && !range.contains(map_.frames_of(head))) {
    if (map_[head].order() == kBlockOrder) {
      split(head, leaves.back());
      leaves.truncate(leaves.size() - 1);
    } else {
      halve(head);
    }
    head = map_.head_of(frame);
  }
  return head;
}

std::size_t FrameTable::leaves_to_fit(const MfnRange& range) {
  if (range.empty()) return 0;
  const Mfn last = range.end() - FrameCount(1);
  const bool cut_begin = !range.begin().is_aligned(kBlockOrder);
  const bool cut_end = !range.end().is_aligned(kBlockOrder);
  const bool one_block = map_.index_of(range.begin()) == map_.index_of(last);
  std::size_t count = 0;
  if ((cut_begin || (one_block && cut_end)) && map_[map_.head_of(range.begin())].is_whole())
    ++count;
  if (!one_block && cut_end && map_[map_.head_of(last)].is_whole()) ++count;
  return count;
}

// --- Allocation ---------------------------------------------------------------------------------

BlockIndex FrameTable::take_whole(Order order, Owner owner, Contents contents) {
  BlockIndex head = lists_.best(order, kMaxOrder);
  if (head == kNoBlock) return kNoBlock;
  // The upper half: memory below 4 GiB is dear, devices may need it.
  while (map_[head].order() > order)
    head = halve(head);
  unlink(head);
  map_[head] = Block::whole(owner, order, owes_scrub(map_[head].is_dirty(), contents));
  link(head);
  return head;
}

Mfn FrameTable::take_in_split(BlockIndex block, unsigned slot, Order order, Owner owner,
                              Contents contents) {
  SplitEdit edit = begin_edit(block);
  for (unsigned i = slot; i < slot + order.count().value(); ++i)
    edit.set(i, owner, owes_scrub(edit[i].is_dirty, contents));
  give_back_leaf(end_edit(block, edit));
  return map_.first_frame(block) + FrameCount(slot);
}

std::optional<Mfn> FrameTable::take_from_split(FreeLists& lists, Order order, Owner owner,
                                               Contents contents, std::size_t tries) {
  for (; tries != 0; --tries) {
    const BlockIndex block = lists.best(order, kMostInSplit);
    if (block == kNoBlock) break;
    const Owner free_owner = map_[block].is_heap() ? Owner::heap_stock() : Owner::free();
    const unsigned slot = leaf_of(block).find_run(order, free_owner);
    if (slot != Leaf::kNone) return take_in_split(block, slot, order, owner, contents);
    // The descriptor promised too much; now it is right.
    const Block old = map_[block];
    unlink(block);
    map_[block] =
        Block::split(old.leaf(), old.is_heap(), old.free_frames(), Order(order.value() - 1));
    link(block);
  }
  return std::nullopt;
}

std::optional<Mfn> FrameTable::take_heap(Order order, FrameCount kept) {
  LockGuard guard(lock_);
  return take_heap_locked(order, kept);
}

std::optional<Mfn> FrameTable::take_heap_locked(Order order, FrameCount kept) {
  if (counts_.heap_stock < order.count() + kept) return std::nullopt;
  if (order < kBlockOrder) {
    const auto found =
        take_from_split(heap_lists_, order, Owner::heap(), Contents::kAsFound, kSearchLimit);
    if (found) return found;
  }
  const BlockIndex head = heap_lists_.first(kBlockOrder);
  if (head == kNoBlock) {
    if (order >= kBlockOrder) return std::nullopt;
    return take_from_split(heap_lists_, order, Owner::heap(), Contents::kAsFound, map_.size());
  }
  if (order == kBlockOrder) {
    unlink(head);
    map_[head] = Block::whole(Owner::heap(), kBlockOrder, false);
    return map_.first_frame(head);
  }
  // The block's first frame becomes its leaf. In one edit: with nothing but its leaf in use, the
  // block would become whole again.
  const Mfn first = map_.first_frame(head);
  split(head, first);
  SplitEdit edit = begin_edit(head);
  edit.set(slot_of(first), Owner::heap(), false);
  const unsigned slot = leaf_of(head).find_run(order, Owner::heap_stock());
  for (unsigned i = slot; i < slot + order.count().value(); ++i)
    edit.set(i, Owner::heap(), false);
  CHECK(!end_edit(head, edit));
  return first + FrameCount(slot);
}

Result<> FrameTable::grow_heap() {
  BlockIndex head = kNoBlock;
  Mfn first;
  {
    LockGuard guard(lock_);
    head = take_whole(kBlockOrder, Owner::heap(), Contents::kAsFound);
    if (head == kNoBlock) return fail(Error::kNoMemory);
    first = map_.first_frame(head);
  }
  const Result<> mapped = port::heap_block_map(first);
  LockGuard guard(lock_);
  if (!mapped) {
    insert_free(head, kBlockOrder, map_[head].is_dirty());
    return mapped;
  }
  map_[head] = Block::whole(Owner::heap_stock(), kBlockOrder, false);
  link(head);
  counts_.heap += kBlockOrder.count();
  return {};
}

Result<Mfn> FrameTable::allocate_unscrubbed(Order order) {
  if (order > kBlockOrder) return fail(Error::kTooLarge);
  if (heap_lock_.is_held_here()) {
    // For port::heap_block_map(), called from below: this is what the reserve is for.
    const auto frame = take_heap(order, FrameCount(0));
    if (!frame) return fail(Error::kNoMemory);
    return *frame;
  }
  if (const auto frame = take_heap(order, kGrowthReserve)) return *frame;
  LockGuard guard(heap_lock_);
  // Another CPU may have been faster.
  if (const auto frame = take_heap(order, kGrowthReserve)) return *frame;
  // Once, or twice if the reserve has to be made up too.
  for (;;) {
    TRY(grow_heap());
    if (const auto frame = take_heap(order, kGrowthReserve)) return *frame;
  }
}

Result<Mfn> FrameTable::allocate(Order order) {
  const Mfn first = TRY(allocate_unscrubbed(order));
  std::memset(port::owned_frame(first), 0, order.bytes());
  return first;
}

Result<Mfn> FrameTable::allocate_frames(FrameCount count) {
  CHECK(count > FrameCount(0));
  const Order order = order_containing(count);
  const Mfn first = TRY(allocate(order));
  if (order < kBlockOrder) {
    LockGuard guard(lock_);
    for (Mfn frame = first + count; frame < first + order.count(); ++frame)
      free_heap_frame(frame);
  }
  return first;
}

void FrameTable::free_heap_frame(Mfn frame) {
  const BlockIndex block = map_.head_of(frame);
  FrameState& state = leaf_of(block)[slot_of(frame)];
  CHECK(state.owner() == Owner::heap() && !state.is_released);
  if (state.references != 0) {
    state.is_released = true;
    return;
  }
  SplitEdit edit = begin_edit(block);
  edit.set(slot_of(frame), Owner::heap_stock(), false);
  give_back_leaf(end_edit(block, edit));
}

void FrameTable::free(Mfn first, Order order) {
  LockGuard guard(lock_);
  const BlockIndex head = map_.head_of(first);
  CHECK(head != kNoBlock);
  if (map_[head].is_whole()) {
    CHECK(order == kBlockOrder && map_[head].order() == kBlockOrder);
    CHECK(map_[head].owner() == Owner::heap() && map_.first_frame(head) == first);
    map_[head] = Block::whole(Owner::heap_stock(), kBlockOrder, false);
    link(head);
    return;
  }
  for (Mfn frame = first; frame < first + order.count(); ++frame)
    free_heap_frame(frame);
}

void FrameTable::free_frames(Mfn first, FrameCount count) {
  CHECK(count > FrameCount(0));
  if (order_containing(count) == kBlockOrder) {
    free(first, kBlockOrder);
    return;
  }
  LockGuard guard(lock_);
  for (Mfn frame = first; frame < first + count; ++frame)
    free_heap_frame(frame);
}

Result<> FrameTable::reserve_heap(FrameCount count) {
  LockGuard guard(heap_lock_);
  while (statistics().heap_stock < count + kGrowthReserve)
    TRY(grow_heap());
  return {};
}

Result<> FrameTable::fill(LeafStock& leaves, std::size_t count) {
  while (leaves.size() < count)
    TRY(leaves.push_back(TRY(allocate_unscrubbed(kOrder4K))));
  return {};
}

void FrameTable::give_back(LeafStock& leaves) {
  if (leaves.empty()) return;
  LockGuard guard(lock_);
  for (const Mfn leaf : leaves)
    free_heap_frame(leaf);
  leaves.clear();
}

std::optional<Mfn> FrameTable::take_for(Owner owner, Order order, Contents contents,
                                        LeafStock& leaves, bool exhaustive) {
  if (order >= kBlockOrder) {
    const BlockIndex head = take_whole(order, owner, contents);
    return head == kNoBlock ? std::nullopt : std::optional(map_.first_frame(head));
  }
  const auto found = take_from_split(lists_, order, owner, contents, kSearchLimit);
  if (found) return found;
  if (!leaves.empty()) {
    const BlockIndex head = take_whole(kBlockOrder, Owner::free(), Contents::kAsFound);
    if (head != kNoBlock) {
      split(head, leaves.back());
      leaves.truncate(leaves.size() - 1);
      return take_in_split(head, 0, order, owner, contents);
    }
  }
  if (!exhaustive) return std::nullopt;
  return take_from_split(lists_, order, owner, contents, map_.size());
}

Result<Mfn> FrameTable::allocate_for(DomainId domain, Order order, Contents contents) {
  if (order > kMaxOrder) return fail(Error::kTooLarge);
  if (!Owner::is_valid_domain(domain)) return fail(Error::kInvalid);
  const Owner owner = Owner::domain(domain);
  LeafStock leaves;
  std::optional<Mfn> first;
  {
    LockGuard guard(lock_);
    first = take_for(owner, order, contents, leaves, false);
  }
  if (!first && order < kBlockOrder) {
    // Without a leaf, the blocks that have one already must do.
    (void)fill(leaves, 1);
    LockGuard guard(lock_);
    first = take_for(owner, order, contents, leaves, true);
  }
  give_back(leaves);
  if (!first) return fail(Error::kNoMemory);
  settle_scrubs(MfnRange(*first, *first + order.count()));
  return *first;
}

Statistics FrameTable::statistics() {
  LockGuard guard(lock_);
  return counts_;
}

}  // namespace socle::mem
