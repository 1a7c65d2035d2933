// SPDX-License-Identifier: Apache-2.0
// What a lock protects is out of reach without it.
#include "base/lock.h"
#include "mem/frame_table.h"

namespace socle {

class Counter {
 public:
  void count() {
    const LockGuard guard(lock_);
    ++value_;
    count_locked();
  }
  void count_without_lock() {
    ++value_;        // refused: requires holding
    count_locked();  // refused: requires holding
  }
  void count_twice() {
    const LockGuard guard(lock_);
    const LockGuard again(lock_);  // refused: already held
    ++value_;
  }
  void forget_to_unlock() {
    lock_.lock();  // refused: still held
  }
  void unlock_what_is_not_locked() {
    lock_.unlock();  // refused: was not held
  }

 private:
  void count_locked() SOCLE_REQUIRES(lock_) { ++value_; }

  SpinLock lock_{LockRank::kDomain};
  int value_ SOCLE_GUARDED_BY(lock_) = 0;
};

void locks(Counter& counter, SpinLock& lock) {
  counter.count();
  SpinLock copy(lock);    // refused: deleted
  SpinLock without_rank;  // refused: no matching constructor
  const LockGuard guard(lock);
  const LockGuard copied_guard = guard;  // refused: deleted
}

}  // namespace socle
