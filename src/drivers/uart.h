// SPDX-License-Identifier: Apache-2.0
#pragma once

// Serial ports. A driver is a record of functions over registers: no state of its own, no locks
// (drivers/console.h has one), usable with the MMU off and at any exception level, because the
// first line about a failed start comes from there.
//
// All drivers are in one table (uart_drivers.cc); the console takes the first whose compatible
// string the node has.

#include <cstdint>
#include <span>
#include <string_view>

#include "port/mmio.h"

namespace socle {

struct UartDriver {
  std::string_view name;
  std::span<const std::string_view> compatible;
  // Bytes of registers that the driver touches: a node that has fewer is refused.
  std::uint64_t register_bytes;

  // Switches transmitter, receiver and FIFOs on, masks all interrupts. Speed and format are
  // firmware's and stay, unless `baud` and `clock_hz` are given and the hardware has a divisor.
  void (*initialise)(const port::MmioRegion& registers, std::uint32_t baud, std::uint32_t clock_hz);
  // False: no room now.
  bool (*put)(const port::MmioRegion& registers, std::uint8_t byte);
  // Everything that was put has left the port.
  bool (*is_drained)(const port::MmioRegion& registers);
  // The next byte received, or -1. Bytes received with errors are dropped.
  int (*get)(const port::MmioRegion& registers);
  // Receive interrupts on; transmit interrupt (room in the FIFO) on or off.
  void (*set_interrupts)(const port::MmioRegion& registers, bool receive, bool transmit);
  // At the beginning of an interrupt: takes back what is latched. Level conditions stay, and so
  // does the interrupt of bytes that were received and not yet read.
  void (*acknowledge)(const port::MmioRegion& registers);
};

// Null if none of the strings is known. `compatible` is the property's value: strings, each ended
// by a NUL.
const UartDriver* find_uart_driver(std::string_view compatible);

}  // namespace socle
