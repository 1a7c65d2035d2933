// SPDX-License-Identifier: Apache-2.0

// Mapping what another domain (or the caller itself) grants: the frame appears at a guest-physical
// address of the caller's choice. What a slice of requests changes in the map is one batch: a
// frame's owner hears that it is free when no TLB knows it, and waiting for that is paid for once.

#include "base/inplace_vector.h"
#include "guest/domain.h"
#include "guest/grant_table.h"
#include "guest/vcpu.h"
#include "hypercall/grant_table_op.h"
#include "policy/policy.h"

namespace socle::hypercall {

namespace {

using abi::GrantStatus;
using guest::Domain;
using guest::GrantTable;
using stage2::AddressSpace;

// Not DOMID_SELF: the entry names a number, and so must the request.
Domain* granter_of(Vcpu& caller, std::uint16_t domid) {
  return domid == DOMID_SELF ? nullptr : find_domain(caller, domid);
}

// What of the flags makes sense for a translated guest.
GrantStatus check_flags(std::uint32_t flags) {
  if ((flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0) return GrantStatus::kBadRef;
  const std::uint32_t other = GNTMAP_device_map | GNTMAP_application_map | GNTMAP_contains_pte;
  return (flags & other) != 0 ? GrantStatus::kGeneralError : GrantStatus::kOkay;
}

GfnRange place_of(std::uint64_t host_address) {
  const Gfn frame(host_address >> kFrameShift);
  return GfnRange(frame, frame + FrameCount(1));
}

// A request whose frame is pinned, with a handle that nobody else can use before the page is there,
// or after it is gone.
template <typename T>
struct Held {
  T* request = nullptr;
  Domain* granter = nullptr;
  abi::GrantHandle handle = 0;
  GrantTable::Mapping mapping;
  bool is_done = false;  // the page has come, or has gone
};
template <typename T>
using HeldSlice = InplaceVector<Held<T>, kSlice>;

// --- Mapping ------------------------------------------------------------------------------------

// Everything but the page.
GrantTable::Answer<Held<abi::GrantMap>> admit(Vcpu& caller, abi::GrantMap& request) {
  const GrantStatus flags = check_flags(request.flags);
  if (flags != GrantStatus::kOkay) return refuse(flags);
  Domain* granter = granter_of(caller, request.dom);
  if (granter == nullptr) return refuse(GrantStatus::kBadDomain);
  const bool for_writing = (request.flags & GNTMAP_readonly) == 0;
  const auto pinned = granter->grant_table.pin(request.ref, caller.domain.id, for_writing);
  if (!pinned.has_value()) return refuse(pinned.error());
  const GrantTable::Mapping mapping{.in_use = true,
                                    .for_writing = for_writing,
                                    .granter = granter->id,
                                    .ref = request.ref,
                                    .mfn = *pinned};
  const auto handle = caller.domain.grant_table.add_mapping(mapping);
  if (!handle.has_value()) {
    granter->grant_table.unpin(request.ref, for_writing);
    return refuse(handle.error());
  }
  return Held<abi::GrantMap>{
      .request = &request, .granter = granter, .handle = *handle, .mapping = mapping};
}

void finish(Domain& mapper, const Held<abi::GrantMap>& held) {
  if (!held.is_done) {
    mapper.grant_table.end_mapping(held.handle);
    held.granter->grant_table.unpin(held.mapping.ref, held.mapping.for_writing);
    held.request->status = status_word(GrantStatus::kGeneralError);
    return;
  }
  mapper.grant_table.keep_mapping(held.handle);
  held.request->handle = held.handle;
  // What a device of the caller has to use.
  held.request->dev_bus_addr = Pa(held.mapping.mfn).value();
}

// --- Unmapping ----------------------------------------------------------------------------------

GrantTable::Answer<Held<abi::GrantUnmap>> admit(Vcpu& caller, abi::GrantUnmap& request) {
  GrantTable& mappings = caller.domain.grant_table;
  const auto mapping = mappings.hold_mapping(request.handle);
  if (!mapping.has_value()) return refuse(mapping.error());
  if (request.dev_bus_addr != 0 && request.dev_bus_addr != Pa(mapping->mfn).value()) {
    mappings.keep_mapping(request.handle);
    return refuse(GrantStatus::kGeneralError);
  }
  Domain* granter = granter_of(caller, static_cast<std::uint16_t>(mapping->granter));
  CHECK(granter != nullptr);
  return Held<abi::GrantUnmap>{
      .request = &request, .granter = granter, .handle = request.handle, .mapping = *mapping};
}

bool take_out(AddressSpace::Batch& batch, const Held<abi::GrantUnmap>& held) {
  const GfnRange place = place_of(held.request->host_addr);
  const auto now = batch.lookup(place.begin());
  const bool is_it = now.has_value() && now->mfn == held.mapping.mfn &&
                     now->attributes.reason == Reason::kGrantMapping &&
                     now->attributes.permissions.write == held.mapping.for_writing;
  return is_it && batch.unmap(place).has_value();
}

// No CPU and no device reaches the page any more: its owner may know.
void finish(Domain& mapper, const Held<abi::GrantUnmap>& held) {
  if (!held.is_done) {
    // It is not there, or there was no memory to split a block: the mapping goes on.
    mapper.grant_table.keep_mapping(held.handle);
    held.request->status = status_word(GrantStatus::kGeneralError);
    return;
  }
  mapper.grant_table.end_mapping(held.handle);
  held.granter->grant_table.unpin(held.mapping.ref, held.mapping.for_writing);
}

// --- Either -------------------------------------------------------------------------------------

// Admits what can be done, does it in one batch, which ends before anything is finished.
template <typename T, typename Change>
void serve_slice(Vcpu& caller, std::span<T> requests, Change change) {
  HeldSlice<T> slice;
  for (T& request : requests) {
    const auto held = admit(caller, request);
    request.status = status_word(held.has_value() ? GrantStatus::kOkay : held.error());
    if (held.has_value()) CHECK(slice.push_back(*held).has_value());
  }
  if (slice.empty()) return;
  {
    AddressSpace::Batch batch(caller.domain.address_space);
    for (Held<T>& held : slice)
      held.is_done = change(batch, held);
  }
  for (const Held<T>& held : slice)
    finish(caller.domain, held);
}

}  // namespace

void map_grants(Vcpu& caller, std::span<abi::GrantMap> requests) {
  serve_slice(caller, requests, [](AddressSpace::Batch& batch, const Held<abi::GrantMap>& held) {
    return batch
        .map_overwrite(place_of(held.request->host_addr), held.mapping.mfn,
                       policy::grant_mapping(held.mapping.for_writing))
        .has_value();
  });
}

void unmap_grants(Vcpu& caller, std::span<abi::GrantUnmap> requests) {
  serve_slice(caller, requests, take_out);
}

void unmap_and_replace(Vcpu& caller, ::gnttab_unmap_and_replace& request) {
  const auto held = caller.domain.grant_table.hold_mapping(request.handle);
  if (held.has_value()) caller.domain.grant_table.keep_mapping(request.handle);
  // A translated guest has no page-table entry to put in its place.
  request.status = status_word(held.has_value() ? GrantStatus::kGeneralError : held.error());
}

}  // namespace socle::hypercall
