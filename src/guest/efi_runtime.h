// SPDX-License-Identifier: Apache-2.0
#pragma once

// Firmware's runtime services (time, variables), as far as a hardware domain may use them. Defined
// by image/: only it knows where firmware is. One CPU at a time: the caller holds a lock of its
// own. Source: UEFI Specification 2.10, chapter 8.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
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

// Calls firmware on this CPU, with interrupts masked, and returns its EFI_STATUS. Nothing if it
// took an exception: the log has a line, and runtime services are over. The guest's registers are
// kept.
std::optional<std::uint64_t> efi_runtime_call(EfiService service, const EfiArguments& arguments);

}  // namespace socle::guest
