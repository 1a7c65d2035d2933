// SPDX-License-Identifier: Apache-2.0
#include "el2/symbols.h"

#include "el2/early_boot.h"

namespace socle::el2 {
namespace {

// What image/symbols.sh writes: a count, then `count` entries in ascending order, then the names,
// each ended by NUL.
struct Entry {
  std::uint32_t address;  // from the beginning of the image
  std::uint32_t name;     // from the beginning of the names
};
extern "C" const std::uint32_t socle_symbols[];

std::uint64_t image_start() {
  return reinterpret_cast<std::uintptr_t>(socle_text_start);
}

}  // namespace

bool is_text(std::uint64_t address) {
  return address >= image_start() && address < reinterpret_cast<std::uintptr_t>(socle_text_end);
}

Symbol symbol_at(std::uint64_t address) {
  const std::uint64_t offset = address - image_start();
  if (!is_text(address)) return {.name = "", .offset = address};
  const std::uint32_t count = socle_symbols[0];
  const auto* const entries = reinterpret_cast<const Entry*>(socle_symbols + 2);
  const auto* const names = reinterpret_cast<const char*>(entries + count);
  std::uint32_t low = 0;
  std::uint32_t high = count;  // entries below `low` begin at or before the address
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (entries[middle].address <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) return {.name = "", .offset = offset};
  const Entry& found = entries[low - 1];
  return {.name = names + found.name, .offset = offset - found.address};
}

}  // namespace socle::el2
