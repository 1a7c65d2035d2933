// SPDX-License-Identifier: Apache-2.0
#pragma once

// The memory map that UEFI firmware leaves behind (GetMemoryMap). It comes as bytes with a stride
// that firmware chooses, and may be anything: sizes, order, overlaps and arithmetic are checked
// here once. Read-only afterwards; any CPU.
//
// Source: UEFI Specification 2.10, 7.2 (EFI_MEMORY_DESCRIPTOR, EFI_MEMORY_TYPE, attributes).

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"

namespace socle::fw {

// EFI_MEMORY_TYPE, after ExitBootServices(). Numbers beyond these exist: OEMs and loaders have
// some.
enum class EfiMemoryType : std::uint32_t {
  kReserved = 0,
  kLoaderCode = 1,
  kLoaderData = 2,
  kBootServicesCode = 3,
  kBootServicesData = 4,
  kRuntimeServicesCode = 5,
  kRuntimeServicesData = 6,
  kConventional = 7,
  kUnusable = 8,
  kAcpiReclaim = 9,
  kAcpiNvs = 10,
  kMemoryMappedIo = 11,
  kMemoryMappedIoPorts = 12,
  kPalCode = 13,
  kPersistent = 14,
  kUnaccepted = 15,
};

inline constexpr std::uint64_t kEfiMemoryWriteBack = 0x8;
inline constexpr std::uint64_t kEfiMemoryExecuteProtect = 0x4000;
inline constexpr std::uint64_t kEfiMemoryReadOnly = 0x2'0000;
inline constexpr std::uint64_t kEfiMemorySpecificPurpose = 0x4'0000;
inline constexpr std::uint64_t kEfiMemoryRuntime = std::uint64_t{1} << 63;

struct EfiMemoryRange {
  enum class Use : std::uint8_t {
    kRam,       // free, now that boot services are over
    kFirmware,  // memory that is firmware's, or of a kind that must be left alone
    kDevice,    // not memory
  };
  PaRange range;  // whole frames, not empty
  EfiMemoryType type = EfiMemoryType::kReserved;
  std::uint64_t attributes = 0;

  [[nodiscard]] Use use() const;
  // Of kRam: what something may still stand in that was put there before boot services ended.
  [[nodiscard]] bool is_of_boot_services() const;
  // Of kFirmware: what an operating system may touch where ACPI's tables or their code lead it. Not
  // so what firmware's runtime services work with.
  [[nodiscard]] bool is_shared_by_firmware() const;
};

// The map's bytes as firmware described them.
struct EfiMemoryMapBytes {
  std::span<const std::byte> bytes;
  std::uint64_t descriptor_size = 0;
  std::uint32_t descriptor_version = 0;
};

inline constexpr std::size_t kMaxEfiMemoryMapBytes = kMiB;

// All ranges, sorted by address; neighbours of one type and the same attributes are one range.
// Ranges may overlap where firmware's do (with one warning): RAM that something else claims, too,
// is no RAM. A descriptor that passes 64 bits is left out with a warning; one that is not
// frame-aligned is rounded inwards if it is RAM, outwards otherwise.
// Errors, with a line: kUnsupported (descriptor version or size), kTooLarge, kCorrupt (no
// descriptors, half a descriptor), kNoMemory (the arena is full).
Result<std::span<const EfiMemoryRange>> read_efi_memory_map(const EfiMemoryMapBytes& map,
                                                            Arena& arena, Diagnostics& notes);

}  // namespace socle::fw
