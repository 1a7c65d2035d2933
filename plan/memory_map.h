// SPDX-License-Identifier: Apache-2.0
#pragma once

// A machine's memory map, as somebody who has not installed Socle has it at hand:
//   - /proc/iomem, read by root. It tells RAM and what is reserved, not what is ACPI's;
//   - Linux's log of a boot with efi=debug, which lists UEFI's map, by arm64's words or x86's;
//   - what memmap of the UEFI shell prints, with -sfo too.
// The text becomes the descriptors that UEFI would have handed over, and goes the way of a boot's:
// fw::read_efi_memory_map(). Text is hostile: what is not understood is an error that names the
// line, and there are no more ranges than that reader takes.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fw/efi_memory_map.h"
#include "plan/file.h"

namespace socle::plan {

enum class MapKind : std::uint8_t { kIomem, kKernelLog, kShell };
const char* to_string(MapKind kind);  // "/proc/iomem"

struct MemoryMap {
  std::string file;
  MapKind kind = MapKind::kIomem;
  std::vector<std::byte> descriptors;
  std::string doubt;  // what the reader of a plan should know; empty: nothing

  [[nodiscard]] fw::EfiMemoryMapBytes bytes() const;
};

// What the text is, told by its contents; a kernel's log without a map is one, too.
std::optional<MapKind> kind_of_map(std::string_view contents);
Outcome<MemoryMap> memory_map_of(const std::string& name, std::string_view contents);

}  // namespace socle::plan
