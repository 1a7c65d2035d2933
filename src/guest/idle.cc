// SPDX-License-Identifier: Apache-2.0
#include "guest/idle.h"

#include <algorithm>

#include "guest/event_channel.h"
#include "guest/exits.h"
#include "guest/runstate.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "guest/vdev/vtimer.h"
#include "hw/sysreg.h"
#include "port/clock.h"
#include "port/cpu.h"
#include "port/irq.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

constexpr std::uint32_t bit(Work work) {
  return static_cast<std::uint32_t>(work);
}

bool has_virtual_serror() {
  return hw::HCR_EL2::VSE::get(port::read_register<hw::HCR_EL2>()) != 0;
}

bool may_run(Vcpu& vcpu) {
  // The event line is lowered by the guest in memory, without telling anybody.
  if (vgic::needs_line_check(vcpu)) event_entry_work(vcpu);
  return vgic::has_deliverable(vcpu) || has_virtual_serror();
}

// Nothing has been announced since the last look, so there is nothing to be missed by sleeping:
// what is announced from here on comes with a kick.
void sleep_if_quiet(const Vcpu& vcpu) {
  if (vcpu.pending_work.load(std::memory_order_acquire) != 0) return;
  port::irq_look_again();
  port::wait_for_interrupt();
  socle_dispatch_interrupts();
}

void sleep_until_ready(Vcpu& vcpu, std::uint64_t deadline, WakeCondition wake) {
  for (;;) {
    if (wake != nullptr && wake(vcpu)) return;
    if (deadline != kNoDeadline) {
      if (port::counter() >= deadline) return;
      // Each turn: serving the emulated timer arms the one hypervisor timer for itself.
      port::set_wakeup(std::min(deadline, vtimer::next_deadline(vcpu)));
    }
    sleep_if_quiet(vcpu);
    if (serve_work(vcpu) || may_run(vcpu)) return;
  }
}

}  // namespace

bool serve_work(Vcpu& current) {
  constexpr std::uint32_t kVgicWork = bit(Work::kVgic) | bit(Work::kVgicSync);
  std::uint32_t left = 0;
  do {
    const std::uint32_t work =
        current.pending_work.fetch_and(bit(Work::kPower), std::memory_order_acquire);
    if ((work & bit(Work::kTimer)) != 0) vtimer::update(current);
    if ((work & bit(Work::kEvent)) != 0) event_entry_work(current);
    if ((work & kVgicWork) != 0) vgic::entry_work(current, work);
    left = current.pending_work.load(std::memory_order_relaxed);
  } while ((left & ~bit(Work::kPower)) != 0);
  return left != 0;
}

void wait_once(Vcpu& current) {
  if (serve_work(current)) return;
  port::wait_for_interrupt();
  socle_dispatch_interrupts();
}

void block(Vcpu& current, std::uint64_t deadline, WakeCondition wake) {
  if (may_run(current)) return;
  set_run_state(current, RunState::kBlocked);
  current.blocked.store(true, std::memory_order_seq_cst);
  sleep_until_ready(current, deadline, wake);
  current.blocked.store(false, std::memory_order_relaxed);
  if (deadline != kNoDeadline) vtimer::update(current);
  set_run_state(current, RunState::kRunning);
  update_runstate_area(current);
}

}  // namespace socle::guest
