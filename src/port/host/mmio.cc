// SPDX-License-Identifier: Apache-2.0
// Device registers, on the host: the models that the test has put on the bus.

#include "port/mmio.h"

#include "sim/register_model.h"

namespace socle::port {

namespace {

template <typename Value>
Value read(std::uintptr_t address) {
  return static_cast<Value>(sim::bus_read(Pa(address), sizeof(Value)));
}

template <typename Value>
void write(std::uintptr_t address, Value value) {
  sim::bus_write(Pa(address), sizeof(Value), value);
}

}  // namespace

std::uint8_t mmio_read8(std::uintptr_t address) {
  return read<std::uint8_t>(address);
}
std::uint16_t mmio_read16(std::uintptr_t address) {
  return read<std::uint16_t>(address);
}
std::uint32_t mmio_read32(std::uintptr_t address) {
  return read<std::uint32_t>(address);
}
std::uint64_t mmio_read64(std::uintptr_t address) {
  return read<std::uint64_t>(address);
}
void mmio_write8(std::uintptr_t address, std::uint8_t value) {
  write(address, value);
}
void mmio_write16(std::uintptr_t address, std::uint16_t value) {
  write(address, value);
}
void mmio_write32(std::uintptr_t address, std::uint32_t value) {
  write(address, value);
}
void mmio_write64(std::uintptr_t address, std::uint64_t value) {
  write(address, value);
}

bool mmio_map(const PaRange& registers) {
  return sim::bus_has(registers);
}

}  // namespace socle::port
