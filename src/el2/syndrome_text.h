// SPDX-License-Identifier: Apache-2.0
#pragma once

// Exceptions in words, for the crash dump.

#include <cstdint>
#include <string_view>

namespace socle::el2 {

// Logs which vector was taken and what ESR_EL2 and FAR_EL2 say. `vector`: 0 to 7, as the first half
// of the vector table is ordered.
void describe_exception(std::uint64_t vector, std::uint64_t esr, std::uint64_t far);

}  // namespace socle::el2
