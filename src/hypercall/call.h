// SPDX-License-Identifier: Apache-2.0
#pragma once

// What handlers of hypercalls share. Private to this room.
//
// A handler gets the vCPU that calls and its arguments, and returns what x0 will hold. It runs on
// the CPU of the vCPU, no lock held. Its arguments are where they came from (the saved registers,
// or an entry of a multicall), so that a long operation can be cut: the handler rewrites them so
// that the same call, made again, goes on where it stopped, and returns kContinue. Otherwise it
// leaves them alone: the guest keeps its registers.

#include <cstdint>
#include <type_traits>

#include "abi/errno.h"
#include "guest/guest_memory.h"

namespace socle::guest {
class Domain;
struct Vcpu;
}  // namespace socle::guest

namespace socle::hypercall {

using guest::Vcpu;
using Arguments = std::uint64_t*;  // abi::kHypercallArguments of them
using Handler = std::int64_t (*)(Vcpu& caller, Arguments args);

// No result of any hypercall.
inline constexpr std::int64_t kContinue = INT64_MIN;

std::int64_t console_io(Vcpu& caller, Arguments args);
std::int64_t domctl(Vcpu& caller, Arguments args);
std::int64_t event_channel_op(Vcpu& caller, Arguments args);
std::int64_t grant_table_op(Vcpu& caller, Arguments args);
std::int64_t hvm_op(Vcpu& caller, Arguments args);
std::int64_t memory_op(Vcpu& caller, Arguments args);
std::int64_t multicall(Vcpu& caller, Arguments args);
std::int64_t physdev_op(Vcpu& caller, Arguments args);
std::int64_t platform_op(Vcpu& caller, Arguments args);
std::int64_t sched_op(Vcpu& caller, Arguments args);
std::int64_t socle_op(Vcpu& caller, Arguments args);
std::int64_t sysctl(Vcpu& caller, Arguments args);
std::int64_t vcpu_op(Vcpu& caller, Arguments args);
std::int64_t vm_assist(Vcpu& caller, Arguments args);
std::int64_t xen_version(Vcpu& caller, Arguments args);

// The handler of a number, or null.
Handler find_handler(std::uint64_t number);

// Answers -ENOSYS and counts it. `operation` is the sub-operation, or 0.
[[gnu::cold, gnu::noinline]] std::int64_t unimplemented(unsigned number, std::uint64_t operation);

// The domain that a domid_t argument names: DOMID_SELF, the caller's own number, or another
// domain's; null: there is no such domain (-ESRCH).
guest::Domain* find_domain(Vcpu& caller, std::uint16_t domid);

inline std::int64_t refused(abi::Errno error) {
  return abi::to_result(error);
}
inline std::int64_t refused(Error error) {
  return abi::to_result(abi::to_errno(error));
}

// 0 or the error.
template <typename E>
std::int64_t result_of(const std::expected<void, E>& status) {
  return status.has_value() ? 0 : refused(status.error());
}

// Reads the structure that an argument points to, lets `serve` work on it, and writes it back if
// that succeeded. `serve` takes T& and returns a Status<>.
template <typename T, typename Serve>
std::int64_t in_out(Vcpu& caller, std::uint64_t address, Serve serve) {
  auto request = guest::read_guest<T>(caller, guest::GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  const abi::Status<> served = serve(*request);
  if (!served.has_value()) return refused(served.error());
  return result_of(guest::write_guest(caller, guest::GuestVa{address}, *request));
}

// The same without an answer.
template <typename T, typename Serve>
std::int64_t in_only(Vcpu& caller, std::uint64_t address, Serve serve) {
  const auto request = guest::read_guest<T>(caller, guest::GuestVa{address});
  if (!request.has_value()) return refused(request.error());
  return result_of(serve(*request));
}

}  // namespace socle::hypercall
