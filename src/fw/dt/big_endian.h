// SPDX-License-Identifier: Apache-2.0
#pragma once

// Big-endian numbers at any address, byte by byte: a tree's contents need not be aligned.

#include <cstddef>
#include <cstdint>

namespace socle::fw::dt {

inline std::uint32_t load_be32(const std::byte* at) {
  return (std::to_integer<std::uint32_t>(at[0]) << 24) |
         (std::to_integer<std::uint32_t>(at[1]) << 16) |
         (std::to_integer<std::uint32_t>(at[2]) << 8) | std::to_integer<std::uint32_t>(at[3]);
}
inline std::uint64_t load_be64(const std::byte* at) {
  return (std::uint64_t{load_be32(at)} << 32) | load_be32(at + 4);
}
inline void store_be32(std::byte* at, std::uint32_t value) {
  at[0] = static_cast<std::byte>(value >> 24);
  at[1] = static_cast<std::byte>(value >> 16);
  at[2] = static_cast<std::byte>(value >> 8);
  at[3] = static_cast<std::byte>(value);
}

}  // namespace socle::fw::dt
