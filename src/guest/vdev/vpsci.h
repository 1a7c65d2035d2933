// SPDX-License-Identifier: Apache-2.0
#pragma once

// PSCI 1.1 for guests, and the two functions of PSCI 0.1 by Xen's numbers (CPU_OFF 1, CPU_ON 2).
// A vCPU is switched on by writing its PowerState and waking its CPU, which waits at EL2.
// Own CPU of the caller; no locks. Source: Arm DEN0022.

#include <cstdint>

#include "guest/frame.h"

namespace socle::guest {

struct Vcpu;

namespace vpsci {

// Functions answered, for the call count of the service.
inline constexpr unsigned kFunctionCount = 15;

// Serves PSCI function `function` (w0) with its arguments in the frame and puts the result into x0.
// False: not a PSCI function that exists; nothing was changed.
bool call(Vcpu& current, CpuFrame& frame, std::uint32_t function);

}  // namespace vpsci
}  // namespace socle::guest
