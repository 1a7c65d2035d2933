// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/fadt.h"
#include "platform/read_acpi.h"

namespace socle::platform {

Result<std::string_view> make_name(const AcpiReader& reader, FormatString<std::uint64_t> format,
                                   std::uint64_t number) {
  return reader.arena.copy(Text<64>(format, number).view());
}

Result<std::string_view> make_name(const AcpiReader& reader, std::string_view prefix,
                                   std::string_view text) {
  Text<128> name("{}", prefix);
  for (const char c : text)
    name.append("{}", c > ' ' && c <= '~' ? c : '?');
  return reader.arena.copy(name.view());
}

PaRange registers_at(Pa base, std::uint64_t size) {
  return base == Pa(0) ? PaRange() : PaRange::from_size(base, size).value_or(PaRange());
}

std::optional<Interrupt> decode_gsiv(const AcpiReader& reader, std::string_view who,
                                     std::uint32_t gsiv, Trigger trigger) {
  constexpr std::uint32_t kFirstPpi = 16;
  constexpr std::uint32_t kEndOfSpis = 1020;
  if (gsiv == 0) return std::nullopt;
  if (gsiv >= kFirstPpi && gsiv < kEndOfSpis) return Interrupt{IntId(gsiv), trigger};
  reader.notes.warning("{}: interrupt {} is no SPI or PPI of the GIC, ignored", who, gsiv);
  return std::nullopt;
}

Result<Device> make_device(const AcpiReader& reader, const AcpiDevice& what) {
  Device device;
  device.origin = what.origin;
  device.name = what.name;
  fw::ArenaVector<Region> regions(reader.arena);
  for (const PaRange& range : what.ranges)
    if (!range.empty()) TRY(regions.push_back({range, what.kind}));
  device.regions = regions.finish();
  if (what.interrupt) device.interrupts = TRY(reader.arena.allocate(1, *what.interrupt));
  return device;
}

namespace {

// Linux gives ACPI up for these; without a tree dom0 would not get far.
Result<> read_fadt_facts(const AcpiReader& reader, Platform& out) {
  const fw::acpi::Table* table = reader.find("FACP");
  if (table == nullptr)
    return reader.notes.error(Error::kNotFound, "FACP: there is none: no ACPI for Arm");
  const fw::acpi::Fadt fadt = fw::acpi::read_fadt(*table);
  if (!fadt.is_for_arm())
    return reader.notes.error(Error::kUnsupported,
                              "FACP: revision {}.{} is older than 5.1 and has no flags for Arm",
                              fadt.revision, fadt.minor_revision);
  // All that Arm knows. Linux reads what stands behind the table.
  if (!table->fields.has(fw::acpi::fadt::kFlags, 4))
    reader.notes.warning("FACP: {} bytes are too few for its flags: taken for hardware-reduced",
                         table->fields.size());
  else if (!fadt.is_hardware_reduced)
    return reader.notes.error(Error::kUnsupported, "FACP: not hardware-reduced: not for Arm");
  if (!fadt.is_psci_compliant) return {};
  // ACPI knows PSCI since 0.2; the firmware itself tells which it is.
  out.psci.conduit = fadt.psci_by_hvc ? Psci::Conduit::kHvc : Psci::Conduit::kSmc;
  out.psci.version = Psci::Version::k0_2;
  return {};
}

}  // namespace

Result<const Platform*> read_acpi(const fw::acpi::Tables& tables, const MemoryMap& memory,
                                  const ReadOptions& options, fw::Arena& arena,
                                  fw::Diagnostics& notes) {
  const AcpiReader reader{tables, arena, notes};
  Platform* platform = TRY(arena.make<Platform>());
  platform->ram = memory.ram;
  platform->reserved = memory.reserved;
  if (!options.efi_memory.empty()) {
    platform->ram = TRY(read_ram(options.efi_memory, arena, notes));
    platform->reserved = TRY(read_reserved(options.efi_memory, memory.reserved, arena));
  }
  if (!options.dtuart.empty()) notes.warning("dtuart={}: there is no tree", options.dtuart);
  TRY(read_fadt_facts(reader, *platform));
  fw::ArenaVector<Device> devices(arena);
  TRY(read_madt(reader, options, *platform, devices));
  TRY(read_gtdt(reader, *platform, devices));
  TRY(read_pci_hosts(reader, devices));
  platform->console = options.acpi_console != nullptr
                          ? *options.acpi_console
                          : read_acpi_console(tables, options, nullptr, arena, notes);
  TRY(read_serial_ports(reader, *platform, devices));
  TRY(read_iort(reader, *platform, devices));
  TRY(read_named_memory(reader, devices));
  platform->devices = devices.finish();
  return platform;
}

}  // namespace socle::platform
