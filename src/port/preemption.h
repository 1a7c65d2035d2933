// SPDX-License-Identifier: Apache-2.0
#pragma once

// Whether something waits for this CPU: a physical interrupt is pending (and masked, since Socle
// takes none at EL2). Long operations ask between two pieces of work.
// Source: Arm ARM DDI 0487, D19.2 "ISR_EL1".

namespace socle::port {

bool interrupt_is_pending();

}  // namespace socle::port

#include "port_impl/preemption.h"
