// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>

#include "hw/sysreg.h"

namespace socle::port {

// What tests look into; keyed by SystemRegister::code().
inline std::map<std::uint16_t, std::uint64_t>& host_registers() {
  static thread_local std::map<std::uint16_t, std::uint64_t> registers;
  return registers;
}

template <typename Register>
std::uint64_t read_register() {
  const auto& registers = host_registers();
  const auto found = registers.find(Register::kRegister.code());
  return found == registers.end() ? 0 : found->second;
}

template <typename Register>
void write_register(std::uint64_t value) {
  host_registers()[Register::kRegister.code()] = value;
}

}  // namespace socle::port
