// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "port/gich.h"

namespace socle::port {

namespace detail {
// Empty (size 0) where the registers are system registers.
extern MmioRegion gich;

// The register number is part of the instruction.
std::uint64_t read_high_list_register(unsigned index);
void write_high_list_register(unsigned index, std::uint64_t value);
std::uint32_t read_active_priorities(unsigned group, unsigned index);
void write_active_priorities(unsigned group, unsigned index, std::uint32_t value);

// The first two are the ones that matter; a chain of compares beats a jump table for them.
inline std::uint64_t read_list_register(unsigned index) {
  std::uint64_t value;
  if (index == 0) {
    asm volatile("mrs %0, ich_lr0_el2" : "=r"(value));
    return value;
  }
  if (index == 1) {
    asm volatile("mrs %0, ich_lr1_el2" : "=r"(value));
    return value;
  }
  return read_high_list_register(index);
}
}  // namespace detail

inline bool ich_is_in_memory() {
  return detail::gich.size() != 0;
}

inline std::uint32_t ich_system_empty_list_registers() {
  std::uint64_t value;
  asm volatile("mrs %0, ich_elrsr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline void ich_system_set_list_register(unsigned index, std::uint64_t value) {
  if (index == 0)
    asm volatile("msr ich_lr0_el2, %0" ::"r"(value));
  else if (index == 1)
    asm volatile("msr ich_lr1_el2, %0" ::"r"(value));
  else
    detail::write_high_list_register(index, value);
}

inline std::uint64_t ich_type() {
  if (ich_is_in_memory()) [[unlikely]]
    return gich::type(detail::gich);
  std::uint64_t value;
  asm volatile("mrs %0, ich_vtr_el2" : "=r"(value));
  return value;
}
inline std::uint64_t ich_list_register(unsigned index) {
  if (ich_is_in_memory()) [[unlikely]]
    return gich::list_register(detail::gich, index);
  return detail::read_list_register(index);
}
inline void ich_set_list_register(unsigned index, std::uint64_t value) {
  if (ich_is_in_memory()) [[unlikely]]
    gich::set_list_register(detail::gich, index, value);
  else
    ich_system_set_list_register(index, value);
}
inline std::uint32_t ich_empty_list_registers() {
  if (ich_is_in_memory()) [[unlikely]]
    return detail::gich.read32(hw::gich::kELRSR);
  return ich_system_empty_list_registers();
}
inline std::uint32_t ich_ended_list_registers() {
  if (ich_is_in_memory()) [[unlikely]]
    return detail::gich.read32(hw::gich::kEISR);
  std::uint64_t value;
  asm volatile("mrs %0, ich_eisr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline std::uint32_t ich_maintenance_status() {
  if (ich_is_in_memory()) [[unlikely]]
    return detail::gich.read32(hw::gich::kMISR);
  std::uint64_t value;
  asm volatile("mrs %0, ich_misr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline std::uint32_t ich_control() {
  if (ich_is_in_memory()) [[unlikely]]
    return detail::gich.read32(hw::gich::kHCR);
  std::uint64_t value;
  asm volatile("mrs %0, ich_hcr_el2" : "=r"(value));
  return static_cast<std::uint32_t>(value);
}
inline void ich_set_control(std::uint32_t value) {
  if (ich_is_in_memory()) [[unlikely]]
    detail::gich.write32(hw::gich::kHCR, value);
  else
    asm volatile("msr ich_hcr_el2, %0" ::"r"(std::uint64_t{value}));
}
inline std::uint64_t ich_machine_control() {
  if (ich_is_in_memory()) [[unlikely]]
    return detail::gich.read32(hw::gich::kVMCR);
  std::uint64_t value;
  asm volatile("mrs %0, ich_vmcr_el2" : "=r"(value));
  return value;
}
inline void ich_set_machine_control(std::uint64_t value) {
  if (ich_is_in_memory()) [[unlikely]]
    detail::gich.write32(hw::gich::kVMCR, static_cast<std::uint32_t>(value));
  else
    asm volatile("msr ich_vmcr_el2, %0" ::"r"(value));
}
inline std::uint32_t ich_active_priorities(unsigned group, unsigned index) {
  return ich_is_in_memory() ? gich::active_priorities(detail::gich, group, index)
                            : detail::read_active_priorities(group, index);
}
inline void ich_set_active_priorities(unsigned group, unsigned index, std::uint32_t value) {
  if (ich_is_in_memory())
    gich::set_active_priorities(detail::gich, group, index, value);
  else
    detail::write_active_priorities(group, index, value);
}

inline void ich_enable_guest_system_registers() {
  if (!ich_is_in_memory()) asm volatile("msr icc_sre_el1, %0" ::"r"(std::uint64_t{1}));
}

}  // namespace socle::port
