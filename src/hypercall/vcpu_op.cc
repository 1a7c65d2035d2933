// SPDX-License-Identifier: Apache-2.0

#include "abi/vcpu.h"
#include "guest/domain.h"
#include "guest/event_channel.h"
#include "guest/runstate.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;

bool is_off(const Vcpu& vcpu) {
  return vcpu.power.state.load(std::memory_order_acquire) == guest::PowerState::State::kOff;
}

Status<> register_vcpu_info(Vcpu& caller, Vcpu& target, const abi::RegisterVcpuInfo& request) {
  // One's own, or that of one that cannot be using its old place at this moment.
  if (&target != &caller && !is_off(target)) return refuse(Errno::kEINVAL);
  return caller.domain.event_channels.register_vcpu_info(target, Gfn(request.mfn), request.offset);
}

// By guest virtual address: an area that cannot be written stays unwritten, without an error. That
// of another vCPU is written when that vCPU runs.
Status<> register_runstate_area(Vcpu& caller, Vcpu& target,
                                const abi::RegisterRunstateArea& request) {
  target.runstate.guest_area.store(request.addr.p, std::memory_order_release);
  if (&target == &caller) guest::update_runstate_area(caller);
  return {};
}

}  // namespace

std::int64_t vcpu_op(Vcpu& caller, Arguments args) {
  const auto number = static_cast<std::uint32_t>(args[1]);
  if (number >= caller.domain.vcpus.size()) return refused(Errno::kENOENT);
  Vcpu& target = *caller.domain.vcpus[number];
  const std::uint64_t address = args[2];
  switch (static_cast<std::uint32_t>(args[0])) {
    case VCPUOP_register_vcpu_info:
      return in_only<abi::RegisterVcpuInfo>(caller, address, [&](auto& request) {
        return register_vcpu_info(caller, target, request);
      });
    case VCPUOP_register_runstate_memory_area:
      return in_only<abi::RegisterRunstateArea>(caller, address, [&](auto& request) {
        return register_runstate_area(caller, target, request);
      });
    default:
      // Not -ENOSYS: Xen on Arm answers so for every other operation.
      (void)unimplemented(__HYPERVISOR_vcpu_op, args[0]);
      return refused(Errno::kEINVAL);
  }
}

}  // namespace socle::hypercall
