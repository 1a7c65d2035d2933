// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Socle offers beyond Xen's ABI: hypercall 55 (__HYPERVISOR_arch_7, which Xen on Arm answers
// with -ENOSYS), x0 = operation, x1 = the virtual address of its structure. For the hardware
// domain; others get -EPERM. An unknown operation answers -ENOSYS, a reserved field that is not 0
// or an unknown flag -EINVAL. Numbers and structures are stable once they are released: what is
// added gets a new number.
//
// Stands alone, so that guests can include it.

#include <cstdint>

namespace socle::abi {

inline constexpr unsigned kSocleCall = 55;

// What a virtual address of the caller means: both stages of translation at EL1, and what memory
// type they make together. SocleTranslate.
inline constexpr std::uint64_t kSocleTranslate = 1;

struct SocleTranslate {
  std::uint64_t address;  // in: of the EL1&0 regime of the vCPU that calls
  std::uint32_t flags;    // in: kSocleTranslate*
  std::uint32_t reserved;
  std::uint64_t par;  // out: PAR_EL1 as the CPU filled it (AT S12E1R or S12E1W), faults included
};
static_assert(sizeof(SocleTranslate) == 24);
// As for a write; otherwise as for a read.
inline constexpr std::uint32_t kSocleTranslateWrite = 1;

}  // namespace socle::abi
