// SPDX-License-Identifier: Apache-2.0
#pragma once

// Doing what may end in an exception of Socle's own: an instruction that may not exist, a register
// that may not be there. At boot only (the exception costs the guest's SP_EL0).

#include <cstdint>

namespace socle::el2 {

// Calls `action` and says whether it returned; false if it took a synchronous exception, after
// which it goes no further. Does not nest; no lock may be taken inside.
bool survives(void (*action)());

struct ExceptionRegisters;

// For the exception handler: if a probe runs on this CPU, makes `registers` continue after it.
bool divert_probe(ExceptionRegisters& registers);

// For the same handler: if an AT was walking a guest's tables, which may lie where the bus answers
// with an abort, makes `registers` continue behind it, and PAR_EL1 say what it met. Source: Arm ARM
// DDI 0487, D8.14 "Address translation instructions".
bool divert_walk(ExceptionRegisters& registers);

}  // namespace socle::el2
