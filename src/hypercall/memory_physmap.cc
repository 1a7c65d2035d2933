// SPDX-License-Identifier: Apache-2.0

// What a guest frame shows: pages that Socle shares with the domain, put where the guest wants
// them.
//
// The frame of RAM that was there before stays the domain's: it is only not mapped any more.

#include "guest/domain.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "hypercall/memory_op.h"
#include "policy/policy.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;
using guest::Domain;
using guest::GuestVa;
using policy::DomainKind;
using policy::RequestedType;

bool shows(const Domain& domain, std::uint64_t frame, Mfn mfn) {
  const auto now = domain.address_space.lookup(Gfn(frame));
  return now.has_value() && now->mfn == mfn;
}

// What the domain's plan put there: that may be more than a caller can ask for, as on-chip memory
// is.
bool is_planned(const std::optional<stage2::Translation>& now, Mfn mfn) {
  return now.has_value() && now->mfn == mfn && now->attributes.reason != Reason::kOnDemand;
}

Status<> map_shared_info(Domain& domain, std::uint64_t index, Gfn frame) {
  if (index != 0) return refuse(Errno::kEINVAL);
  // In one place at a time, as on Xen: a guest that wants it elsewhere removes it first.
  const std::uint64_t old = domain.shared_info_at.load(std::memory_order_relaxed);
  if (shows(domain, old, domain.shared_info_frame)) return refuse(Errno::kEBUSY);
  ABI_TRY(domain.address_space.replace(frame, domain.shared_info_frame, policy::shared_info()));
  domain.shared_info_at.store(frame.value(), std::memory_order_relaxed);
  return {};
}

Status<> map_grant_frame(Domain& domain, std::uint64_t index, Gfn frame) {
  if (index >= guest::kMaxGrantFrames) return refuse(Errno::kEINVAL);
  const auto number = static_cast<std::uint32_t>(index);
  const Mfn mfn = ABI_TRY(domain.grant_table.frame(number));
  const Gfn old = domain.grant_table.mapped_at(number);
  if (shows(domain, old.value(), mfn)) return refuse(Errno::kEBUSY);
  ABI_TRY(domain.address_space.replace(frame, mfn, policy::grant_table()));
  domain.grant_table.set_mapped_at(number, frame);
  return {};
}

// A page of a device, anywhere. Xen answers 0 to what the domain may not have, and maps nothing.
Status<> map_device(Domain& domain, std::uint64_t index, Gfn frame, RequestedType type) {
  // The hardware domain for itself, as on Xen.
  if (!domain.properties.is_hardware_domain) return refuse(Errno::kEACCES);
  const Mfn mfn(index);
  const auto page = GfnRange::from_size(frame, 1);
  if (!page.has_value()) return refuse(Errno::kEINVAL);
  if (!domain.permitted_mmio.permits(mfn)) return refuse(Errno::kEPERM);
  stage2::AddressSpace::Batch batch(domain.address_space);
  if (type == RequestedType::kDefault && is_planned(batch.lookup(frame), mfn)) return {};
  ABI_TRY(batch.map_overwrite(*page, mfn, requested_device(DomainKind::kHardware, type)));
  return {};
}

Status<> map_one(Domain& domain, std::uint32_t space, std::uint64_t index, Gfn frame,
                 RequestedType type) {
  switch (space) {
    case XENMAPSPACE_shared_info:
      return map_shared_info(domain, index, frame);
    case XENMAPSPACE_grant_table:
      return map_grant_frame(domain, index, frame);
    case XENMAPSPACE_gmfn_foreign:
      // There is no other domain whose frame this could be.
      return refuse(Errno::kESRCH);
    case XENMAPSPACE_dev_mmio:
      return map_device(domain, index, frame, type);
    default:
      return refuse(Errno::kENOSYS);
  }
}

Status<> serve(Vcpu& caller, const abi::AddToPhysmap& request) {
  // Foreign frames need the batch call, which says whose they are.
  if (request.space == XENMAPSPACE_gmfn_foreign) return refuse(Errno::kENOSYS);
  Domain* domain = find_domain(caller, request.domid);
  if (domain == nullptr) return refuse(Errno::kESRCH);
  if (request.space == XENMAPSPACE_gmfn_range && request.size == 0) return {};
  return map_one(*domain, request.space, request.idx, Gfn(request.gpfn), RequestedType::kDefault);
}

// One entry of a batch. An error of the operation goes into its slot; one of the lists ends all.
Status<> serve_entry(Vcpu& caller, Domain& domain, const abi::AddToPhysmapBatch& request,
                     std::uint64_t i, RequestedType type) {
  const auto index =
      ABI_TRY(guest::read_guest<std::uint64_t>(caller, GuestVa{request.idxs.q} + i * 8));
  const auto frame =
      ABI_TRY(guest::read_guest<std::uint64_t>(caller, GuestVa{request.gpfns.q} + i * 8));
  const Status<> mapped = map_one(domain, request.space, index, Gfn(frame), type);
  const auto error = static_cast<std::int32_t>(result_of(mapped));
  ABI_TRY(guest::write_guest(caller, GuestVa{request.errs.q} + i * 4, error));
  return {};
}

}  // namespace

std::int64_t add_to_physmap(Vcpu& caller, std::uint64_t address) {
  return in_only<abi::AddToPhysmap>(caller, address,
                                    [&](const auto& request) { return serve(caller, request); });
}

std::int64_t add_to_physmap_batch(Vcpu& caller, Arguments args) {
  const auto request = guest::read_guest<abi::AddToPhysmapBatch>(caller, GuestVa{args[1]});
  if (!request.has_value()) return refused(request.error());
  // The range form is for the single call; devices have a type (abi/socle.h).
  const bool is_device = request->space == XENMAPSPACE_dev_mmio;
  const auto type = policy::requested_type(is_device ? std::uint64_t{request->u.res0} : 0);
  if (request->space == XENMAPSPACE_gmfn_range || !type.has_value()) {
    return refused(Errno::kEOPNOTSUPP);
  }
  Domain* domain = find_domain(caller, request->domid);
  if (domain == nullptr) return refused(Errno::kESRCH);

  const std::uint64_t start = args[0] >> abi::kMemoryExtentShift;
  if (start > request->size) return refused(Errno::kEILSEQ);
  for (std::uint64_t i = start; i < request->size; ++i) {
    if (i != start && guest::should_yield(caller)) {
      args[0] = XENMEM_add_to_physmap_batch | i << abi::kMemoryExtentShift;
      return kContinue;
    }
    const Status<> served = serve_entry(caller, *domain, *request, i, *type);
    if (!served.has_value()) return refused(served.error());
  }
  return 0;
}

std::int64_t remove_from_physmap(Vcpu& caller, std::uint64_t address) {
  return in_only<abi::RemoveFromPhysmap>(caller, address, [&](const auto& request) -> Status<> {
    Domain* domain = find_domain(caller, request.domid);
    if (domain == nullptr) return refuse(Errno::kESRCH);
    const Gfn frame(request.gpfn);
    stage2::AddressSpace::Batch batch(domain->address_space);
    const auto now = batch.lookup(frame);
    // Devices are not taken away by this call, also not those that it may add: as on Xen.
    if (!now.has_value() || !guest::is_guest_page(now->attributes.reason)) {
      return refuse(Errno::kENOENT);
    }
    ABI_TRY(batch.unmap(GfnRange(frame, frame + FrameCount(1))));
    return {};
  });
}

}  // namespace socle::hypercall
