// SPDX-License-Identifier: Apache-2.0
#include "mem/block.h"

#include <algorithm>

namespace socle::mem {

void Leaf::fill(Owner owner, bool is_dirty, bool counts_as_free) {
  for (unsigned slot = 0; slot < kFramesPerBlock; ++slot) {
    frames_[slot] = FrameState{.owner_code = owner.code(), .is_dirty = is_dirty};
    if (slot % kGroup == 0) frames_[slot].free_in_group = counts_as_free ? kGroup : 0;
  }
}

bool Leaf::is_run(unsigned first, unsigned count, Owner free_owner) const {
  for (unsigned slot = first; slot < first + count; ++slot) {
    // Whole groups are judged by their count.
    if (count >= kGroup) {
      if (frames_[slot].free_in_group != kGroup) return false;
      slot += kGroup - 1;
    } else if (frames_[slot].owner() != free_owner) {
      return false;
    }
  }
  return true;
}

unsigned Leaf::find_run(Order order, Owner free_owner) const {
  const auto count = static_cast<unsigned>(order.count().value());
  for (unsigned first = 0; first < kFramesPerBlock;) {
    if (first % kGroup == 0 && frames_[first].free_in_group < (count < kGroup ? count : kGroup)) {
      first += count < kGroup ? kGroup : count;
    } else if (is_run(first, count, free_owner)) {
      return first;
    } else {
      first += count;
    }
  }
  return kNone;
}

Order Leaf::run_around(unsigned slot, Owner free_owner) const {
  unsigned order = 0;
  while (order < kBlockOrder.value()) {
    const unsigned size = 1u << order;
    const unsigned buddy = (slot & ~(size - 1)) ^ size;
    if (!is_run(buddy, size, free_owner)) break;
    ++order;
  }
  return Order(order);
}

void SplitEdit::set(unsigned slot, Owner owner, bool is_dirty) {
  FrameState& frame = leaf_[slot];
  CHECK(frame.references == 0);
  if (frame.owner() == free_owner_) {
    --leaf_.free_in_group_of(slot);
    --free_frames_;
  }
  frame.owner_code = owner.code();
  frame.is_dirty = is_dirty;
  frame.is_released = false;
  if (owner == free_owner_) {
    ++leaf_.free_in_group_of(slot);
    ++free_frames_;
    largest_run_ = std::max(largest_run_, leaf_.run_around(slot, owner));
  }
}

bool SplitEdit::any_dirty() const {
  for (unsigned slot = 0; slot < kFramesPerBlock; ++slot) {
    if (leaf_[slot].is_dirty) return true;
  }
  return false;
}

}  // namespace socle::mem
