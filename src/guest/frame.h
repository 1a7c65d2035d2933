// SPDX-License-Identifier: Apache-2.0
#pragma once

// CpuFrame: what the exception vectors save of a vCPU when it leaves EL1/EL0 and restore when it
// returns. It lives at the very top of the vCPU's EL2 stack. Layout known to el2/vectors.S
// (static_assert there).

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace socle::guest {

struct Vcpu;

struct CpuFrame {
  std::uint64_t x[31];
  std::uint64_t pc;      // ELR_EL2
  std::uint64_t pstate;  // SPSR_EL2
  std::uint64_t esr;     // ESR_EL2 at the exit; valid for synchronous exits
  // For the check before ERET, and to be found quickly; both are set when the vCPU first runs.
  const std::atomic<std::uint32_t>* pending_work;
  Vcpu* vcpu;  // whose frame it is
};
static_assert(offsetof(CpuFrame, pc) == 31 * 8);
static_assert(sizeof(CpuFrame) == 36 * 8 && sizeof(CpuFrame) % 16 == 0);

}  // namespace socle::guest
