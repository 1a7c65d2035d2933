// SPDX-License-Identifier: Apache-2.0
#pragma once

// TestPool: table frames of the model machine, for host tests that want to be refused at a chosen
// request. Frames come full of garbage, and the model MMU is told when they go.

#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "sim/memory.h"
#include "sim/mmu.h"
#include "stage2/table_source.h"

namespace socle::stage2 {

class TestPool {
 public:
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

  TestPool(sim::Memory& memory, const MfnRange& frames) : memory_(memory), next_(frames.begin()) {
    memory.own(frames);
  }
  ~TestPool() { EXPECT_EQ(used_, 0u); }

  // The next `requests` succeed, then one fails; then this must be said again.
  void fail_after(std::size_t requests) { remaining_ = requests; }
  [[nodiscard]] std::size_t used() const { return used_; }

  Result<Mfn> take() {
    if (remaining_ == 0) return fail(Error::kNoMemory);
    if (remaining_ != kNever) --remaining_;
    Mfn frame = next_;
    if (free_.empty()) {
      ++next_;
    } else {
      frame = free_.back();
      free_.pop_back();
    }
    std::memset(memory_.frame(frame), 0xff, kFrameSize);
    ++used_;
    return frame;
  }
  Result<Mfn> take_contiguous(Order order) {
    while (!next_.is_aligned(order))
      ++next_;
    const Mfn first = next_;
    next_ += order.count();
    ++used_;
    return first;
  }
  void give(Mfn frame) {
    if (sim::Mmu* const mmu = sim::Mmu::current()) mmu->table_freed(frame);
    free_.push_back(frame);
    --used_;
  }
  void give_contiguous(Mfn first, Order) {
    if (sim::Mmu* const mmu = sim::Mmu::current()) mmu->table_freed(first);
    --used_;
  }

 private:
  sim::Memory& memory_;
  Mfn next_;
  std::vector<Mfn> free_;
  std::size_t used_ = 0;
  std::size_t remaining_ = kNever;
};

}  // namespace socle::stage2
