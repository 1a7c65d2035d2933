// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ordering between this CPU, other observers and the table walkers. The only way that code outside
// port/el2 and el2/ orders anything beyond C++ atomics. On the host these are calls into sim/,
// which checks that a table is published after it is written. Source: Arm ARM DDI 0487, B2.3
// (barriers), D8.2.6 (ordering of translation table walks).

namespace socle::port {

// Earlier stores to translation tables are visible to all walkers of the inner-shareable domain
// before anything later (DSB ISHST).
void barrier_table_write();
// The same for this CPU's own regime, and the context is synchronised (DSB ISHST; ISB).
void barrier_table_write_and_sync();
// All earlier memory accesses are complete for the inner-shareable domain (DSB ISH).
void barrier_complete();
// All earlier accesses, device memory included, are complete for the full system (DSB SY).
void barrier_complete_system();
// Context synchronisation of this CPU (ISB).
void barrier_context();

}  // namespace socle::port

#include "port_impl/barrier.h"
