// SPDX-License-Identifier: Apache-2.0
#pragma once

// The end of Socle by its own fault: a dump on the console that says what, where and who, then a
// restart or (noreboot) a halt. One CPU dumps; another one that crashes meanwhile adds one line;
// the rest is stopped by a kick.

#include <cstdint>

namespace socle::el2 {

// What el2/ may not include but the dump wants; each may be null. Called once, on the CPU that
// crashes, with any lock held (by it or by a CPU that never gives it back): they must not lock.
struct CrashSeams {
  void (*console_emergency)() = nullptr;  // write at once, without locks
  void (*describe_guest)() = nullptr;     // log the vCPU that ran and its registers
};
void set_crash_seams(const CrashSeams& seams);
void set_restart_after_crash(bool restart);

// Tells every other CPU to stop and waits a while for those that can hear it: in a guest or in an
// idle wait. Any lock held.
void stop_other_cpus();

// On a CPU that was told to stop: counts it, and never returns.
[[noreturn]] void stop_this_cpu();
bool has_crashed();

// Logs who called, from this frame pointer on.
void log_backtrace(std::uint64_t frame_pointer);

}  // namespace socle::el2
