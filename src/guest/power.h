// SPDX-License-Identifier: Apache-2.0
#pragma once

// A vCPU's life: set up, switched on and off, and run by its CPU. Also what follows a domain's end
// (shut_down() of guest/domain.h).
//
// Order for a builder: the domain's vcpus, address space and virtual GIC exist; set_up_vcpu() for
// each; set_entry() for the one that starts; then each vCPU's CPU calls run(), which waits at EL2
// for those that are still off.

#include <cstdint>

#include "base/result.h"
#include "base/types.h"

namespace socle::guest {

class Domain;
struct Vcpu;

// What the domain's CPUs say they can do, the registers a vCPU starts with, its timers (counting
// from now for all of them) and their private interrupts, which must be free (kBusy, kOutOfRange).
// Builder; once per domain, on the boot CPU. After vgic::init_vcpu().
[[nodiscard]] Result<> set_up_vcpus(Domain& domain);

// The vCPU starts at `entry` with `context` in x0 and the rest of the boot protocol's state (x1-x3
// zero, MMU off, interrupts masked). Builder, before run().
void set_entry(Vcpu& vcpu, Ipa entry, std::uint64_t context);

// Makes this CPU run the vCPU for good. vcpu.frame is the top of its stack.
[[noreturn]] void run(Vcpu& vcpu);

// Work::kPower: returns when the vCPU is on and its domain alive, with its context loaded. Own CPU.
void serve_power(Vcpu& current);
// PSCI CPU_OFF: the vCPU goes off when it next looks at its work. Own CPU.
void switch_off(Vcpu& current);

// Whether the hardware domain's reboot, or its crash, restarts the machine (option `noreboot`: it
// stops then). Before the first domain runs.
void set_no_reboot(bool no_reboot);

}  // namespace socle::guest
