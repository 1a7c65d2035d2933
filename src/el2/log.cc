// SPDX-License-Identifier: Apache-2.0
#include "el2/log.h"

#include <array>

#include "base/emergency_guard.h"
#include "base/lock.h"
#include "port/clock.h"

namespace socle::el2 {
namespace {

constexpr std::size_t kRingSize = 65536;
static_assert((kRingSize & (kRingSize - 1)) == 0);

constinit SpinLock lock{LockRank::kLog};

// Each line is kept as one byte of level (kFirstLevel + level), text, '\n'.
constexpr char kFirstLevel = 1;

struct Ring {
  std::array<char, kRingSize> text{};
  std::uint64_t end = 0;  // bytes ever written
  void put(char c) { text[end++ % kRingSize] = c; }
  [[nodiscard]] char at(std::uint64_t position) const { return text[position % kRingSize]; }
  // The beginning of the oldest line that is whole.
  [[nodiscard]] std::uint64_t oldest() const {
    if (end <= kRingSize) return 0;
    std::uint64_t position = end - kRingSize;
    while (position < end && at(position) != '\n')
      ++position;
    return position + 1;
  }
};
constinit Ring ring;

struct Shown {
  void (*sink)(std::string_view) = nullptr;
  LogLevel level = LogLevel::kInfo;
  bool is_emergency = false;
};
constinit Shown shown;

bool is_shown(LogLevel level) {
  return shown.is_emergency || level <= shown.level;
}

// Shows the lines of the ring from `position` on.
void replay(std::uint64_t position) {
  while (position < ring.end) {
    Text<kLogLineLength + 32> line;
    const auto level = static_cast<LogLevel>(ring.at(position++) - kFirstLevel);
    for (; position < ring.end && ring.at(position) != '\n'; ++position)
      line.append("{}", ring.at(position));
    ++position;
    if (is_shown(level)) shown.sink(line.view());
  }
}

}  // namespace

void set_log_sink(void (*sink)(std::string_view line)) {
  const EmergencyGuard guard(lock, shown.is_emergency);
  const bool is_first = shown.sink == nullptr;
  shown.sink = sink;
  if (is_first && sink != nullptr) replay(ring.oldest());
}

bool has_log_sink() {
  const EmergencyGuard guard(lock, shown.is_emergency);
  return shown.sink != nullptr;
}

void set_log_level(LogLevel level) {
  const EmergencyGuard guard(lock, shown.is_emergency);
  shown.level = level;
}

LogLevel log_level() {
  const EmergencyGuard guard(lock, shown.is_emergency);
  return shown.level;
}

LogPiece read_log(std::uint64_t from, std::span<char> out) {
  const EmergencyGuard guard(lock, shown.is_emergency);
  LogPiece piece{.bytes = 0, .next = from < ring.oldest() ? ring.oldest() : from};
  for (; piece.next < ring.end && piece.bytes < out.size(); ++piece.next) {
    const char c = ring.at(piece.next);
    if (c >= '\t') out[piece.bytes++] = c;
  }
  return piece;
}

void enter_log_emergency() {
  shown.is_emergency = true;
}

}  // namespace socle::el2

namespace socle {

void log_write(LogLevel level, std::string_view line) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t now = port::system_time_ns();
  const Text<kLogLineLength + 32> stamped("[{4}.{06}] {}", now / kSecond, now % kSecond / 1000,
                                          line);
  const EmergencyGuard guard(el2::lock, el2::shown.is_emergency);
  el2::ring.put(static_cast<char>(el2::kFirstLevel + static_cast<char>(level)));
  for (const char c : stamped.view())
    el2::ring.put(c >= ' ' || c == '\t' ? c : '?');
  el2::ring.put('\n');
  if (el2::shown.sink != nullptr && el2::is_shown(level)) el2::shown.sink(stamped.view());
}

}  // namespace socle
