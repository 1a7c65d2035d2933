// SPDX-License-Identifier: Apache-2.0

// domctl: a toolstack's operations on domains. What is there so far: memory_mapping, which shows
// devices to a domain, anywhere in its address space.

#include "abi/domctl.h"

#include <optional>

#include "abi/hypercall.h"
#include "abi/socle.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"
#include "policy/policy.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;
using guest::Domain;

// The ABI's own limit: a caller with more makes several calls.
constexpr std::uint64_t kMaxFrames = 64;

// What `padding` says about the type; nothing: it speaks of types, and of none that there is.
std::optional<policy::RequestedType> type_of(std::uint32_t padding) {
  if ((padding & ~abi::kSocleTypeMask) != abi::kSocleTypeTag) {
    return policy::RequestedType::kDefault;
  }
  return policy::requested_type(std::uint64_t{padding & abi::kSocleTypeMask});
}

Status<> add(Domain& domain, const GfnRange& where, Mfn first, std::uint32_t padding) {
  const auto type = type_of(padding);
  if (!type.has_value()) return refuse(Errno::kEINVAL);
  // Unlike dev_mmio, Xen's default here is strict for the hardware domain, too.
  const policy::DomainKind kind = policy::DomainKind::kGuest;
  ABI_TRY(domain.address_space.map_overwrite(where, first, policy::requested_device(kind, *type)));
  return {};
}

// Devices go; where memory is, the caller is wrong about what it removes.
Status<> remove(Domain& domain, const GfnRange& where) {
  if (!domain.address_space.all().contains(where)) return refuse(Errno::kEINVAL);
  stage2::AddressSpace::Batch batch(domain.address_space);
  bool has_memory = false;
  batch.walk(where, [&has_memory](const stage2::Extent& extent) {
    has_memory = guest::is_guest_page(extent.attributes.reason);
    return !has_memory;
  });
  if (has_memory) return refuse(Errno::kEILSEQ);
  ABI_TRY(batch.unmap(where));
  return {};
}

// The order of refusals is Xen's.
Status<> memory_mapping(Domain& domain, const abi::MemoryMapping& request) {
  const auto where = GfnRange::from_size(Gfn(request.first_gfn), request.nr_mfns);
  const auto frames = MfnRange::from_size(Mfn(request.first_mfn), request.nr_mfns);
  if (!where.has_value() || !frames.has_value() || frames->empty()) return refuse(Errno::kEINVAL);
  // No address space is larger than the machine's.
  if (frames->end().value() > domain.address_space.all().size()) return refuse(Errno::kEINVAL);
  if (frames->size() > kMaxFrames) return refuse(Errno::kE2BIG);
  if (!domain.permitted_mmio.permits(*frames)) return refuse(Errno::kEPERM);
  return request.add_mapping != 0 ? add(domain, *where, frames->begin(), request.padding)
                                  : remove(domain, *where);
}

}  // namespace

std::int64_t domctl(Vcpu& caller, Arguments args) {
  const auto request = guest::read_guest<abi::Domctl>(caller, guest::GuestVa{args[0]});
  if (!request.has_value()) return refused(request.error());
  // A toolstack of another version must be told so before anything else.
  if (request->interface_version != abi::kDomctlVersion) return refused(Errno::kEACCES);
  if (!caller.domain.properties.is_privileged) return refused(Errno::kEPERM);
  if (request->command != abi::kDomctlMemoryMapping) {
    return unimplemented(__HYPERVISOR_domctl, request->command);
  }
  // There is one domain; DOMID_SELF means nobody here, as on Xen.
  if (DomainId{request->domain} != caller.domain.id) return refused(Errno::kESRCH);
  return result_of(memory_mapping(caller.domain, request->u.memory_mapping));
}

}  // namespace socle::hypercall
