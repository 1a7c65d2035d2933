// SPDX-License-Identifier: Apache-2.0

#include <array>

#include "abi/sched.h"
#include "guest/domain.h"
#include "guest/event_poll.h"
#include "guest/idle.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;
using guest::Domain;
using guest::GuestVa;
using guest::ShutdownReason;

ShutdownReason reason_of(std::uint32_t number) {
  // What has no meaning is an ending that was not foreseen.
  return number <= SHUTDOWN_MAX ? static_cast<ShutdownReason>(number) : ShutdownReason::kCrash;
}

Status<> shut_down(Vcpu& caller, const abi::SchedShutdown& request) {
  guest::shut_down(caller.domain, reason_of(request.reason));
  return {};
}

Status<> remote_shut_down(Vcpu& caller, const abi::SchedRemoteShutdown& request) {
  if (!caller.domain.properties.is_privileged) return refuse(Errno::kEPERM);
  Domain* domain = find_domain(caller, request.domain_id);
  if (domain == nullptr) return refuse(Errno::kESRCH);
  guest::shut_down(*domain, reason_of(request.reason));
  return {};
}

// Leaves a word for later: the code with which the domain is going to end.
Status<> set_shutdown_code(Vcpu& caller, const abi::SchedShutdown& request) {
  Domain& domain = caller.domain;
  if (domain.is_shut_down.load(std::memory_order_acquire)) return refuse(Errno::kEBUSY);
  domain.shutdown_code.store(static_cast<std::uint8_t>(request.reason), std::memory_order_release);
  return {};
}

Status<> poll(Vcpu& caller, const abi::SchedPoll& request) {
  if (request.nr_ports > guest::kMaxPolledPorts) return refuse(Errno::kEINVAL);
  std::array<abi::Port, guest::kMaxPolledPorts> ports;
  ABI_TRY(guest::copy_from_guest(caller, ports.data(), GuestVa{request.ports.q},
                                 request.nr_ports * sizeof(abi::Port)));
  return guest::poll_ports(caller, std::span(ports).first(request.nr_ports), request.timeout);
}

// vCPUs stay where they are: the hardware domain may ask for what is so, or for nothing.
Status<> pin(const Vcpu& caller, const ::sched_pin_override& request) {
  if (!caller.domain.properties.is_hardware_domain) return refuse(Errno::kEPERM);
  const bool is_so =
      request.pcpu < 0 || static_cast<unsigned>(request.pcpu) == index_of(caller.cpu);
  if (!is_so) return refuse(Errno::kEINVAL);
  return {};
}

// Socle does not have it yet: a bad pointer is still a bad pointer.
std::int64_t watchdog(Vcpu& caller, std::uint64_t address) {
  const auto request = guest::read_guest<abi::SchedWatchdog>(caller, GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  return unimplemented(__HYPERVISOR_sched_op, SCHEDOP_watchdog);
}

}  // namespace

std::int64_t sched_op(Vcpu& caller, Arguments args) {
  const std::uint64_t address = args[1];
  switch (static_cast<std::uint32_t>(args[0])) {
    case SCHEDOP_yield:
      // A vCPU has its CPU to itself: there is nobody to yield to.
      return 0;
    case SCHEDOP_block:
      guest::block(caller);
      return 0;
    case SCHEDOP_shutdown:
      return in_only<abi::SchedShutdown>(caller, address,
                                         [&](auto& request) { return shut_down(caller, request); });
    case SCHEDOP_poll:
      return in_only<abi::SchedPoll>(caller, address,
                                     [&](auto& request) { return poll(caller, request); });
    case SCHEDOP_remote_shutdown:
      return in_only<abi::SchedRemoteShutdown>(
          caller, address, [&](auto& request) { return remote_shut_down(caller, request); });
    case SCHEDOP_shutdown_code:
      return in_only<abi::SchedShutdown>(
          caller, address, [&](auto& request) { return set_shutdown_code(caller, request); });
    case SCHEDOP_watchdog:
      return watchdog(caller, address);
    case SCHEDOP_pin_override:
      return in_only<::sched_pin_override>(
          caller, address, [&](const auto& request) { return pin(caller, request); });
    default:
      return unimplemented(__HYPERVISOR_sched_op, args[0]);
  }
}

}  // namespace socle::hypercall
