// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/serial.h"

#include <algorithm>
#include <array>

namespace socle::fw::acpi {

namespace {

constexpr std::uint8_t kInterruptIsGsiv = 1U << 3;
constexpr std::uint16_t kSerialPort = 0x8000;
constexpr std::uint32_t kMaxPorts = 64;

std::uint32_t baud_of(std::uint8_t code) {
  constexpr std::array<std::uint32_t, 8> kRates = {0, 0, 0, 9600, 19200, 0, 57600, 115200};
  return code < kRates.size() ? kRates[code] : 0;
}

}  // namespace

GenericAddress read_generic_address(const Fields& fields, std::size_t at) {
  const std::uint8_t access = fields.u8(at + 3);
  return {.space = fields.u8(at),
          .bit_width = fields.u8(at + 1),
          .access_bytes = access >= 1 && access <= 4 ? 1U << (access - 1) : 0,
          .address = Pa(fields.u64(at + 4))};
}

std::optional<SerialPort> read_spcr(const Table& table, Diagnostics& notes) {
  const Fields& fields = table.fields;
  if (!fields.has(0, 64)) {
    notes.warning("SPCR: too short with {} bytes, ignored", fields.size());
    return std::nullopt;
  }
  SerialPort port;
  port.kind = fields.u8(36);
  port.registers = read_generic_address(fields, 40);
  if ((fields.u8(52) & kInterruptIsGsiv) != 0) port.gsiv = fields.u32(54);
  port.baud = baud_of(fields.u8(58));
  // Precise numbers came with later revisions.
  if (table.revision() >= 3) port.clock_hz = fields.u32(76);
  if (table.revision() >= 4 && fields.u32(80) != 0) port.baud = fields.u32(80);
  return port;
}

DebugPorts::DebugPorts(const Table& table, Diagnostics& notes)
    : structures_(table.fields, "DBG2", table.fields.u32(36), StructureHeader::kWordLength, notes,
                  table.fields.u32(36) < 44 ? 0 : std::min(table.fields.u32(40), kMaxPorts)) {}

std::optional<SerialPort> DebugPorts::next() {
  while (const auto structure = structures_.next()) {
    const Fields& fields = structure->fields;
    const std::size_t registers = fields.u16(18);
    if (fields.u16(12) != kSerialPort || fields.u8(3) == 0 ||
        !fields.has(registers, GenericAddress::kSize))
      continue;
    SerialPort port;
    port.kind = fields.u16(14);
    port.registers = read_generic_address(fields, registers);
    port.size = fields.u32(fields.u16(20));
    return port;
  }
  return std::nullopt;
}

}  // namespace socle::fw::acpi
