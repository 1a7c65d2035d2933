// SPDX-License-Identifier: Apache-2.0
#pragma once

// EmergencyGuard: a LockGuard for what must still work when Socle gives up: in an emergency the
// lock is not taken, because its holder may be the one that crashed.

#include "base/lock.h"

namespace socle {

class SOCLE_SCOPED_CAPABILITY EmergencyGuard {
 public:
  EmergencyGuard(SpinLock& lock, bool is_emergency)
      SOCLE_ACQUIRE(lock) SOCLE_NO_THREAD_SAFETY_ANALYSIS : lock_(is_emergency ? nullptr : &lock) {
    if (lock_ != nullptr) lock_->lock();
  }
  ~EmergencyGuard() SOCLE_RELEASE() SOCLE_NO_THREAD_SAFETY_ANALYSIS {
    if (lock_ != nullptr) lock_->unlock();
  }
  EmergencyGuard(const EmergencyGuard&) = delete;
  EmergencyGuard& operator=(const EmergencyGuard&) = delete;

 private:
  SpinLock* const lock_;
};

}  // namespace socle
