// SPDX-License-Identifier: Apache-2.0
#pragma once

// PermittedMmio: the machine frames that a domain may have mapped as MMIO, and no others: on a
// stage-2 fault, or because it asks for them (XENMAPSPACE_dev_mmio). hwdom/plan computes them for
// the hardware domain (DomainPlan::permitted says which they are); other domains have none.
//
// Caller: any CPU. Constant once its domain runs, hence no lock. It does not own the ranges, which
// live as long as the domain. Every answer is exact to the frame and costs O(log ranges).

#include <span>

#include "base/range.h"
#include "base/types.h"

namespace socle::guest {

class PermittedMmio {
 public:
  // Nothing is permitted.
  constexpr PermittedMmio() = default;
  // Sorted, none empty, no two overlap or touch.
  constexpr explicit PermittedMmio(std::span<const MfnRange> ranges) : ranges_(ranges) {}

  [[nodiscard]] bool permits(Mfn frame) const { return !run_around(frame).empty(); }
  // All of these frames? An empty range asks for nothing, and is permitted.
  [[nodiscard]] bool permits(const MfnRange& frames) const;
  // The longest run of permitted frames that `frame` is in; empty if it is not permitted itself.
  [[nodiscard]] MfnRange run_around(Mfn frame) const;

  [[nodiscard]] std::span<const MfnRange> ranges() const { return ranges_; }

 private:
  std::span<const MfnRange> ranges_;
};

// The block of 2^order frames, aligned to its size, that `frame` is in.
constexpr MfnRange block_around(Mfn frame, Order order) {
  const Mfn begin(frame.value() & ~(order.count().value() - 1));
  return MfnRange(begin, begin + order.count());
}

}  // namespace socle::guest
