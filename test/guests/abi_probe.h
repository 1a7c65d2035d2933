// SPDX-License-Identifier: Apache-2.0
#pragma once

// The two halves of the ABI probe: abi_probe.cc and abi_probe_grants.cc.

#include <cstdint>
#include <string_view>

namespace probe {

// One line: probe <what> <number> = <result>
void show(std::string_view what, std::uint64_t number, std::int64_t result);

void grants();

}  // namespace probe
