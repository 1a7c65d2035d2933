// SPDX-License-Identifier: Apache-2.0

#include "hypercall/memory_op.h"

#include "guest/domain.h"
#include "guest/vcpu.h"
#include "mem/memory.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using guest::Domain;

// Questions about a domain. `ask` takes the domain and returns the answer.
template <typename Ask>
std::int64_t about_domain(Vcpu& caller, std::uint64_t address, Ask ask) {
  const auto request = guest::read_guest<abi::MemoryDomain>(caller, guest::GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  Domain* domain = find_domain(caller, request->domid);
  if (domain == nullptr) return refused(Errno::kESRCH);
  return static_cast<std::int64_t>(ask(*domain));
}

bool has_mapping(const stage2::AddressSpace& space, const GfnRange& range) {
  bool found = false;
  space.walk(range, [&found](const stage2::Extent&) {
    found = true;
    return false;
  });
  return found;
}

// By bisection: each step looks at no more tables than are in the half without mappings.
std::uint64_t highest_mapped_frame(const Domain& domain) {
  const stage2::AddressSpace& space = domain.address_space;
  GfnRange range = space.all();
  while (range.size() > 1) {
    const Gfn middle = range.begin() + FrameCount(range.size() / 2);
    const GfnRange upper(middle, range.end());
    range = has_mapping(space, upper) ? upper : GfnRange(range.begin(), middle);
  }
  return range.begin().value();
}

// Operations that Socle does not have yet: a bad pointer is still a bad pointer.
template <typename T>
std::int64_t not_done(Vcpu& caller, std::uint64_t address, std::uint64_t operation) {
  const auto request = guest::read_guest<T>(caller, guest::GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  return unimplemented(__HYPERVISOR_memory_op, operation);
}

}  // namespace

std::int64_t memory_op(Vcpu& caller, Arguments args) {
  const std::uint64_t operation = args[0] & abi::kMemoryCommandMask;
  const std::uint64_t address = args[1];
  switch (operation) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
      return change_reservation(caller, args);
    case XENMEM_add_to_physmap:
      return add_to_physmap(caller, address);
    case XENMEM_add_to_physmap_batch:
      return add_to_physmap_batch(caller, args);
    case XENMEM_remove_from_physmap:
      return remove_from_physmap(caller, address);
    case XENMEM_current_reservation:
      return about_domain(caller, address, [](Domain& domain) {
        return domain.ram_frames.load(std::memory_order_relaxed);
      });
    case XENMEM_maximum_reservation:
      return about_domain(caller, address, [](Domain& domain) { return domain.max_ram_frames; });
    case XENMEM_maximum_gpfn:
      return about_domain(caller, address,
                          [](Domain& domain) { return highest_mapped_frame(domain); });
    case XENMEM_maximum_ram_page:
      return static_cast<std::int64_t>(mem::statistics().end_of_ram.value());
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
      return 0;  // no page is shared
    case XENMEM_exchange:
      return not_done<abi::MemoryExchange>(caller, address, operation);
    case XENMEM_claim_pages:
      return not_done<abi::MemoryReservation>(caller, address, operation);
    case XENMEM_get_vnumainfo:
      return not_done<::xen_vnuma_topology_info>(caller, address, operation);
    case XENMEM_reserved_device_memory_map:
      return not_done<::xen_reserved_device_memory_map>(caller, address, operation);
    case XENMEM_acquire_resource:
      return not_done<::xen_mem_acquire_resource>(caller, address, operation);
    default:
      return unimplemented(__HYPERVISOR_memory_op, operation);
  }
}

}  // namespace socle::hypercall
