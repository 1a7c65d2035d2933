// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

inline void barrier_table_write() {
  asm volatile("dsb ishst" ::: "memory");
}
inline void barrier_table_write_and_sync() {
  asm volatile("dsb ishst\n\tisb" ::: "memory");
}
inline void barrier_complete() {
  asm volatile("dsb ish" ::: "memory");
}
inline void barrier_complete_system() {
  asm volatile("dsb sy" ::: "memory");
}
inline void barrier_context() {
  asm volatile("isb" ::: "memory");
}

}  // namespace socle::port
