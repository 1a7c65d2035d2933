// SPDX-License-Identifier: Apache-2.0
#include "el2/symbols.h"

#include <algorithm>

#include "el2/early_boot.h"

namespace socle::el2 {
namespace {

// What image/symbols.sh writes: for each function in ascending order 16 bits of distance from the
// one before it (in instructions; the first: from the image's beginning), 8 bits of how much of its
// name is that of the one before it, and the rest of the name, ended by NUL.
extern "C" {
extern const unsigned char socle_symbols[];
extern const unsigned char socle_symbols_end[];
}

// The table, read from the front: it is long only in time, and only a crash reads it.
class Reader {
 public:
  // Moves to the next function; false at the end.
  bool next() {
    if (socle_symbols_end - at_ < 4) return false;
    address_ += (at_[0] | std::uint64_t{at_[1]} << 8) * 4;
    length_ = std::min<std::size_t>(at_[2], Symbol::kLength);
    at_ += 3;
    for (; at_ < socle_symbols_end && *at_ != 0; ++at_) {
      if (length_ < Symbol::kLength) text_[length_++] = static_cast<char>(*at_);
    }
    ++at_;
    return true;
  }
  [[nodiscard]] std::uint64_t address() const { return address_; }
  [[nodiscard]] Symbol symbol(std::uint64_t offset) const {
    return {.text = text_, .length = length_, .offset = offset - address_};
  }

 private:
  const unsigned char* at_ = socle_symbols;
  std::uint64_t address_ = 0;
  std::array<char, Symbol::kLength> text_{};
  std::size_t length_ = 0;
};

std::uint64_t image_start() {
  return reinterpret_cast<std::uintptr_t>(socle_text_start);
}

}  // namespace

bool is_text(std::uint64_t address) {
  return address >= image_start() && address < reinterpret_cast<std::uintptr_t>(socle_text_end);
}

Symbol symbol_at(std::uint64_t address) {
  Symbol found{.text = {}, .length = 0, .offset = address - image_start()};
  if (!is_text(address)) return found;
  const std::uint64_t offset = found.offset;
  for (Reader reader; reader.next() && reader.address() <= offset;)
    found = reader.symbol(offset);
  return found;
}

}  // namespace socle::el2
