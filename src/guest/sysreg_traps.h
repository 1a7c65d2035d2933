// SPDX-License-Identifier: Apache-2.0
#pragma once

// System registers that trap: what a guest reads and what its writes do. Registers of features that
// the guest does not have are undefined; those that the architecture makes every CPU have but that
// Socle does not offer read as zero and ignore writes. No access stops a guest's CPU or Socle's.
//
// Own CPU, context loaded, no locks. Source: Arm ARM DDI 0487, D19; docs/design/guest.md has the
// table.

#include <cstdint>

#include "guest/frame.h"

namespace socle::guest {

struct Vcpu;

// MSR, MRS or a system instruction (EC 0x18), described by frame.esr; the frame goes on behind it
// or at the guest's undefined-instruction vector.
void emulate_system_register(Vcpu& vcpu, CpuFrame& frame);

// MCR/MRC (EC 0x03) and MCRR/MRRC (EC 0x04) of coprocessor 15 from AArch32 at EL0.
void emulate_cp15(Vcpu& vcpu, CpuFrame& frame);
void emulate_cp15_wide(Vcpu& vcpu, CpuFrame& frame);

}  // namespace socle::guest
