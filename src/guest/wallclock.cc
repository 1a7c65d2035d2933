// SPDX-License-Identifier: Apache-2.0
#include "guest/wallclock.h"

#include "abi/shared_info.h"
#include "base/lock.h"
#include "guest/domain.h"
#include "guest/guest_word.h"
#include "port/phys_window.h"

namespace socle::guest {

namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// Also keeps two writers from using one page's wc_version at a time.
constinit SpinLock wallclock_lock{LockRank::kHypercallPage};
// When system time was 0.
constinit std::uint64_t boot_seconds SOCLE_GUARDED_BY(wallclock_lock) = 0;
constinit std::uint32_t boot_nanoseconds SOCLE_GUARDED_BY(wallclock_lock) = 0;

}  // namespace

void set_wallclock(std::uint64_t seconds, std::uint32_t nanoseconds, std::uint64_t system_time_ns) {
  const std::uint64_t now = seconds * kNanosecondsPerSecond + nanoseconds;
  const std::uint64_t at_boot = now - system_time_ns;
  LockGuard guard(wallclock_lock);
  boot_seconds = at_boot / kNanosecondsPerSecond;
  boot_nanoseconds = static_cast<std::uint32_t>(at_boot % kNanosecondsPerSecond);
}

void publish_wallclock(Domain& domain) {
  auto& shared = *port::owned_frame_as<abi::SharedInfo>(domain.shared_info_frame);
  LockGuard guard(wallclock_lock);
  // The guest can write here, too: what it leaves decides nothing but the parity we need.
  const std::uint32_t version = read_guest_word(shared.wc_version) | 1;
  write_guest_word(shared.wc_version, version);
  write_guest_word(shared.wc_sec, static_cast<std::uint32_t>(boot_seconds));
  write_guest_word(shared.wc_sec_hi, static_cast<std::uint32_t>(boot_seconds >> 32));
  write_guest_word(shared.wc_nsec, boot_nanoseconds);
  write_guest_word(shared.wc_version, version + 1);
}

}  // namespace socle::guest
