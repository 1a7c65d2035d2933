// SPDX-License-Identifier: Apache-2.0
#pragma once

// SPCR and DBG2: the serial ports that firmware uses. Source: Microsoft, "Serial Port Console
// Redirection Table" and "Debug Port Table 2"; ACPI 6.5, 5.2.3.2 (GAS); Linux, drivers/acpi/spcr.c.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

// Where registers are (Generic Address Structure).
struct GenericAddress {
  static constexpr std::uint8_t kSystemMemory = 0;
  static constexpr std::size_t kSize = 12;
  std::uint8_t space = 0;
  std::uint8_t bit_width = 0;
  unsigned access_bytes = 0;  // of one access; 0: not stated
  Pa address;
};
GenericAddress read_generic_address(const Fields& fields, std::size_t at);

// Both tables number ports alike.
enum class SerialKind : std::uint16_t {
  k16550 = 0x00,
  k16550Subset = 0x01,
  kPl011 = 0x03,
  kSbsa32 = 0x0d,  // SBSA 2.x: 32-bit accesses only
  kSbsa = 0x0e,
  kDcc = 0x0f,
  kBcm2835 = 0x10,
  k16550WithAddress = 0x12,  // width and distance of registers as the GAS says
};

struct SerialPort {
  std::uint16_t kind = 0;  // a SerialKind, or another
  GenericAddress registers;
  std::uint64_t size = 0;      // DBG2 tells; 0: not stated
  std::uint32_t gsiv = 0;      // SPCR tells; 0: none
  std::uint32_t baud = 0;      // 0: as firmware left it
  std::uint32_t clock_hz = 0;  // 0: not stated
};

// Nothing if the table is too short, with a line.
std::optional<SerialPort> read_spcr(const Table& table, Diagnostics& notes);

// DBG2's serial ports, by their first register range each; other debug ports are left out.
class DebugPorts {
 public:
  DebugPorts(const Table& table, Diagnostics& notes);
  std::optional<SerialPort> next();

 private:
  Structures structures_;
};

}  // namespace socle::fw::acpi
