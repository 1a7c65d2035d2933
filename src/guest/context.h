// SPDX-License-Identifier: Apache-2.0
#pragma once

// The EL2 controls that a guest runs under, and the switch of a vCPU's registers onto and off this
// CPU. Which bit is set and why: context.cc. The frame (general registers, PC, PSTATE) is not part
// of it: the exception vectors load it. Neither is the interrupt state: vgic::load() and save().
//
// All run at EL2 on the CPU concerned, without locks. Visible to the guest after the ERET that
// follows (a context synchronisation event). Source: Arm ARM DDI 0487, D19.2 (EL2 control
// registers), D1.3.6 (state at reset).

#include <cstdint>

#include "guest/system_context.h"
#include "hw/sysreg.h"

namespace socle::guest {

struct Vcpu;

// vCPU n is seen as Aff1:Aff0 = n / 16 : n % 16, the numbering that Xen gives its guests (an
// ICC_SGI1R_EL1 target list has 16 bits).
constexpr std::uint64_t virtual_affinity(unsigned vcpu) {
  return hw::MPIDR_EL1::Aff1::make(vcpu / 16) | hw::MPIDR_EL1::Aff0::make(vcpu % 16);
}
constexpr std::uint64_t virtual_mpidr(unsigned vcpu) {
  return hw::MPIDR_EL1::kReservedOne | virtual_affinity(vcpu);
}

// HCR_EL2 for the guests of this CPU; `forced_write_back` as the address space says.
std::uint64_t guest_hcr(bool forced_write_back);

// The EL2 registers that are the same for every guest: traps of debug, PMU, FP extensions, timers;
// fine-grained traps off. Once per CPU, before the first load_context().
void load_guest_controls();

// EL1 as after a warm reset of the architecture.
void reset_context(SystemContext& context);

// Of what the guest wrote to MDSCR_EL1 (kept in the context), the bits that take effect: software
// step and its enable. Breakpoints, watchpoints and the debug channel do not exist for a guest.
constexpr std::uint64_t hardware_mdscr(std::uint64_t written) {
  using Mdscr = hw::MDSCR_EL1;
  return written & (Mdscr::SS::kMask | Mdscr::TDCC::kMask | Mdscr::KDE::kMask);
}

// Puts the vCPU's registers, its stage 2 and its virtual timer into this CPU; it becomes the one
// that the CPU runs when its frame is entered.
void load_context(Vcpu& vcpu);
// Takes them out again. Stage 2 stays loaded until the next load_context().
void save_context(Vcpu& vcpu);

}  // namespace socle::guest
