// SPDX-License-Identifier: Apache-2.0
#pragma once

// FreeLists: the heads that have something to give, by the order of the largest run they may give.
// Orders 0 to 8 hold split blocks, 9 and up hold whole runs. Lists are threaded through the
// descriptors; the last one put in comes out first.
//
// Not locked; used by FrameTable under its lock.

#include <array>

#include "mem/block_map.h"

namespace socle::mem {

class FreeLists {
 public:
  constexpr FreeLists() { firsts_.fill(kNoBlock); }

  // The list is that of the head's order() (whole) or largest_run() (split): the same field, which
  // must not change while the head is in it.
  void insert(BlockMap& map, BlockIndex head) {
    Block& block = map[head];
    BlockIndex& first = firsts_[block.order().value()];
    block.previous = kNoBlock;
    block.next = first;
    if (first != kNoBlock) map[first].previous = head;
    first = head;
  }
  void remove(BlockMap& map, BlockIndex head) {
    Block& block = map[head];
    if (block.previous == kNoBlock) {
      CHECK(firsts_[block.order().value()] == head);
      firsts_[block.order().value()] = block.next;
    } else {
      map[block.previous].next = block.next;
    }
    if (block.next != kNoBlock) map[block.next].previous = block.previous;
  }
  [[nodiscard]] BlockIndex first(Order order) const { return firsts_[order.value()]; }
  // The head with the smallest order in [least, most], or kNoBlock.
  [[nodiscard]] BlockIndex best(Order least, Order most) const {
    for (unsigned order = least.value(); order <= most.value(); ++order) {
      if (firsts_[order] != kNoBlock) return firsts_[order];
    }
    return kNoBlock;
  }
  // How many heads are listed; checks that each is in the right list.
  [[nodiscard]] std::size_t count(const BlockMap& map) const {
    std::size_t heads = 0;
    for (unsigned order = 0; order < firsts_.size(); ++order) {
      BlockIndex previous = kNoBlock;
      for (BlockIndex at = firsts_[order]; at != kNoBlock; at = map[at].next) {
        CHECK(map[at].order().value() == order && map[at].previous == previous);
        previous = at;
        ++heads;
      }
    }
    return heads;
  }

 private:
  std::array<BlockIndex, kMaxOrder.value() + 1> firsts_{};
};

}  // namespace socle::mem
