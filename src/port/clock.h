// SPDX-License-Identifier: Apache-2.0
#pragma once

// The system counter (Arm ARM, D11 generic timer) and this CPU's EL2 physical timer.

#include <cstdint>

namespace socle::port {

std::uint64_t counter();            // CNTPCT_EL0, ordered after what precedes it
std::uint64_t counter_frequency();  // Hz; constant after boot, never 0
// Nanoseconds since Socle started (Xen calls it system time, NOW()).
std::uint64_t system_time_ns();
// Arms this CPU's hypervisor timer (CNTHP) at an absolute counter value; disarm with ~0.
void set_wakeup(std::uint64_t deadline);

}  // namespace socle::port

#include "port_impl/clock.h"
