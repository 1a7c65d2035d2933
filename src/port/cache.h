// SPDX-License-Identifier: Apache-2.0
#pragma once

// Data cache maintenance by address, to the point of coherency, and instruction cache maintenance.
// Addresses are this regime's virtual addresses (Socle: identity). Completes before returning.
// Source: Arm ARM DDI 0487, D7.5.

#include <cstddef>

namespace socle::port {

void cache_clean(const void* start, std::size_t bytes);             // DC CVAC
void cache_clean_invalidate(const void* start, std::size_t bytes);  // DC CIVAC
void cache_invalidate(const void* start, std::size_t bytes);        // DC IVAC; whole lines only
// Instructions written to memory are visible to all CPUs' instruction fetches (IC IALLUIS).
void cache_invalidate_instructions();

}  // namespace socle::port

#include "port_impl/cache.h"
