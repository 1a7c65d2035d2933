// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "fw/sort.h"
#include "hwdom/plan_parts.h"

namespace socle::hwdom {

void normalise(RangeList& ranges) {
  fw::sort_by(ranges.span(), [](const MfnRange& range) { return range.begin(); });
  std::size_t kept = 0;
  for (const MfnRange& range : ranges) {
    if (range.empty()) continue;
    if (kept != 0 && range.begin() <= ranges[kept - 1].end()) {
      MfnRange& before = ranges[kept - 1];
      before = MfnRange(before.begin(), std::max(before.end(), range.end()));
    } else {
      ranges[kept++] = range;
    }
  }
  ranges.truncate(kept);
}

Result<> subtract(std::span<const MfnRange> from, std::span<const MfnRange> what, RangeList& out) {
  std::size_t next = 0;
  for (const MfnRange& range : from) {
    Mfn at = range.begin();
    while (next < what.size() && what[next].end() <= at)
      ++next;
    for (std::size_t i = next; i < what.size() && what[i].begin() < range.end(); ++i) {
      if (what[i].begin() > at) TRY(out.push_back(MfnRange(at, what[i].begin())));
      at = std::max(at, what[i].end());
    }
    if (at < range.end()) TRY(out.push_back(MfnRange(at, range.end())));
  }
  return {};
}

namespace {

// The first range that ends behind `frame`.
const MfnRange* first_behind(std::span<const MfnRange> ranges, Mfn frame) {
  const auto found = std::ranges::upper_bound(ranges, frame, {}, &MfnRange::end);
  return found == ranges.end() ? nullptr : &*found;
}

}  // namespace

bool overlaps_any(std::span<const MfnRange> ranges, const MfnRange& range) {
  const MfnRange* found = first_behind(ranges, range.begin());
  return found != nullptr && found->overlaps(range);
}

bool contained_in_one(std::span<const MfnRange> ranges, const MfnRange& range) {
  const MfnRange* found = first_behind(ranges, range.begin());
  return found != nullptr && found->contains(range);
}

Result<std::span<const MfnRange>> unshared_memory(const PlanInput& input, fw::Arena& arena) {
  RangeList out(arena);
  if (input.acpi == nullptr) return out.finish();
  for (const fw::EfiMemoryRange& range : input.efi_memory)
    if (range.use() == fw::EfiMemoryRange::Use::kFirmware && !range.is_shared_by_firmware())
      TRY(out.push_back(frames_touched(range.range)));
  normalise(out);
  return out.finish();
}

namespace {

// Where `at` is no longer in one of the ranges that `list` has, as `frames_of` tells them.
template <typename Element, typename FramesOf>
Mfn skip(std::span<const Element> list, Mfn at, FramesOf frames_of) {
  const auto end_of = [&](const Element& element) { return frames_of(element).end(); };
  const auto found = std::ranges::upper_bound(list, at, {}, end_of);
  return found != list.end() && frames_of(*found).contains(at) ? frames_of(*found).end() : at;
}

}  // namespace

bool can_reach(const DomainPlan& plan, const PaRange& range) {
  const MfnRange frames = frames_touched(range);
  for (Mfn at = frames.begin(); at < frames.end();) {
    Mfn next = skip(plan.mappings, at, [](const Mapping& mapping) {
      return MfnRange(Mfn(mapping.first.value()), Mfn(mapping.gfns().end().value()));
    });
    next = std::max(next, skip(plan.permitted, at, [](const MfnRange& found) { return found; }));
    if (next == at) return false;
    at = next;
  }
  return true;
}

}  // namespace socle::hwdom
