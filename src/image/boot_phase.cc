// SPDX-License-Identifier: Apache-2.0
#include "image/boot_phase.h"

#include <cstdint>

#include "base/field.h"

namespace socle::image {
namespace {

// Arm ARM DDI 0487, D19.2 "CPTR_EL2", HCR_EL2.E2H == 0. Bits that are RES1 where SVE and SME are
// absent trap those where they are present, which is what is wanted of both.
constexpr std::uint64_t kReservedOrTraps = 0x33ff;
using TrapFp = Flag<10>;

void write_cptr(std::uint64_t value) {
  asm volatile("msr cptr_el2, %0\n isb" ::"r"(value) : "memory");
}

}  // namespace

fw::BootPhase BootPhaseMaker::begin() {
  write_cptr(TrapFp::set(kReservedOrTraps, 0));
  return fw::BootPhase();
}

void BootPhaseMaker::end() {
  write_cptr(TrapFp::set(kReservedOrTraps, 1));
}

}  // namespace socle::image
