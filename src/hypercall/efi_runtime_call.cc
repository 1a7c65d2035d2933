// SPDX-License-Identifier: Apache-2.0

// XENPF_efi_runtime_call: UEFI's runtime services for the hardware domain. Firmware sees copies
// only, in memory of Socle's own. What it says goes into the request's `status`; the hypercall
// itself fails where firmware was not asked. Source: xen/platform.h; UEFI Specification 2.10,
// chapter 8.

#include "hypercall/efi_runtime_call.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>

#include "guest/efi_runtime.h"
#include "guest/vdev/vgic.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using guest::EfiArguments;
using guest::EfiService;
using guest::GuestVa;
using Request = ::xenpf_efi_runtime_call;
using Served = abi::Status<>;

constexpr std::uint64_t kError = std::uint64_t{1} << 63;
constexpr std::size_t kMaxName = 1024;
constexpr std::size_t kMaxData = 64 * kKiB;
constexpr std::size_t kDataAt = 4 * kKiB;

// EFI_TIME has the layout of Xen's structure.
static_assert(sizeof(::xenpf_efi_time) == 16 && offsetof(::xenpf_efi_time, ns) == 8);

// What firmware is shown, at the start of the buffer. The variable's data lies at kDataAt.
struct Exchange {
  ::xenpf_efi_time time;
  struct {
    std::uint32_t resolution;
    std::uint32_t accuracy;
    std::uint8_t sets_to_zero;
  } capabilities;
  std::uint8_t enabled;
  std::uint8_t pending;
  std::uint32_t attributes;
  ::xenpf_efi_guid guid;
  std::uint64_t size;
  std::uint64_t numbers[3];
  char16_t name[kMaxName / 2];
};
static_assert(sizeof(Exchange) <= kDataAt);

// There is one buffer, and firmware wants one call at a time. Not a lock: a variable's write may
// take milliseconds, in which another vCPU had better take its interrupts.
constinit std::atomic<bool> is_taken{false};

class Call {
 public:
  Call(Vcpu& caller, Request& request, std::span<std::byte> buffer)
      : caller_(caller),
        request_(request),
        exchange_(*reinterpret_cast<Exchange*>(buffer.data())),
        data_(buffer.data() + kDataAt) {
    std::memset(&exchange_, 0, sizeof exchange_);
  }

  Served serve() {
    switch (request_.function) {
      case XEN_EFI_get_time:
        return get_time();
      case XEN_EFI_set_time:
        return set_time();
      case XEN_EFI_get_wakeup_time:
        return get_wakeup_time();
      case XEN_EFI_set_wakeup_time:
        return set_wakeup_time();
      case XEN_EFI_get_next_high_monotonic_count:
        return get_next_count();
      case XEN_EFI_get_variable:
        return get_variable();
      case XEN_EFI_set_variable:
        return set_variable();
      case XEN_EFI_get_next_variable_name:
        return get_next_name();
      case XEN_EFI_query_variable_info:
        return query_info();
      default:
        return abi::refuse(Errno::kENOSYS);
    }
  }

 private:
  static std::uint64_t at(const void* part) { return reinterpret_cast<std::uintptr_t>(part); }
  [[nodiscard]] bool succeeded() const { return (request_.status & kError) == 0; }

  // A variable's write takes as long as flash does. Meanwhile the vCPU is in nobody's list
  // registers: another that asks for one of its interrupts helps itself, and does not wait for this
  // CPU.
  Served call(EfiService service, const EfiArguments& arguments) {
    guest::vgic::save(caller_);
    request_.status = guest::efi_runtime_call(service, arguments);
    guest::vgic::load(caller_);
    return {};
  }

  // Most functions have no flags.
  [[nodiscard]] Served without_flags() const {
    if (request_.misc != 0) return abi::refuse(Errno::kEINVAL);
    return {};
  }

  Served get_time() {
    ABI_TRY(without_flags());
    ABI_TRY(call(EfiService::kGetTime, {at(&exchange_.time), at(&exchange_.capabilities)}));
    if (!succeeded()) return {};
    request_.u.get_time.time = exchange_.time;
    request_.u.get_time.resolution = exchange_.capabilities.resolution;
    request_.u.get_time.accuracy = exchange_.capabilities.accuracy;
    if (exchange_.capabilities.sets_to_zero != 0) request_.misc = XEN_EFI_GET_TIME_SET_CLEARS_NS;
    return {};
  }

  Served set_time() {
    ABI_TRY(without_flags());
    exchange_.time = request_.u.set_time;
    return call(EfiService::kSetTime, {at(&exchange_.time)});
  }

  Served get_wakeup_time() {
    ABI_TRY(without_flags());
    ABI_TRY(call(EfiService::kGetWakeupTime,
                 {at(&exchange_.enabled), at(&exchange_.pending), at(&exchange_.time)}));
    if (!succeeded()) return {};
    request_.u.get_wakeup_time = exchange_.time;
    if (exchange_.enabled != 0) request_.misc |= XEN_EFI_GET_WAKEUP_TIME_ENABLED;
    if (exchange_.pending != 0) request_.misc |= XEN_EFI_GET_WAKEUP_TIME_PENDING;
    return {};
  }

  Served set_wakeup_time() {
    constexpr std::uint32_t kKnown =
        XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY;
    if ((request_.misc & ~kKnown) != 0) return abi::refuse(Errno::kEINVAL);
    const bool enable = (request_.misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE) != 0;
    const bool only = (request_.misc & XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY) != 0;
    exchange_.time = request_.u.set_wakeup_time;
    return call(EfiService::kSetWakeupTime, {enable ? 1u : 0u, only ? 0 : at(&exchange_.time)});
  }

  Served get_next_count() {
    ABI_TRY(without_flags());
    ABI_TRY(call(EfiService::kGetNextHighMonotonicCount, {at(&exchange_.attributes)}));
    if (succeeded()) request_.misc = exchange_.attributes;
    return {};
  }

  // A name up to its NUL, character by character: what lies behind may not be mapped.
  Served take_name(std::uint64_t from) {
    for (std::size_t i = 0; i < kMaxName / 2; ++i) {
      ABI_TRY(guest::copy_from_guest(caller_, &exchange_.name[i], GuestVa{from + 2 * i}, 2));
      if (exchange_.name[i] == 0) return {};
    }
    return abi::refuse(Errno::kE2BIG);
  }

  Served get_variable() {
    auto& variable = request_.u.get_variable;
    ABI_TRY(without_flags());
    ABI_TRY(take_name(at(variable.name.p)));
    exchange_.guid = variable.vendor_guid;
    exchange_.size = std::min<std::uint64_t>(variable.size, kMaxData);
    ABI_TRY(call(EfiService::kGetVariable,
                 {at(exchange_.name), at(&exchange_.guid), at(&exchange_.attributes),
                  at(&exchange_.size), exchange_.size != 0 ? at(data_) : 0}));
    if (succeeded()) {
      if (exchange_.size > std::min<std::uint64_t>(variable.size, kMaxData))
        return abi::refuse(Errno::kEINVAL);
      ABI_TRY(guest::copy_to_guest(caller_, GuestVa{at(variable.data.p)}, data_, exchange_.size));
    }
    request_.misc = exchange_.attributes;
    variable.size = exchange_.size;
    return {};
  }

  Served set_variable() {
    auto& variable = request_.u.set_variable;
    if (variable.size > kMaxData) return abi::refuse(Errno::kE2BIG);
    ABI_TRY(take_name(at(variable.name.p)));
    exchange_.guid = variable.vendor_guid;
    ABI_TRY(guest::copy_from_guest(caller_, data_, GuestVa{at(variable.data.p)}, variable.size));
    return call(EfiService::kSetVariable,
                {at(exchange_.name), at(&exchange_.guid), request_.misc, variable.size, at(data_)});
  }

  Served get_next_name() {
    auto& next = request_.u.get_next_variable_name;
    ABI_TRY(without_flags());
    ABI_TRY(take_name(at(next.name.p)));
    exchange_.guid = next.vendor_guid;
    const std::uint64_t room = std::min<std::uint64_t>(next.size, kMaxName);
    exchange_.size = room;
    ABI_TRY(call(EfiService::kGetNextVariableName,
                 {at(&exchange_.size), at(exchange_.name), at(&exchange_.guid)}));
    if (succeeded()) {
      if (exchange_.size > room) return abi::refuse(Errno::kEINVAL);
      ABI_TRY(
          guest::copy_to_guest(caller_, GuestVa{at(next.name.p)}, exchange_.name, exchange_.size));
      next.vendor_guid = exchange_.guid;
    }
    next.size = exchange_.size;
    return {};
  }

  Served query_info() {
    auto& info = request_.u.query_variable_info;
    ABI_TRY(without_flags());
    ABI_TRY(call(EfiService::kQueryVariableInfo,
                 {info.attr, at(&exchange_.numbers[0]), at(&exchange_.numbers[1]),
                  at(&exchange_.numbers[2])}));
    info.max_store_size = exchange_.numbers[0];
    info.remain_store_size = exchange_.numbers[1];
    info.max_size = exchange_.numbers[2];
    return {};
  }

  Vcpu& caller_;
  Request& request_;
  Exchange& exchange_;
  std::byte* data_;
};

}  // namespace

std::int64_t efi_runtime_call(Vcpu& caller, GuestVa address, abi::PlatformOp& request) {
  if (is_taken.exchange(true, std::memory_order_acquire)) return kContinue;
  const std::span<std::byte> buffer = guest::efi_runtime_buffer();
  const Served served = buffer.empty() ? Served(abi::refuse(Errno::kENOSYS))
                                       : Call(caller, request.u.efi_runtime_call, buffer).serve();
  is_taken.store(false, std::memory_order_release);
  if (!served.has_value()) return refused(served.error());
  return result_of(guest::write_guest(caller, address, request));
}

}  // namespace socle::hypercall
