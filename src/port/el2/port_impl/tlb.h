// SPDX-License-Identifier: Apache-2.0
#pragma once

// Defined in port/el2/tlb.cc, except what is one instruction.

namespace socle::port {

inline void tlb_all_guests() {
  asm volatile("tlbi alle1is" ::: "memory");
}
inline void tlb_el2_all() {
  asm volatile("tlbi alle2is" ::: "memory");
}
inline void tlb_sync() {
  asm volatile("dsb ish\n\tisb" ::: "memory");
}

}  // namespace socle::port
