// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/madt.h"

namespace socle::fw::acpi {

namespace {

constexpr std::size_t kFirstStructure = 44;

bool is_whole(const Structure& structure, std::size_t size, Diagnostics& notes) {
  if (structure.fields.size() >= size) return true;
  notes.warning("APIC: the structure at {#x} (type {}) is too short with {} bytes, ignored",
                structure.offset, structure.type, structure.fields.size());
  return false;
}

}  // namespace

Structures madt_structures(const Table& table, Diagnostics& notes) {
  return {table.fields, "APIC", kFirstStructure, StructureHeader::kByteLength, notes};
}

std::optional<Gicc> read_gicc(const Structure& structure, Diagnostics& notes) {
  namespace field = gicc_field;
  if (!is_whole(structure, field::kSize, notes)) return std::nullopt;
  const Fields& fields = structure.fields;
  const std::uint32_t flags = fields.u32(field::kFlags);
  return Gicc{.interface_number = fields.u32(4),
              .uid = fields.u32(8),
              .is_enabled = (flags & field::kEnabled) != 0,
              .is_online_capable = (flags & field::kOnlineCapable) != 0,
              .mpidr = fields.u64(field::kMpidr),
              .cpu_interface = Pa(fields.u64(field::kCpuInterface)),
              .virtual_interface = Pa(fields.u64(field::kVirtualInterface)),
              .hypervisor_interface = Pa(fields.u64(field::kHypervisorInterface)),
              .redistributor = Pa(fields.u64(field::kRedistributor)),
              .maintenance_gsiv = fields.u32(field::kMaintenanceGsiv),
              .maintenance_is_edge = (flags & field::kMaintenanceIsEdge) != 0,
              .performance_gsiv = fields.u32(field::kPerformanceGsiv),
              .performance_is_edge = (flags & field::kPerformanceIsEdge) != 0,
              .parking_version = fields.u32(field::kParkingVersion),
              .parked = Pa(fields.u64(field::kParked))};
}

std::optional<Gicd> read_gicd(const Structure& structure, Diagnostics& notes) {
  if (!is_whole(structure, 24, notes)) return std::nullopt;
  const Fields& fields = structure.fields;
  return Gicd{fields.u32(4), Pa(fields.u64(8)), fields.u8(20)};
}

std::optional<MsiFrame> read_msi_frame(const Structure& structure, Diagnostics& notes) {
  if (!is_whole(structure, 24, notes)) return std::nullopt;
  const Fields& fields = structure.fields;
  return MsiFrame{.id = fields.u32(4),
                  .base = Pa(fields.u64(8)),
                  .overrides_spis = (fields.u32(16) & 1) != 0,
                  .first_spi = fields.u16(22),
                  .spi_count = fields.u16(20)};
}

std::optional<Gicr> read_gicr(const Structure& structure, Diagnostics& notes) {
  if (!is_whole(structure, 16, notes)) return std::nullopt;
  const auto range = PaRange::from_size(Pa(structure.fields.u64(4)), structure.fields.u32(12));
  if (range && !range->empty()) return Gicr{*range};
  notes.warning("APIC: the redistributors at {#x} are a range that cannot be, ignored",
                structure.offset);
  return std::nullopt;
}

std::optional<GicIts> read_its(const Structure& structure, Diagnostics& notes) {
  if (!is_whole(structure, 20, notes)) return std::nullopt;
  return GicIts{structure.fields.u32(4), Pa(structure.fields.u64(8))};
}

}  // namespace socle::fw::acpi
