// SPDX-License-Identifier: Apache-2.0
#pragma once

// A thread of the test is a CPU: the one that it says. Kicks are counted.

#include <atomic>

namespace socle::port {

inline thread_local CpuIndex host_current_cpu{0};
inline std::atomic<unsigned> host_online_cpus{1};
inline std::atomic<unsigned> host_kicks{0};

inline CpuIndex current_cpu() {
  return host_current_cpu;
}
inline unsigned online_cpus() {
  return host_online_cpus.load();
}
inline void kick_cpu(CpuIndex) {
  host_kicks.fetch_add(1);
}
inline void wait_for_interrupt() {}

}  // namespace socle::port
