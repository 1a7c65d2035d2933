// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of the interrupt controller's drivers; included by drivers/gic*.cc only. gic.cc has what
// they share: who owns an interrupt, and registers that all versions have at the same offsets.

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/lock.h"
#include "base/result.h"
#include "base/types.h"
#include "drivers/gic.h"
#include "platform/platform.h"
#include "port/irq.h"
#include "port/mmio.h"

namespace socle::gic {

namespace detail {

// One priority for all physical interrupts. Non-secure software sees the upper half of the
// priorities shifted; the value is in the middle either way. Four of them, as a register has them.
inline constexpr std::uint32_t kPriorities = 0xa0a0'a0a0;
// Of the interrupt that mask_all_but() leaves, and the mask. Firmware may have the mask compared
// unshifted (SCR_EL3.FIQ = 0; IHI 0069, 4.8.6): then the priorities are 0x90 and 0xd0, and the mask
// lies between them as well.
inline constexpr std::uint32_t kUrgentPriority = 0x20;
inline constexpr std::uint8_t kMaskUsual = 0xa0;
inline constexpr std::uint8_t kMaskNone = 0xff;
inline constexpr std::uint32_t kKickSgi = 0;
inline constexpr unsigned kMaxPerVisit = 64;
inline constexpr std::uint32_t kEndOfNumbers = 1020;

// Who gets an interrupt: 1 .. kMaxHandlers is a handler's place + 1.
inline constexpr std::uint8_t kNobody = 0;
inline constexpr std::uint8_t kGuest = 0xff;
inline constexpr std::uint8_t kKick = 0xfe;
inline constexpr unsigned kMaxHandlers = 32;

extern std::array<std::atomic<std::uint8_t>, kEndOfNumbers> owners;
extern std::array<Handler, kMaxHandlers> handlers;

// The frame that holds the registers of one word of interrupts, or null. All versions have the
// same offsets in it.
struct Bank {
  const port::MmioRegion* registers = nullptr;
  std::uint64_t base = 0;
};

// Everything off, Group 0 or 1, and nothing pending or active; the one priority.
void reset_word(const Bank& bank, unsigned word, std::uint32_t groups);
// Kick and Socle's private interrupts on, on this CPU.
void enable_claimed_private(CpuIndex cpu);
// An interrupt that nobody claimed and that came all the same: disabled, deactivated and reported.
void silence(IntId interrupt);
// Maps registers; a failure is logged.
[[nodiscard]] Result<> map_registers(const PaRange& registers, const char* what);

}  // namespace detail

// One version of the architecture. gic.cc calls only these.
struct Driver {
  std::string_view name;
  platform::Gic::Version version;
  // Maps, identifies, resets and opens the distributor; the number of its lines.
  Result<unsigned> (*open)(const platform::Gic& description);
  Result<> (*open_cpu)(CpuIndex cpu);
  void (*dispatch)();
  void (*kick)(CpuIndex cpu);
  // Only interrupts of higher priority are signalled to this CPU.
  void (*set_mask)(std::uint8_t priority);
  // Word 0: the private interrupts of that CPU.
  detail::Bank (*bank_of)(CpuIndex cpu, unsigned word);
  // Waits until a write to this word's registers has taken effect.
  void (*wait_for_writes)(const detail::Bank& bank, unsigned word);
  void (*set_target)(IntId spi, CpuIndex cpu);
  void (*deactivate)(IntId interrupt);
  // port::irq_look_again(), if there is anything to do.
  void (*look_again)() = nullptr;
};

extern constinit const Driver kGicv2Driver;
extern constinit const Driver kGicv3Driver;

}  // namespace socle::gic
