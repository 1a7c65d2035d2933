// SPDX-License-Identifier: Apache-2.0
#include "port/tlb.h"

#include "base/field.h"
#include "port/memory_features.h"

namespace socle::port {

namespace {

using Vmid = Field<63, 48>;  // VTTBR_EL2

// Operand of TLBI by address: the frame number, and a hint at which level the leaf entry is (0: at
// any). Arm ARM, C5.5 "TLBI IPAS2E1IS".
using OperandGranule = Field<47, 46>;
using OperandLevel = Field<45, 44>;
// Operand of TLBI by range (FEAT_TLBIRANGE): (NUM + 1) * 2^(5 * SCALE + 1) frames from the base.
using RangeBase = Field<36, 0>;
using RangeLevel = Field<38, 37>;
using RangeNumber = Field<43, 39>;
using RangeScale = Field<45, 44>;
using RangeGranule = Field<47, 46>;
constexpr std::uint64_t kGranule4K = 1;

// More frames than one instruction of the largest scale reaches: not worth a loop.
constexpr std::uint64_t kMaxRangeFrames = std::uint64_t{1} << 21;
// Single invalidations beyond this many cost more than refilling a TLB. Each is a broadcast.
constexpr std::uint64_t kMaxSingles = 128;

// TLBI works on the VMID in VTTBR_EL2. At EL2 with HCR_EL2.TGE = 0 nothing walks the guest's tables
// meanwhile (Arm ARM, D8.1 "out-of-context translation regimes"), so another domain's may be put
// there. TLBI instructions before the destructor's write are not affected by it.
class VmidScope {
 public:
  explicit VmidScope(const Stage2Context& context) {
    asm volatile("mrs %0, vttbr_el2" : "=r"(previous_)::"memory");
    if (Vmid::get(previous_) == Vmid::get(context.vttbr)) return;
    switched_ = true;
    asm volatile("msr vttbr_el2, %0\n\tisb" ::"r"(context.vttbr) : "memory");
  }
  ~VmidScope() {
    if (switched_) asm volatile("msr vttbr_el2, %0\n\tisb" ::"r"(previous_) : "memory");
  }
  VmidScope(const VmidScope&) = delete;
  VmidScope& operator=(const VmidScope&) = delete;

 private:
  std::uint64_t previous_;
  bool switched_ = false;
};

void invalidate_one(std::uint64_t operand, TlbReach reach) {
  switch (reach) {
    case TlbReach::kLeaf:
      asm volatile("tlbi ipas2le1is, %0" ::"r"(operand) : "memory");
      break;
    case TlbReach::kEmptyTable:
    case TlbReach::kTables:
      asm volatile("tlbi ipas2e1is, %0" ::"r"(operand) : "memory");
      break;
  }
}

// By encoding: the assembler knows the names (RIPAS2LE1IS, RIPAS2E1IS, RVAE2IS) only when told to
// assemble for a later architecture.
void invalidate_range(std::uint64_t operand, TlbReach reach) {
  switch (reach) {
    case TlbReach::kLeaf:
      asm volatile("sys #4, c8, c0, #6, %0" ::"r"(operand) : "memory");
      break;
    case TlbReach::kEmptyTable:
    case TlbReach::kTables:
      asm volatile("sys #4, c8, c0, #2, %0" ::"r"(operand) : "memory");
      break;
  }
}

void invalidate_vmid() {
  asm volatile("tlbi vmalls12e1is" ::: "memory");
}

// Calls `one(frame)` for an odd frame and `range(operand)` for the rest. Rising scales keep every
// operand aligned to its entries' size, as a level hint demands.
template <typename One, typename Range>
void split_range(std::uint64_t frame, std::uint64_t count, std::uint64_t level, One one,
                 Range range) {
  if ((count & 1) != 0) {
    one(frame);
    ++frame;
  }
  for (unsigned scale = 0; scale < 4; ++scale) {
    const unsigned shift = 5 * scale + 1;
    const std::uint64_t number = (count >> shift) & 31;
    if (number == 0) continue;
    range(RangeBase::make(frame) | RangeLevel::make(level) | RangeNumber::make(number - 1) |
          RangeScale::make(scale) | RangeGranule::make(kGranule4K));
    frame += number << shift;
  }
}

std::uint64_t single_operand(std::uint64_t frame, std::uint64_t level) {
  return frame | (level == 0 ? 0 : OperandGranule::make(kGranule4K) | OperandLevel::make(level));
}

}  // namespace

TlbFeatures tlb_features() {
  static constinit TlbFeatures features;
  static constinit bool known = false;
  // Two CPUs may both find out; they find the same.
  if (!__atomic_load_n(&known, __ATOMIC_ACQUIRE)) {
    const hw::MemoryFeatures memory = memory_features();
    __atomic_store_n(&features.ranges, memory.tlb_ranges, __ATOMIC_RELAXED);
    __atomic_store_n(&features.level_hints, memory.level_hints, __ATOMIC_RELAXED);
    __atomic_store_n(&known, true, __ATOMIC_RELEASE);
  }
  return features;
}

void tlb_stage2_range(const Stage2Context& context, const GfnRange& range, Level level,
                      TlbReach reach) {
  const TlbFeatures features = tlb_features();
  const bool leaf = reach == TlbReach::kLeaf;
  const auto hint = static_cast<std::uint64_t>(
      leaf && features.level_hints && level.value() > 0 ? level.value() : 0);
  const VmidScope scope(context);
  if (features.ranges && range.size() < kMaxRangeFrames) {
    split_range(
        range.begin().value(), range.size(), hint,
        [&](std::uint64_t frame) { invalidate_one(single_operand(frame, hint), reach); },
        [&](std::uint64_t operand) { invalidate_range(operand, reach); });
    return;
  }
  // One invalidation for each entry that was changed; or, where whole subtrees went, for each leaf
  // entry that there may have been.
  const Level finest = reach == TlbReach::kTables ? kLeafLevel : level;
  const std::uint64_t step = finest.order().count().value();
  if (range.size() > kMaxSingles * step) {
    invalidate_vmid();
    return;
  }
  for (std::uint64_t frame = range.begin().value(); frame < range.end().value(); frame += step)
    invalidate_one(single_operand(frame, hint), reach);
}

void tlb_stage2_all(const Stage2Context& context) {
  const VmidScope scope(context);
  invalidate_vmid();
}

void tlb_stage2_drop_combined(const Stage2Context& context) {
  const VmidScope scope(context);
  asm volatile("tlbi vmalle1is" ::: "memory");
}

void tlb_el2_range(std::uint64_t first, std::uint64_t last_exclusive) {
  const std::uint64_t begin = first >> kFrameShift;
  const std::uint64_t end = (last_exclusive + kFrameSize - 1) >> kFrameShift;
  const auto one = [](std::uint64_t frame) {
    asm volatile("tlbi vae2is, %0" ::"r"(frame) : "memory");
  };
  if (tlb_features().ranges && end - begin < kMaxRangeFrames) {
    split_range(begin, end - begin, 0, one, [](std::uint64_t operand) {
      asm volatile("sys #4, c8, c2, #1, %0" ::"r"(operand) : "memory");
    });
  } else if (end - begin > kMaxSingles) {
    tlb_el2_all();
  } else {
    for (std::uint64_t frame = begin; frame < end; ++frame)
      one(frame);
  }
}

}  // namespace socle::port
