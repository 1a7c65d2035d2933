// SPDX-License-Identifier: Apache-2.0
#pragma once

// Hypercalls: HVC #0xEA1 with the number in x16 and up to five arguments in x0..x4; the result
// replaces x0, every other register is kept. An unknown number or sub-operation answers -ENOSYS.
// Source: xen/arch-arm.h; docs/abi-coverage.md lists every call.
//
// The entry itself is guest::hypercall_entry() (guest/exits.h): called by the CPU of the vCPU with
// no lock held, its EL1 context loaded and frame.pc behind the HVC. A long operation returns early,
// with the arguments rewritten and frame.pc on the HVC again, so that interrupts are served in
// between.

#include <cstddef>
#include <span>
#include <string_view>

#include "guest/frame.h"

namespace socle::guest {
struct Vcpu;
}

namespace socle::hypercall {

void dispatch(guest::Vcpu& vcpu, guest::CpuFrame& frame);

// What xen_version tells about this hypervisor. Both are kept by reference; boot, before any guest
// runs. The command line is shown to privileged domains only.
void set_command_line(std::string_view line);
void set_build_id(std::span<const std::byte> id);

// Prints to the log what guests asked for and did not get: each hypercall and sub-operation that
// was answered with -ENOSYS, with its count.
void log_unimplemented();
// Starts counting anew; counts of this moment may be lost.
void reset_unimplemented();

}  // namespace socle::hypercall
