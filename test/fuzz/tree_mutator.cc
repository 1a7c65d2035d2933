// SPDX-License-Identifier: Apache-2.0

// How device trees are changed by the fuzzers that read them. Most changes are made in the values
// and names of properties, so that most inputs stay trees: flipped bytes alone seldom get past the
// first check.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "fw/dt/big_endian.h"

// libFuzzer's names.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
// NOLINTEND(readability-identifier-naming)

namespace {

using socle::fw::dt::load_be32;
using socle::fw::dt::store_be32;

// Where the properties of the structure block are; stops at anything odd.
std::vector<std::size_t> find_properties(const std::byte* blob, std::size_t size) {
  std::vector<std::size_t> found;
  if (size < 40) return found;
  std::size_t at = load_be32(blob + 8);
  while (at <= size - 12) {
    const std::uint32_t token = load_be32(blob + at);
    if (token == 1) {
      at += 4;
      while (at < size && blob[at] != std::byte{0})
        ++at;
      at = (at + 4) & ~std::size_t{3};
    } else if (token == 3) {
      found.push_back(at);
      at += 12 + ((std::size_t{load_be32(blob + at + 4)} + 3) & ~std::size_t{3});
    } else if (token == 2 || token == 4) {
      at += 4;
    } else {
      break;
    }
  }
  return found;
}

void change_property(std::byte* blob, std::size_t size, std::minstd_rand& random) {
  const std::vector<std::size_t> properties = find_properties(blob, size);
  if (properties.empty()) return;
  const auto pick = [&] { return properties[random() % properties.size()]; };
  const std::size_t at = pick();
  const std::size_t other = pick();
  const std::size_t cells = std::min<std::size_t>(load_be32(blob + at + 4), size - at - 12) / 4;
  const std::size_t other_cells =
      std::min<std::size_t>(load_be32(blob + other + 4), size - other - 12) / 4;
  constexpr std::array<std::uint32_t, 10> kTelling = {
      0, 1, 2, 3, 0x1000, 0x7fff'ffff, 0x8000'0000, 0xffff'f000, 0xffff'ffff, 0x200};
  switch (random() % 5) {
    case 0:  // another name
      std::memcpy(blob + at + 8, blob + other + 8, 4);
      break;
    case 1:  // another value for a cell
      if (cells != 0)
        store_be32(blob + at + 12 + 4 * (random() % cells), kTelling[random() % kTelling.size()]);
      break;
    case 2:  // a cell of another property: phandles, addresses
      if (cells != 0 && other_cells != 0)
        std::memcpy(blob + at + 12 + 4 * (random() % cells),
                    blob + other + 12 + 4 * (random() % other_cells), 4);
      break;
    case 3:  // a little more or less
      if (cells != 0) {
        std::byte* cell = blob + at + 12 + 4 * (random() % cells);
        store_be32(cell, load_be32(cell) + static_cast<std::uint32_t>(random() % 9) - 4);
      }
      break;
    default:  // shorter: what was behind it becomes a token
      if (cells != 0) store_be32(blob + at + 4, static_cast<std::uint32_t>(random() % (4 * cells)));
      break;
  }
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const unsigned changes = 1 + random() % 8;
  for (unsigned i = 0; i < changes; ++i)
    change_property(reinterpret_cast<std::byte*>(data), size, random);
  return size;
}
// NOLINTEND(readability-identifier-naming)
