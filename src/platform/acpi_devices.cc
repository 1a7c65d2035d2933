// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "fw/acpi/mcfg.h"
#include "fw/acpi/named_memory.h"
#include "fw/acpi/serial.h"
#include "fw/sort.h"
#include "platform/read_acpi.h"

namespace socle::platform {

namespace acpi = fw::acpi;

Result<> read_pci_hosts(const AcpiReader& reader, fw::ArenaVector<Device>& devices) {
  constexpr std::size_t kMaxEntries = 256;
  const acpi::Table* table = reader.find("MCFG");
  if (table == nullptr) return {};
  const std::size_t count = acpi::mcfg_count(*table);
  if (count == 0)
    reader.notes.warning("MCFG: {} bytes are too few for an entry", table->fields.size());
  if (count > kMaxEntries)
    reader.notes.warning("MCFG: more than {} entries, the rest is ignored", kMaxEntries);
  for (std::size_t i = 0; i < std::min(count, kMaxEntries); ++i) {
    const auto ecam = acpi::read_ecam(*table, i, reader.notes);
    if (!ecam) continue;
    Device device = TRY(make_device(reader, {.origin = Device::Origin::kEcam,
                                             .name = TRY(make_name(reader, "MCFG[{}]", i)),
                                             .ranges = std::span(&ecam->range, 1),
                                             .interrupt = {},
                                             .kind = Region::Kind::kPciConfiguration}));
    device.is_pci_host = true;
    device.declares_dma = true;
    device.segment = ecam->segment;
    TRY(devices.push_back(device));
  }
  return {};
}

namespace {

// The driver of such a port, by the name that a tree would give it.
struct KnownPort {
  acpi::SerialKind kind;
  std::string_view compatible;
  std::uint64_t size;  // of its registers
};
constexpr std::array<KnownPort, 7> kKnownPorts = {{
    {acpi::SerialKind::kPl011, "arm,pl011", 0x1000},
    {acpi::SerialKind::kSbsa32, "arm,sbsa-uart", 0x1000},
    {acpi::SerialKind::kSbsa, "arm,sbsa-uart", 0x1000},
    {acpi::SerialKind::k16550, "ns16550a", 8},
    {acpi::SerialKind::k16550Subset, "ns16550a", 8},
    {acpi::SerialKind::k16550WithAddress, "ns16550a", 8},
    {acpi::SerialKind::kBcm2835, "brcm,bcm2835-aux-uart", 0x40},
}};

const KnownPort* find_port(std::uint16_t kind) {
  const auto* found =
      std::ranges::find(kKnownPorts, static_cast<acpi::SerialKind>(kind), &KnownPort::kind);
  return found == kKnownPorts.end() ? nullptr : found;
}

// Registers of a 16550 are as far apart as one access is wide.
unsigned shift_of(const acpi::SerialPort& port, const KnownPort& known) {
  const unsigned width = port.registers.access_bytes != 0
                             ? port.registers.access_bytes
                             : std::max<unsigned>(port.registers.bit_width / 8, 1);
  return known.compatible == "ns16550a" && width == 4 ? 2 : 0;
}

std::optional<Console> console_of(const AcpiReader& reader, const acpi::SerialPort& port,
                                  std::string_view name) {
  if (port.registers.space != acpi::GenericAddress::kSystemMemory ||
      port.registers.address == Pa(0)) {
    reader.notes.warning("{}: the console is not in memory, ignored", name);
    return std::nullopt;
  }
  const KnownPort* known = find_port(port.kind);
  if (known == nullptr)
    reader.notes.warning("{}: a serial port of kind {#x}, which Socle does not know", name,
                         port.kind);
  Console console;
  console.name = name;
  if (known != nullptr) {
    console.compatibles = std::span(&known->compatible, 1);
    console.register_shift = shift_of(port, *known);
    console.register_io_width = std::max(port.registers.access_bytes, 1U);
  }
  const std::uint64_t size = known != nullptr ? known->size << console.register_shift : kFrameSize;
  console.registers = registers_at(port.registers.address, size);
  if (console.registers.empty()) return std::nullopt;
  console.interrupt = decode_gsiv(reader, name, port.gsiv, Trigger::kLevelHigh);
  console.clock_hz = port.clock_hz;
  if (port.baud != 0)
    console.options = make_name(reader, "{}n8", port.baud).value_or(std::string_view());
  return console;
}

}  // namespace

namespace {

struct PortCheck {
  const AcpiReader& reader;
  const ReadOptions& options;
  PortProbe responds;

  // The port as a console, or nothing, with a line.
  [[nodiscard]] std::optional<Console> operator()(const acpi::SerialPort& port,
                                                  std::string_view name) const {
    auto console = console_of(reader, port, name);
    if (!console) return std::nullopt;
    const PaRange& registers = console->registers;
    const bool is_memory = std::ranges::any_of(options.efi_memory, [&](const auto& known) {
      return known.use() != fw::EfiMemoryRange::Use::kDevice && known.range.overlaps(registers);
    });
    if (is_memory)
      reader.notes.warning("{}: {} is memory, no serial port, ignored", name, registers);
    else if (responds != nullptr && !console->compatibles.empty() && !responds(registers))
      reader.notes.warning("{}: nothing answers at {}, ignored", name, registers);
    else
      return console;
    return std::nullopt;
  }
};

}  // namespace

std::optional<Console> read_acpi_console(const fw::acpi::Tables& tables, const ReadOptions& options,
                                         PortProbe responds, fw::Arena& arena,
                                         fw::Diagnostics& notes) {
  const AcpiReader reader{tables, arena, notes};
  const PortCheck check{reader, options, responds};
  if (const acpi::Table* table = reader.find("SPCR"))
    if (const auto port = acpi::read_spcr(*table, notes))
      if (const auto console = check(*port, "SPCR")) return console;
  if (const acpi::Table* table = reader.find("DBG2")) {
    acpi::DebugPorts ports(*table, notes);
    for (std::size_t i = 0; const auto port = ports.next(); ++i)
      if (const auto console = check(*port, make_name(reader, "DBG2[{}]", i).value_or("DBG2")))
        return console;
  }
  notes.warning("console: neither SPCR nor DBG2 names a serial port for Socle");
  return std::nullopt;
}

Result<> read_serial_ports(const AcpiReader& reader, const Platform& platform,
                           fw::ArenaVector<Device>& devices) {
  const auto& console = platform.console;
  if (console)
    TRY(devices.push_back(TRY(make_device(reader, {.origin = Device::Origin::kSerialPort,
                                                   .name = console->name,
                                                   .ranges = std::span(&console->registers, 1),
                                                   .interrupt = console->interrupt}))));
  constexpr std::uint64_t kLargestPort = 64 * kKiB;
  const acpi::Table* table = reader.find("DBG2");
  if (table == nullptr) return {};
  acpi::DebugPorts ports(*table, reader.notes);
  for (std::size_t i = 0; auto port = ports.next(); ++i) {
    const std::string_view name = TRY(make_name(reader, "DBG2[{}]", i));
    if (port->size > kLargestPort) {
      reader.notes.warning("{}: a port of {} bytes: taken as a page", name, port->size);
      port->size = kFrameSize;
    }
    const PaRange range =
        registers_at(port->registers.address, std::max(port->size, std::uint64_t{1}));
    if (port->registers.space != acpi::GenericAddress::kSystemMemory || range.empty() ||
        (console && console->registers.begin() == range.begin()))
      continue;
    TRY(devices.push_back(TRY(make_device(reader, {.origin = Device::Origin::kSerialPort,
                                                   .name = name,
                                                   .ranges = std::span(&range, 1),
                                                   .interrupt = {}}))));
  }
  return {};
}

namespace {

// Of one table, by whole pages: what shares a page is one region.
Result<std::span<const Region>> merge_pages(const AcpiReader& reader, std::string_view signature) {
  fw::ArenaVector<Region> regions(reader.arena);
  for (const acpi::NamedMemory& named : reader.tables.named)
    if (named.signature == signature) TRY(regions.push_back({named.range, Region::Kind::kMemory}));
  fw::sort_by(regions.span(), [](const Region& region) { return region.range.begin(); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < regions.size(); ++i) {
    PaRange& before = regions[last].range;
    const PaRange& next = regions[i].range;
    if (frames_touched(next).begin() <= frames_touched(before).end()) {
      before = PaRange(before.begin(), std::max(before.end(), next.end()));
    } else {
      regions[++last] = regions[i];
    }
  }
  regions.truncate(last + 1);
  return regions.finish();
}

}  // namespace

Result<> read_named_memory(const AcpiReader& reader, fw::ArenaVector<Device>& devices) {
  std::string_view done;
  for (const acpi::NamedMemory& named : reader.tables.named) {
    if (named.signature == done) continue;
    done = named.signature;
    Device device;
    device.origin = Device::Origin::kFirmwareMemory;
    device.name = done;
    device.regions = TRY(merge_pages(reader, done));
    TRY(devices.push_back(device));
  }
  return {};
}

}  // namespace socle::platform
