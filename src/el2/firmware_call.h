// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calls into firmware at EL2, confined: for their time the CPU has other translation tables, in
// which there is nothing but Socle's text (to come back), one page of its data, and what
// map_for_firmware() put there; and other vectors, so that whatever exception firmware takes ends
// the call and nothing else. That protects against firmware's mistakes, not against its malice: it
// runs at EL2 and could load any register.
//
// A call can have a limit: then interrupts are not masked, and the hypervisor timer, which is set
// back afterwards, ends the call as an exception does. Firmware that masks interrupts itself and
// hangs has no limit, nor has what it asks of EL3.
// Source: UEFI Specification 2.10, 2.3.6 (calls, at least 8 KiB of stack, 16-byte aligned).

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace socle::el2 {

inline constexpr std::size_t kFirmwareArguments = 5;
inline constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

struct FirmwareCall {
  std::uint64_t function = 0;
  std::array<std::uint64_t, kFirmwareArguments> arguments{};
  std::byte* stack_top = nullptr;  // mapped by map_for_firmware()
  // When it is to end, as a counter value. The caller sees to it that this CPU is signalled no
  // interrupt but the hypervisor timer's. (If it is all the same, the call has no limit.)
  std::uint64_t deadline = kNoLimit;
};

struct FirmwareAnswer {
  bool has_returned = false;
  bool is_late = false;      // the deadline ended it
  std::uint64_t status = 0;  // x0, if it has returned
  // Of the exception that ended it, if it has not; the vector's number (0 to 7) as in VBAR_EL2.
  std::uint64_t vector = 0;
  std::uint64_t esr = 0;
  std::uint64_t far = 0;
  std::uint64_t elr = 0;
};

// Maps what every call needs. Once, before the first call. Errors: as map_for_firmware().
Result<> prepare_firmware_calls();

// One CPU at a time: the caller sees to that. The FP and SIMD registers, SP_EL0 and everything else
// of the guest are kept.
FirmwareAnswer call_firmware(const FirmwareCall& call);

}  // namespace socle::el2
