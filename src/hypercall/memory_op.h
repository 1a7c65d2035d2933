// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of memory_op. Private to this room.

#include "abi/memory.h"
#include "hypercall/call.h"

namespace socle::hypercall {

// memory_physmap.cc: what a guest frame shows.
std::int64_t add_to_physmap(Vcpu& caller, std::uint64_t address);
std::int64_t add_to_physmap_batch(Vcpu& caller, Arguments args);
std::int64_t remove_from_physmap(Vcpu& caller, std::uint64_t address);

// memory_reservation.cc: how much memory a domain has. XENMEM_increase_reservation,
// decrease_reservation, populate_physmap: all answer how many extents are done.
std::int64_t change_reservation(Vcpu& caller, Arguments args);

}  // namespace socle::hypercall
