// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan_sweep.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "fw/sort.h"

namespace socle::hwdom {

namespace {

// Of regions with equally strict types the more telling reason is kept.
unsigned rank(Reason reason) {
  switch (reason) {
    case Reason::kOnChipSram:
      return 0;
    case Reason::kReservedMemory:
      return 1;
    case Reason::kFrameBuffer:
      return 2;
    case Reason::kPciWindow:
      return 3;
    case Reason::kNone:
    case Reason::kDomainRam:
    case Reason::kDeviceRegisters:
    case Reason::kInterruptController:
    case Reason::kSharedInfo:
    case Reason::kGrantTable:
    case Reason::kGrantMapping:
    case Reason::kForeignMapping:
    case Reason::kOnDemand:
    case Reason::kSocle:
      return 4;
  }
  return 4;
}

// The claims that cover the place where the sweep stands. There are few different attributes, so
// they are counted; the heap knows a claim to name.
class ActiveClaims {
 public:
  explicit ActiveClaims(fw::Arena& arena) : heap_(arena) {}

  Result<> begin(const Claim& claim) {
    Kind* kind = find(claim.attributes);
    if (kind == nullptr) return fail(Error::kTooLarge);
    ++kind->count;
    TRY(heap_.push_back(&claim));
    std::ranges::push_heap(heap_, is_less_telling);
    return {};
  }
  void end(const Claim& claim) { --find(claim.attributes)->count; }

  [[nodiscard]] std::optional<Attributes> attributes() const {
    std::optional<Attributes> all;
    for (const auto& kind : kinds_.span()) {
      if (!kind->count) continue;
      all = all ? policy::combined(*all, kind->attributes) : kind->attributes;
    }
    return all;
  }
  // Not all of them want the same type and permissions.
  [[nodiscard]] bool differ() const {
    const Attributes* first = nullptr;
    for (const auto& kind : kinds_.span()) {
      if (!kind->count) continue;
      if (first == nullptr) first = &kind->attributes;
      if (!first->same_mapping(kind->attributes)) return true;
    }
    return false;
  }

  // The node to name for a piece that begins at `at`; called while there is an active claim.
  NodeId node(Mfn at) {
    while (heap_[0]->frames.end() <= at) {
      std::ranges::pop_heap(heap_, is_less_telling);
      heap_.pop_back();
    }
    return heap_[0]->node;
  }

 private:
  struct Kind {
    Attributes attributes;
    std::uint32_t count = 0;
  };
  static constexpr std::size_t kMaxKinds = 24;

  // Enabled nodes before others, the innermost (latest begun) before others.
  static bool is_less_telling(const Claim* a, const Claim* b) {
    return std::tuple(a->enabled, a->frames.begin(), index_of(b->node)) <
           std::tuple(b->enabled, b->frames.begin(), index_of(a->node));
  }

  // The counter of these attributes; new ones are placed by rank. Null when there is no more room.
  Kind* find(const Attributes& attributes) {
    std::size_t at = 0;
    for (; at < kinds_.size(); ++at) {
      if (kinds_[at]->attributes == attributes) return &*kinds_[at];
      if (rank(kinds_[at]->attributes.reason()) > rank(attributes.reason())) break;
    }
    if (!kinds_.insert(at, Kind{attributes})) return nullptr;
    return &*kinds_[at];
  }

  InplaceVector<std::optional<Kind>, kMaxKinds> kinds_;
  fw::ArenaVector<const Claim*> heap_;
};

Result<> append(MappingList& out, const MfnRange& frames, const Attributes& attributes,
                NodeId node) {
  if (!out.empty()) {
    Mapping& before = out.back();
    if (before.mfns().end() == frames.begin() && before.attributes == attributes) {
      before.count += FrameCount(frames.size());
      return {};
    }
  }
  return out.push_back({.first = direct_mapped(frames.begin()),
                        .machine = frames.begin(),
                        .count = FrameCount(frames.size()),
                        .attributes = attributes,
                        .source = node});
}

}  // namespace

Result<> sweep(fw::Arena& arena, std::span<Claim> claims, MappingList& out,
               ConflictList* conflicts) {
  fw::sort_by(claims, [](const Claim& claim) {
    return std::pair(claim.frames.begin(), index_of(claim.node));
  });
  const std::span<const Claim*> ends = TRY(arena.allocate<const Claim*>(claims.size(), nullptr));
  for (std::size_t i = 0; i < claims.size(); ++i)
    ends[i] = &claims[i];
  fw::sort_by(ends, [](const Claim* const& claim) { return claim->frames.end(); });

  ActiveClaims active(arena);
  std::size_t next_begin = 0;
  std::size_t next_end = 0;
  Mfn at;
  while (next_end < ends.size()) {
    const bool begins = next_begin < claims.size() &&
                        claims[next_begin].frames.begin() < ends[next_end]->frames.end();
    const Mfn next = begins ? claims[next_begin].frames.begin() : ends[next_end]->frames.end();
    if (next > at) {
      if (const auto attributes = active.attributes()) {
        TRY(append(out, MfnRange(at, next), *attributes, active.node(at)));
        if (conflicts != nullptr && active.differ())
          TRY(conflicts->push_back({MfnRange(at, next), *attributes}));
      }
      at = next;
    }
    if (begins)
      TRY(active.begin(claims[next_begin++]));
    else
      active.end(*ends[next_end++]);
  }
  return {};
}

Result<> cut_out(std::span<const Mapping> from, std::span<const MfnRange> holes, MappingList& out) {
  std::size_t next = 0;
  for (const Mapping& mapping : from) {
    const MfnRange frames = mapping.mfns();
    Mfn at = frames.begin();
    while (next < holes.size() && holes[next].end() <= at)
      ++next;
    for (std::size_t i = next; i < holes.size() && holes[i].begin() < frames.end(); ++i) {
      if (holes[i].begin() > at)
        TRY(append(out, MfnRange(at, holes[i].begin()), mapping.attributes, mapping.source));
      at = std::max(at, holes[i].end());
    }
    if (at < frames.end())
      TRY(append(out, MfnRange(at, frames.end()), mapping.attributes, mapping.source));
  }
  return {};
}

}  // namespace socle::hwdom
