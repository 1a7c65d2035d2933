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

}  // namespace socle::el2
