// SPDX-License-Identifier: Apache-2.0
#pragma once

// A stage-2 translation fault of a domain that has MmioFaults: mapped, or put on record.
//
// On demand nothing is mapped but what Domain::permitted_mmio permits, guest address == machine
// address, with policy's attributes, for data accesses of the hardware domain: the instruction is
// not looked at, so whatever it was (a pair, an atomic, a stage-1 table walk), it is tried again.
//
// Caller: the fault path, on the vCPU's CPU, no locks held. Another vCPU may do the same at the
// same time: one maps, the other finds it mapped.
// Source: shared requirements 1.2 to 1.8, 1.11 to 1.13, 1.17, 1.19.

#include <cstdint>

#include "base/types.h"
#include "guest/domain.h"

namespace socle::fault {

struct Touch {
  Gfn frame;
  bool is_data = false;  // not an instruction abort
  std::uint32_t vcpu = 0;
  std::uint64_t pc = 0;
};

enum class Resolution : std::uint8_t {
  kRetry,        // it is mapped now
  kDenied,       // it is not, and this is news
  kDeniedAgain,  // it is not, and on record already
};

// `domain` has MmioFaults. A table pool that has run dry means kDenied, and nothing else.
Resolution resolve(guest::Domain& domain, const Touch& touch);

}  // namespace socle::fault
