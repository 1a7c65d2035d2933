// SPDX-License-Identifier: Apache-2.0
#pragma once

// Fields: the bytes of a table or structure, read at offsets and never past their end. ACPI's
// numbers are little endian and aligned to nothing. A field beyond the end reads as zero: that is
// what newer revisions of a table mean by "not stated", and how Linux reads old, short ones; where
// zero would be an answer, ask has() first.
//
// Structures: the walk over structures that follow each other, each with its length at its start.
// It always ends: a length of zero, one shorter than the structure's own header or one past the end
// of the table ends it with an error line that names the table and the
// place; so does, with a warning, a table that has fewer than it says (Linux takes such a MADT for
// none; what the reader makes of it is the reader's business).
//
// Source: ACPI 6.5, 5.2.3 (byte order) and 5.2.12, 5.2.16, 5.2.25 (structures).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "fw/diagnostics.h"

namespace socle::fw::acpi {

class Fields {
 public:
  constexpr Fields() = default;
  constexpr explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] bool has(std::size_t at, std::size_t size) const {
    return at <= bytes_.size() && size <= bytes_.size() - at;
  }

  [[nodiscard]] std::uint8_t u8(std::size_t at) const {
    return static_cast<std::uint8_t>(number(at, 1));
  }
  [[nodiscard]] std::uint16_t u16(std::size_t at) const {
    return static_cast<std::uint16_t>(number(at, 2));
  }
  [[nodiscard]] std::uint32_t u32(std::size_t at) const {
    return static_cast<std::uint32_t>(number(at, 4));
  }
  [[nodiscard]] std::uint64_t u64(std::size_t at) const { return number(at, 8); }

  // Characters up to the first NUL, at most `size`; empty beyond the end. They are firmware's:
  // whoever prints them makes them printable.
  [[nodiscard]] std::string_view text(std::size_t at, std::size_t size) const;
  // What lies inside; shorter (down to empty) where that ends first.
  [[nodiscard]] Fields part(std::size_t at, std::size_t size) const;
  [[nodiscard]] Fields from(std::size_t at) const { return part(at, bytes_.size()); }

 private:
  // Not inlined: there are a hundred calls, and nothing here is in a hurry.
  [[nodiscard, gnu::noinline]] std::uint64_t number(std::size_t at, std::size_t size) const;

  std::span<const std::byte> bytes_;
};

// The sum of all bytes, modulo 256: zero for a table that is whole.
std::uint8_t checksum(std::span<const std::byte> bytes);

struct Structure {
  std::uint8_t type = 0;
  std::size_t offset = 0;  // in the table
  Fields fields;           // with its own header
};

// What stands before a structure's body: a byte of type, then its length.
enum class StructureHeader : std::uint8_t {
  kByteLength,  // {type, length}: MADT, SRAT, PPTT
  kWordLength,  // {type, length, length}: GTDT, IORT, DBG2
};

class Structures {
 public:
  static constexpr std::size_t kAll = ~std::size_t{0};
  // From `offset` of `table` to its end, at most `count` of them. `name` is what lines call it.
  Structures(Fields table, std::string_view name, std::size_t offset, StructureHeader header,
             Diagnostics& notes, std::size_t count = kAll)
      : table_(table), name_(name), at_(offset), count_(count), header_(header), notes_(&notes) {}

  // Nothing after the last, and after one that ends the walk (it has its line).
  std::optional<Structure> next();
  [[nodiscard]] bool is_broken() const { return is_broken_; }

 private:
  Fields table_;
  std::string_view name_;
  std::size_t at_;
  std::size_t count_;
  StructureHeader header_;
  bool is_broken_ = false;
  Diagnostics* notes_;
};

}  // namespace socle::fw::acpi
