// SPDX-License-Identifier: Apache-2.0
#include "port/clock.h"

namespace socle::port {

namespace detail {
constinit ClockScale clock_scale{};
}  // namespace detail

bool clock_init(std::uint64_t frequency_override) {
  std::uint64_t frequency = frequency_override;
  if (frequency == 0) asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  constexpr std::uint64_t kLowest = 1'000;
  constexpr std::uint64_t kHighest = 4'000'000'000;
  if (frequency < kLowest || frequency > kHighest) return false;
  // Up to 10^9 << 32 fits 64 bits.
  detail::clock_scale.nanoseconds_per_tick_32_32 = (std::uint64_t{1'000'000'000} << 32) / frequency;
  detail::clock_scale.frequency = frequency;
  if (detail::clock_scale.start == 0) detail::clock_scale.start = counter();
  return true;
}

}  // namespace socle::port
