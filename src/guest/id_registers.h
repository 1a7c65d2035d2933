// SPDX-License-Identifier: Apache-2.0
#pragma once

// IdRegisters: what a domain's CPUs say they can do, as a table of values that the trap
// (HCR_EL2.TID3) looks up. An allow-list: a field that no rule names reads as zero, so a feature
// that is newer than this code stays hidden, and so does every feature whose registers Socle does
// not switch or whose traps it does not know.
//
// Made once per domain on the boot CPU, constant afterwards. Source: Arm ARM DDI 0487, D19.2;
// which field and why: id_registers.cc.

#include <array>
#include <cstdint>

#include "hw/sysreg.h"

namespace socle::guest {

class IdRegisters {
 public:
  // CRm 1 to 7, op2 0 to 7.
  static constexpr unsigned kFirstCrm = 1;
  static constexpr unsigned kCount = 7 * 8;

  constexpr IdRegisters() = default;

  // The registers of the CPU this runs on, as the rules allow. `ipa_bits`: size of the guest's
  // physical address space, which bounds what PARange shows.
  static IdRegisters from_this_cpu(unsigned ipa_bits);

  // Whether HCR_EL2.TID3 makes reads of this register trap.
  static constexpr bool covers(hw::SystemRegister reg) {
    return reg.op0 == 3 && reg.op1 == 0 && reg.crn == 0 && reg.crm >= kFirstCrm && reg.crm <= 7;
  }
  // Of a register that is covered.
  [[nodiscard]] std::uint64_t read(hw::SystemRegister reg) const { return values_[index_of(reg)]; }
  template <typename Register>
  [[nodiscard]] std::uint64_t read() const {
    static_assert(covers(Register::kRegister));
    return read(Register::kRegister);
  }

 private:
  static constexpr unsigned index_of(hw::SystemRegister reg) {
    return ((static_cast<unsigned>(reg.crm) - kFirstCrm) * 8 + reg.op2) % kCount;
  }

  std::array<std::uint64_t, kCount> values_{};
};

}  // namespace socle::guest
