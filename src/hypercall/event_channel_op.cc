// SPDX-License-Identifier: Apache-2.0

#include "abi/event_channel.h"
#include "guest/domain.h"
#include "guest/event_channel.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;
using guest::EventChannels;

// Whose channel it is to be, and who may connect to it.
Status<> alloc_unbound(Vcpu& caller, abi::EventAllocUnbound& request) {
  guest::Domain* domain = find_domain(caller, request.dom);
  if (domain == nullptr) return refuse(Errno::kESRCH);
  const guest::Domain* remote = find_domain(caller, request.remote_dom);
  if (remote == nullptr) return refuse(Errno::kESRCH);
  request.port = ABI_TRY(domain->event_channels.alloc_unbound(remote->id));
  return {};
}

Status<> bind_interdomain(Vcpu& caller, abi::EventBindInterdomain& request) {
  const guest::Domain* remote = find_domain(caller, request.remote_dom);
  if (remote == nullptr) return refuse(Errno::kESRCH);
  request.local_port =
      ABI_TRY(caller.domain.event_channels.bind_interdomain(remote->id, request.remote_port));
  return {};
}

Status<> status(Vcpu& caller, abi::EventStatus& request) {
  guest::Domain* domain = find_domain(caller, request.dom);
  if (domain == nullptr) return refuse(Errno::kESRCH);
  return domain->event_channels.status(request);
}

std::int64_t reset(Vcpu& caller, std::uint64_t address) {
  const auto request = guest::read_guest<abi::EventReset>(caller, guest::GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  guest::Domain* domain = find_domain(caller, request->dom);
  if (domain == nullptr) return refused(Errno::kESRCH);
  const Status<bool> done = domain->event_channels.reset();
  if (!done.has_value()) return refused(done.error());
  // Where to go on is remembered with the channels: the same arguments continue.
  return *done ? 0 : kContinue;
}

Status<> init_control(EventChannels& channels, abi::EventInitControl& request) {
  request.link_bits = abi::kFifoLinkBits;
  return channels.init_control(request.vcpu, Gfn(request.control_gfn), request.offset);
}

}  // namespace

std::int64_t event_channel_op(Vcpu& caller, Arguments args) {
  EventChannels& channels = caller.domain.event_channels;
  const std::uint64_t address = args[1];
  switch (static_cast<std::uint32_t>(args[0])) {
    case EVTCHNOP_send:
      return in_only<abi::EventSend>(caller, address,
                                     [&](auto& request) { return channels.send(request.port); });
    case EVTCHNOP_unmask:
      return in_only<abi::EventUnmask>(
          caller, address, [&](auto& request) { return channels.unmask(request.port); });
    case EVTCHNOP_alloc_unbound:
      return in_out<abi::EventAllocUnbound>(
          caller, address, [&](auto& request) { return alloc_unbound(caller, request); });
    case EVTCHNOP_bind_interdomain:
      return in_out<abi::EventBindInterdomain>(
          caller, address, [&](auto& request) { return bind_interdomain(caller, request); });
    case EVTCHNOP_bind_virq:
      return in_out<abi::EventBindVirq>(caller, address, [&](auto& request) -> Status<> {
        request.port = ABI_TRY(channels.bind_virq(request.virq, request.vcpu));
        return {};
      });
    case EVTCHNOP_bind_ipi:
      return in_out<abi::EventBindIpi>(caller, address, [&](auto& request) -> Status<> {
        request.port = ABI_TRY(channels.bind_ipi(request.vcpu));
        return {};
      });
    case EVTCHNOP_bind_pirq:
      // Physical interrupts reach guests through the virtual GIC: there are no pirqs.
      return in_only<abi::EventBindPirq>(caller, address,
                                         [](auto&) -> Status<> { return refuse(Errno::kEINVAL); });
    case EVTCHNOP_close:
      return in_only<abi::EventClose>(caller, address,
                                      [&](auto& request) { return channels.close(request.port); });
    case EVTCHNOP_status:
      return in_out<abi::EventStatus>(caller, address,
                                      [&](auto& request) { return status(caller, request); });
    case EVTCHNOP_bind_vcpu:
      return in_only<abi::EventBindVcpu>(caller, address, [&](auto& request) {
        return channels.bind_vcpu(request.port, request.vcpu);
      });
    case EVTCHNOP_reset:
    case EVTCHNOP_reset_cont:  // how Xen goes on with a long one
      return reset(caller, address);
    case EVTCHNOP_init_control:
      return in_out<abi::EventInitControl>(
          caller, address, [&](auto& request) { return init_control(channels, request); });
    case EVTCHNOP_expand_array:
      return in_only<abi::EventExpandArray>(caller, address, [&](auto& request) {
        return channels.expand_array(Gfn(request.array_gfn));
      });
    case EVTCHNOP_set_priority:
      return in_only<abi::EventSetPriority>(caller, address, [&](auto& request) {
        return channels.set_priority(request.port, request.priority);
      });
    default:
      return unimplemented(__HYPERVISOR_event_channel_op, args[0]);
  }
}

}  // namespace socle::hypercall
