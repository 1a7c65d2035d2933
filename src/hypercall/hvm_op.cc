// SPDX-License-Identifier: Apache-2.0

// hvm_op: the numbered parameters of a domain; and vm_assist.

#include "abi/hvm.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::HvmParam;
using abi::refuse;
using abi::Status;
using guest::Domain;

// Those that exist on Arm: a guest may read them, a toolstack writes them for another domain.
bool is_for_guests(std::uint32_t index) {
  switch (index) {
    case HVM_PARAM_CALLBACK_IRQ:
    case HVM_PARAM_STORE_PFN:
    case HVM_PARAM_STORE_EVTCHN:
    case HVM_PARAM_CONSOLE_PFN:
    case HVM_PARAM_CONSOLE_EVTCHN:
      return true;
    default:
      return false;
  }
}
bool is_for_toolstack(std::uint32_t index) {
  return index == HVM_PARAM_MONITOR_RING_PFN;
}

Status<Domain*> domain_of(Vcpu& caller, const HvmParam& request) {
  Domain* domain = find_domain(caller, request.domid);
  if (domain == nullptr) return refuse(Errno::kESRCH);
  if (domain != &caller.domain && !caller.domain.properties.is_privileged) {
    return refuse(Errno::kEPERM);
  }
  return domain;
}

Status<> get_param(Vcpu& caller, HvmParam& request) {
  Domain* domain = ABI_TRY(domain_of(caller, request));
  const bool is_toolstack = domain != &caller.domain;
  if (is_for_toolstack(request.index)) {
    if (!is_toolstack) return refuse(Errno::kEPERM);
  } else if (!is_for_guests(request.index)) {
    return refuse(Errno::kEINVAL);
  }
  request.value = domain->hvm_params.values[request.index].load(std::memory_order_relaxed);
  return {};
}

Status<> set_param(Vcpu& caller, const HvmParam& request) {
  Domain* domain = ABI_TRY(domain_of(caller, request));
  if (!is_for_guests(request.index) && !is_for_toolstack(request.index)) {
    return refuse(Errno::kEINVAL);
  }
  if (domain == &caller.domain) return refuse(Errno::kEPERM);
  domain->hvm_params.values[request.index].store(request.value, std::memory_order_relaxed);
  return {};
}

}  // namespace

std::int64_t hvm_op(Vcpu& caller, Arguments args) {
  const std::uint64_t address = args[1];
  switch (args[0]) {
    case HVMOP_get_param:
      return in_out<HvmParam>(caller, address,
                              [&](auto& request) { return get_param(caller, request); });
    case HVMOP_set_param:
      return in_only<HvmParam>(caller, address,
                               [&](auto& request) { return set_param(caller, request); });
    case HVMOP_guest_request_vm_event:
      // A monitor may listen to this; there is none.
      return address == 0 ? 0 : refused(Errno::kEINVAL);
    default:
      return unimplemented(__HYPERVISOR_hvm_op, args[0]);
  }
}

std::int64_t vm_assist(Vcpu& caller, Arguments args) {
  constexpr std::uint64_t kValid = std::uint64_t{1} << VMASST_TYPE_runstate_update_flag;
  const std::uint64_t type = static_cast<std::uint32_t>(args[1]);
  if (type >= 64 || (kValid >> type & 1) == 0) return refused(Errno::kEINVAL);
  const std::uint64_t bit = std::uint64_t{1} << type;
  switch (static_cast<std::uint32_t>(args[0])) {
    case VMASST_CMD_enable:
      caller.domain.vm_assist.fetch_or(bit, std::memory_order_relaxed);
      return 0;
    case VMASST_CMD_disable:
      caller.domain.vm_assist.fetch_and(~bit, std::memory_order_relaxed);
      return 0;
    default:
      return unimplemented(__HYPERVISOR_vm_assist, args[0]);
  }
}

}  // namespace socle::hypercall
