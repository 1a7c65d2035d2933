// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

inline std::uint64_t read_entry(const std::uint64_t& entry) {
  return __atomic_load_n(&entry, __ATOMIC_RELAXED);
}
inline void write_entry(std::uint64_t& entry, std::uint64_t value) {
  __atomic_store_n(&entry, value, __ATOMIC_RELAXED);
}

}  // namespace socle::port
