// SPDX-License-Identifier: Apache-2.0
#pragma once

// What an EFI application of the tests stands on: its arguments as words, firmware's console,
// numbers. Boot services are there all the time; nothing here allocates.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "efi/uefi.h"

namespace socle::test {

// Set before the application's own code runs.
const efi::SystemTable& system_table();

// At most 16 words, of at most 512 characters in all; the program's own name is not among them.
using Words = std::span<const std::string_view>;

void print(std::string_view text);
void print_hex(std::uint64_t number);
// Prints `text`, then fails: for `return fail("...")`.
bool fail(std::string_view text);

// "0x..." or decimal.
std::optional<std::uint64_t> to_number(std::string_view text);

// The application itself. False: it has said why, and firmware's shell gets an error.
bool run(Words words);

}  // namespace socle::test
