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
// What the driver of the model interrupt controller says; see port/el2.
inline std::atomic<void (*)(CpuIndex)> host_kick_sender{nullptr};
inline void set_kick_sender(void (*sender)(CpuIndex)) {
  host_kick_sender.store(sender);
}
inline void receive_kick() {}
// Called after each kick: where one thread plays several CPUs, the kicked one's turn.
inline thread_local void (*host_after_kick)(CpuIndex) = nullptr;
inline void kick_cpu(CpuIndex cpu) {
  host_kicks.fetch_add(1);
  if (void (*const sender)(CpuIndex) = host_kick_sender.load()) sender(cpu);
  if (host_after_kick != nullptr) host_after_kick(cpu);
}
inline void wait_for_interrupt() {}

}  // namespace socle::port
