// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ends or restarts the whole machine, through firmware. Any CPU, any lock held; the console has
// shown everything logged before. None returns: where firmware refuses, the CPU stops with masked
// interrupts. Defined by el2/ or the host program. Source: Arm DEN0022 (PSCI), 5.9 and 5.10.

namespace socle::port {

[[noreturn]] void power_off();
[[noreturn]] void power_reset();
// Stops this CPU and, as far as it can, the others; power stays on (option `noreboot`).
[[noreturn]] void power_halt();

}  // namespace socle::port
