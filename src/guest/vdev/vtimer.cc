// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vtimer.h"

#include "guest/domain.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "hw/sysreg.h"
#include "port/clock.h"
#include "port/sysreg.h"

namespace socle::guest::vtimer {

namespace {

using Control = hw::CNTP_CTL_EL0;

constinit Interrupts timer_interrupts{};

bool is_running(const VirtualTimers& timers) {
  return Control::ENABLE::get(timers.physical_control) != 0;
}

bool condition_met(const VirtualTimers& timers) {
  return is_running(timers) && port::counter() >= timers.physical_compare;
}

bool is_masked(const VirtualTimers& timers) {
  return Control::IMASK::get(timers.physical_control) != 0;
}

}  // namespace

void set_interrupts(const Interrupts& interrupts) {
  timer_interrupts = interrupts;
}
const Interrupts& interrupts() {
  return timer_interrupts;
}

void start_counter(Domain& domain) {
  const std::uint64_t now = port::counter();
  for (Vcpu* vcpu : domain.vcpus)
    vcpu->timers.offset = now;
}

void reset(Vcpu& vcpu) {
  VirtualTimers& timers = vcpu.timers;
  timers.virtual_control = 0;
  timers.virtual_compare = 0;
  timers.physical_control = 0;
  timers.physical_compare = 0;
}

void load(Vcpu& vcpu) {
  const VirtualTimers& timers = vcpu.timers;
  port::write_register<hw::CNTVOFF_EL2>(timers.offset);
  port::write_register<hw::CNTV_CVAL_EL0>(timers.virtual_compare);
  port::write_register<hw::CNTV_CTL_EL0>(timers.virtual_control);
  update(vcpu);
}

void save(Vcpu& vcpu) {
  VirtualTimers& timers = vcpu.timers;
  timers.virtual_control = port::read_register<hw::CNTV_CTL_EL0>();
  timers.virtual_compare = port::read_register<hw::CNTV_CVAL_EL0>();
  port::write_register<hw::CNTV_CTL_EL0>(0);
}

std::uint64_t read(const Vcpu& vcpu, Register which) {
  const VirtualTimers& timers = vcpu.timers;
  switch (which) {
    case Register::kControl:
      return timers.physical_control | Control::ISTATUS::make(condition_met(timers) ? 1 : 0);
    case Register::kCompare:
      return timers.physical_compare;
    case Register::kValue:
      return (timers.physical_compare - port::counter()) & 0xffff'ffff;
  }
  return 0;
}

void write(Vcpu& vcpu, Register which, std::uint64_t value) {
  VirtualTimers& timers = vcpu.timers;
  switch (which) {
    case Register::kControl:
      timers.physical_control = value & (Control::ENABLE::kMask | Control::IMASK::kMask);
      break;
    case Register::kCompare:
      timers.physical_compare = value;
      break;
    case Register::kValue: {
      const auto distance = static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
      timers.physical_compare =
          port::counter() + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
      break;
    }
  }
  update(vcpu);
}

std::uint64_t next_deadline(const Vcpu& vcpu) {
  const VirtualTimers& timers = vcpu.timers;
  // Once it has fired there is nothing to wait for until it is programmed again.
  if (!is_running(timers) || is_masked(timers) || timers.physical_line) return ~std::uint64_t{0};
  return timers.physical_compare;
}

void update(Vcpu& vcpu) {
  VirtualTimers& timers = vcpu.timers;
  const bool line = condition_met(timers) && !is_masked(timers);
  if (line != timers.physical_line) {
    timers.physical_line = line;
    vgic::set_line(vcpu, timer_interrupts.physical_timer, line);
  }
  port::set_wakeup(next_deadline(vcpu));
}

void hypervisor_timer_fired() {
  // Whoever waited for it looks at the clock; the emulated timer is looked at before the guest
  // is entered. Disarmed first: the interrupt is a level.
  port::set_wakeup(~std::uint64_t{0});
  Vcpu* vcpu = current_vcpu_or_null();
  if (vcpu != nullptr) post_work(*vcpu, Work::kTimer);
}

}  // namespace socle::guest::vtimer
