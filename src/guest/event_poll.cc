// SPDX-License-Identifier: Apache-2.0
#include "guest/event_poll.h"

#include "guest/domain.h"
#include "guest/idle.h"
#include "guest/vcpu.h"
#include "port/clock.h"

namespace socle::guest {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
// Longer than anybody waits; keeps the arithmetic from overflowing.
constexpr std::uint64_t kMaxSeconds = std::uint64_t{1} << 24;

// The counter value at a moment of system time.
std::uint64_t counter_at(std::uint64_t system_time_ns) {
  const std::uint64_t now = port::system_time_ns();
  const std::uint64_t counter = port::counter();
  if (system_time_ns <= now) return counter;
  const std::uint64_t left = system_time_ns - now;
  const std::uint64_t seconds = left / kNanosecondsPerSecond;
  if (seconds > kMaxSeconds) return kNoDeadline;
  const std::uint64_t frequency = port::counter_frequency();
  return counter + seconds * frequency +
         left % kNanosecondsPerSecond * frequency / kNanosecondsPerSecond;
}

bool has_been_woken(const Vcpu& vcpu) {
  return !vcpu.events.polling.load(std::memory_order_acquire);
}

class Polling {
 public:
  explicit Polling(Vcpu& vcpu) : vcpu_(vcpu) { vcpu.domain.event_channels.start_polling(vcpu); }
  ~Polling() { vcpu_.domain.event_channels.stop_polling(vcpu_); }
  Polling(const Polling&) = delete;
  Polling& operator=(const Polling&) = delete;

 private:
  Vcpu& vcpu_;
};

}  // namespace

abi::Status<> poll_ports(Vcpu& current, std::span<const abi::Port> ports,
                         std::uint64_t deadline_ns) {
  // From here on no event is missed: one that comes after the look below ends the wait.
  const Polling polling(current);
  for (const abi::Port port : ports) {
    const bool is_pending = ABI_TRY(current.domain.event_channels.is_pending(port));
    if (is_pending) return {};
  }
  block(current, deadline_ns != 0 ? counter_at(deadline_ns) : kNoDeadline, has_been_woken);
  return {};
}

}  // namespace socle::guest
