// SPDX-License-Identifier: Apache-2.0
#include "base/lock.h"

#include "base/test.h"

#if __STDC_HOSTED__
#include <thread>
#include <vector>
#endif

namespace socle {
namespace {

TEST(SpinLock, IsHeldFromLockToUnlock) {
  SpinLock lock(LockRank::kDomain);
  EXPECT_FALSE(lock.is_held_here());
  {
    const LockGuard guard(lock);
    EXPECT_TRUE(lock.is_held_here());
  }
  EXPECT_FALSE(lock.is_held_here());
}

TEST(SpinLock, CanBeTakenManyMoreTimesThanItHasTickets) {
  SpinLock lock(LockRank::kDomain);
  int count = 0;
  for (int i = 0; i < 70'000; ++i) {
    const LockGuard guard(lock);
    ++count;
  }
  EXPECT_EQ(count, 70'000);
}

TEST(SpinLock, HigherRanksMayBeTakenInside) {
  SpinLock low(LockRank::kDomainList);
  SpinLock middle(LockRank::kFrameTable);
  SpinLock high(LockRank::kConsole);
  const LockGuard first(low);
  const LockGuard second(middle);
  const LockGuard third(high);
  EXPECT_TRUE(low.is_held_here() && middle.is_held_here() && high.is_held_here());
}

TEST(SpinLock, ALowerRankMayBeTakenAgainAfterTheHigherIsReleased) {
  SpinLock low(LockRank::kDomainList);
  SpinLock high(LockRank::kConsole);
  high.lock();
  high.unlock();
  low.lock();
  high.lock();
  // Not in reverse order, but legal.
  low.unlock();
  EXPECT_TRUE(high.is_held_here());
  high.unlock();
  EXPECT_FALSE(high.is_held_here());
}

#if __STDC_HOSTED__

TEST(SpinLock, OnlyOneThreadIsInside) {
  SpinLock lock(LockRank::kDomain);
  std::atomic<int> inside{0};
  std::atomic<int> most_inside{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 50; ++j) {
        const LockGuard guard(lock);
        const int now = ++inside;
        if (now > most_inside) most_inside = now;
        std::this_thread::yield();
        --inside;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(most_inside.load(), 1);
}

TEST(SpinLock, RanksAreOfTheCpuThatHoldsThem) {
  SpinLock high(LockRank::kConsole);
  const LockGuard guard(high);
  bool other_thread_could_lock = false;
  std::thread([&] {
    SpinLock low(LockRank::kDomainList);
    const LockGuard inner(low);
    other_thread_could_lock = !high.is_held_here();
  }).join();
  EXPECT_TRUE(other_thread_could_lock);
}

// Never unlocked: for expectations of death.
void take(SpinLock& lock) SOCLE_NO_THREAD_SAFETY_ANALYSIS {
  lock.lock();
}

TEST(SpinLockDeathTest, ALowerRankInsideAHigherIsABrokenInvariant) {
  SpinLock low(LockRank::kDomainList);
  SpinLock high(LockRank::kConsole);
  const LockGuard guard(high);
  EXPECT_DEATH(take(low), "CHECK");
}

TEST(SpinLockDeathTest, TwoLocksOfOneRankAreABrokenInvariant) {
  SpinLock one(LockRank::kGrantTable);
  SpinLock two(LockRank::kGrantTable);
  const LockGuard guard(one);
  EXPECT_DEATH(take(two), "CHECK");
}

#endif

}  // namespace
}  // namespace socle
