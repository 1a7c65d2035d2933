// SPDX-License-Identifier: Apache-2.0
// The system registers of the GIC, on the host: the model of the test, seen from the CPU that the
// thread is.

#include "port/cpu.h"
#include "port/icc.h"
#include "port/ich.h"
#include "sim/gicv3.h"

namespace socle::port {

namespace {

sim::Gicv3& gic() {
  return sim::Gicv3::current();
}
unsigned here() {
  return index_of(current_cpu());
}

thread_local std::uint64_t system_registers = 0;

}  // namespace

bool icc_is_implemented() {
  return true;
}
std::uint32_t icc_own_affinity() {
  return sim::Gicv3::affinity_of(here());
}
std::uint64_t icc_system_registers() {
  return system_registers;
}
void icc_set_system_registers(std::uint64_t value) {
  system_registers = value;
}
void icc_set_control(std::uint64_t value) {
  gic().set_eoi_mode(here(), (value & 2) != 0);
}
std::uint64_t icc_control() {
  return 4u << 8;  // PRIbits: five
}
void icc_set_priority_mask(std::uint64_t value) {
  gic().set_priority_mask(here(), static_cast<std::uint8_t>(value));
}
void icc_set_binary_point(std::uint64_t) {}
void icc_enable_group1(bool enabled) {
  gic().set_group1(here(), enabled);
}
void icc_clear_active_priorities(unsigned) {}
std::uint32_t icc_acknowledge() {
  return gic().acknowledge(here());
}
void icc_end(std::uint32_t interrupt) {
  gic().end(here(), interrupt);
}
void icc_deactivate(std::uint32_t interrupt) {
  gic().deactivate(here(), interrupt);
}
void icc_send_sgi(std::uint64_t value) {
  gic().send_sgi(here(), value);
}
bool icc_is_interrupt_pending() {
  return gic().physical_pending(here());
}
void icc_sync() {}

// The model's virtual interface is the same for both.
void ich_use_memory(const MmioRegion&) {}
bool ich_is_in_memory() {
  return false;
}
std::uint32_t ich_system_empty_list_registers() {
  return ich_empty_list_registers();
}
void ich_system_set_list_register(unsigned index, std::uint64_t value) {
  ich_set_list_register(index, value);
}

std::uint64_t ich_type() {
  return gic().type();
}
std::uint64_t ich_list_register(unsigned index) {
  return gic().list_register(here(), index);
}
void ich_set_list_register(unsigned index, std::uint64_t value) {
  gic().set_list_register(here(), index, value);
}
std::uint32_t ich_empty_list_registers() {
  return gic().empty_list_registers(here());
}
std::uint32_t ich_ended_list_registers() {
  return gic().ended_list_registers(here());
}
std::uint32_t ich_maintenance_status() {
  return gic().maintenance_status(here());
}
std::uint32_t ich_control() {
  return gic().control(here());
}
void ich_set_control(std::uint32_t value) {
  gic().set_control(here(), value);
}
std::uint64_t ich_machine_control() {
  return gic().machine_control(here());
}
void ich_set_machine_control(std::uint64_t value) {
  gic().set_machine_control(here(), value);
}
std::uint32_t ich_active_priorities(unsigned group, unsigned index) {
  return gic().active_priorities(here(), group, index);
}
void ich_set_active_priorities(unsigned group, unsigned index, std::uint32_t value) {
  gic().set_active_priorities(here(), group, index, value);
}
void ich_enable_guest_system_registers() {}

}  // namespace socle::port
