// SPDX-License-Identifier: Apache-2.0
#pragma once

// memory_op. Source: xen/memory.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using MemoryReservation = ::xen_memory_reservation;
using MemoryDomain = ::xen_memory_domain;
using AddToPhysmap = ::xen_add_to_physmap;
using AddToPhysmapBatch = ::xen_add_to_physmap_batch;
using RemoveFromPhysmap = ::xen_remove_from_physmap;
using MemoryExchange = ::xen_memory_exchange;
static_assert(sizeof(MemoryReservation) == 32 && offsetof(MemoryReservation, extent_order) == 16 &&
              offsetof(MemoryReservation, domid) == 24);
static_assert(sizeof(MemoryDomain) == 2);
static_assert(sizeof(AddToPhysmap) == 24 && offsetof(AddToPhysmap, idx) == 8);
static_assert(sizeof(AddToPhysmapBatch) == 32 && offsetof(AddToPhysmapBatch, idxs) == 8);
static_assert(sizeof(RemoveFromPhysmap) == 16 && offsetof(RemoveFromPhysmap, gpfn) == 8);

// The command word: the operation below, for some the first extent to look at above.
inline constexpr unsigned kMemoryExtentShift = 6;
inline constexpr std::uint64_t kMemoryCommandMask = (1u << kMemoryExtentShift) - 1;

}  // namespace socle::abi
