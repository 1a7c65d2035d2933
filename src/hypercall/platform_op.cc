// SPDX-License-Identifier: Apache-2.0

// Operations on the machine by privileged domains: platform_op, and what is there so far of sysctl
// and physdev_op.

#include "abi/hypercall.h"
#include "abi/platform.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "guest/wallclock.h"
#include "hypercall/call.h"
#include "hypercall/efi_runtime_call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using guest::GuestVa;

std::int64_t set_time(Vcpu& caller, const ::xenpf_settime64& time) {
  if (time.mbz != 0) return refused(Errno::kEINVAL);
  guest::set_wallclock(time.secs, time.nsecs, time.system_time);
  guest::publish_wallclock(caller.domain);
  return 0;
}

std::int64_t serve(Vcpu& caller, GuestVa address, abi::PlatformOp& request) {
  switch (request.cmd) {
    case XENPF_settime64:
      return set_time(caller, request.u.settime64);
    case XENPF_efi_runtime_call:
      return efi_runtime_call(caller, address, request);
    default:
      return unimplemented(__HYPERVISOR_platform_op, request.cmd);
  }
}

}  // namespace

std::int64_t platform_op(Vcpu& caller, Arguments args) {
  auto request = guest::read_guest<abi::PlatformOp>(caller, GuestVa{args[0]});
  if (!request.has_value()) return refused(request.error());
  if (request->interface_version != abi::kPlatformVersion) return refused(Errno::kEACCES);
  if (!caller.domain.properties.is_privileged) return refused(Errno::kEPERM);
  return serve(caller, GuestVa{args[0]}, *request);
}

// A toolstack of another version must be told so before anything else.
std::int64_t sysctl(Vcpu& caller, Arguments args) {
  const auto header = guest::read_guest<abi::VersionedHeader>(caller, GuestVa{args[0]});
  if (!header.has_value()) return refused(header.error());
  if (header->interface_version != abi::kSysctlVersion) return refused(Errno::kEACCES);
  if (!caller.domain.properties.is_privileged) return refused(Errno::kEPERM);
  return unimplemented(__HYPERVISOR_sysctl, header->command);
}

// Interrupts and PCI devices are described by the device tree.
std::int64_t physdev_op(Vcpu&, Arguments args) {
  return unimplemented(__HYPERVISOR_physdev_op, args[0]);
}

}  // namespace socle::hypercall
