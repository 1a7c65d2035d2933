// SPDX-License-Identifier: Apache-2.0
#pragma once

// What happens when a guest touches an address that its stage-2 map does not allow:
//
//   emulated register (Domain::mmio)      -> decoded, the emulator answers, the instruction is done
//   mapped meanwhile (break-before-make)  -> tried again
//   Domain::mmio_faults, if there is one  -> recorded; mapped and tried again (map_on_demand.h)
//   anything else                         -> external abort into the guest, one log line at most
//
// The entry is stage2_abort_entry() of guest/exits.h: own CPU, context loaded, no locks.
// Source: Arm ARM DDI 0487, D19.2.38 (ESR_EL2 of aborts), D8.15 (stage-2 faults, HPFAR_EL2).
