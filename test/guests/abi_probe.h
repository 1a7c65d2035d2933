// SPDX-License-Identifier: Apache-2.0
#pragma once

// The parts of the ABI probe: abi_probe.cc, abi_probe_grants.cc and abi_probe_devices.cc.

#include <cstdint>
#include <string_view>

#include "guest.h"

namespace probe {

inline constexpr std::uint64_t kSelf = 0x7ff0;
inline constexpr std::uint64_t kNobody = 0x1234;
// An address that no machine of ours has.
inline constexpr std::uint64_t kBadAddress = 0xffff'0000'0000;

inline std::uint64_t address_of(const void* object) {
  return reinterpret_cast<std::uint64_t>(object);
}
inline std::uint64_t frame_of(const void* page) {
  return address_of(page) >> 12;
}

// One line: probe <what> <number> = <result>
void show(std::string_view what, std::uint64_t number, std::int64_t result);

void grants();
void devices(const guest::Tree& tree);

}  // namespace probe
