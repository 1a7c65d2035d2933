// SPDX-License-Identifier: Apache-2.0
#pragma once

// MCFG: where PCI's configuration space (ECAM) is; SRAT: which memory there is. Of both only the
// entries. Source: PCI Firmware 3.3, 4.1.2; ACPI 6.5, 5.2.16.2.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

struct Ecam {
  std::uint16_t segment = 0;
  std::uint8_t first_bus = 0;
  std::uint8_t last_bus = 0;
  PaRange range;  // of these buses
};

// How many entries there are, and one of them: nothing, with a line, if it makes no sense.
std::size_t mcfg_count(const Table& table);
std::optional<Ecam> read_ecam(const Table& table, std::size_t index, Diagnostics& notes);

struct MemoryAffinity {
  PaRange range;
  bool is_enabled = false;
  bool is_hot_pluggable = false;
};
enum class SratType : std::uint8_t { kMemory = 1 };
Structures srat_structures(const Table& table, Diagnostics& notes);
std::optional<MemoryAffinity> read_memory_affinity(const Structure& structure, Diagnostics& notes);

}  // namespace socle::fw::acpi
