// SPDX-License-Identifier: Apache-2.0
#pragma once

// Semihosting: the way out that emulators and debuggers offer (Arm IHI 0100, "Semihosting for
// AArch32 and AArch64"). Without one, its HLT is an undefined instruction, which
// semihosting_answers() survives. Nothing else may be called unless it said yes.

#include <cstdint>
#include <string_view>

namespace socle::el2 {

bool semihosting_answers();
void semihosting_write(std::string_view text);
void semihosting_write_line(std::string_view line);
// Ends the emulator with this status; returns if it does not know how.
void semihosting_exit(std::uint8_t status);

}  // namespace socle::el2
