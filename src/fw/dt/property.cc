// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "fw/dt/big_endian.h"
#include "fw/dt/tree.h"

namespace socle::fw::dt {

std::optional<std::uint32_t> Property::cell(std::size_t index) const {
  if (index >= cell_count()) return std::nullopt;
  return load_be32(bytes_.data() + 4 * index);
}

std::optional<std::uint64_t> Property::number(std::size_t index, unsigned cells) const {
  if (cells > 2 || index > cell_count() || cells > cell_count() - index) return std::nullopt;
  if (cells == 0) return 0;
  if (cells == 1) return load_be32(bytes_.data() + 4 * index);
  return load_be64(bytes_.data() + 4 * index);
}

std::optional<std::uint32_t> Property::as_cell() const {
  if (bytes_.size() != 4) return std::nullopt;
  return load_be32(bytes_.data());
}

std::optional<std::uint64_t> Property::as_number() const {
  if (bytes_.size() == 4) return load_be32(bytes_.data());
  if (bytes_.size() == 8) return load_be64(bytes_.data());
  return std::nullopt;
}

std::optional<std::string_view> Property::as_string() const {
  const auto first = string_at(0);
  if (!first || first->size() + 1 != bytes_.size()) return std::nullopt;
  return first;
}

std::optional<std::string_view> Property::string_at(std::size_t index) const {
  const char* at = reinterpret_cast<const char*>(bytes_.data());
  std::size_t left = bytes_.size();
  while (left != 0) {
    const void* nul = std::memchr(at, 0, left);
    if (nul == nullptr) return std::nullopt;
    const std::size_t length = static_cast<std::size_t>(static_cast<const char*>(nul) - at);
    if (index-- == 0) return std::string_view(at, length);
    at += length + 1;
    left -= length + 1;
  }
  return std::nullopt;
}

bool Property::contains(std::string_view text) const {
  const char* at = reinterpret_cast<const char*>(bytes_.data());
  std::size_t left = bytes_.size();
  while (left != 0) {
    const void* nul = std::memchr(at, 0, left);
    if (nul == nullptr) return false;
    const std::size_t length = static_cast<std::size_t>(static_cast<const char*>(nul) - at);
    if (std::string_view(at, length) == text) return true;
    at += length + 1;
    left -= length + 1;
  }
  return false;
}

}  // namespace socle::fw::dt
