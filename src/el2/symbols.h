// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of Socle's functions, for backtraces. The table is made from the linked image and linked in
// again (image/symbols.sh).

#include <cstdint>
#include <string_view>

namespace socle::el2 {

struct Symbol {
  std::string_view name;     // "" if the image has no table
  std::uint64_t offset = 0;  // from the function's beginning, or from the image's if name is ""
};
// Of an address in the image's text; anything else has no name.
Symbol symbol_at(std::uint64_t address);
bool is_text(std::uint64_t address);

}  // namespace socle::el2
