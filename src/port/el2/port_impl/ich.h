// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

inline std::uint64_t ich_type() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_vtr_el2" : "=r"(value));
  return value;
}

namespace detail {
// The register number is part of the instruction.
std::uint64_t read_high_list_register(unsigned index);
void write_high_list_register(unsigned index, std::uint64_t value);
}  // namespace detail

// The first two are the ones that matter; a chain of compares beats a jump table for them.
inline std::uint64_t ich_list_register(unsigned index) {
  std::uint64_t value;
  if (index == 0) {
    asm volatile("mrs %0, ich_lr0_el2" : "=r"(value));
    return value;
  }
  if (index == 1) {
    asm volatile("mrs %0, ich_lr1_el2" : "=r"(value));
    return value;
  }
  return detail::read_high_list_register(index);
}
inline void ich_set_list_register(unsigned index, std::uint64_t value) {
  if (index == 0)
    asm volatile("msr ich_lr0_el2, %0" ::"r"(value));
  else if (index == 1)
    asm volatile("msr ich_lr1_el2, %0" ::"r"(value));
  else
    detail::write_high_list_register(index, value);
}

inline std::uint32_t ich_empty_list_registers() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_elrsr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline std::uint32_t ich_ended_list_registers() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_eisr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline std::uint32_t ich_maintenance_status() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_misr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline std::uint32_t ich_control() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_hcr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline void ich_set_control(std::uint32_t value) {
  asm volatile("msr ich_hcr_el2, %0" ::"r"(std::uint64_t{value}));
}
inline std::uint64_t ich_machine_control() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_vmcr_el2" : "=r"(value));
  return value;
}
inline void ich_set_machine_control(std::uint64_t value) {
  asm volatile("msr ich_vmcr_el2, %0" ::"r"(value));
}
std::uint32_t ich_active_priorities(unsigned group, unsigned index);
void ich_set_active_priorities(unsigned group, unsigned index, std::uint32_t value);

inline void ich_enable_guest_system_registers() {
  asm volatile("msr icc_sre_el1, %0" ::"r"(std::uint64_t{1}));
}

}  // namespace socle::port
