// SPDX-License-Identifier: Apache-2.0
#include "guest/power.h"

#include "base/log.h"
#include "guest/context.h"
#include "guest/domain.h"
#include "guest/exits.h"
#include "guest/idle.h"
#include "guest/inject.h"
#include "guest/runstate.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "guest/vdev/vtimer.h"
#include "hw/sysreg.h"
#include "port/power.h"
#include "port/sysreg.h"

namespace socle::guest {

namespace {

using State = PowerState::State;

constinit bool reboot_is_forbidden = false;

// On with the arguments of CPU_ON: everything as after a reset of the CPU.
void start(Vcpu& vcpu) {
  reset_context(vcpu.system);
  vtimer::reset(vcpu);
  CpuFrame& frame = *vcpu.frame;
  for (std::uint64_t& x : frame.x)
    x = 0;
  frame.x[0] = vcpu.power.context;
  frame.pc = vcpu.power.entry;
  frame.pstate = hw::Pstate::kEl1h | hw::Pstate::kDaif;
  load_context(vcpu);
  vcpu.blocked.store(false, std::memory_order_relaxed);
  set_run_state(vcpu, RunState::kRunning);
  vcpu.power.state.store(State::kOn, std::memory_order_release);
}

void clear_power_bit(Vcpu& vcpu) {
  vcpu.pending_work.fetch_and(~static_cast<std::uint32_t>(Work::kPower), std::memory_order_acquire);
}

void stop_for_good(Vcpu& vcpu) {
  port::write_register<hw::CNTV_CTL_EL0>(0);
  set_run_state(vcpu, RunState::kOffline);
  for (;;) {
    clear_power_bit(vcpu);
    wait_once(vcpu);
  }
}

[[noreturn]] void end_machine(ShutdownReason reason) {
  const bool power_off = reason == ShutdownReason::kPowerOff;
  switch (reason) {
    case ShutdownReason::kPowerOff:
      log_info("Hardware Dom0 halted: halting machine");
      break;
    case ShutdownReason::kReboot:
      log_info("Hardware Dom0 shutdown: rebooting machine");
      break;
    case ShutdownReason::kWatchdog:
      log_info("Hardware Dom0 shutdown: watchdog rebooting machine");
      break;
    case ShutdownReason::kCrash:
      log_error("Hardware Dom0 crashed: rebooting machine");
      break;
    case ShutdownReason::kSuspend:
    case ShutdownReason::kSoftReset:
      log_error(
          "Hardware Dom0 asked for shutdown reason {}, which it cannot have: rebooting machine",
          static_cast<unsigned>(reason));
      break;
  }
  if (power_off) port::power_off();
  if (reboot_is_forbidden) {
    log_info("'noreboot' is set: the machine stays as it is");
    port::power_halt();
  }
  port::power_reset();
}

}  // namespace

void set_no_reboot(bool no_reboot) {
  reboot_is_forbidden = no_reboot;
}

Result<> set_up_vcpus(Domain& domain) {
  domain.id_registers = IdRegisters::from_this_cpu(domain.address_space.ipa_bits());
  vtimer::start_counter(domain);
  const std::uint64_t hcr = guest_hcr(domain.address_space.forced_write_back());
  for (Vcpu* vcpu : domain.vcpus) {
    vcpu->system.hcr_el2 = hcr;
    vcpu->system.vmpidr_el2 = virtual_mpidr(vcpu->id);
    TRY(vgic::own_hardware_ppi(*vcpu, vtimer::interrupts().virtual_timer));
  }
  return {};
}

void set_entry(Vcpu& vcpu, Ipa entry, std::uint64_t context) {
  vcpu.power.entry = entry.value();
  vcpu.power.context = context;
  vcpu.power.state.store(State::kOnPending, std::memory_order_release);
}

void run(Vcpu& vcpu) {
  set_current_vcpu(&vcpu);
  vcpu.frame->pending_work = &vcpu.pending_work;
  vcpu.frame->vcpu = &vcpu;
  load_guest_controls();
  vgic::load(vcpu);
  vcpu.pending_work.fetch_or(static_cast<std::uint32_t>(Work::kPower), std::memory_order_relaxed);
  socle_enter_guest(vcpu.frame);
}

void serve_power(Vcpu& current) {
  for (;;) {
    clear_power_bit(current);
    if (current.domain.is_shut_down.load(std::memory_order_acquire)) stop_for_good(current);
    switch (current.power.state.load(std::memory_order_acquire)) {
      case State::kOn:
        return;
      case State::kOnPending:
        start(current);
        return;
      case State::kOff:
      case State::kTurningOn:
        break;
    }
    wait_once(current);
  }
}

void switch_off(Vcpu& current) {
  port::write_register<hw::CNTV_CTL_EL0>(0);
  vtimer::reset(current);
  vtimer::update(current);
  set_run_state(current, RunState::kOffline);
  current.pending_work.fetch_or(static_cast<std::uint32_t>(Work::kPower),
                                std::memory_order_relaxed);
  // From here another vCPU may switch it on again.
  current.power.state.store(State::kOff, std::memory_order_release);
}

void shut_down(Domain& domain, ShutdownReason reason) {
  const bool is_first = !domain.is_shut_down.exchange(true, std::memory_order_acq_rel);
  if (is_first) {
    domain.shutdown_code.store(static_cast<std::uint8_t>(reason), std::memory_order_release);
  }
  // All its vCPUs stop where they next enter the guest, the caller's too.
  for (Vcpu* vcpu : domain.vcpus)
    post_work(*vcpu, Work::kPower);
  if (is_first && domain.properties.is_hardware_domain) end_machine(reason);
}

}  // namespace socle::guest
