// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exceptions that Socle makes a guest take, as the hardware would have taken them at EL1: ESR_EL1,
// FAR_EL1, ELR_EL1, SPSR_EL1 are written, and the frame continues at the guest's vector. Also how
// to step over an instruction that was emulated.
//
// For the vCPU that runs on this CPU with its context loaded; no locks. Source: Arm ARM DDI 0487,
// D1.3.1 (exception entry, PSTATE at entry), J1 AArch64.TakeException(), D19.2.37 (ESR_EL1).

#include <cstdint>

#include "guest/frame.h"
#include "hw/esr.h"
#include "hw/sysreg.h"

namespace socle::guest {

struct Vcpu;

// The instruction at frame.pc is undefined. `is_32bit`: its length (false: a T32 halfword).
void inject_undefined(CpuFrame& frame, bool is_32bit = true);

// A synchronous external abort of the data access or instruction fetch described by the stage-2
// abort `esr` at virtual address `far`. An abort of a stage-1 table walk is reported as one. What
// the memory type of stage 2 does not take (unaligned or atomic accesses) is reported as that.
void inject_data_abort(CpuFrame& frame, std::uint64_t esr, std::uint64_t far);
void inject_instruction_abort(CpuFrame& frame, std::uint64_t esr, std::uint64_t far);

// A virtual SError becomes pending; the guest takes it when PSTATE.A allows. `syndrome` is its ISS,
// used where the CPU has RAS.
void inject_serror(Vcpu& vcpu, std::uint64_t syndrome);

// Instructions of AArch32 may be conditional and trap although their condition fails.
bool condition_holds(const CpuFrame& frame);

void advance_aarch32(CpuFrame& frame);

// The instruction at frame.pc, of AArch64, has been done: go on behind it.
inline void advance_aarch64(CpuFrame& frame) {
  using hw::Pstate;
  frame.pc += 4;
  // The step of a stepping debugger is over (its exception comes next); a branch target is past.
  frame.pstate &= ~(Pstate::SS::kMask | Pstate::BTYPE::kMask);
}
// The same in whatever state the guest is.
inline void advance_pc(CpuFrame& frame) {
  if (hw::Pstate::AArch32::get(frame.pstate) != 0) [[unlikely]] {
    advance_aarch32(frame);
    return;
  }
  advance_aarch64(frame);
}

// General register as an instruction names it: 31 is the zero register.
inline std::uint64_t read_general(const CpuFrame& frame, std::uint64_t number) {
  return number < 31 ? frame.x[number] : 0;
}
inline void write_general(CpuFrame& frame, std::uint64_t number, std::uint64_t value) {
  if (number < 31) frame.x[number] = value;
}

}  // namespace socle::guest
