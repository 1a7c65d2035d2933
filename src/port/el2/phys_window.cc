// SPDX-License-Identifier: Apache-2.0
#include "port/phys_window.h"

namespace socle::port::detail {

// Set for each CPU before its first window (el2/address_map.cc).
thread_local constinit WindowBank window_bank{};

}  // namespace socle::port::detail
