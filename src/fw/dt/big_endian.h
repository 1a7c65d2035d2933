// SPDX-License-Identifier: Apache-2.0
#pragma once

// Big-endian numbers at any address: a tree's contents need not be aligned.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace socle::fw::dt {

static_assert(std::endian::native == std::endian::little);

inline std::uint32_t load_be32(const std::byte* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
inline std::uint64_t load_be64(const std::byte* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap64(value);
}
inline void store_be32(std::byte* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}

}  // namespace socle::fw::dt
