// SPDX-License-Identifier: Apache-2.0
#pragma once

// TLB invalidation, inner shareable (all CPUs), for the two regimes that Socle writes tables for.
// Each call only *issues*; nothing is guaranteed complete until tlb_sync(). The stage-2 ledger
// (stage2/ledger.h) is the one caller that batches; nobody else invalidates stage 2.
//
// The caller has made its table writes visible (barrier_table_write()) before it issues.
//
// Stage 2: entries are tagged with a VMID. Invalidation by IPA removes what was cached from stage-2
// tables only; entries that combine both stages go with tlb_stage2_drop_combined(), which must
// follow after a tlb_sync() (Arm ARM DDI 0487, D8.16 "TLB maintenance": a combined entry could
// otherwise be made again from a stage-2 entry that is not gone yet). port/el2 switches VTTBR_EL2
// to the target VMID where it is not the current one; so these run at EL2 with nobody else on the
// CPU.

#include <cstdint>

#include "base/range.h"
#include "base/types.h"

namespace socle::port {

// The VMID of a domain with the root that belongs to it: what VTTBR_EL2 holds.
struct Stage2Context {
  std::uint64_t vttbr = 0;
};

// What the CPU can do; constant after boot. FEAT_TLBIRANGE, FEAT_TTL.
// As far as maintenance goes; the whole is hw::MemoryFeatures (port/memory_features.h).
struct TlbFeatures {
  bool ranges = false;
  bool level_hints = false;
};
TlbFeatures tlb_features();

// What was removed or changed in the tables, for every frame of a range.
enum class TlbReach : std::uint8_t {
  kLeaf,        // leaf entries, all of one level
  kEmptyTable,  // entries of one level that pointed to tables without valid entries: nothing but
                // cached pointers
  kTables,      // whole subtrees: leaf entries of any level, and cached pointers to tables
};

// Translations of the frames of `range` cached from stage-2 tables. `level` is that of the entries
// that were changed. A range of many entries may become everything of the VMID.
void tlb_stage2_range(const Stage2Context& context, const GfnRange& range, Level level,
                      TlbReach reach);
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
