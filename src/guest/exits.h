// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where the guest meets Socle: the C++ side of the exception vectors, and the seams through which
// guest/ reaches what it may not include. All run at EL2 with interrupts masked, on the vCPU's own
// EL2 stack, `frame` at its top; no locks held.

#include <cstdint>

#include "guest/frame.h"

namespace socle::guest {

struct Vcpu;

extern "C" {

// Called by el2/vectors.S, defined in guest/exits.cc.
void socle_guest_sync_exit(CpuFrame* frame);    // any synchronous exception from EL1 or EL0
void socle_guest_irq_exit(CpuFrame* frame);     // IRQ or FIQ while the guest ran
void socle_guest_serror_exit(CpuFrame* frame);  // SError while the guest ran
// Before ERET, if the current vCPU's pending_work is not 0; returns when nothing is left to do.
// Does not return while the vCPU is switched off.
void socle_guest_entry_work(CpuFrame* frame);

// Defined by el2/: makes `frame` the top of the EL2 stack, loads the registers from it and ERETs
// (through the check of pending_work). Whatever was on the old stack is gone.
[[noreturn]] void socle_enter_guest(CpuFrame* frame);

// Defined by image/: takes all pending physical interrupts of this CPU and returns
// (gic::dispatch_physical).
void socle_dispatch_interrupts();

// The next two stay functions of their own, so that the exits reach them by a jump (exits.cc).

// HVC #0xEA1. Defined by hypercall/. x0..x4 and x16 in the frame; the PC is already past the HVC.
[[gnu::noinline]] void hypercall_entry(Vcpu& vcpu, CpuFrame& frame);

// A stage-2 abort (instruction or data). Defined by fault/.
[[gnu::noinline]] void stage2_abort_entry(Vcpu& vcpu, CpuFrame& frame);

}  // extern "C"

}  // namespace socle::guest
