// SPDX-License-Identifier: Apache-2.0
#include "hwdom/crc32.h"

#include <array>

namespace socle::hwdom {
namespace {

constexpr std::uint32_t kPolynomial = 0xedb8'8320;  // x^0 is the top bit

// What a byte at the low end becomes when it has been shifted out.
constexpr auto kOfByte = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t remainder = byte;
    for (unsigned bit = 0; bit < 8; ++bit) {
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? kPolynomial : 0);
    }
    table[byte] = remainder;
  }
  return table;
}();

}  // namespace

std::uint32_t crc32_of(std::uint32_t before, std::span<const std::byte> bytes) {
  std::uint32_t remainder = ~before;
  for (const std::byte byte : bytes) {
    remainder =
        (remainder >> 8) ^ kOfByte[(remainder ^ std::to_integer<std::uint32_t>(byte)) & 0xff];
  }
  return ~remainder;
}

}  // namespace socle::hwdom
