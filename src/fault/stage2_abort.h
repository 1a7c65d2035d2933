// SPDX-License-Identifier: Apache-2.0
#pragma once

// What happens when a guest touches an address that its stage-2 map does not allow:
//
//   emulated register (Domain::mmio)      -> decoded, the emulator answers, the instruction is done
//   mapped meanwhile (break-before-make)  -> tried again
//   map on demand, if the policy says so  -> mapped, tried again
//   anything else                         -> external abort into the guest, one log line at most
//
// The entry is stage2_abort_entry() of guest/exits.h: own CPU, context loaded, no locks.
// Source: Arm ARM DDI 0487, D19.2.38 (ESR_EL2 of aborts), D8.15 (stage-2 faults, HPFAR_EL2).

#include "base/types.h"
#include "guest/domain.h"

namespace socle::fault {

// Asked for a guest frame that nothing maps, with the domain's address space unlocked. True: it is
// mapped now. The default denies everything.
using MapOnDemand = bool (*)(guest::Domain& domain, Gfn frame);

// Before the first domain runs.
void set_map_on_demand(MapOnDemand map_on_demand);

}  // namespace socle::fault
