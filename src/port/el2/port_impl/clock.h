// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

namespace detail {
// Nanoseconds per tick as a 32.32 fixed-point number, and the counter when Socle started: written
// once by clock_init() before a second CPU runs.
struct ClockScale {
  std::uint64_t frequency = 1;
  std::uint64_t nanoseconds_per_tick_32_32 = 0;
  std::uint64_t start = 0;
};
extern constinit ClockScale clock_scale;
}  // namespace detail

// Once at boot, on the boot CPU. `frequency_override` is the timer node's clock-frequency, or 0 for
// CNTFRQ_EL0. False if neither says a usable frequency (1 kHz to 4 GHz).
[[nodiscard]] bool clock_init(std::uint64_t frequency_override);

// ISB: the counter is not read before what precedes it in program order.
inline std::uint64_t counter() {
  std::uint64_t value;
  asm volatile("isb\n\tmrs %0, cntpct_el0" : "=r"(value)::"memory");
  return value;
}
inline std::uint64_t counter_frequency() {
  return detail::clock_scale.frequency;
}

// Of a distance in ticks; exact to 2^-32 ns per tick, does not wrap within 500 years.
inline std::uint64_t ticks_to_ns(std::uint64_t ticks) {
  const std::uint64_t scale = detail::clock_scale.nanoseconds_per_tick_32_32;
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * scale) >> 32);
}
inline std::uint64_t system_time_ns() {
  return ticks_to_ns(counter() - detail::clock_scale.start);
}

// Off: the timer is disabled (CNTHP_CTL_EL2.ENABLE = 0), so that no stale condition stays pending.
inline void set_wakeup(std::uint64_t deadline) {
  const std::uint64_t enable = deadline == ~std::uint64_t{0} ? 0 : 1;
  asm volatile("msr cnthp_cval_el2, %0\n\tmsr cnthp_ctl_el2, %1\n\tisb" ::"r"(deadline), "r"(enable)
               : "memory");
}

}  // namespace socle::port
