// SPDX-License-Identifier: Apache-2.0

// The virtual half of the model GIC: list registers, their control, and what the guest does with
// them (ICV_*).

#include <bit>
#include <string>

#include "base/check.h"
#include "hw/gic.h"
#include "sim/gicv3.h"
#include "sim/violation.h"

namespace socle::sim {

namespace {

namespace lr = hw::ich::lr;
namespace hcr = hw::ich::hcr;
namespace vmcr = hw::ich::vmcr;
namespace misr = hw::ich::misr;

constexpr unsigned kIdle = 0x100;
constexpr unsigned kPriorityBits = 5;

unsigned state_of(std::uint64_t value) {
  return static_cast<unsigned>(lr::StateField::get(value));
}
unsigned group_of(std::uint64_t value) {
  return static_cast<unsigned>(lr::Group::get(value));
}
unsigned priority_of(std::uint64_t value) {
  return static_cast<unsigned>(lr::Priority::get(value));
}
bool group_is_on(std::uint64_t machine_control, unsigned group) {
  return (group == 0 ? vmcr::VENG0::get(machine_control) : vmcr::VENG1::get(machine_control)) != 0;
}

}  // namespace

std::uint64_t Gicv3::type() const {
  namespace vtr = hw::ich::vtr;
  return vtr::ListRegs::make(options_.list_registers - 1) | vtr::PREbits::make(kPriorityBits - 1) |
         vtr::PRIbits::make(kPriorityBits - 1) |
         vtr::TDS::make(options_.can_trap_deactivation ? 1 : 0);
}

void Gicv3::check_list_registers(const Cpu& cpu) {
  for (unsigned a = 0; a < options_.list_registers; ++a) {
    const std::uint64_t value = cpu.lr[a];
    if (state_of(value) == 0) continue;
    if ((priority_of(value) & 0x07) != 0)
      violate(Rule::kInterruptController, "a list register's priority has bits that do not exist");
    if (lr::HW::get(value) != 0 && state_of(value) == 3)
      violate(Rule::kInterruptController, "a hardware interrupt is pending and active");
    for (unsigned b = a + 1; b < options_.list_registers; ++b) {
      if (state_of(cpu.lr[b]) != 0 && lr::VINTID::get(cpu.lr[b]) == lr::VINTID::get(value))
        violate(Rule::kInterruptController, "interrupt " + std::to_string(lr::VINTID::get(value)) +
                                                " is in two list registers");
    }
  }
}

std::uint64_t Gicv3::list_register(unsigned cpu, unsigned index) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  if (index >= options_.list_registers)
    violate(Rule::kInterruptController, "no list register " + std::to_string(index));
  return cpus_[cpu].lr[index];
}

void Gicv3::set_list_register(unsigned cpu, unsigned index, std::uint64_t value) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  if (index >= options_.list_registers) {
    violate(Rule::kInterruptController, "no list register " + std::to_string(index));
    return;
  }
  cpus_[cpu].lr[index] = value;
  check_list_registers(cpus_[cpu]);
  update_maintenance(cpu);
}

std::uint32_t Gicv3::ended_of(const Cpu& cpu) const {
  std::uint32_t result = 0;
  for (unsigned n = 0; n < options_.list_registers; ++n) {
    const std::uint64_t value = cpu.lr[n];
    if (state_of(value) == 0 && lr::HW::get(value) == 0 && lr::EOI::get(value) != 0)
      result |= 1u << n;
  }
  return result;
}

std::uint32_t Gicv3::empty_list_registers(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  std::uint32_t result = 0;
  for (unsigned n = 0; n < options_.list_registers; ++n) {
    if (state_of(cpus_[cpu].lr[n]) == 0) result |= 1u << n;
  }
  return result & ~ended_of(cpus_[cpu]);
}

std::uint32_t Gicv3::ended_list_registers(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  return ended_of(cpus_[cpu]);
}

std::uint32_t Gicv3::status_of(const Cpu& cpu) const {
  if (hcr::En::get(cpu.hcr) == 0) return 0;
  unsigned valid = 0;
  bool any_pending = false;
  for (unsigned n = 0; n < options_.list_registers; ++n) {
    if (state_of(cpu.lr[n]) != 0) ++valid;
    any_pending = any_pending || state_of(cpu.lr[n]) == 1;
  }
  std::uint32_t status = 0;
  if (ended_of(cpu) != 0) status |= misr::EOI::kMask;
  if (hcr::UIE::get(cpu.hcr) != 0 && valid <= 1) status |= misr::U::kMask;
  if (hcr::LRENPIE::get(cpu.hcr) != 0 && hcr::EOIcount::get(cpu.hcr) != 0)
    status |= misr::LRENP::kMask;
  if (hcr::NPIE::get(cpu.hcr) != 0 && !any_pending) status |= misr::NP::kMask;
  if (hcr::VGrp0EIE::get(cpu.hcr) != 0 && group_is_on(cpu.vmcr, 0)) status |= misr::VGrp0E::kMask;
  if (hcr::VGrp0DIE::get(cpu.hcr) != 0 && !group_is_on(cpu.vmcr, 0)) status |= misr::VGrp0D::kMask;
  if (hcr::VGrp1EIE::get(cpu.hcr) != 0 && group_is_on(cpu.vmcr, 1)) status |= misr::VGrp1E::kMask;
  if (hcr::VGrp1DIE::get(cpu.hcr) != 0 && !group_is_on(cpu.vmcr, 1)) status |= misr::VGrp1D::kMask;
  return status;
}

void Gicv3::update_maintenance(unsigned cpu) {
  change_line(cpu, options_.maintenance, status_of(cpus_[cpu]) != 0);
}

std::uint32_t Gicv3::maintenance_status(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  return status_of(cpus_[cpu]);
}

std::uint32_t Gicv3::control(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  return cpus_[cpu].hcr;
}
void Gicv3::set_control(unsigned cpu, std::uint32_t value) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  if (hcr::TDIR::get(value) != 0 && !options_.can_trap_deactivation)
    violate(Rule::kInterruptController, "ICH_HCR_EL2.TDIR does not exist");
  cpus_[cpu].hcr = value;
  update_maintenance(cpu);
}

std::uint64_t Gicv3::machine_control(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  return cpus_[cpu].vmcr;
}
void Gicv3::set_machine_control(unsigned cpu, std::uint64_t value) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  cpus_[cpu].vmcr = value;
  update_maintenance(cpu);
}

std::uint32_t Gicv3::active_priorities(unsigned cpu, unsigned group, unsigned index) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  if (index != 0) violate(Rule::kInterruptController, "no active priorities register");
  return cpus_[cpu].ap[group][0];
}
void Gicv3::set_active_priorities(unsigned cpu, unsigned group, unsigned index,
                                  std::uint32_t value) {
  const std::lock_guard guard(mutex_);
  ++hypervisor_accesses_;
  if (index != 0) violate(Rule::kInterruptController, "no active priorities register");
  cpus_[cpu].ap[group][0] = value;
}

// ----- The guest -----

unsigned Gicv3::guest_running_priority(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  const std::uint32_t all = cpus_[cpu].ap[0][0] | cpus_[cpu].ap[1][0];
  return all == 0 ? kIdle : static_cast<unsigned>(std::countr_zero(all)) << 3;
}

// The list register that would be taken: highest priority pending, of an enabled group.
std::optional<unsigned> Gicv3::best_virtual(unsigned index) {
  const Cpu& cpu = cpus_[index];
  if (hcr::En::get(cpu.hcr) == 0) return {};
  std::optional<unsigned> best;
  unsigned best_priority = kIdle;
  for (unsigned n = 0; n < options_.list_registers; ++n) {
    const std::uint64_t value = cpu.lr[n];
    if (state_of(value) != 1 || !group_is_on(cpu.vmcr, group_of(value))) continue;
    if (priority_of(value) >= best_priority) continue;
    best_priority = priority_of(value);
    best = n;
  }
  if (!best.has_value()) return {};
  if (best_priority >= vmcr::VPMR::get(cpu.vmcr)) return {};
  if (best_priority >= guest_running_priority(index)) return {};
  return best;
}

bool Gicv3::guest_pending(unsigned cpu, unsigned group) {
  const std::lock_guard guard(mutex_);
  const auto best = best_virtual(cpu);
  return best.has_value() && group_of(cpus_[cpu].lr[*best]) == group;
}

std::uint32_t Gicv3::guest_acknowledge(unsigned cpu, unsigned group) {
  const std::lock_guard guard(mutex_);
  const auto best = best_virtual(cpu);
  if (!best.has_value() || group_of(cpus_[cpu].lr[*best]) != group) return 1023;
  std::uint64_t& value = cpus_[cpu].lr[*best];
  value = lr::StateField::set(value, 2);
  cpus_[cpu].ap[group][0] |= 1u << (priority_of(value) >> 3);
  update_maintenance(cpu);
  return static_cast<std::uint32_t>(lr::VINTID::get(value));
}

void Gicv3::end_virtual(unsigned index, std::uint32_t number, bool count) {
  Cpu& cpu = cpus_[index];
  for (unsigned n = 0; n < options_.list_registers; ++n) {
    std::uint64_t& value = cpu.lr[n];
    if ((value & lr::kActiveBit) == 0 || lr::VINTID::get(value) != number) continue;
    value &= ~lr::kActiveBit;
    if (lr::HW::get(value) != 0) {
      const auto physical = static_cast<std::uint32_t>(lr::PINTID::get(value));
      if (!at(index, physical).active)
        violate(Rule::kInterruptController,
                "linked interrupt " + std::to_string(physical) + " is not active");
      at(index, physical).active = false;
    }
    return;
  }
  if (count) cpu.hcr = hcr::EOIcount::set(cpu.hcr, hcr::EOIcount::get(cpu.hcr) + 1);
}

void Gicv3::guest_end(unsigned index, std::uint32_t number, unsigned group) {
  const std::lock_guard guard(mutex_);
  Cpu& cpu = cpus_[index];
  std::uint32_t& active = cpu.ap[group][0];
  active &= active - 1;  // the highest priority is the lowest bit
  if (vmcr::VEOIM::get(cpu.vmcr) == 0) end_virtual(index, number, true);
  update_maintenance(index);
}

bool Gicv3::guest_deactivate(unsigned index, std::uint32_t number) {
  const std::lock_guard guard(mutex_);
  if (hcr::TDIR::get(cpus_[index].hcr) != 0) return false;
  if (vmcr::VEOIM::get(cpus_[index].vmcr) != 0) end_virtual(index, number, true);
  update_maintenance(index);
  return true;
}

}  // namespace socle::sim
