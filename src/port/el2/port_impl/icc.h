// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

inline bool icc_is_implemented() {
  std::uint64_t features;
  asm volatile("mrs %0, id_aa64pfr0_el1" : "=r"(features));
  return (features >> 24 & 0xf) != 0;
}
inline std::uint32_t icc_own_affinity() {
  std::uint64_t mpidr;
  asm volatile("mrs %0, mpidr_el1" : "=r"(mpidr));
  return static_cast<std::uint32_t>((mpidr & 0xff'ffff) | (mpidr >> 32 & 0xff) << 24);
}
inline std::uint64_t icc_system_registers() {
  std::uint64_t value;
  asm volatile("mrs %0, icc_sre_el2" : "=r"(value));
  return value;
}
inline void icc_set_system_registers(std::uint64_t value) {
  asm volatile("msr icc_sre_el2, %0\n\tisb" ::"r"(value) : "memory");
}
inline void icc_set_control(std::uint64_t value) {
  asm volatile("msr icc_ctlr_el1, %0" ::"r"(value) : "memory");
}
inline std::uint64_t icc_control() {
  std::uint64_t value;
  asm volatile("mrs %0, icc_ctlr_el1" : "=r"(value));
  return value;
}
inline void icc_set_priority_mask(std::uint64_t value) {
  asm volatile("msr icc_pmr_el1, %0" ::"r"(value) : "memory");
}
inline void icc_set_binary_point(std::uint64_t value) {
  asm volatile("msr icc_bpr1_el1, %0" ::"r"(value) : "memory");
}
inline void icc_enable_group1(bool enabled) {
  asm volatile("msr icc_igrpen1_el1, %0" ::"r"(std::uint64_t{enabled}) : "memory");
}
inline void icc_clear_active_priorities(unsigned count) {
  const std::uint64_t none = 0;
  asm volatile("msr icc_ap1r0_el1, %0" ::"r"(none) : "memory");
  if (count > 1) asm volatile("msr icc_ap1r1_el1, %0" ::"r"(none) : "memory");
  if (count > 2) {
    asm volatile("msr icc_ap1r2_el1, %0" ::"r"(none) : "memory");
    asm volatile("msr icc_ap1r3_el1, %0" ::"r"(none) : "memory");
  }
}
// The acknowledged interrupt is active before memory that its source wrote is read: DSB, as the
// architecture wants it between the read of IAR and accesses that depend on it.
inline std::uint32_t icc_acknowledge() {
  std::uint64_t value;
  asm volatile("mrs %0, icc_iar1_el1\n\tdsb sy" : "=r"(value)::"memory");
  return static_cast<std::uint32_t>(value);
}
inline void icc_end(std::uint32_t interrupt) {
  asm volatile("msr icc_eoir1_el1, %0" ::"r"(std::uint64_t{interrupt}) : "memory");
}
inline void icc_deactivate(std::uint32_t interrupt) {
  asm volatile("msr icc_dir_el1, %0" ::"r"(std::uint64_t{interrupt}) : "memory");
}
inline void icc_send_sgi(std::uint64_t value) {
  asm volatile("dsb ishst\n\tmsr icc_sgi1r_el1, %0\n\tisb" ::"r"(value) : "memory");
}
inline bool icc_is_interrupt_pending() {
  std::uint64_t value;
  asm volatile("mrs %0, isr_el1" : "=r"(value)::"memory");
  return (value & 0xc0) != 0;  // I, F
}
inline void icc_sync() {
  asm volatile("isb" ::: "memory");
}

}  // namespace socle::port
