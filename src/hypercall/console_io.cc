// SPDX-License-Identifier: Apache-2.0

// console_io: the hardware domain's way to the machine's console, before and beside its own
// drivers.

#include <algorithm>
#include <array>

#include "abi/hypercall.h"
#include "guest/console.h"
#include "guest/domain.h"
#include "guest/preemption.h"
#include "guest/vcpu.h"
#include "hypercall/call.h"

namespace socle::hypercall {

namespace {

using abi::Errno;
using guest::GuestVa;

// At once: 11 ms on a serial line of 115200 baud.
constexpr std::size_t kChunk = 128;

std::int64_t write(Vcpu& caller, Arguments args, std::uint32_t count, GuestVa from) {
  std::array<char, kChunk> chunk;
  while (count > 0) {
    const std::uint32_t bytes = std::min<std::uint32_t>(count, kChunk);
    const auto copied = guest::copy_from_guest(caller, chunk.data(), from, bytes);
    if (!copied.has_value()) return refused(copied.error());
    guest::console_write(caller.domain, std::string_view(chunk.data(), bytes));
    count -= bytes;
    from = from + bytes;
    if (count > 0 && guest::should_yield(caller)) {
      args[1] = count;
      args[2] = from.value;
      return kContinue;
    }
  }
  return 0;
}

// Hands out what fits into one chunk: the guest asks again until it gets 0.
std::int64_t read(Vcpu& caller, std::uint32_t count, GuestVa to) {
  // The result must be able to say how many.
  if (count > INT32_MAX) return refused(Errno::kE2BIG);
  std::array<char, kChunk> chunk;
  const std::size_t room = std::min<std::size_t>(count, kChunk);
  const std::size_t got = guest::console_read(caller.domain, std::span(chunk).first(room));
  if (got == 0) return 0;
  const auto copied = guest::copy_to_guest(caller, to, chunk.data(), got);
  return copied.has_value() ? static_cast<std::int64_t>(got) : refused(copied.error());
}

}  // namespace

std::int64_t console_io(Vcpu& caller, Arguments args) {
  if (!caller.domain.properties.is_hardware_domain) return refused(Errno::kEPERM);
  const auto count = static_cast<std::uint32_t>(args[1]);
  switch (static_cast<std::uint32_t>(args[0])) {
    case CONSOLEIO_write:
      return write(caller, args, count, GuestVa{args[2]});
    case CONSOLEIO_read:
      return read(caller, count, GuestVa{args[2]});
    default:
      return unimplemented(__HYPERVISOR_console_io, args[0]);
  }
}

}  // namespace socle::hypercall
