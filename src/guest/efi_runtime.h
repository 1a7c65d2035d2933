// SPDX-License-Identifier: Apache-2.0
#pragma once

// Firmware's runtime services (time, variables), as far as a hardware domain may use them. Defined
// by image/: only it knows where firmware is. One CPU at a time: the caller sees to that. Source:
// UEFI Specification 2.10, chapter 8 and appendix D.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace socle::guest {

enum class EfiService : std::uint8_t {
  kGetTime,
  kSetTime,
  kGetWakeupTime,
  kSetWakeupTime,
  kGetVariable,
  kGetNextVariableName,
  kSetVariable,
  kGetNextHighMonotonicCount,
  kQueryVariableInfo,
};
inline constexpr std::size_t kEfiServices = 9;
using EfiArguments = std::array<std::uint64_t, 5>;

// Memory that firmware may be given, for what it reads and writes: 68 KiB, page-aligned. Empty:
// there are no runtime services, or they are over.
std::span<std::byte> efi_runtime_buffer();

inline constexpr std::uint64_t kEfiUnsupported = std::uint64_t{1} << 63 | 3;
inline constexpr std::uint64_t kEfiAborted = std::uint64_t{1} << 63 | 21;

// Calls firmware on this CPU, confined and with interrupts kept from it, and returns its
// EFI_STATUS. kEfiAborted: it took an exception or too long, the log has a line, and runtime
// services are over; kEfiUnsupported: it does not have the service. The guest's registers are kept.
std::uint64_t efi_runtime_call(EfiService service, const EfiArguments& arguments);

}  // namespace socle::guest
