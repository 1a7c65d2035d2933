// SPDX-License-Identifier: Apache-2.0
#include "image/acpi.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "drivers/console.h"
#include "drivers/uart.h"
#include "el2/address_map.h"
#include "el2/log.h"
#include "el2/probe.h"
#include "port/phys_window.h"

namespace socle::image {
namespace {

const fw::EfiMemoryRange* find_range(const PaRange& range,
                                     std::span<const fw::EfiMemoryRange> memory) {
  for (const fw::EfiMemoryRange& known : memory)
    if (known.range.contains(range)) return &known;
  return nullptr;
}

// Probed.
constinit const volatile std::byte* first_byte = nullptr;
constinit const volatile std::byte* last_byte = nullptr;

// Firmware's memory map may call memory what only the secure world can read.
bool can_be_read(std::span<const std::byte> bytes) {
  first_byte = bytes.data();
  last_byte = &bytes.back();
  return el2::survives([] {
    for (const volatile std::byte* at = first_byte; at < last_byte; at += kFrameSize)
      (void)*at;
    (void)*last_byte;
  });
}

const UartDriver* find_driver(const platform::Console& console) {
  for (const std::string_view compatible : console.compatibles) {
    const UartDriver* const driver = find_uart_driver(compatible);
    if (driver != nullptr) return driver;
  }
  return nullptr;
}

}  // namespace

Result<fw::acpi::Tables> read_acpi_tables(Pa rsdp, std::span<const fw::EfiMemoryRange> memory,
                                          fw::Arena& arena, fw::Diagnostics& notes) {
  const auto read = [&](PaRange range) -> std::optional<std::span<const std::byte>> {
    const fw::EfiMemoryRange* const known = range.empty() ? nullptr : find_range(range, memory);
    if (known == nullptr) return std::nullopt;
    if (known->is_of_boot_services()) {
      const auto copy = arena.allocate<std::byte>(range.size());
      if (!copy) return std::nullopt;
      copy_from(range.begin(), *copy);
      return *copy;
    }
    if (known->use() != fw::EfiMemoryRange::Use::kFirmware) return std::nullopt;
    if (!el2::map_identity(range, el2::Mapping::kReadOnly)) return std::nullopt;
    const std::span bytes(reinterpret_cast<const std::byte*>(range.begin().value()), range.size());
    return can_be_read(bytes) ? std::optional(bytes) : std::nullopt;
  };
  return fw::acpi::read_tables(rsdp, read, arena, notes);
}

void copy_from(Pa from, std::span<std::byte> to) {
  while (!to.empty()) {
    const std::size_t part = std::min<std::size_t>(kFrameSize - from.offset_in_frame(), to.size());
    const port::PhysWindow window(from.frame());
    std::memcpy(to.data(), window.data() + from.offset_in_frame(), part);
    from = from + part;
    to = to.subspan(part);
  }
}

// Reads the last register: of no port does that change anything.
bool answers_at(const PaRange& registers) {
  if (!port::mmio_map(registers)) return false;
  constexpr std::uint64_t kWordWide = 32;
  if (registers.size() < kWordWide) {
    first_byte = reinterpret_cast<const std::byte*>(registers.end().value() - 1);
    return el2::survives([] { (void)*first_byte; });
  }
  first_byte = reinterpret_cast<const std::byte*>(registers.end().value() - 4);
  return el2::survives([] { (void)*reinterpret_cast<const volatile std::uint32_t*>(first_byte); });
}

EarlyConsole open_acpi_console(const platform::Console& console, fw::Diagnostics& notes) {
  const UartDriver* const driver = find_driver(console);
  if (driver == nullptr || console.registers.size() < driver->register_bytes) {
    notes.warning("{}: no driver for this port: it is dom0's", console.name);
    return {};
  }
  if (!port::mmio_map(console.registers)) {
    notes.warning("{}: its registers at {} cannot be mapped: no console", console.name,
                  console.registers);
    return {};
  }
  const port::MmioRegion registers(console.registers.begin().value(), console.registers.size());
  console::open(*driver, registers, 0, console.clock_hz);
  el2::set_log_sink(console::write_line);
  return {.is_port = true, .registers = console.registers, .origin = "ACPI's tables"};
}

}  // namespace socle::image
