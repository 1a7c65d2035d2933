// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a guest gets by HVC #0 and SMC #0: the SMC calling convention 1.1 with the architecture's
// calls, Xen's identification as standard hypervisor service, and PSCI (vdev/vpsci.h).
//
// Workarounds (SMCCC_ARCH_WORKAROUND_1, 2, 3) belong to the physical CPU: the question whether one
// is needed goes to the machine's firmware each time it is asked, on the CPU that asks, and so do
// the calls where it is. Nothing is offered that firmware does not offer: a kernel told SUCCESS for
// WORKAROUND_2 without need would call on every entry and exit.
//
// Source: Arm DEN0028 (SMCCC), DEN0070 (workarounds), xen/arch-arm/smccc.h; xen-abi.md 3.2.

#include "guest/frame.h"

namespace socle::guest {

struct Vcpu;

namespace smccc {

// Once at boot, before the first guest runs. `firmware_has_smc`: PSCI says so; without EL3 an SMC
// would be undefined.
void discover_firmware(bool firmware_has_smc);

// Serves the call in x0..x7 of the frame, whose PC is behind the instruction. Own CPU, no locks.
void call(Vcpu& current, CpuFrame& frame);

}  // namespace smccc
}  // namespace socle::guest
