// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside hwdom: writing a device tree from its beginning to its end.

#include <algorithm>
#include <array>
#include <cstring>
#include <libfdt.h>
#include <span>
#include <string_view>

#include "base/check.h"
#include "base/result.h"
#include "fw/dt/big_endian.h"
#include "fw/dt/tree.h"

namespace socle::hwdom {

// Cells of a property, collected.
class Cells {
 public:
  void add(std::uint32_t value) {
    CHECK(size_ + 4 <= bytes_.size());
    fw::dt::store_be32(bytes_.data() + size_, value);
    size_ += 4;
  }
  void add(std::uint64_t value, unsigned cells) {
    if (cells > 1) add(static_cast<std::uint32_t>(value >> 32));
    add(static_cast<std::uint32_t>(value));
  }
  [[nodiscard]] std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }
  [[nodiscard]] bool has_room(std::size_t cells) const {
    return size_ + 4 * cells <= bytes_.size();
  }

 private:
  std::array<std::byte, 1024> bytes_{};
  std::size_t size_ = 0;
};

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// libfdt's sequential writer; remembers the first error instead of returning each.
class Writer {
 public:
  Writer(std::span<std::byte> buffer, bool deduplicate) : buffer_(buffer) {
    note(fdt_create_with_flags(buffer.data(),
                               static_cast<int>(std::min<std::size_t>(buffer.size(), 1u << 30)),
                               deduplicate ? 0 : FDT_CREATE_FLAG_NO_NAME_DEDUP));
  }
  void reservation(const PaRange& range) {
    note(fdt_add_reservemap_entry(buffer_.data(), range.begin().value(), range.size()));
  }
  void end_reservations() { note(fdt_finish_reservemap(buffer_.data())); }
  void begin(const char* name) { note(fdt_begin_node(buffer_.data(), name)); }
  void end() { note(fdt_end_node(buffer_.data())); }
  void property(const char* name, std::span<const std::byte> value) {
    note(fdt_property(buffer_.data(), name, value.data(), static_cast<int>(value.size())));
  }
  void copy(const fw::dt::Property& property_to_copy) {
    property(property_to_copy.c_name(), property_to_copy.bytes());
  }
  void cell(const char* name, std::uint32_t value) {
    Cells cells;
    cells.add(value);
    property(name, cells.bytes());
  }
  // `text` is a literal: what stands behind it is its NUL.
  template <std::size_t N>
  void string(const char* name, const char (&text)[N]) {
    property(name, bytes_of(std::string_view(text, N)));
  }
  void flag(const char* name) { property(name, {}); }
  Result<std::size_t> finish() {
    note(fdt_finish(buffer_.data()));
    if (status_ == -FDT_ERR_NOSPACE) return fail(Error::kTooLarge);
    if (status_ != 0) return fail(Error::kInvalid);
    return fw::dt::load_be32(buffer_.data() + 4);  // totalsize
  }

 private:
  void note(int status) {
    if (status_ == 0 && status < 0) status_ = status;
  }

  std::span<std::byte> buffer_;
  int status_ = 0;
};

}  // namespace socle::hwdom
