// SPDX-License-Identifier: Apache-2.0
#pragma once

// TablePool: the translation-table frames of one domain. A domain may use as many as its quota and
// no more, so no domain's mapping activity can starve another; and it can keep a stock, so that an
// operation may take all it needs before it changes anything (prepare, then commit).
//
// Caller: any CPU. Locks: its own (kTablePool); draws from the heap with that lock *not* held.
// Frames are of the heap: mapped for Socle; their contents are arbitrary when taken and given.

#include <cstdint>

#include "base/lock.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::mem {

class TablePool {
 public:
  constexpr TablePool() = default;
  // All frames must have been given back.
  ~TablePool();
  TablePool(const TablePool&) = delete;
  TablePool& operator=(const TablePool&) = delete;

  // The most frames that may be used and in stock at any time. Default 0: nothing can be taken.
  void set_quota(FrameCount quota);
  // Fills the stock until `count` frames can be taken without fail, and keeps that many in stock
  // when frames are given back. kNoMemory: quota or heap exhausted; what was gained stays in stock.
  [[nodiscard]] Result<> reserve(FrameCount count);

  // One frame, from the stock or else from the heap. kNoMemory: quota or heap exhausted.
  [[nodiscard]] Result<Mfn> take();
  // 2^order aligned frames, always from the heap: concatenated root tables.
  [[nodiscard]] Result<Mfn> take_contiguous(Order order);
  // Gives a frame back that nobody can reach any more: its TLB invalidations have completed.
  void give(Mfn frame);
  void give_contiguous(Mfn first, Order order);
  // Gives the whole stock back to the heap; nothing is reserved any more.
  void drain();

  [[nodiscard]] FrameCount quota() const;
  [[nodiscard]] FrameCount used() const;   // taken and not given back
  [[nodiscard]] FrameCount stock() const;  // frames that can be taken without fail

 private:
  // A frame in stock holds the number of the next one in its first word.
  struct Link {
    Mfn next;
  };

  [[nodiscard]] Result<> admit(FrameCount count) SOCLE_EXCLUDES(lock_);
  void dismiss(FrameCount count) SOCLE_EXCLUDES(lock_);
  void push(Mfn frame) SOCLE_REQUIRES(lock_);
  Mfn pop() SOCLE_REQUIRES(lock_);

  mutable SpinLock lock_{LockRank::kTablePool};
  FrameCount quota_ SOCLE_GUARDED_BY(lock_);
  FrameCount used_ SOCLE_GUARDED_BY(lock_);
  FrameCount stock_ SOCLE_GUARDED_BY(lock_);
  FrameCount reserved_ SOCLE_GUARDED_BY(lock_);
  Mfn first_in_stock_ SOCLE_GUARDED_BY(lock_);
};

}  // namespace socle::mem
