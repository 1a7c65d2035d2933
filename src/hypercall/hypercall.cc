// SPDX-License-Identifier: Apache-2.0
#include "hypercall/hypercall.h"

#include <array>

#include "abi/hypercall.h"
#include "abi/socle.h"
#include "guest/domain.h"
#include "guest/exits.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

constexpr std::array<Handler, abi::kHypercallNumbers> kHandlers = [] {
  std::array<Handler, abi::kHypercallNumbers> table{};
  table[__HYPERVISOR_platform_op] = platform_op;
  table[__HYPERVISOR_memory_op] = memory_op;
  table[__HYPERVISOR_multicall] = multicall;
  table[__HYPERVISOR_xen_version] = xen_version;
  table[__HYPERVISOR_console_io] = console_io;
  table[__HYPERVISOR_grant_table_op] = grant_table_op;
  table[__HYPERVISOR_vm_assist] = vm_assist;
  table[__HYPERVISOR_vcpu_op] = vcpu_op;
  table[__HYPERVISOR_sched_op] = sched_op;
  table[__HYPERVISOR_event_channel_op] = event_channel_op;
  table[__HYPERVISOR_physdev_op] = physdev_op;
  table[__HYPERVISOR_hvm_op] = hvm_op;
  table[__HYPERVISOR_sysctl] = sysctl;
  table[__HYPERVISOR_domctl] = domctl;
  table[abi::kSocleCall] = socle_op;
  return table;
}();

// AArch64: the HVC that is to be made again.
constexpr std::uint64_t kInstructionBytes = 4;

}  // namespace

Handler find_handler(std::uint64_t number) {
  return number < kHandlers.size() ? kHandlers[number] : nullptr;
}

guest::Domain* find_domain(Vcpu& caller, std::uint16_t domid) {
  const bool is_caller = domid == DOMID_SELF || DomainId{domid} == caller.domain.id;
  return is_caller ? &caller.domain : nullptr;
}

void dispatch(Vcpu& vcpu, guest::CpuFrame& frame) {
  const std::uint64_t number = frame.x[16];
  const Handler handler = find_handler(number);
  if (handler == nullptr) [[unlikely]] {
    frame.x[0] = static_cast<std::uint64_t>(unimplemented(static_cast<unsigned>(number), 0));
    return;
  }
  const std::int64_t result = handler(vcpu, frame.x);
  if (result == kContinue) [[unlikely]] {
    frame.pc -= kInstructionBytes;
    return;
  }
  frame.x[0] = static_cast<std::uint64_t>(result);
}

}  // namespace socle::hypercall

namespace socle::guest {

void hypercall_entry(Vcpu& vcpu, CpuFrame& frame) {
  hypercall::dispatch(vcpu, frame);
}

}  // namespace socle::guest
