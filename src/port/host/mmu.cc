// SPDX-License-Identifier: Apache-2.0
// The translation part of the seam, on the host: the model MMU if the test has one. Without one,
// tables are just memory.

#include "sim/mmu.h"

#include "port/barrier.h"
#include "port/cache.h"
#include "port/frame_reuse.h"
#include "port/memory_features.h"
#include "port/tlb.h"
#include "port/translation_entry.h"
#include "sim/data_cache.h"

namespace socle::port {

namespace {

template <typename Function>
void with_mmu(Function function) {
  if (sim::Mmu* const mmu = sim::Mmu::current()) function(*mmu);
}

}  // namespace

hw::MemoryFeatures memory_features() {
  return sim::memory_features();
}

void write_entry(std::uint64_t& entry, std::uint64_t value) {
  if (sim::Mmu* const mmu = sim::Mmu::current()) {
    mmu->store(entry, value);
  } else {
    entry = value;
  }
}

void barrier_table_write() {
  with_mmu([](sim::Mmu& mmu) { mmu.barrier(); });
}
void barrier_table_write_and_sync() {
  barrier_table_write();
}
void barrier_complete() {
  barrier_table_write();
}
void barrier_complete_system() {
  barrier_table_write();
}
void barrier_context() {}

void cache_clean(const void* start, std::size_t bytes) {
  with_mmu([=](sim::Mmu& mmu) { mmu.clean(start, bytes); });
}
void cache_clean_invalidate(const void* start, std::size_t bytes) {
  cache_clean(start, bytes);
}
void cache_clean_invalidate_frame(Mfn frame) {
  with_mmu([=](sim::Mmu& mmu) { mmu.frame_cleaned(frame); });
  if (sim::DataCache* const cache = sim::DataCache::current()) cache->clean_invalidate(frame);
}
void cache_invalidate(const void*, std::size_t) {}
void cache_invalidate_instructions() {}

void frames_became_free(const MfnRange& frames) {
  with_mmu([&](sim::Mmu& mmu) { mmu.output_freed(frames); });
}

TlbFeatures tlb_features() {
  return {.ranges = sim::memory_features().tlb_ranges,
          .level_hints = sim::memory_features().level_hints};
}

void tlb_stage2_range(const Stage2Context& context, const GfnRange& range, Level level,
                      TlbReach reach) {
  with_mmu([&](sim::Mmu& mmu) {
    switch (reach) {
      case TlbReach::kLeaf:
        return mmu.invalidate_stage2(context.vttbr, range, level, sim::Reach::kLeaf);
      case TlbReach::kEmptyTable:
        return mmu.invalidate_stage2(context.vttbr, range, level, sim::Reach::kEmptyTable);
      case TlbReach::kTables:
        return mmu.invalidate_stage2(context.vttbr, range, level, sim::Reach::kTables);
    }
  });
}
void tlb_stage2_all(const Stage2Context& context) {
  with_mmu([&](sim::Mmu& mmu) { mmu.invalidate_stage2_all(context.vttbr); });
}
void tlb_stage2_drop_combined(const Stage2Context& context) {
  with_mmu([&](sim::Mmu& mmu) { mmu.drop_combined(context.vttbr); });
}
void tlb_all_guests() {
  with_mmu([](sim::Mmu& mmu) { mmu.invalidate_all_guests(); });
}
void tlb_el2_range(std::uint64_t first, std::uint64_t last_exclusive) {
  with_mmu([=](sim::Mmu& mmu) {
    mmu.invalidate_el2(first >> kFrameShift, (last_exclusive + kFrameSize - 1) >> kFrameShift);
  });
}
void tlb_el2_all() {
  tlb_el2_range(0, ~std::uint64_t{0} - kFrameSize);
}
void tlb_sync() {
  with_mmu([](sim::Mmu& mmu) { mmu.sync(); });
}

}  // namespace socle::port
