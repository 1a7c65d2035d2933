// SPDX-License-Identifier: Apache-2.0
#pragma once

// One load or store with a plain base register: the compiler may neither merge nor split it nor
// choose a writeback form, whose abort would come without a syndrome. Device memory orders accesses
// to one device among themselves; whoever orders them against normal memory uses port/barrier.h.

#include <cstdint>

namespace socle::port {

inline std::uint8_t mmio_read8(std::uintptr_t address) {
  std::uint32_t value;
  asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return static_cast<std::uint8_t>(value);
}
inline std::uint16_t mmio_read16(std::uintptr_t address) {
  std::uint32_t value;
  asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return static_cast<std::uint16_t>(value);
}
inline std::uint32_t mmio_read32(std::uintptr_t address) {
  std::uint32_t value;
  asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
inline std::uint64_t mmio_read64(std::uintptr_t address) {
  std::uint64_t value;
  asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(address) : "memory");
  return value;
}
inline void mmio_write8(std::uintptr_t address, std::uint8_t value) {
  asm volatile("strb %w0, [%1]" ::"r"(std::uint32_t{value}), "r"(address) : "memory");
}
inline void mmio_write16(std::uintptr_t address, std::uint16_t value) {
  asm volatile("strh %w0, [%1]" ::"r"(std::uint32_t{value}), "r"(address) : "memory");
}
inline void mmio_write32(std::uintptr_t address, std::uint32_t value) {
  asm volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}
inline void mmio_write64(std::uintptr_t address, std::uint64_t value) {
  asm volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}

}  // namespace socle::port
