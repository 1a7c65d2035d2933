// SPDX-License-Identifier: Apache-2.0

// What Socle offers beyond Xen's ABI (abi/socle.h).

#include <algorithm>
#include <array>

#include "abi/hypercall.h"
#include "abi/socle.h"
#include "guest/domain.h"
#include "guest/mmio_faults.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::refuse;
using abi::Status;
using guest::MmioFaults;

static_assert(abi::kSocleCall == __HYPERVISOR_arch_7);

Status<> translate(Vcpu& caller, abi::SocleTranslate& request) {
  if ((request.flags & ~abi::kSocleTranslateWrite) != 0 || request.reserved != 0) {
    return refuse(Errno::kEINVAL);
  }
  request.par = guest::translate_guest(caller, guest::GuestVa{request.address},
                                       (request.flags & abi::kSocleTranslateWrite) != 0);
  return {};
}

std::uint8_t type_of(MemoryType type) {
  switch (type) {
    case MemoryType::kDeviceNGnRnE:
      return abi::kSocleTypeDeviceNGnRnE;
    case MemoryType::kDeviceNGnRE:
      return abi::kSocleTypeDeviceNGnRE;
    case MemoryType::kDeviceGRE:
      return abi::kSocleTypeDeviceGRE;
    case MemoryType::kNormalNonCacheable:
      return abi::kSocleTypeNormalNonCacheable;
    case MemoryType::kNormalWriteBack:
      return abi::kSocleTypeNormalWriteBack;
  }
  return abi::kSocleTypeNone;
}

abi::SocleMmioFault record_of(const MmioFaults::Entry& entry, MmioFaults::Outcome outcome) {
  const bool is_mapped = outcome == MmioFaults::Outcome::kMapped;
  return {.begin = Ipa(entry.frames.begin()).value(),
          .end = Ipa(entry.frames.end()).value(),
          .pc = entry.pc,
          .count = entry.count,
          .vcpu = entry.vcpu,
          .block = static_cast<std::uint8_t>(entry.block.value()),
          .type = is_mapped ? type_of(entry.type) : abi::kSocleTypeNone,
          .reserved = 0};
}

// No more records than the list can have, whatever the caller has room for: it calls again.
Status<> list_faults(Vcpu& caller, abi::SocleMmioFaults& request) {
  if (request.outcome > abi::kSocleFaultsDenied || request.from % kFrameSize != 0) {
    return refuse(Errno::kEINVAL);
  }
  request.count = 0;
  request.policy = abi::kSoclePolicyDeny;
  request.faults = request.lost = 0;
  const MmioFaults* const faults = caller.domain.mmio_faults;
  if (faults == nullptr) return {};
  const auto outcome = static_cast<MmioFaults::Outcome>(request.outcome);
  request.policy =
      faults->policy == MmioFaults::Policy::kMap ? abi::kSoclePolicyMap : abi::kSoclePolicyLog;
  const MmioFaults::Totals totals = faults->totals(outcome);
  request.faults = totals.faults;
  request.lost = totals.lost;
  const std::size_t capacity = std::min<std::size_t>(request.capacity, MmioFaults::kEntries);
  while (request.count < capacity) {
    std::array<MmioFaults::Entry, 8> some;
    const std::size_t count =
        faults->list(outcome, Ipa(request.from).frame(),
                     std::span(some).first(std::min(some.size(), capacity - request.count)));
    if (count == 0) break;
    for (const MmioFaults::Entry& entry : std::span(some).first(count)) {
      const guest::GuestVa to{request.records + request.count * sizeof(abi::SocleMmioFault)};
      ABI_TRY(guest::write_guest(caller, to, record_of(entry, outcome)));
      ++request.count;
      request.from = Ipa(entry.frames.begin() + FrameCount(1)).value();
    }
  }
  return {};
}

}  // namespace

std::int64_t socle_op(Vcpu& caller, Arguments args) {
  if (!caller.domain.properties.is_hardware_domain) return refused(Errno::kEPERM);
  switch (args[0]) {
    case abi::kSocleTranslate:
      return in_out<abi::SocleTranslate>(caller, args[1],
                                         [&](auto& request) { return translate(caller, request); });
    case abi::kSocleMmioFaults:
      return in_out<abi::SocleMmioFaults>(
          caller, args[1], [&](auto& request) { return list_faults(caller, request); });
    default:
      return unimplemented(abi::kSocleCall, args[0]);
  }
}

}  // namespace socle::hypercall
