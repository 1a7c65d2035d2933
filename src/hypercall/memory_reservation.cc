// SPDX-License-Identifier: Apache-2.0

// Ballooning: a guest gives frames up, or asks for frames. The answer is how many extents were
// done, never an error: what could not be done ends the count.
//
// A direct-mapped domain keeps its frames: giving one up only takes it out of the map, and the
// same frame comes back when it is asked for (Xen's "direct map" rule; the machine address is
// what its devices use).
//
// A slice of extents is one batch of changes of the map. Frames go back to the machine when the
// batch has paid: before that a TLB may still lead to them.

#include <algorithm>
#include <span>

#include "base/inplace_vector.h"
#include "guest/domain.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "hypercall/memory_op.h"
#include "hypercall/slices.h"
#include "mem/memory.h"
#include "policy/policy.h"

namespace socle::hypercall {

namespace {

using guest::Domain;
using guest::GuestVa;
using stage2::AddressSpace;

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
bool is_all_guest_pages(const AddressSpace::Batch& batch, const GfnRange& range) {
  Gfn next = range.begin();
  batch.walk(range, [&next](const stage2::Extent& extent) {
    if (extent.range.begin() != next || !guest::is_guest_page(extent.attributes.reason)) {
      return false;
    }
    next = extent.range.end();
    return true;
  });
  return next == range.end();
}

// Machine frames that are out of the map and still the domain's.
using Runs = InplaceVector<MfnRange, kSlice>;

// No TLB leads to them any more: they go back to the machine. A frame that the machine does not
// take stays on the domain's account.
void give_back(Domain& domain, AddressSpace::Batch& batch, Runs& runs) {
  batch.pay();
  for (const MfnRange& run : runs) {
    if (mem::release(run, domain.id)) {
      domain.ram_frames.fetch_sub(run.size(), std::memory_order_relaxed);
    }
  }
  runs.clear();
}

// Notes the frames of RAM that `range` shows, as far as there is room for one more run. Returns
// where that ends.
Gfn note_ram(const AddressSpace::Batch& batch, const GfnRange& range, Runs& runs) {
  return batch.walk(range, [&runs](const stage2::Extent& extent) {
    // What else it may show is not the domain's to give.
    if (extent.attributes.reason == Reason::kDomainRam) {
      const FrameCount size(extent.range.size());
      CHECK(runs.push_back(MfnRange(extent.mfn, extent.mfn + size)).has_value());
    }
    return !runs.full();
  });
}

bool take_out(Domain& domain, AddressSpace::Batch& batch, GfnRange range, Runs& runs) {
  if (domain.properties.is_direct_mapped) return batch.unmap(range).has_value();
  while (!range.empty()) {
    if (runs.full()) give_back(domain, batch, runs);
    const std::size_t before = runs.size();
    const Gfn end = note_ram(batch, range, runs);
    if (!batch.unmap(GfnRange(range.begin(), end))) {
      runs.truncate(before);
      return false;
    }
    range = GfnRange(end, range.end());
  }
  return true;
}

std::size_t decrease(Domain& domain, std::span<const std::uint64_t> extents, Order order) {
  Runs runs;
  AddressSpace::Batch batch(domain.address_space);
  std::size_t done = 0;
  for (const std::uint64_t first : extents) {
    const auto range = extent_of(domain, first, order);
    if (!range.has_value() || !is_all_guest_pages(batch, *range)) break;
    if (!take_out(domain, batch, *range, runs)) break;
    ++done;
  }
  give_back(domain, batch, runs);
  return done;
}

// --- Asking for ---------------------------------------------------------------------------------

bool owns_all(const Domain& domain, const MfnRange& frames) {
  const mem::Owner owner = mem::Owner::domain(domain.id);
  for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
    if (mem::owner_of(frame) != owner) return false;
  }
  return true;
}

std::size_t populate_direct(Domain& domain, std::span<const std::uint64_t> extents, Order order) {
  AddressSpace::Batch batch(domain.address_space);
  std::size_t done = 0;
  for (const std::uint64_t number : extents) {
    const auto range = extent_of(domain, number, order);
    const Mfn first(number);
    if (!range.has_value() || !owns_all(domain, MfnRange(first, first + order.count()))) break;
    if (!batch.map_overwrite(*range, first, policy::domain_ram())) break;
    ++done;
  }
  return done;
}

bool take_room(Domain& domain, FrameCount more) {
  const std::uint64_t now =
      domain.ram_frames.fetch_add(more.value(), std::memory_order_relaxed) + more.value();
  if (now <= domain.max_ram_frames) return true;
  domain.ram_frames.fetch_sub(more.value(), std::memory_order_relaxed);
  return false;
}

// Frames for as many of the extents as there is memory and room for: they are cleaned before the
// map is locked.
using Fresh = InplaceVector<Mfn, kSlice>;
void allocate_fresh(Domain& domain, std::size_t count, Order order, Fresh& fresh) {
  while (fresh.size() < count && take_room(domain, order.count())) {
    const auto first = mem::allocate_for(domain.id, order, mem::Contents::kScrubbed);
    if (!first.has_value()) {
      domain.ram_frames.fetch_sub(order.count().value(), std::memory_order_relaxed);
      return;
    }
    CHECK(fresh.push_back(*first).has_value());
  }
}

std::size_t map_fresh(Domain& domain, std::span<const std::uint64_t> extents, Order order,
                      const Fresh& fresh) {
  AddressSpace::Batch batch(domain.address_space);
  std::size_t done = 0;
  for (const Mfn first : fresh) {
    const auto range = extent_of(domain, extents[done], order);
    if (!range.has_value() || !batch.map(*range, first, policy::domain_ram())) break;
    ++done;
  }
  return done;
}

std::size_t populate_new(Domain& domain, std::span<const std::uint64_t> extents, Order order) {
  Fresh fresh;
  allocate_fresh(domain, extents.size(), order, fresh);
  const std::size_t done = map_fresh(domain, extents, order, fresh);
  for (std::size_t i = done; i < fresh.size(); ++i) {
    (void)mem::release(MfnRange(fresh[i], fresh[i] + order.count()), domain.id);
    domain.ram_frames.fetch_sub(order.count().value(), std::memory_order_relaxed);
  }
  return done;
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

// Extents that are done between two looks at interrupts: kSlice of them, and no more frames than
// one extent of a guest's choice has.
std::size_t slice_of(std::uint64_t left, Order order) {
  const std::uint64_t fitting = Order(kMaxOrderOfGuest).count().value() / order.count().value();
  return std::min({left, std::max<std::uint64_t>(fitting, 1), std::uint64_t{kSlice}});
}

// How many of the extents from number `i` on are done.
std::size_t change_extents(Vcpu& caller, Domain& domain, std::uint64_t operation,
                           const abi::MemoryReservation& request, std::uint64_t i) {
  const Order order(request.extent_order);
  InplaceVector<std::uint64_t, kSlice> slice;
  for (std::size_t left = slice_of(request.nr_extents - i, order); left > 0; --left, ++i) {
    const GuestVa slot = GuestVa{request.extent_start.q} + i * sizeof(std::uint64_t);
    const auto first = guest::read_guest<std::uint64_t>(caller, slot);
    if (!first.has_value()) break;
    CHECK(slice.push_back(*first).has_value());
  }
  if (operation == XENMEM_decrease_reservation) return decrease(domain, slice.span(), order);
  return domain.properties.is_direct_mapped ? populate_direct(domain, slice.span(), order)
                                            : populate_new(domain, slice.span(), order);
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

  std::uint64_t i = start;
  while (i < request->nr_extents) {
    if (i != start && guest::should_yield(caller)) {
      args[0] = operation | i << abi::kMemoryExtentShift;
      return kContinue;
    }
    const std::size_t wanted = slice_of(request->nr_extents - i, Order(request->extent_order));
    const std::size_t done = change_extents(caller, *domain, operation, *request, i);
    i += done;
    if (done < wanted) break;
  }
  return static_cast<std::int64_t>(i);
}

}  // namespace socle::hypercall
