// SPDX-License-Identifier: Apache-2.0
#pragma once

// MADT ("APIC"): CPUs and interrupt controllers. Its structures are read one by one, so nothing
// here needs memory. Source: ACPI 6.5, 5.2.12.14 to 5.2.12.18; lengths that Linux
// accepts: include/linux/acpi.h, drivers/irqchip/irq-gic-v3.c.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

enum class MadtType : std::uint8_t {
  kGicc = 0x0b,
  kGicd = 0x0c,
  kMsiFrame = 0x0d,
  kGicr = 0x0e,
  kIts = 0x0f,
};

// A CPU. Addresses that are zero are not stated.
struct Gicc {
  std::uint32_t interface_number = 0;
  std::uint32_t uid = 0;  // by which the DSDT and PPTT know it
  bool is_enabled = false;
  bool is_online_capable = false;  // may come later
  std::uint64_t mpidr = 0;
  Pa cpu_interface;  // GICC, GICv2
  Pa virtual_interface;
  Pa hypervisor_interface;
  Pa redistributor;  // where there is no GICR structure
  std::uint32_t maintenance_gsiv = 0;
  bool maintenance_is_edge = false;
  std::uint32_t performance_gsiv = 0;
  bool performance_is_edge = false;
  std::uint32_t parking_version = 0;
  Pa parked;  // the mailbox of the parking protocol
};

struct Gicd {
  std::uint32_t id = 0;
  Pa base;
  std::uint8_t version = 0;  // 0: ask the hardware
};

struct MsiFrame {
  std::uint32_t id = 0;
  Pa base;
  bool overrides_spis = false;  // first_spi and spi_count count, not the frame's own register
  std::uint16_t first_spi = 0;
  std::uint16_t spi_count = 0;
};

struct Gicr {
  PaRange range;
};

struct GicIts {
  std::uint32_t id = 0;
  Pa base;
};

// All structures of the table, of which no more than kMaxMadtStructures count; MadtType says what
// those are that Arm has.
inline constexpr std::size_t kMaxMadtStructures = 4096;
Structures madt_structures(const Table& table, Diagnostics& notes);

// A structure of that type, or nothing if it is too short or makes no sense, with a line.
std::optional<Gicc> read_gicc(const Structure& structure, Diagnostics& notes);
std::optional<Gicd> read_gicd(const Structure& structure, Diagnostics& notes);
std::optional<MsiFrame> read_msi_frame(const Structure& structure, Diagnostics& notes);
std::optional<Gicr> read_gicr(const Structure& structure, Diagnostics& notes);
std::optional<GicIts> read_its(const Structure& structure, Diagnostics& notes);

// Offsets in the structures, for who edits a copy.
namespace gicc_field {
inline constexpr std::size_t kFlags = 12;
inline constexpr std::size_t kParkingVersion = 16;
inline constexpr std::size_t kPerformanceGsiv = 20;
inline constexpr std::size_t kParked = 24;
inline constexpr std::size_t kCpuInterface = 32;
inline constexpr std::size_t kVirtualInterface = 40;
inline constexpr std::size_t kHypervisorInterface = 48;
inline constexpr std::size_t kMaintenanceGsiv = 56;
inline constexpr std::size_t kRedistributor = 60;
inline constexpr std::size_t kMpidr = 68;
inline constexpr std::size_t kSize = 76;  // of ACPI 5.1; later ones are longer
inline constexpr std::uint32_t kEnabled = 1U << 0;
inline constexpr std::uint32_t kPerformanceIsEdge = 1U << 1;
inline constexpr std::uint32_t kMaintenanceIsEdge = 1U << 2;
inline constexpr std::uint32_t kOnlineCapable = 1U << 3;
}  // namespace gicc_field

}  // namespace socle::fw::acpi
