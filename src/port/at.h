// SPDX-License-Identifier: Apache-2.0
#pragma once

// Asking this CPU what a guest's virtual address means: stage 1 of the EL1&0 regime whose registers
// are loaded now (AT S1E1R, AT S1E1W), with the permissions of EL1. The answer is a guest-physical
// address; what that means is the address space's business (stage2/). The guest's own PAR_EL1 is
// kept.
//
// translate_guest_fully() goes on through stage 2 (AT S12E1R, AT S12E1W) and returns PAR_EL1 as it
// is: the machine's address and the memory type of both stages together, or the fault.
//
// The CPU walks the guest's tables, which lie in guest-physical memory themselves: hold the lock of
// the domain's address space, or a change by another CPU (break before make) shows as a fault.
// kFault: not mapped, or not with the permission asked for, or a table lies where nothing answers
// (AT then ends in an external abort, taken at EL2: el2/probe.h).
// Source: Arm ARM DDI 0487, C6.2 "AT", D24.2 "PAR_EL1".

#include <cstdint>

#include "base/result.h"
#include "base/types.h"

namespace socle::port {

Result<Ipa> translate_guest_read(std::uint64_t address);
Result<Ipa> translate_guest_write(std::uint64_t address);
std::uint64_t translate_guest_fully(std::uint64_t address, bool is_write);

}  // namespace socle::port

#include "port_impl/at.h"
