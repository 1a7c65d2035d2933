// SPDX-License-Identifier: Apache-2.0
// FrameTable: the invariants, as code.
#include "mem/frame_table.h"
#include "port/phys_window.h"

namespace socle::mem {

void FrameTable::verify() {
  LockGuard guard(lock_);
  Statistics seen;
  seen.ram = counts_.ram;
  BlockIndex expected = 0;
  BlockIndex listed = 0;
  for (BlockIndex head = 0; head < map_.size(); head = map_.next_head(head)) {
    CHECK(head == expected && !map_[head].is_tail());
    if (map_[head].is_whole()) {
      verify_whole(head, seen);
    } else {
      verify_split(head, seen);
    }
    if (list_of(head) != nullptr) ++listed;
    expected = map_.next_head(head);
  }
  CHECK(expected == map_.size());
  CHECK(seen.free == counts_.free && seen.heap_stock == counts_.heap_stock);
  CHECK(seen.heap == counts_.heap);
  CHECK(lists_.count(map_) + heap_lists_.count(map_) == listed);
}

void FrameTable::verify_whole(BlockIndex head, Statistics& seen) {
  const Block block = map_[head];
  const BlockIndex blocks = blocks_in(block.order());
  CHECK(block.order() >= kBlockOrder && block.order() <= kMaxOrder);
  CHECK(is_aligned(head, blocks) && head + blocks <= map_.size());
  for (BlockIndex tail = head + 1; tail < head + blocks; ++tail)
    CHECK(map_[tail].is_tail());
  if (block.owner() == Owner::heap() || block.owner() == Owner::heap_stock()) {
    CHECK(block.order() == kBlockOrder);
    seen.heap += kBlockOrder.count();
  }
  if (block.owner() == Owner::heap_stock()) seen.heap_stock += kBlockOrder.count();
  if (block.owner() != Owner::free()) return;
  seen.free += block.order().count();
  if (block.order() == kMaxOrder) return;
  const Block& buddy = map_[head ^ blocks];
  CHECK(!(buddy.is_whole() && buddy.owner() == Owner::free() && buddy.order() == block.order()));
}

void FrameTable::verify_split(BlockIndex head, Statistics& seen) {
  const Block block = map_[head];
  const Leaf& leaf = leaf_of(head);
  const Owner free_owner = block.is_heap() ? Owner::heap_stock() : Owner::free();
  std::uint64_t free_frames = 0;
  unsigned in_group = 0;
  for (unsigned slot = 0; slot < kFramesPerBlock; ++slot) {
    const FrameState& frame = leaf[slot];
    const bool is_heap = frame.owner() == Owner::heap() || frame.owner() == Owner::heap_stock();
    CHECK(block.is_heap() || !is_heap);
    if (is_heap) seen.heap += FrameCount(1);
    if (frame.owner() == free_owner) {
      CHECK(frame.references == 0);
      CHECK(leaf.run_around(slot, free_owner) <= block.largest_run());
      ++free_frames;
      ++in_group;
    }
    CHECK(!frame.is_released || frame.references != 0);
    if (slot % Leaf::kGroup == Leaf::kGroup - 1) {
      CHECK(leaf[slot - (Leaf::kGroup - 1)].free_in_group == in_group);
      in_group = 0;
    }
  }
  CHECK(free_frames == block.free_frames());
  CHECK(block.is_heap() || free_frames < kFramesPerBlock);
  (block.is_heap() ? seen.heap_stock : seen.free) += FrameCount(free_frames);
  const BlockIndex home = map_.head_of(block.leaf());
  CHECK(map_[home].is_split() && map_[home].is_heap());
  CHECK(leaf_of(home)[slot_of(block.leaf())].owner() == Owner::heap());
}

}  // namespace socle::mem
