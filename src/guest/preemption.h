// SPDX-License-Identifier: Apache-2.0
#pragma once

// When a long operation on behalf of a guest must make way: an interrupt waits, or the vCPU has
// work that its guest would see at the next entry. Called by the vCPU's own CPU.

#include "guest/vcpu.h"
#include "port/preemption.h"

namespace socle::guest {

inline bool should_yield(const Vcpu& vcpu) {
  return vcpu.pending_work.load(std::memory_order_relaxed) != 0 || port::interrupt_is_pending();
}

}  // namespace socle::guest
