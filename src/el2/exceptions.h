// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exceptions that Socle itself takes at EL2. vectors.S saves the registers at the top of the CPU's
// crash stack and calls socle_own_exception, which returns only for one that is expected
// (el2/probe.h); every other one ends in the crash dump.

#include <cstddef>
#include <cstdint>

#include "el2/layout.h"

namespace socle::el2 {

struct ExceptionRegisters {
  std::uint64_t x[31];
  std::uint64_t sp;
  std::uint64_t pc;
  std::uint64_t pstate;
  std::uint64_t esr;
  std::uint64_t far;
};
static_assert(offsetof(ExceptionRegisters, x[30]) == SOCLE_EXCEPTION_X30);
static_assert(offsetof(ExceptionRegisters, sp) == SOCLE_EXCEPTION_SP);
static_assert(offsetof(ExceptionRegisters, pc) == SOCLE_EXCEPTION_PC);
static_assert(offsetof(ExceptionRegisters, pstate) == SOCLE_EXCEPTION_PSTATE);
static_assert(offsetof(ExceptionRegisters, esr) == SOCLE_EXCEPTION_ESR);
static_assert(offsetof(ExceptionRegisters, far) == SOCLE_EXCEPTION_FAR);
static_assert(sizeof(ExceptionRegisters) == SOCLE_EXCEPTION_SIZE);

extern "C" void socle_own_exception(ExceptionRegisters* registers, std::uint64_t vector);

}  // namespace socle::el2
