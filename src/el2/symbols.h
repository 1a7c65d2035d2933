// SPDX-License-Identifier: Apache-2.0
#pragma once

// Names of Socle's functions, for backtraces. The table is made from the linked image and linked in
// again (image/symbols.sh).

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace socle::el2 {

struct Symbol {
  static constexpr std::size_t kLength = 64;

  std::array<char, kLength> text{};
  std::size_t length = 0;    // 0: no name is known
  std::uint64_t offset = 0;  // from the function's beginning; without a name, from the image's

  [[nodiscard]] std::string_view name() const { return {text.data(), length}; }
};
// Of an address in the image's text; anything else has no name.
Symbol symbol_at(std::uint64_t address);
bool is_text(std::uint64_t address);

}  // namespace socle::el2
