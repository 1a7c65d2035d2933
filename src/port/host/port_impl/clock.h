// SPDX-License-Identifier: Apache-2.0
#pragma once

// Time is what the test says it is: ticks of 1 GHz, the wakeup as last set.

namespace socle::port {

inline constexpr std::uint64_t kHostCounterFrequency = 1'000'000'000;
inline thread_local std::uint64_t host_counter = 0;
inline thread_local std::uint64_t host_wakeup = ~std::uint64_t{0};

inline std::uint64_t counter() {
  return host_counter;
}
inline std::uint64_t counter_frequency() {
  return kHostCounterFrequency;
}
inline std::uint64_t ticks_to_ns(std::uint64_t ticks) {
  return ticks;
}
inline std::uint64_t system_time_ns() {
  return host_counter;
}
inline void set_wakeup(std::uint64_t deadline) {
  host_wakeup = deadline;
}

}  // namespace socle::port
