// SPDX-License-Identifier: Apache-2.0

// What guests ask for in vain. A small table of (hypercall, sub-operation): a guest that asks for
// everything fills it, and the rest is counted together.

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/errno.h"
#include "base/log.h"
#include "hypercall/call.h"
#include "hypercall/hypercall.h"

namespace socle::hypercall {

namespace {

struct Entry {
  // 0: unused. Else bit 63, the hypercall in 62:32 and the sub-operation in 31:0.
  std::atomic<std::uint64_t> key{0};
  std::atomic<std::uint64_t> count{0};
};

constinit std::array<Entry, 64> entries{};
constinit std::atomic<std::uint64_t> others{0};

constexpr std::uint64_t make_key(unsigned number, std::uint64_t operation) {
  return (std::uint64_t{1} << 63) | (std::uint64_t{number & 0x7fff'ffff} << 32) |
         (operation & 0xffff'ffff);
}

}  // namespace

std::int64_t unimplemented(unsigned number, std::uint64_t operation) {
  const std::uint64_t wanted = make_key(number, operation);
  for (Entry& entry : entries) {
    std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if (key == 0 && entry.key.compare_exchange_strong(key, wanted, std::memory_order_relaxed)) {
      key = wanted;
    }
    if (key != wanted) continue;
    entry.count.fetch_add(1, std::memory_order_relaxed);
    return refused(abi::Errno::kENOSYS);
  }
  others.fetch_add(1, std::memory_order_relaxed);
  return refused(abi::Errno::kENOSYS);
}

void log_unimplemented() {
  log_info("hypercalls answered with -ENOSYS:");
  for (const Entry& entry : entries) {
    const std::uint64_t key = entry.key.load(std::memory_order_relaxed);
    if (key == 0) continue;
    log_info("  hypercall {} operation {}: {} times", key << 1 >> 33, key & 0xffff'ffff,
             entry.count.load(std::memory_order_relaxed));
  }
  const std::uint64_t rest = others.load(std::memory_order_relaxed);
  if (rest != 0) log_info("  others: {} times", rest);
}

void reset_unimplemented() {
  for (Entry& entry : entries) {
    entry.count.store(0, std::memory_order_relaxed);
    entry.key.store(0, std::memory_order_relaxed);
  }
  others.store(0, std::memory_order_relaxed);
}

}  // namespace socle::hypercall
