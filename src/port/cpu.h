// SPDX-License-Identifier: Apache-2.0
#pragma once

// This CPU and the others. Logical numbers; the mapping to MPIDR is platform/'s.

#include <cstdint>

#include "base/types.h"

namespace socle::port {

// The CPU this code runs on. Constant between two calls only because Socle never moves at EL2.
CpuIndex current_cpu();
// CPUs that have been brought up (the boot CPU included), as a dense count 0..n-1.
unsigned online_cpus();
// Makes `cpu` leave its guest (or its idle wait) and look at its pending work. Asynchronous;
// harmless if it is at EL2 already: it looks before it returns to the guest. Work must be published
// before (release).
void kick_cpu(CpuIndex cpu);
// Waits with low power until an interrupt is pending (masked or not) or an event: WFI.
void wait_for_interrupt();

}  // namespace socle::port

#include "port_impl/cpu.h"
