// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

inline std::uint64_t read_entry(const std::uint64_t& entry) {
  return __atomic_load_n(&entry, __ATOMIC_RELAXED);
}
// write_entry(): port/host/mmu.cc, sim::Mmu.

}  // namespace socle::port
