// SPDX-License-Identifier: Apache-2.0
#pragma once

// Access to device registers, one instruction per access, never merged or split, and of a form
// whose syndrome a hypervisor below us could decode. On the host: calls into a register model of
// sim/.
//
// A MmioRegion is made once per device, after its range was mapped for Socle (el2/) or bound to a
// model.

#include <cstdint>

#include "base/check.h"
#include "base/range.h"

namespace socle::port {

std::uint8_t mmio_read8(std::uintptr_t address);
std::uint16_t mmio_read16(std::uintptr_t address);
std::uint32_t mmio_read32(std::uintptr_t address);
std::uint64_t mmio_read64(std::uintptr_t address);
void mmio_write8(std::uintptr_t address, std::uint8_t value);
void mmio_write16(std::uintptr_t address, std::uint16_t value);
void mmio_write32(std::uintptr_t address, std::uint32_t value);
void mmio_write64(std::uintptr_t address, std::uint64_t value);

// Maps device registers for Socle as Device-nGnRE, read and write. Fails with kNoMemory (tables),
// kInvalid (range touches RAM that is mapped already). Idempotent. Defined by el2/ or sim/.
[[nodiscard]] bool mmio_map(const PaRange& registers);

class MmioRegion {
 public:
  constexpr MmioRegion() = default;
  constexpr MmioRegion(std::uintptr_t base, std::uint64_t size) : base_(base), size_(size) {}
  [[nodiscard]] constexpr std::uint64_t size() const { return size_; }
  [[nodiscard]] constexpr std::uintptr_t base() const { return base_; }
  std::uint32_t read32(std::uint64_t offset) const {
    CHECK(offset + 4 <= size_);
    return mmio_read32(base_ + offset);
  }
  std::uint64_t read64(std::uint64_t offset) const {
    CHECK(offset + 8 <= size_);
    return mmio_read64(base_ + offset);
  }
  void write32(std::uint64_t offset, std::uint32_t value) const {
    CHECK(offset + 4 <= size_);
    mmio_write32(base_ + offset, value);
  }
  void write64(std::uint64_t offset, std::uint64_t value) const {
    CHECK(offset + 8 <= size_);
    mmio_write64(base_ + offset, value);
  }

 private:
  std::uintptr_t base_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace socle::port

#include "port_impl/mmio.h"
