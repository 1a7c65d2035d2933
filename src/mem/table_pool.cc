// SPDX-License-Identifier: Apache-2.0
#include "mem/table_pool.h"

#include <algorithm>

#include "mem/frame_table.h"
#include "port/phys_window.h"

namespace socle::mem {

TablePool::~TablePool() {
  drain();
  CHECK(used() == FrameCount(0));
}

void TablePool::set_quota(FrameCount quota) {
  LockGuard guard(lock_);
  quota_ = quota;
}

void TablePool::push(Mfn frame) {
  port::owned_frame_as<Link>(frame)->next = first_in_stock_;
  first_in_stock_ = frame;
  stock_ += FrameCount(1);
}

Mfn TablePool::pop() {
  const Mfn frame = first_in_stock_;
  first_in_stock_ = port::owned_frame_as<Link>(frame)->next;
  stock_ -= FrameCount(1);
  return frame;
}

// Counts frames as used before they exist, so that two CPUs cannot pass the quota together.
Result<> TablePool::admit(FrameCount count) {
  LockGuard guard(lock_);
  if (used_ + stock_ + count > quota_) return fail(Error::kNoMemory);
  used_ += count;
  return {};
}

void TablePool::dismiss(FrameCount count) {
  LockGuard guard(lock_);
  CHECK(used_ >= count);
  used_ -= count;
}

Result<> TablePool::reserve(FrameCount count) {
  {
    LockGuard guard(lock_);
    reserved_ = count;
  }
  while (stock() < count) {
    const Mfn frame = TRY(take_contiguous(kOrder4K));
    LockGuard guard(lock_);
    used_ -= FrameCount(1);
    push(frame);
  }
  return {};
}

Result<Mfn> TablePool::take() {
  {
    LockGuard guard(lock_);
    if (stock_ > FrameCount(0)) {
      used_ += FrameCount(1);
      return pop();
    }
  }
  return take_contiguous(kOrder4K);
}

Result<Mfn> TablePool::take_contiguous(Order order) {
  TRY(admit(order.count()));
  const Result<Mfn> first = frame_table().allocate_unscrubbed(order);
  if (!first) dismiss(order.count());
  return first;
}

void TablePool::give(Mfn frame) {
  {
    LockGuard guard(lock_);
    CHECK(used_ > FrameCount(0));
    if (stock_ < reserved_) {
      used_ -= FrameCount(1);
      push(frame);
      return;
    }
  }
  give_contiguous(frame, kOrder4K);
}

void TablePool::give_contiguous(Mfn first, Order order) {
  frame_table().free(first, order);
  dismiss(order.count());
}

void TablePool::drain() {
  for (;;) {
    Mfn frame;
    {
      LockGuard guard(lock_);
      reserved_ = FrameCount(0);
      if (stock_ == FrameCount(0)) return;
      frame = pop();
    }
    frame_table().free(frame, kOrder4K);
  }
}

FrameCount TablePool::quota() const {
  LockGuard guard(lock_);
  return quota_;
}
FrameCount TablePool::used() const {
  LockGuard guard(lock_);
  return used_;
}
FrameCount TablePool::stock() const {
  LockGuard guard(lock_);
  return stock_;
}

}  // namespace socle::mem
