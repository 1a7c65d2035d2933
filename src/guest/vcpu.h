// SPDX-License-Identifier: Apache-2.0
#pragma once

// Vcpu: one virtual CPU. Each part of it is owned by the component whose type it has; this header
// only puts them together. A Vcpu is created before its domain runs and lives as long as the
// domain.
//
// Who may touch what: fields without a comment belong to the CPU that runs the vCPU (or to the
// builder before it first runs). Fields marked "shared" are atomics or are protected by the lock of
// their type.

#include <atomic>
#include <cstdint>

#include "base/check.h"
#include "base/types.h"
#include "guest/events_vcpu.h"
#include "guest/frame.h"
#include "guest/runstate.h"
#include "guest/system_context.h"
#include "guest/vdev/vgic_types.h"
#include "guest/vdev/vpsci_types.h"
#include "guest/vdev/vtimer_types.h"

namespace socle::guest {

class Domain;

// Reasons to look around before returning to the guest (Vcpu::pending_work). Whoever sets a bit for
// a vCPU on another CPU calls kick() afterwards.
enum class Work : std::uint32_t {
  kVgic = 1u << 0,      // the virtual interrupt state changed: choose list registers again
  kEvent = 1u << 1,     // the event-channel line must be compared with upcall_pending
  kTimer = 1u << 2,     // a trapped timer must be looked at
  kPower = 1u << 3,     // CPU_ON, CPU_OFF, shutdown, pause
  kVgicSync = 1u << 4,  // another CPU wants this vCPU's list registers folded back into memory
};

struct Vcpu {
  Vcpu(Domain& owner, unsigned number, CpuIndex on_cpu) : domain(owner), id(number), cpu(on_cpu) {}
  Vcpu(const Vcpu&) = delete;
  Vcpu& operator=(const Vcpu&) = delete;

  Domain& domain;
  const unsigned id;   // 0 .. domain.max_vcpus - 1
  const CpuIndex cpu;  // where it runs (pinned)

  // Set by the builder: the top of this vCPU's EL2 stack.
  CpuFrame* frame = nullptr;

  // Shared. Bits of Work; checked on every return to the guest.
  std::atomic<std::uint32_t> pending_work{0};
  // Shared. The vCPU is in WFI (or was never switched on) and its CPU waits.
  std::atomic<bool> blocked{false};

  SystemContext system;  // EL1 system registers, FP/SIMD
  vgic::VcpuState gic;   // virtual redistributor and CPU interface
  VirtualTimers timers;  // CNTV (native), CNTP (trapped)
  PowerState power;      // PSCI: on, off, on-pending
  VcpuEvents events;     // vcpu_info, FIFO control block
  Runstate runstate;
};

// Sets work bits and makes the vCPU's CPU see them soon, wherever it is. Any CPU, any lock held.
void post_work(Vcpu& vcpu, Work work);

namespace detail {
inline thread_local constinit Vcpu* running_vcpu = nullptr;
}  // namespace detail

// The vCPU that this CPU runs; never null on a CPU that has one (CHECK).
inline Vcpu& current_vcpu() {
  CHECK(detail::running_vcpu != nullptr);
  return *detail::running_vcpu;
}
inline Vcpu* current_vcpu_or_null() {
  return detail::running_vcpu;
}
inline void set_current_vcpu(Vcpu* vcpu) {
  detail::running_vcpu = vcpu;
}

}  // namespace socle::guest
