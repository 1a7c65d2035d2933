// SPDX-License-Identifier: Apache-2.0
#pragma once

// Writes ACPI tables in tests, and the memory that they stand in:
//   FirmwareMemory m;
//   m.add(AcpiTable("APIC", 5).u32(0).u32(0));
//   const auto tables = fw::acpi::read_tables(m.finish(), m, arena, notes);

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "fw/acpi/tables.h"

namespace socle::test {

// Bytes in little-endian order, one field after the other.
class AcpiBytes {
 public:
  AcpiBytes& number(std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      bytes_.push_back(static_cast<std::byte>(value >> (8 * i)));
    return *this;
  }
  AcpiBytes& u8(std::uint8_t value) { return number(value, 1); }
  AcpiBytes& u16(std::uint16_t value) { return number(value, 2); }
  AcpiBytes& u32(std::uint32_t value) { return number(value, 4); }
  AcpiBytes& u64(std::uint64_t value) { return number(value, 8); }
  AcpiBytes& zeros(std::size_t count) {
    bytes_.resize(bytes_.size() + count);
    return *this;
  }
  // Exactly `size` bytes, with NULs behind.
  AcpiBytes& text(std::string_view value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      u8(i < value.size() ? static_cast<std::uint8_t>(value[i]) : 0);
    return *this;
  }
  AcpiBytes& append(const AcpiBytes& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
    return *this;
  }
  // Overwrites what is there.
  AcpiBytes& put(std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      bytes_.at(at + i) = static_cast<std::byte>(value >> (8 * i));
    return *this;
  }
  // Zeros up to that size.
  AcpiBytes& fill_to(std::size_t size) {
    if (bytes_.size() < size) bytes_.resize(size);
    return *this;
  }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }
  [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }

  // Makes the byte at `at` such that all of [begin, begin + size) add up to zero.
  void fix_checksum(std::size_t at, std::size_t begin, std::size_t size) {
    bytes_.at(at) = std::byte{0};
    const std::uint8_t sum = fw::acpi::checksum(std::span(bytes_).subspan(begin, size));
    bytes_.at(at) = static_cast<std::byte>(0x100 - sum);
  }

 private:
  std::vector<std::byte> bytes_;
};

// A table with its header; length and checksum are filled in by finished().
class AcpiTable : public AcpiBytes {
 public:
  AcpiTable(std::string_view signature, std::uint8_t revision) {
    text(signature, 4).u32(0).u8(revision).u8(0).text("SOCLE", 6).text("TEST", 8).u32(1);
    text("TEST", 4).u32(1);
  }
  // NOLINTNEXTLINE(google-explicit-constructor): what the calls of AcpiBytes answer with.
  AcpiTable(AcpiBytes bytes) : AcpiBytes(std::move(bytes)) {}

  [[nodiscard]] std::vector<std::byte> finished() const {
    AcpiTable copy = *this;
    copy.put(fw::acpi::header::kLength, copy.size(), 4);
    copy.fix_checksum(fw::acpi::header::kChecksum, 0, copy.size());
    return copy.bytes();
  }
};

// What firmware left in memory. Give it to read_tables() as the Memory.
class FirmwareMemory {
 public:
  static constexpr std::uint64_t kFirst = 0x1'4000'0000;

  // Puts bytes somewhere and tells where.
  Pa put(std::vector<std::byte> bytes) {
    const Pa at(next_);
    next_ = align_up<std::uint64_t>(next_ + bytes.size() + 1, 64);
    put_at(at, std::move(bytes));
    return at;
  }
  void put_at(Pa at, std::vector<std::byte> bytes) { pieces_[at.value()] = std::move(bytes); }

  // A table that the XSDT will name.
  Pa add(const AcpiTable& table) { return add(table.finished()); }
  Pa add(std::vector<std::byte> bytes) {
    const Pa at = put(std::move(bytes));
    named_.push_back(at);
    return at;
  }
  void name(Pa address) { named_.push_back(address); }
  [[nodiscard]] std::span<const Pa> named() const { return named_; }

  // Writes the XSDT and an RSDP of revision 2; answers with the address of the latter.
  Pa finish() {
    AcpiTable xsdt("XSDT", 1);
    for (const Pa address : named_)
      xsdt.u64(address.value());
    return put(rsdp(put(xsdt.finished())).bytes());
  }
  // The same of revision 0, with an RSDT. The tables have to be below 4 GiB (put_at).
  Pa finish_old(Pa rsdt_at) {
    AcpiTable rsdt("RSDT", 1);
    for (const Pa address : named_)
      rsdt.u32(static_cast<std::uint32_t>(address.value()));
    put_at(rsdt_at, rsdt.finished());
    AcpiBytes old;
    old.text("RSD PTR ", 8).u8(0).text("SOCLE", 6).u8(0);
    old.u32(static_cast<std::uint32_t>(rsdt_at.value()));
    old.fix_checksum(8, 0, 20);
    return put(old.bytes());
  }
  static AcpiBytes rsdp(Pa xsdt) {
    AcpiBytes out;
    out.text("RSD PTR ", 8).u8(0).text("SOCLE", 6).u8(2).u32(0).u32(36).u64(xsdt.value());
    out.u8(0).zeros(3);
    out.fix_checksum(8, 0, 20);
    out.fix_checksum(32, 0, 36);
    return out;
  }

  [[nodiscard]] std::vector<std::byte>& bytes_at(Pa at) { return pieces_.at(at.value()); }

  std::optional<std::span<const std::byte>> operator()(PaRange range) const {
    const auto after = pieces_.upper_bound(range.begin().value());
    if (after == pieces_.begin()) return std::nullopt;
    const auto& [begin, bytes] = *std::prev(after);
    const std::uint64_t offset = range.begin().value() - begin;
    if (offset > bytes.size() || range.size() > bytes.size() - offset) return std::nullopt;
    return std::span(bytes).subspan(offset, range.size());
  }

 private:
  std::map<std::uint64_t, std::vector<std::byte>> pieces_;
  std::vector<Pa> named_;
  std::uint64_t next_ = kFirst;
};

}  // namespace socle::test
