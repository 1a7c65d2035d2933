// SPDX-License-Identifier: Apache-2.0
#include "fault/map_on_demand.h"

#include <optional>

#include "guest/mmio_faults.h"
#include "policy/policy.h"

namespace socle::fault {

namespace {

using guest::Domain;
using guest::MmioFaults;
using Batch = stage2::AddressSpace::Batch;

GfnRange same_guest_frames(const MfnRange& frames) {
  return GfnRange(direct_mapped(frames.begin()), direct_mapped(frames.end()));
}

bool is_unmapped(const Batch& batch, const GfnRange& frames) {
  bool is_free = true;
  batch.walk(frames, [&](const stage2::Extent&) {
    is_free = false;
    return false;
  });
  return is_free;
}

bool may_map(const Domain& domain, const Batch& batch, const MfnRange& run, const MfnRange& block) {
  const GfnRange frames = same_guest_frames(block);
  return run.contains(block) &&
         !domain.mmio.overlaps(Range<Ipa>(Ipa(frames.begin()), Ipa(frames.end()))) &&
         is_unmapped(batch, frames);
}

// The largest block around the frame that is all permitted and all unmapped. Larger than the
// fault asks for, so that the neighbours, which are likely to follow, do not fault (1.17).
std::optional<Order> order_to_map(const Domain& domain, const Batch& batch, Mfn frame) {
  const MfnRange run = domain.permitted_mmio.run_around(frame);
  for (const Order order : {kOrder1G, kOrder2M, kOrder64K, kOrder4K})
    if (order <= domain.mmio_faults->largest_block &&
        may_map(domain, batch, run, guest::block_around(frame, order)))
      return order;
  return std::nullopt;
}

struct Mapped {
  bool is_mapped = false;
  std::optional<MmioFaults::Entry> by_us;
};

Mapped map_around(Domain& domain, const Touch& touch) {
  Batch batch(domain.address_space);
  // Another vCPU was first.
  if (batch.lookup(touch.frame).has_value()) return {.is_mapped = true, .by_us = {}};
  const Mfn frame(touch.frame.value());
  const std::optional<Order> order = order_to_map(domain, batch, frame);
  if (!order.has_value()) return {};
  const MfnRange block = guest::block_around(frame, *order);
  const Attributes attributes = policy::on_demand(policy::DomainKind::kHardware);
  // No table: this access gets an abort, and nobody else notices (1.11).
  if (!batch.map(same_guest_frames(block), block.begin(), attributes).has_value()) return {};
  return {.is_mapped = true,
          .by_us = MmioFaults::Entry{.frames = same_guest_frames(block),
                                     .pc = touch.pc,
                                     .count = 1,
                                     .vcpu = touch.vcpu,
                                     .block = *order,
                                     .type = attributes.type()}};
}

}  // namespace

Resolution resolve(Domain& domain, const Touch& touch) {
  MmioFaults& faults = *domain.mmio_faults;
  const bool maps = touch.is_data && faults.policy == MmioFaults::Policy::kMap &&
                    domain.properties.is_hardware_domain;
  const Mapped mapped = maps ? map_around(domain, touch) : Mapped{};
  if (mapped.by_us.has_value()) (void)faults.add(MmioFaults::Outcome::kMapped, *mapped.by_us);
  if (mapped.is_mapped) return Resolution::kRetry;
  const bool is_new = faults.add(MmioFaults::Outcome::kDenied,
                                 {.frames = GfnRange(touch.frame, touch.frame + FrameCount(1)),
                                  .pc = touch.pc,
                                  .count = 1,
                                  .vcpu = touch.vcpu,
                                  .block = kOrder4K});
  return is_new ? Resolution::kDenied : Resolution::kDeniedAgain;
}

}  // namespace socle::fault
