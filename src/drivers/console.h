// SPDX-License-Identifier: Apache-2.0
#pragma once

// The console: one serial port, shared by Socle's log, the hardware domain's console_io output, and
// a keyboard that three Ctrl-A switch between the hardware domain and Socle's debug keys.
//
// Output is buffered and sent by the transmit interrupt once there is one
// (console_attach_interrupt) and sync_console was not asked for; before that, and when the buffer
// is full, the CPU waits for the port. Every wait is bounded: a port that stops sending loses
// characters, never the machine.
//
// All functions: any CPU, any lock of a rank below LockRank::kConsole held, unless said otherwise.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/types.h"
#include "drivers/uart.h"

namespace socle::console {

// Opens the port, whose registers are mapped. At boot, once.
void open(const UartDriver& driver, const port::MmioRegion& registers, std::uint32_t baud,
          std::uint32_t clock_hz);
// Output that is not a serial port (semihosting): a function that writes and waits.
void open_fallback(void (*write)(std::string_view text));
bool is_open();

// One line of Socle's own, without newline (the log's sink).
void write_line(std::string_view line);

// Output of the hardware domain: bytes as they are; "\n" is sent as "\r\n".
void write_guest(std::span<const char> text);

// Input for the hardware domain that has arrived and was not read: moves up to out.size() bytes.
std::size_t read_guest(std::span<char> out);
// Says whom to call when input has arrived (VIRQ_CONSOLE). Called from the interrupt, no lock held.
void set_input_listener(void (*listener)());

// Receive (and transmit) by interrupt from now on: claims the port's interrupt line. `handler` is
// what the interrupt controller must call; the caller registers it.
void attach_interrupt();
void handle_interrupt(IntId interrupt);

// A key of Socle's own: pressed after three Ctrl-A. The function runs in the interrupt, no lock
// held. Replaces an earlier one; false if the table is full.
bool register_key(char key, std::string_view what, void (*function)());

// sync_console: every line has left the port before the call returns.
void set_synchronous(bool synchronous);

// For the crash dump: from now on this CPU alone writes, without the lock and without buffering.
void enter_emergency();
// Waits (bounded) until the port has sent everything: before a reset or power off.
void drain();

}  // namespace socle::console
