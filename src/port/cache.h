// SPDX-License-Identifier: Apache-2.0
#pragma once

// Data cache maintenance by address, to the point of coherency, and instruction cache maintenance.
// Addresses are this regime's virtual addresses (Socle: identity). Completes before returning.
// Source: Arm ARM DDI 0487, D7.5.

#include <cstddef>

#include "base/types.h"

namespace socle::port {

void cache_clean(const void* start, std::size_t bytes);             // DC CVAC
void cache_clean_invalidate(const void* start, std::size_t bytes);  // DC CIVAC
void cache_invalidate(const void* start, std::size_t bytes);        // DC IVAC; whole lines only
// DC CIVAC of a whole frame that need not be RAM: a device's is not touched by it, since it is
// mapped as Device-nGnRnE for that long, so that nothing reads it ahead of time. Uses a window
// (port/phys_window.h). The operation reaches lines that others cached through other mappings:
// maintenance of Device memory by address goes to all CPUs of the outer shareable domain (D7.5.9).
void cache_clean_invalidate_frame(Mfn frame);
// Instructions written to memory are visible to all CPUs' instruction fetches (IC IALLUIS).
void cache_invalidate_instructions();

}  // namespace socle::port

#include "port_impl/cache.h"
