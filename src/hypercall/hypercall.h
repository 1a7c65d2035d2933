// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hypercalls: HVC #0xEA1 with the number in x16 and up to five arguments in x0..x4; the result
// replaces x0, every other register is kept. An unknown number or sub-operation answers -ENOSYS.
// Source: xen/arch-arm.h; shared/spec xen-abi.md, 4 (docs/abi-coverage.md lists every call).

#include <cstdint>

#include "guest/frame.h"

namespace socle::guest {
struct Vcpu;
}

namespace socle::hypercall {

// Serves the hypercall that `frame` describes. Called by the CPU of the vCPU with no lock held, its
// EL1 context loaded and frame.pc behind the HVC. A long operation returns early, with the
// arguments rewritten and frame.pc on the HVC again, so that interrupts are served in between.
void dispatch(guest::Vcpu& vcpu, guest::CpuFrame& frame);

// Prints to the log what guests asked for and did not get: each hypercall and sub-operation that
// was answered with -ENOSYS, with its count.
void log_unimplemented();

}  // namespace socle::hypercall
