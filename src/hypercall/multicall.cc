// SPDX-License-Identifier: Apache-2.0

// multicall: several hypercalls in one. The list is the guest's memory: each entry is read once,
// served from our copy, and written back.

#include "abi/hypercall.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using abi::MulticallEntry;
using guest::GuestVa;

std::int64_t serve(Vcpu& caller, MulticallEntry& entry) {
  if (entry.op == __HYPERVISOR_multicall) return refused(Errno::kEINVAL);
  const Handler handler = find_handler(entry.op);
  if (handler == nullptr) return unimplemented(static_cast<unsigned>(entry.op), 0);
  return handler(caller, entry.args);
}

}  // namespace

std::int64_t multicall(Vcpu& caller, Arguments args) {
  GuestVa list{args[0]};
  auto left = static_cast<std::uint32_t>(args[1]);
  for (bool is_first = true; left > 0; --left, list = list + sizeof(MulticallEntry)) {
    const bool must_yield = !is_first && guest::should_yield(caller);
    is_first = false;
    if (must_yield) {
      args[0] = list.value;
      args[1] = left;
      return kContinue;
    }
    auto entry = guest::read_guest<MulticallEntry>(caller, list);
    if (!entry.has_value()) return refused(entry.error());
    const std::int64_t result = serve(caller, *entry);
    if (result == kContinue) {
      // The call wants to go on: its new arguments go where it will be read from again.
      const auto written = guest::write_guest(caller, list, *entry);
      if (!written.has_value()) return refused(written.error());
      args[0] = list.value;
      args[1] = left;
      return kContinue;
    }
    const auto written =
        guest::write_guest(caller, list + offsetof(MulticallEntry, result), result);
    if (!written.has_value()) return refused(written.error());
  }
  return 0;
}

}  // namespace socle::hypercall
