// SPDX-License-Identifier: Apache-2.0

// Ballooning: a guest gives frames up, or asks for frames. The answer is how many extents were
// done, never an error: what could not be done ends the count.
//
// A direct-mapped domain keeps its frames: giving one up only takes it out of the map, and the
// same frame comes back when it is asked for (Xen's "direct map" rule; the machine address is
// what its devices use).

#include "guest/domain.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "hypercall/memory_op.h"
#include "mem/memory.h"
#include "policy/policy.h"

namespace socle::hypercall {

namespace {

using guest::Domain;
using guest::GuestVa;

// Extents of a guest's choice are a piece of work that is not interrupted.
constexpr unsigned kMaxOrderOfGuest = 9;
constexpr unsigned kMaxOrderOfHardwareDomain = 10;

// The frames of an extent, if they can exist in the domain.
std::optional<GfnRange> extent_of(const Domain& domain, std::uint64_t first, Order order) {
  const auto range = GfnRange::from_size(Gfn(first), order.count().value());
  if (!range.has_value() || !domain.address_space.all().contains(*range)) return std::nullopt;
  return range;
}

// --- Giving up ----------------------------------------------------------------------------------

// All of it shows pages that the guest may give up. Nothing is done to an extent in part.
bool is_all_guest_pages(const Domain& domain, const GfnRange& range) {
  Gfn next = range.begin();
  domain.address_space.walk(range, [&next](const stage2::Extent& extent) {
    if (extent.range.begin() != next || !guest::is_guest_page(extent.attributes.reason)) {
      return false;
    }
    next = extent.range.end();
    return true;
  });
  return next == range.end();
}

// The frames go back to the machine, except those that are not the domain's to give.
bool release_frame(Domain& domain, Gfn frame) {
  const auto now = domain.address_space.lookup(frame);
  if (!now.has_value()) return false;
  if (!domain.address_space.unmap(GfnRange(frame, frame + FrameCount(1)))) return false;
  if (now->attributes.reason != Reason::kDomainRam) return true;
  if (!mem::release(MfnRange(now->mfn, now->mfn + FrameCount(1)), domain.id)) return false;
  domain.ram_frames.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

bool decrease_extent(Domain& domain, std::uint64_t first, Order order) {
  const auto range = extent_of(domain, first, order);
  if (!range.has_value() || !is_all_guest_pages(domain, *range)) return false;
  if (domain.properties.is_direct_mapped) return domain.address_space.unmap(*range).has_value();
  for (Gfn frame = range->begin(); frame < range->end(); ++frame) {
    if (!release_frame(domain, frame)) return false;
  }
  return true;
}

// --- Asking for ---------------------------------------------------------------------------------

bool owns_all(const Domain& domain, const MfnRange& frames) {
  const mem::Owner owner = mem::Owner::domain(domain.id);
  for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
    if (mem::owner_of(frame) != owner) return false;
  }
  return true;
}

bool populate_direct(Domain& domain, const GfnRange& range) {
  const Mfn first(range.begin().value());
  const MfnRange frames(first, first + FrameCount(range.size()));
  if (!owns_all(domain, frames)) return false;
  return domain.address_space.map_overwrite(range, first, policy::domain_ram()).has_value();
}

bool has_room(const Domain& domain, FrameCount more) {
  const std::uint64_t now = domain.ram_frames.load(std::memory_order_relaxed);
  return now <= domain.max_ram_frames && more.value() <= domain.max_ram_frames - now;
}

bool populate_new(Domain& domain, const GfnRange& range, Order order) {
  if (!has_room(domain, order.count())) return false;
  const auto first = mem::allocate_for(domain.id, order, mem::Contents::kScrubbed);
  if (!first.has_value()) return false;
  const auto mapped = domain.address_space.map(range, *first, policy::domain_ram());
  if (!mapped.has_value()) {
    (void)mem::release(MfnRange(*first, *first + order.count()), domain.id);
    return false;
  }
  domain.ram_frames.fetch_add(order.count().value(), std::memory_order_relaxed);
  return true;
}

bool populate_extent(Domain& domain, std::uint64_t first, Order order) {
  const auto range = extent_of(domain, first, order);
  if (!range.has_value()) return false;
  return domain.properties.is_direct_mapped ? populate_direct(domain, *range)
                                            : populate_new(domain, *range, order);
}

// --- Either -------------------------------------------------------------------------------------

// The request, if anything of it can be done.
std::optional<abi::MemoryReservation> read_request(Vcpu& caller, Arguments args) {
  const auto request = guest::read_guest<abi::MemoryReservation>(caller, GuestVa{args[1]});
  if (!request.has_value()) return std::nullopt;
  // The count must fit where a continuation keeps it.
  if (request->nr_extents > ~std::uint64_t{0} >> abi::kMemoryExtentShift) return std::nullopt;
  const unsigned max_order =
      caller.domain.properties.is_hardware_domain ? kMaxOrderOfHardwareDomain : kMaxOrderOfGuest;
  if (request->extent_order > max_order) return std::nullopt;
  return *request;
}

bool change_extent(Vcpu& caller, Domain& domain, std::uint64_t operation,
                   const abi::MemoryReservation& request, std::uint64_t i) {
  const GuestVa slot = GuestVa{request.extent_start.q} + i * sizeof(std::uint64_t);
  const auto first = guest::read_guest<std::uint64_t>(caller, slot);
  if (!first.has_value()) return false;
  const Order order(request.extent_order);
  return operation == XENMEM_decrease_reservation ? decrease_extent(domain, *first, order)
                                                  : populate_extent(domain, *first, order);
}

}  // namespace

std::int64_t change_reservation(Vcpu& caller, Arguments args) {
  const std::uint64_t operation = args[0] & abi::kMemoryCommandMask;
  const std::uint64_t start = args[0] >> abi::kMemoryExtentShift;
  const auto none_more = static_cast<std::int64_t>(start);
  // Frames without a place in the map are of no use to a translated guest.
  if (operation == XENMEM_increase_reservation) return none_more;
  const auto request = read_request(caller, args);
  if (!request.has_value()) return none_more;
  Domain* domain = find_domain(caller, request->domid);
  if (domain == nullptr) return none_more;

  for (std::uint64_t i = start; i < request->nr_extents; ++i) {
    if (i != start && guest::should_yield(caller)) {
      args[0] = operation | i << abi::kMemoryExtentShift;
      return kContinue;
    }
    if (!change_extent(caller, *domain, operation, *request, i)) {
      return static_cast<std::int64_t>(i);
    }
  }
  const std::uint64_t done = start > request->nr_extents ? start : request->nr_extents;
  return static_cast<std::int64_t>(done);
}

}  // namespace socle::hypercall
