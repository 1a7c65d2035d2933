// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

// Set by tests.
inline thread_local bool host_interrupt_pending = false;

inline bool interrupt_is_pending() {
  return host_interrupt_pending;
}

}  // namespace socle::port
