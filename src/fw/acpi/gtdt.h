// SPDX-License-Identifier: Apache-2.0
#pragma once

// GTDT: the timers. The per-CPU ones stand in the table itself, memory-mapped ones and watchdogs in
// structures behind. Source: ACPI 6.5, 5.2.25; Linux, drivers/acpi/arm64/gtdt.c.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

// GSIV 0: there is none.
struct TimerInterrupt {
  std::uint32_t gsiv = 0;
  bool is_edge = false;
  bool is_active_low = false;
};

struct Gtdt {
  std::optional<Pa> control_frame;  // CNTControlBase
  std::optional<Pa> read_frame;     // CNTReadBase
  TimerInterrupt secure_physical;
  TimerInterrupt physical;
  TimerInterrupt virt;
  TimerInterrupt hypervisor;
  TimerInterrupt hypervisor_virtual;  // since revision 3
};

// A block of memory-mapped timers: CNTCTLBase and up to 8 frames.
struct TimerBlock {
  Pa control_frame;
  Fields frames;  // read_timer_frame() reads them
  std::uint32_t frame_count = 0;
};
struct TimerFrame {
  std::uint8_t number = 0;
  bool is_secure = false;
  Pa base;                     // CNTBaseN
  std::optional<Pa> el0_base;  // CNTEL0BaseN
  TimerInterrupt physical;
  TimerInterrupt virt;
};

struct Watchdog {
  Pa refresh_frame;
  Pa control_frame;
  TimerInterrupt interrupt;
  bool is_secure = false;
};

enum class GtdtType : std::uint8_t { kTimerBlock = 0, kWatchdog = 1 };

Gtdt read_gtdt(const Table& table);
// Blocks and watchdogs; none before revision 2.
Structures gtdt_structures(const Table& table, Diagnostics& notes);
std::optional<TimerBlock> read_timer_block(const Structure& structure, Diagnostics& notes);
TimerFrame read_timer_frame(const TimerBlock& block, std::uint32_t index);
std::optional<Watchdog> read_watchdog(const Structure& structure, Diagnostics& notes);

namespace gtdt_field {  // offsets, for who edits a copy
inline constexpr std::size_t kControlFrame = 36;
inline constexpr std::size_t kSecurePhysical = 48;
inline constexpr std::size_t kPhysical = 56;
inline constexpr std::size_t kVirtual = 64;
inline constexpr std::size_t kHypervisor = 72;
inline constexpr std::size_t kReadFrame = 80;
inline constexpr std::size_t kPlatformTimerCount = 88;
inline constexpr std::size_t kPlatformTimers = 92;
inline constexpr std::size_t kHypervisorVirtual = 96;
}  // namespace gtdt_field

}  // namespace socle::fw::acpi
