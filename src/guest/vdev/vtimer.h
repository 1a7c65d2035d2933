// SPDX-License-Identifier: Apache-2.0
#pragma once

// The generic timer of a vCPU. The virtual timer is the hardware's: Socle only offsets its counter;
// its interrupt is a hardware private interrupt of the virtual GIC. It keeps running while the vCPU
// waits in Socle's idle loop, so its interrupt ends the wait by itself. The physical timer traps
// and is emulated with Socle's hypervisor timer (port::set_wakeup); the physical counter is read
// directly.
//
// Everything runs on the vCPU's own CPU, without locks. Source: Arm ARM DDI 0487, D12.

#include <cstdint>

#include "base/types.h"

namespace socle::guest {

class Domain;
struct Vcpu;

namespace vtimer {

// The private interrupts a guest sees its timers on: for the hardware domain the host's own
// numbers.
struct Interrupts {
  IntId virtual_timer{27};
  IntId physical_timer{30};
};
// Once, before the first vCPU is set up.
void set_interrupts(const Interrupts& interrupts);
const Interrupts& interrupts();

// Builder: the virtual counters of all the domain's vCPUs start at 0 now.
void start_counter(Domain& domain);

// Power-on: both timers disabled. The context is not loaded.
void reset(Vcpu& vcpu);
void load(Vcpu& vcpu);
void save(Vcpu& vcpu);

// The physical timer's registers (CNTP_*), from a trap.
enum class Register : std::uint8_t { kControl, kCompare, kValue };
std::uint64_t read(const Vcpu& vcpu, Register which);
void write(Vcpu& vcpu, Register which, std::uint64_t value);

// Compares the physical timer with the counter, tells the virtual GIC if its line changed, and arms
// the hypervisor timer for what is next. Work::kTimer.
void update(Vcpu& vcpu);
// When the vCPU's physical timer will fire, as a counter value; ~0 if it will not.
std::uint64_t next_deadline(const Vcpu& vcpu);

// The hypervisor timer of this CPU fired. For the interrupt handler table.
void hypervisor_timer_fired();

}  // namespace vtimer
}  // namespace socle::guest
