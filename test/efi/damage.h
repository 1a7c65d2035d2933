// SPDX-License-Identifier: Apache-2.0
#pragma once

// damage.efi VERB ARGUMENTS: changes one thing in what firmware hands to an operating system, and
// returns. Started before Socle (or before Linux) as often as needed; see damage.cc for all verbs.

#include "application.h"

namespace socle::test {

struct Verb {
  std::string_view name;
  std::size_t arguments;
  std::string_view usage;  // of its arguments
  bool (*run)(Words arguments);
};

std::span<const Verb> acpi_verbs();      // ACPI's tables
std::span<const Verb> firmware_verbs();  // UEFI's own
std::span<const Verb> runtime_verbs();   // the functions behind them

// Where something is: a number, or a table's name with or without "+OFFSET"; nothing after a line
// that says why.
std::optional<std::uint64_t> to_place(std::string_view text);

}  // namespace socle::test
