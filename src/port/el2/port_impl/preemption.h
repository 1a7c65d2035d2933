// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

inline bool interrupt_is_pending() {
  std::uint64_t pending;
  asm volatile("mrs %0, isr_el1" : "=r"(pending) : : "memory");
  return pending != 0;
}

}  // namespace socle::port
