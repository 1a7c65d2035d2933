// SPDX-License-Identifier: Apache-2.0
#pragma once

// RateLimit: for log lines that a guest can cause. A burst is let through, then a few per period;
// what was held back is counted and told with the next line. Any CPU; lock-free, approximate
// under contention.

#include <atomic>
#include <cstdint>

#include "port/clock.h"

namespace socle::guest {

class RateLimit {
 public:
  static constexpr std::uint32_t kLinesPerPeriod = 10;
  static constexpr std::uint64_t kPeriodNs = 5'000'000'000;

  constexpr RateLimit() = default;

  // Whether a line may be written now.
  bool allow() { return allow_at(port::system_time_ns()); }
  bool allow_at(std::uint64_t now_ns) {
    std::uint64_t started = period_start_.load(std::memory_order_relaxed);
    if (now_ns - started >= kPeriodNs &&
        period_start_.compare_exchange_strong(started, now_ns, std::memory_order_relaxed)) {
      lines_.store(0, std::memory_order_relaxed);
    }
    if (lines_.fetch_add(1, std::memory_order_relaxed) < kLinesPerPeriod) return true;
    held_back_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  // How many lines were held back since this was asked last.
  std::uint32_t take_held_back() { return held_back_.exchange(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> period_start_{0};
  std::atomic<std::uint32_t> lines_{0};
  std::atomic<std::uint32_t> held_back_{0};
};

}  // namespace socle::guest
