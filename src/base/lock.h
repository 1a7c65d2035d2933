// SPDX-License-Identifier: Apache-2.0
#pragma once

// SpinLock: a fair (ticket) lock with a rank, checked by Clang's thread-safety analysis at compile
// time and by rank at run time: a CPU may take a lock only if its rank is *higher* than that of
// every lock it holds, so no two CPUs can wait for each other. Interrupts are masked whenever Socle
// runs at EL2, so there is no interrupt-saving variant and nothing nests.
//
// What is protected lives next to its lock and says so: `T x SOCLE_GUARDED_BY(lock_);`

#include <atomic>
#include <cstdint>

#include "base/check.h"

#if __STDC_HOSTED__
#include <sched.h>
#endif

#define SOCLE_CAPABILITY(name) __attribute__((capability(name)))
#define SOCLE_SCOPED_CAPABILITY __attribute__((scoped_lockable))
#define SOCLE_GUARDED_BY(lock) __attribute__((guarded_by(lock)))
#define SOCLE_PT_GUARDED_BY(lock) __attribute__((pt_guarded_by(lock)))
#define SOCLE_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define SOCLE_ACQUIRE(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define SOCLE_TRY_ACQUIRE(...) __attribute__((try_acquire_capability(__VA_ARGS__)))
#define SOCLE_RELEASE(...) __attribute__((release_capability(__VA_ARGS__)))
#define SOCLE_EXCLUDES(...) __attribute__((locks_excluded(__VA_ARGS__)))
#define SOCLE_NO_THREAD_SAFETY_ANALYSIS __attribute__((no_thread_safety_analysis))

namespace socle {

// In the order in which they may be nested: a later one may be taken while an earlier one is held.
enum class LockRank : std::uint8_t {
  kDomainList,
  kDomain,         // life cycle of one domain
  kHypercallPage,  // per-domain parameters
  kGrantTable,
  kEventChannels,
  kAddressSpace,  // one domain's stage-2 map
  kIommu,
  kVmids,       // who has which VMID
  kTablePool,   // a domain's pool draws from the heap,
  kHeap,        // growth of the heap draws from the frame table
  kFrameTable,  // who owns each frame
  kEl2Map,      // EL2's own translation tables
  kVgicDistributor,
  kVgicCpu,
  kGicDistributor,
  kTimer,
  kLog,
  kConsole,
};

namespace detail {
// Bit n is set while this CPU holds a lock of rank n.
inline thread_local constinit std::uint32_t held_lock_ranks = 0;

// Between two looks at something that another CPU will change. On the host a thread may be waiting
// for one that is not running: it gives its turn away.
inline void spin_hint() {
#if __STDC_HOSTED__
  sched_yield();
#else
  asm volatile("yield" ::: "memory");
#endif
}
}  // namespace detail

class SOCLE_CAPABILITY("lock") SpinLock {
 public:
  constexpr explicit SpinLock(LockRank rank) : rank_(rank) {}
  SpinLock(const SpinLock&) = delete;
  SpinLock& operator=(const SpinLock&) = delete;

  void lock() SOCLE_ACQUIRE() {
    const std::uint32_t bit = std::uint32_t{1} << static_cast<unsigned>(rank_);
    CHECK(detail::held_lock_ranks < bit);
    detail::held_lock_ranks |= bit;
    const std::uint16_t ticket = next_.fetch_add(1, std::memory_order_relaxed);
    while (serving_.load(std::memory_order_acquire) != ticket)
      detail::spin_hint();
  }

  void unlock() SOCLE_RELEASE() {
    serving_.store(static_cast<std::uint16_t>(serving_.load(std::memory_order_relaxed) + 1),
                   std::memory_order_release);
    detail::held_lock_ranks &= ~(std::uint32_t{1} << static_cast<unsigned>(rank_));
  }

  // Whether this CPU holds a lock of this rank (of which it can hold one only).
  [[nodiscard]] bool is_held_here() const {
    return ((detail::held_lock_ranks >> static_cast<unsigned>(rank_)) & 1) != 0;
  }

 private:
  std::atomic<std::uint16_t> next_{0};
  std::atomic<std::uint16_t> serving_{0};
  const LockRank rank_;
};

class SOCLE_SCOPED_CAPABILITY LockGuard {
 public:
  explicit LockGuard(SpinLock& lock) SOCLE_ACQUIRE(lock) : lock_(lock) { lock_.lock(); }
  ~LockGuard() SOCLE_RELEASE() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  SpinLock& lock_;
};

}  // namespace socle
