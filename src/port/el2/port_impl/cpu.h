// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

#include "base/types.h"

namespace socle::port {

namespace detail {
inline thread_local constinit CpuIndex this_cpu{0};
inline constinit std::atomic<unsigned> online_cpu_count{1};
inline constinit void (*kick_sender)(CpuIndex) = [](CpuIndex) {};
inline constinit std::atomic<void (*)()> kick_receiver{nullptr};
}  // namespace detail

inline CpuIndex current_cpu() {
  return detail::this_cpu;
}
inline unsigned online_cpus() {
  return detail::online_cpu_count.load(std::memory_order_acquire);
}

// How a kick travels is the interrupt controller's business: its driver says it here, once, before
// a second CPU is started. Without one a kick does nothing.
inline void set_kick_sender(void (*sender)(CpuIndex)) {
  detail::kick_sender = sender;
}

// What a kicked CPU does at once, where its driver takes the interrupt: nothing, until Socle ends
// and wants the CPU to stop (el2/crash.cc).
inline void set_kick_receiver(void (*receiver)()) {
  detail::kick_receiver.store(receiver, std::memory_order_release);
}
inline void receive_kick() {
  void (*const receiver)() = detail::kick_receiver.load(std::memory_order_acquire);
  if (receiver != nullptr) receiver();
}

inline void kick_cpu(CpuIndex cpu) {
  detail::kick_sender(cpu);
}

// DSB: what this CPU published is visible before it sleeps.
inline void wait_for_interrupt() {
  asm volatile("dsb sy\n\twfi" ::: "memory");
}

}  // namespace socle::port
