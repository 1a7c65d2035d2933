// SPDX-License-Identifier: Apache-2.0

// Mapping what another domain (or the caller itself) grants: the frame appears at a guest-physical
// address of the caller's choice.

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

// Puts the pinned frame into the caller's map and gives it a handle; all or nothing.
GrantTable::Answer<abi::GrantHandle> enter(Domain& mapper, const GrantTable::Mapping& mapping,
                                           Gfn where) {
  const auto handle = mapper.grant_table.add_mapping(mapping);
  if (!handle.has_value()) return handle;
  const auto entered =
      mapper.address_space.replace(where, mapping.mfn, policy::grant_mapping(mapping.for_writing));
  if (entered.has_value()) return handle;
  (void)mapper.grant_table.take_mapping(*handle);
  return std::unexpected<GrantStatus>(GrantStatus::kGeneralError);
}

}  // namespace

void map_grant(Vcpu& caller, abi::GrantMap& request) {
  const GrantStatus flags = check_flags(request.flags);
  request.status = status_word(flags);
  if (flags != GrantStatus::kOkay) return;
  Domain* granter = granter_of(caller, request.dom);
  request.status = status_word(GrantStatus::kBadDomain);
  if (granter == nullptr) return;

  const bool for_writing = (request.flags & GNTMAP_readonly) == 0;
  const auto pinned = granter->grant_table.pin(request.ref, caller.domain.id, for_writing);
  request.status = status_word(pinned.has_value() ? GrantStatus::kOkay : pinned.error());
  if (!pinned.has_value()) return;

  const GrantTable::Mapping mapping{.in_use = true,
                                    .for_writing = for_writing,
                                    .granter = granter->id,
                                    .ref = request.ref,
                                    .mfn = *pinned};
  const auto handle = enter(caller.domain, mapping, Gfn(request.host_addr >> kFrameShift));
  if (!handle.has_value()) {
    granter->grant_table.unpin(request.ref, for_writing);
    request.status = status_word(handle.error());
    return;
  }
  request.handle = *handle;
  // What a device of the caller has to use.
  request.dev_bus_addr = Pa(*pinned).value();
}

void unmap_grant(Vcpu& caller, abi::GrantUnmap& request) {
  Domain& mapper = caller.domain;
  const auto found = mapper.grant_table.find_mapping(request.handle);
  request.status = status_word(found.has_value() ? GrantStatus::kOkay : found.error());
  if (!found.has_value()) return;

  request.status = status_word(GrantStatus::kGeneralError);
  if (request.dev_bus_addr != 0 && request.dev_bus_addr != Pa(found->mfn).value()) return;
  const Gfn where(request.host_addr >> kFrameShift);
  const auto now = mapper.address_space.lookup(where);
  const bool is_there =
      now.has_value() && now->mfn == found->mfn && now->attributes.reason == Reason::kGrantMapping;
  if (!is_there) return;
  // The handle is what two callers cannot both have; the page goes before the pin does.
  const auto taken = mapper.grant_table.take_mapping(request.handle);
  request.status = status_word(taken.has_value() ? GrantStatus::kOkay : taken.error());
  if (!taken.has_value()) return;
  const auto unmapped = mapper.address_space.unmap(GfnRange(where, where + FrameCount(1)));
  if (!unmapped.has_value()) {
    // No memory to split a block: the mapping goes on.
    (void)mapper.grant_table.add_mapping(*taken);
    request.status = status_word(GrantStatus::kGeneralError);
    return;
  }
  Domain* granter = granter_of(caller, static_cast<std::uint16_t>(taken->granter));
  CHECK(granter != nullptr);
  granter->grant_table.unpin(taken->ref, taken->for_writing);
}

void unmap_and_replace(Vcpu& caller, ::gnttab_unmap_and_replace& request) {
  const auto found = caller.domain.grant_table.find_mapping(request.handle);
  // A translated guest has no page-table entry to put in its place.
  request.status = status_word(found.has_value() ? GrantStatus::kGeneralError : found.error());
}

}  // namespace socle::hypercall
