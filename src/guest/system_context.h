// SPDX-License-Identifier: Apache-2.0
#pragma once

// SystemContext: the registers of a vCPU that are not in its CpuFrame: EL1 system registers, the
// EL0 thread registers, and what EL2 holds on its behalf. While the vCPU is the current one of its
// CPU the hardware holds the truth and these members are stale (except those marked "kept"); they
// are valid between save_context() and load_context() (guest/context.h) and at reset.
//
// FP/SIMD: Socle is compiled without floating point, so those registers belong to the one vCPU of
// the CPU and are never touched between two entries. `fp` is used by a switch of vCPUs only.
//
// EL1 is always AArch64, so the registers of AArch32 EL1 (DACR32_EL2, SPSR_abt, ...) do not exist
// for a guest.
//
// Source: Arm ARM DDI 0487, D19 (system registers); which registers: docs/design/guest.md.

#include <array>
#include <cstdint>

namespace socle::guest {

struct alignas(16) FpContext {
  std::array<std::uint64_t, 64> v{};  // V0..V31, low half first
  std::uint64_t fpcr = 0;
  std::uint64_t fpsr = 0;
};

struct SystemContext {
  // Kept: what this vCPU runs with, decided when it is set up (guest/cpu_setup.h).
  std::uint64_t hcr_el2 = 0;
  std::uint64_t vmpidr_el2 = 0;
  std::uint64_t mdscr_el1 = 0;  // kept: accesses trap; see sysreg_traps.cc

  // Translation and control.
  std::uint64_t sctlr_el1 = 0;
  std::uint64_t cpacr_el1 = 0;
  std::uint64_t ttbr0_el1 = 0;
  std::uint64_t ttbr1_el1 = 0;
  std::uint64_t tcr_el1 = 0;
  std::uint64_t mair_el1 = 0;
  std::uint64_t amair_el1 = 0;
  std::uint64_t contextidr_el1 = 0;
  std::uint64_t csselr_el1 = 0;
  std::uint64_t par_el1 = 0;
  // Exceptions.
  std::uint64_t vbar_el1 = 0;
  std::uint64_t esr_el1 = 0;
  std::uint64_t far_el1 = 0;
  std::uint64_t afsr0_el1 = 0;
  std::uint64_t afsr1_el1 = 0;
  std::uint64_t elr_el1 = 0;
  std::uint64_t spsr_el1 = 0;
  std::uint64_t sp_el0 = 0;
  std::uint64_t sp_el1 = 0;
  // Software's own.
  std::uint64_t tpidr_el0 = 0;
  std::uint64_t tpidrro_el0 = 0;
  std::uint64_t tpidr_el1 = 0;
  // Timers (the counter values are in VirtualTimers).
  std::uint64_t cntkctl_el1 = 0;
  // Pointer authentication keys: IA, IB, DA, DB, GA, each low then high.
  std::array<std::uint64_t, 10> pointer_keys{};

  FpContext fp;
};

}  // namespace socle::guest
