// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside platform/: the parts of read_acpi(). Each fills its part of a Platform, as those of read()
// do (read.h).

#include "fw/acpi/iort.h"
#include "fw/acpi/madt.h"
#include "platform/read.h"

namespace socle::platform {

struct AcpiReader {
  const fw::acpi::Tables& tables;
  fw::Arena& arena;
  fw::Diagnostics& notes;

  // The first table of that name, or null.
  [[nodiscard]] const fw::acpi::Table* find(std::string_view signature) const {
    return tables.find(signature);
  }
};

// "MCFG[3]": a name with one number in it, kept in the arena.
Result<std::string_view> make_name(const AcpiReader& reader, FormatString<std::uint64_t> format,
                                   std::uint64_t number);
// Firmware's text, printable, behind `prefix`.
Result<std::string_view> make_name(const AcpiReader& reader, std::string_view prefix,
                                   std::string_view text);

// A range of `size` bytes; empty, without a line, for address 0 and for one that passes the end.
PaRange registers_at(Pa base, std::uint64_t size);

// What a GSIV is to the GIC: nothing for 0 (there is none), and for a number that is no PPI or SPI,
// with a line.
std::optional<Interrupt> decode_gsiv(const AcpiReader& reader, std::string_view who,
                                     std::uint32_t gsiv, Trigger trigger);
constexpr Trigger trigger_of(bool is_edge, bool is_active_low = false) {
  if (is_edge) return is_active_low ? Trigger::kEdgeFalling : Trigger::kEdgeRising;
  return is_active_low ? Trigger::kLevelLow : Trigger::kLevelHigh;
}

// A device with one interrupt, or none, and those of `ranges` that are not empty.
struct AcpiDevice {
  Device::Origin origin = Device::Origin::kNode;
  std::string_view name;
  std::span<const PaRange> ranges;
  std::optional<Interrupt> interrupt;
  Region::Kind kind = Region::Kind::kRegisters;
};
Result<Device> make_device(const AcpiReader& reader, const AcpiDevice& what);

// MADT: CPUs and GIC, with GICv2m frames among the devices.
Result<> read_madt(const AcpiReader& reader, const ReadOptions& options, Platform& out,
                   fw::ArenaVector<Device>& devices);
// GTDT: the CPUs' timers, and its other frames among the devices.
Result<> read_gtdt(const AcpiReader& reader, Platform& out, fw::ArenaVector<Device>& devices);
// MCFG, SPCR and DBG2.
Result<> read_pci_hosts(const AcpiReader& reader, fw::ArenaVector<Device>& devices);
Result<> read_serial_ports(const AcpiReader& reader, const Platform& platform,
                           fw::ArenaVector<Device>& devices);
// Memory that tables name, a device for each table.
Result<> read_named_memory(const AcpiReader& reader, fw::ArenaVector<Device>& devices);
// IORT: the IOMMUs, and the streams of devices; those of PCI hosts join the devices of MCFG.
Result<> read_iort(const AcpiReader& reader, Platform& out, fw::ArenaVector<Device>& devices);

}  // namespace socle::platform
