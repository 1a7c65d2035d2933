// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/mcfg.h"

namespace socle::fw::acpi {

namespace {
constexpr std::size_t kFirstEntry = 44;
constexpr std::size_t kEntry = 16;
constexpr unsigned kBusShift = 20;  // 1 MiB for each bus
}  // namespace

std::size_t mcfg_count(const Table& table) {
  return table.fields.size() < kFirstEntry ? 0 : (table.fields.size() - kFirstEntry) / kEntry;
}

std::optional<Ecam> read_ecam(const Table& table, std::size_t index, Diagnostics& notes) {
  const Fields fields = table.fields.part(kFirstEntry + index * kEntry, kEntry);
  Ecam ecam;
  ecam.segment = fields.u16(8);
  ecam.first_bus = fields.u8(10);
  ecam.last_bus = fields.u8(11);
  // The base is that of bus 0, whichever bus is the first.
  const auto whole =
      PaRange::from_size(Pa(fields.u64(0)), (std::uint64_t{ecam.last_bus} + 1) << kBusShift);
  if (ecam.first_bus > ecam.last_bus || !whole || whole->begin() == Pa(0)) {
    notes.warning("MCFG: entry {} is a range that cannot be, ignored", index);
    return std::nullopt;
  }
  ecam.range = PaRange(whole->begin() + (std::uint64_t{ecam.first_bus} << kBusShift), whole->end());
  return ecam;
}

Structures srat_structures(const Table& table, Diagnostics& notes) {
  return {table.fields, "SRAT", 48, StructureHeader::kByteLength, notes};
}

std::optional<MemoryAffinity> read_memory_affinity(const Structure& structure, Diagnostics& notes) {
  const Fields& fields = structure.fields;
  const auto range = PaRange::from_size(Pa(fields.u64(8)), fields.u64(16));
  if (!fields.has(0, 32) || !range) {
    notes.warning("SRAT: the memory at {#x} is a range that cannot be, ignored", structure.offset);
    return std::nullopt;
  }
  const std::uint32_t flags = fields.u32(28);
  return MemoryAffinity{*range, (flags & 1) != 0, (flags & 2) != 0};
}

}  // namespace socle::fw::acpi
