// SPDX-License-Identifier: Apache-2.0
#include "guest/reassign.h"

#include <algorithm>

#include "policy/policy.h"
#include "port/cache.h"

namespace socle::guest {

namespace {

using stage2::AddressSpace;
using stage2::Extent;

struct Ranges {
  GfnRange from;
  GfnRange to;
  MfnRange frames;
};

Result<Ranges> ranges_of(const Reassignment& wanted) {
  if (&wanted.from == &wanted.to) return fail(Error::kInvalid);
  const FrameCount count = wanted.count;
  if (count > Reassignment::kMaxFrames) return fail(Error::kTooLarge);
  const auto wraps = [&](std::uint64_t first) { return first + count.value() < first; };
  if (wraps(wanted.from_at.value()) || wraps(wanted.to_at.value()) || wraps(wanted.first.value()))
    return fail(Error::kTooLarge);
  return Ranges{.from = GfnRange(wanted.from_at, wanted.from_at + count),
                .to = GfnRange(wanted.to_at, wanted.to_at + count),
                .frames = MfnRange(wanted.first, wanted.first + count)};
}

// The old owner has exactly these frames at exactly this place.
Result<> check_owner(const AddressSpace::Batch& batch, const AddressSpace& space,
                     const Ranges& ranges) {
  FrameCount there{0};
  bool elsewhere = false;
  batch.walk(space.all(), [&](const Extent& extent) {
    const MfnRange output(extent.mfn, extent.mfn + FrameCount(extent.range.size()));
    const MfnRange both = output.intersection(ranges.frames);
    if (both.empty()) return true;
    // Where they would be if the extent were the place in question.
    const std::uint64_t offset = ranges.from.begin().value() - ranges.frames.begin().value();
    elsewhere = elsewhere || extent.range.begin().value() - extent.mfn.value() != offset;
    there += FrameCount(both.size());
    return !elsewhere;
  });
  if (elsewhere) return fail(Error::kBusy);
  if (there != FrameCount(ranges.frames.size())) return fail(Error::kNotFound);
  return {};
}

// The batch's end invalidates, and waits for TLBs and listeners.
Result<> take_away(Domain& owner, const Ranges& ranges) {
  AddressSpace::Batch batch(owner.address_space);
  TRY(check_owner(batch, owner.address_space, ranges));
  return batch.unmap(ranges.from);
}

}  // namespace

Result<> reassign_mmio(const Reassignment& wanted) {
  const Ranges ranges = TRY(ranges_of(wanted));
  for (const MfnRange& permitted : wanted.from.permitted_mmio.ranges())
    if (permitted.overlaps(ranges.frames)) return fail(Error::kDenied);

  const auto kind = wanted.to.properties.is_hardware_domain ? policy::DomainKind::kHardware
                                                            : policy::DomainKind::kGuest;
  const Attributes attributes = policy::requested_device(kind, policy::RequestedType::kDefault);
  // First the entries, without any permission: with them there, nothing can fail for want of memory
  // once the old owner has lost the frames.
  AddressSpace& to = wanted.to.address_space;
  TRY(to.map(ranges.to, ranges.frames.begin(), policy::withheld(attributes)));
  if (const Result<> taken = take_away(wanted.from, ranges); !taken) {
    // What cannot be undone stays an entry that nobody can use.
    (void)to.unmap(ranges.to);
    return taken;
  }
  for (Mfn frame = ranges.frames.begin(); frame < ranges.frames.end(); ++frame)
    port::cache_clean_invalidate_frame(frame);
  return to.change(ranges.to, attributes);
}

}  // namespace socle::guest
