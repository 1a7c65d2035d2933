// SPDX-License-Identifier: Apache-2.0
#pragma once

// TLB invalidation, inner shareable (all CPUs), for the two regimes that Socle writes tables for.
// Each call only *issues*; nothing is guaranteed complete until tlb_sync(). The stage-2 ledger
// (stage2/ledger.h) is the one caller that batches; nobody else invalidates stage 2.
//
// Stage 2: entries are tagged with a VMID. Invalidation by IPA removes stage-2 entries only;
// combined stage-1-and-2 entries go with tlb_stage2_drop_combined(), which must follow after
// tlb_sync() (Arm ARM DDI 0487, D8.14 "TLB maintenance", and the requirement for TLBI VMALLE1IS
// after IPAS2). port/el2 switches VTTBR_EL2 to the target VMID where it is not the current one.

#include <cstdint>

#include "base/range.h"
#include "base/types.h"

namespace socle::port {

// The VMID of a domain with the root that belongs to it: what VTTBR_EL2 holds.
struct Stage2Context {
  std::uint64_t vttbr = 0;
};

// What the CPU can do; constant after boot. FEAT_TLBIRANGE, FEAT_TTL.
struct TlbFeatures {
  bool ranges = false;
  bool level_hints = false;
};
TlbFeatures tlb_features();

// Stage-2 leaf entries for the frames of `range`, all mapped at `level` (hint; a range may be one
// block).
void tlb_stage2_range(const Stage2Context& context, const GfnRange& range, Level level);
// Everything tagged with this VMID, both stages.
void tlb_stage2_all(const Stage2Context& context);
// Combined entries of this VMID, after tlb_stage2_range() and tlb_sync().
void tlb_stage2_drop_combined(const Stage2Context& context);
// All VMIDs of this CPU's inner-shareable domain (VMID generation roll-over).
void tlb_all_guests();

// Socle's own (EL2) regime: virtual addresses as numbers.
void tlb_el2_range(std::uint64_t first, std::uint64_t last_exclusive);
void tlb_el2_all();

// Waits until all invalidations issued by this CPU have completed everywhere (DSB ISH; ISB).
void tlb_sync();

}  // namespace socle::port

#include "port_impl/tlb.h"
