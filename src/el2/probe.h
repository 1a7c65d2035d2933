// SPDX-License-Identifier: Apache-2.0
#pragma once

// Doing what may end in an exception of Socle's own: an instruction that may not exist, a register
// that may not be there.

#include <cstdint>
#include <optional>

namespace socle::el2 {

// At boot only (the exception costs the guest's SP_EL0).
// Calls `action` and says whether it returned; false if it took a synchronous exception, after
// which it goes no further. Does not nest; no lock may be taken inside.
bool survives(void (*action)());

// The same once guests run: what ended `action`, or nothing. The guest's SP_EL0 is kept.
struct ProbeFault {
  std::uint64_t pc = 0;
  std::uint64_t esr = 0;
  std::uint64_t far = 0;
};
std::optional<ProbeFault> fault_of(void (*action)());

struct ExceptionRegisters;

// For the exception handler: if a probe runs on this CPU, makes `registers` continue after it.
bool divert_probe(ExceptionRegisters& registers);

}  // namespace socle::el2
