// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "hw/sysreg.h"

namespace socle::port {

// By number, not by name: the assembler then needs no list of architecture extensions.
template <typename Register>
[[gnu::always_inline]] inline std::uint64_t read_register() {
  constexpr hw::SystemRegister kReg = Register::kRegister;
  std::uint64_t value;
  asm volatile("mrs %0, s%c1_%c2_c%c3_c%c4_%c5"
               : "=r"(value)
               : "i"(kReg.op0), "i"(kReg.op1), "i"(kReg.crn), "i"(kReg.crm), "i"(kReg.op2));
  return value;
}

template <typename Register>
[[gnu::always_inline]] inline void write_register(std::uint64_t value) {
  constexpr hw::SystemRegister kReg = Register::kRegister;
  asm volatile("msr s%c1_%c2_c%c3_c%c4_%c5, %x0" ::"rZ"(value), "i"(kReg.op0), "i"(kReg.op1),
               "i"(kReg.crn), "i"(kReg.crm), "i"(kReg.op2)
               : "memory");
}

}  // namespace socle::port
