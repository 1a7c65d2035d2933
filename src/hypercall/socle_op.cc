// SPDX-License-Identifier: Apache-2.0

// What Socle offers beyond Xen's ABI (abi/socle.h).

#include "abi/hypercall.h"
#include "abi/socle.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;

static_assert(abi::kSocleCall == __HYPERVISOR_arch_7);

Status<> translate(Vcpu& caller, abi::SocleTranslate& request) {
  if ((request.flags & ~abi::kSocleTranslateWrite) != 0 || request.reserved != 0) {
    return refuse(Errno::kEINVAL);
  }
  request.par = guest::translate_guest(caller, guest::GuestVa{request.address},
                                       (request.flags & abi::kSocleTranslateWrite) != 0);
  return {};
}

}  // namespace

std::int64_t socle_op(Vcpu& caller, Arguments args) {
  if (!caller.domain.properties.is_hardware_domain) return refused(Errno::kEPERM);
  switch (args[0]) {
    case abi::kSocleTranslate:
      return in_out<abi::SocleTranslate>(caller, args[1],
                                         [&](auto& request) { return translate(caller, request); });
    default:
      return unimplemented(abi::kSocleCall, args[0]);
  }
}

}  // namespace socle::hypercall
