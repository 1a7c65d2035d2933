// SPDX-License-Identifier: Apache-2.0
#pragma once

// What firmware leaves behind to be called after ExitBootServices: where its runtime services are,
// and what they need to have mapped. Pure: reads memory through a seam. Unlike the rest of this
// room it is for Socle's own boot, before any memory is given to anybody: the memory attributes
// table may lie in memory that is free by then.
//
// Source: UEFI Specification 2.10, 4.2, 4.3, 4.5, 4.6 (memory attributes, runtime
// properties), 7.2.3.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/function_ref.h"
#include "base/range.h"
#include "base/result.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"
#include "fw/efi_memory_map.h"

#include "efi/uefi.h"

namespace socle::efi {

struct RuntimeRange {
  enum class Kind : std::uint8_t { kCode, kReadOnly, kData, kDevice };
  PaRange range;  // whole frames
  Kind kind = Kind::kData;
};

struct RuntimeServices {
  std::span<const RuntimeRange> ranges;
  // By place in EFI_RUNTIME_SERVICES; 0: not there, nowhere where code is, or over with
  // boot services (EFI_RT_PROPERTIES_TABLE).
  std::array<std::uint64_t, kRuntimeServices> functions{};
};

struct RuntimeSeams {
  // Copies machine memory, which is in a range of the memory map. False: it cannot be reached.
  FunctionRef<bool(Pa from, std::span<std::byte> to)> read;
  // CRC-32 of bytes behind others with that checksum (0: none).
  std::uint32_t (*crc32)(std::uint32_t before, std::span<const std::byte> bytes);
};

// Nothing is executable and writable: code is what the memory attributes table calls so; where that
// table says nothing, all memory of type EfiRuntimeServicesCode is code and read-only. All runtime
// memory of the map is in `ranges`.
// Errors, each with a warning: kInvalid: a table that is not in runtime memory; kCorrupt:
// signature, size, checksum; kNotFound: no function lies in code; kTooLarge, kNoMemory (the arena).
Result<RuntimeServices> read_runtime_services(Pa system_table,
                                              std::span<const fw::EfiMemoryRange> memory,
                                              const RuntimeSeams& seams, fw::Arena& arena,
                                              fw::Diagnostics& notes);

}  // namespace socle::efi
