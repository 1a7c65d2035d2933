// SPDX-License-Identifier: Apache-2.0
#include "plan/acpi_tables.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

namespace socle::plan {

namespace {

constexpr std::size_t kHeader = 36;
constexpr std::size_t kOldRsdp = 20;
constexpr std::string_view kRsdp = "RSD PTR ";

bool is_signature(std::string_view text) {
  return text.size() == 4 && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

// Of no use without the memory that they point to.
bool is_pointer(std::string_view bytes) {
  constexpr std::array<std::string_view, 4> kPointers = {kRsdp, "XSDT", "RSDT", "FACS"};
  return std::ranges::any_of(kPointers,
                             [&](std::string_view name) { return bytes.starts_with(name); });
}

std::size_t length_of(std::string_view bytes) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  const auto word = [&](std::size_t at) {
    return std::size_t{byte(at)} | std::size_t{byte(at + 1)} << 8 |
           std::size_t{byte(at + 2)} << 16 | std::size_t{byte(at + 3)} << 24;
  };
  if (bytes.starts_with(kRsdp))
    return bytes.size() >= kHeader && byte(15) >= 2 ? word(20) : kOldRsdp;
  return bytes.size() >= 8 ? word(4) : 0;
}

void split(std::string_view contents, TableSet& out) {
  while (!contents.empty()) {
    std::size_t length = length_of(contents);
    // What cannot be cut is one piece to the end.
    if (length < kOldRsdp || length > contents.size()) length = contents.size();
    const std::string_view piece = contents.substr(0, length);
    if (!is_pointer(piece)) out.add(Pa(0), piece);
    contents.remove_prefix(length);
  }
}

std::optional<std::uint64_t> hexadecimal_at(std::string_view text, std::size_t digits) {
  std::uint64_t value = 0;
  const std::string_view part = text.substr(0, digits);
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
  if (error != std::errc() || end == part.data()) return std::nullopt;
  return value;
}

// "    0010: 42 58 50 43  BXPC": up to 16 bytes; what follows them is for people.
void append_line(std::string_view line, std::string& bytes) {
  const std::size_t colon = line.find(": ");
  if (colon == std::string_view::npos) return;
  line.remove_prefix(colon + 2);
  for (unsigned i = 0; i < 16 && line.size() >= 2; ++i) {
    const bool is_alone = line.size() == 2 || line[2] == ' ';
    const auto value = hexadecimal_at(line, 2);
    if (!value || !is_alone || line[0] == ' ' || line[1] == ' ') return;
    bytes.push_back(static_cast<char>(*value));
    line.remove_prefix(std::min<std::size_t>(3, line.size()));
  }
}

void read_text(std::string_view contents, TableSet& out) {
  Pa address;
  std::string bytes;
  const auto finish = [&] {
    if (!bytes.empty() && !is_pointer(bytes)) out.add(address, bytes);
    bytes.clear();
  };
  while (!contents.empty()) {
    const std::size_t end = std::min(contents.find('\n'), contents.size());
    const std::string_view line = contents.substr(0, end);
    contents.remove_prefix(std::min(end + 1, contents.size()));
    const std::size_t mark = line.find(" @ 0x");
    if (mark == 4) {
      finish();
      address = Pa(hexadecimal_at(line.substr(mark + 5), 16).value_or(0));
    } else {
      append_line(line, bytes);
    }
  }
  finish();
}

void read(std::string_view contents, TableSet& out) {
  if (is_acpidump(contents))
    read_text(contents, out);
  else
    split(contents, out);
}

Outcome<TableSet> not_empty(const std::string& name, TableSet tables) {
  if (!tables.addresses().empty()) return tables;
  return std::unexpected(Failure{fmt::format("{}: there are no ACPI tables in it", name)});
}

}  // namespace

bool TableSet::is_free(Pa address, std::size_t size) const {
  const auto range = PaRange::from_size(address, size);
  if (address == Pa(0) || !range) return false;
  const auto after = pieces_.lower_bound(range->end().value());
  if (after == pieces_.begin()) return true;
  const auto& [begin, bytes] = *std::prev(after);
  return begin + bytes.size() <= address.value();
}

void TableSet::add(Pa address, std::string_view bytes) {
  while (!is_free(address, bytes.size())) {
    address = Pa(next_);
    next_ = align_up<std::uint64_t>(next_ + bytes.size() + 1, 0x1000);
  }
  std::vector<std::byte>& to = pieces_[address.value()];
  to.resize(bytes.size());
  if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
  addresses_.push_back(address);
}

std::optional<std::span<const std::byte>> TableSet::operator()(PaRange range) const {
  const auto after = pieces_.upper_bound(range.begin().value());
  if (after == pieces_.begin()) return std::nullopt;
  const auto& [begin, bytes] = *std::prev(after);
  const std::uint64_t offset = range.begin().value() - begin;
  if (offset > bytes.size() || range.size() > bytes.size() - offset) return std::nullopt;
  return std::span(bytes).subspan(offset, range.size());
}

// "APIC @ 0x...". A terminal's record has other lines before; then bytes, from the first on, are in
// the line below.
bool is_acpidump(std::string_view contents) {
  constexpr std::size_t kFar = 64 * kKiB;
  constexpr std::string_view kMark = " @ 0x";
  if (contents.size() > 8 && contents.substr(4).starts_with(kMark)) return true;
  contents = contents.substr(0, kFar);
  for (std::size_t at = contents.find(kMark); at != std::string_view::npos;
       at = contents.find(kMark, at + 1)) {
    if (at < 5 || contents[at - 5] != '\n') continue;
    const std::size_t end = contents.find('\n', at);
    if (end == std::string_view::npos) return false;
    std::string_view next = contents.substr(end + 1);
    next.remove_prefix(std::min(next.find_first_not_of(' '), next.size()));
    if (next.starts_with("0000: ")) return true;
  }
  return false;
}

bool is_table(std::string_view contents) {
  return contents.starts_with(kRsdp) ||
         (contents.size() >= kHeader && is_signature(contents.substr(0, 4)) &&
          contents.find('\0') < kHeader);
}

Outcome<TableSet> tables_of(const std::string& name, std::string_view contents) {
  TableSet out;
  read(contents, out);
  return not_empty(name, std::move(out));
}

Outcome<TableSet> tables_in_folder(const std::string& name, std::vector<NamedContents>& others) {
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(name, error))
    if (entry.is_regular_file(error)) files.push_back(entry.path().string());
  std::ranges::sort(files);
  TableSet out;
  for (const std::string& file : files) {
    auto contents = read_file(file);
    if (!contents) return std::unexpected(contents.error());
    if (is_table(*contents) || is_acpidump(*contents))
      read(*contents, out);
    else
      others.push_back({file, std::move(*contents)});
  }
  // A copy of /sys/firmware/acpi, or of /sys/firmware.
  for (const char* const below : {"/tables", "/acpi/tables"})
    if (out.addresses().empty() && std::filesystem::is_directory(name + below, error))
      return tables_in_folder(name + below, others);
  return not_empty(name, std::move(out));
}

}  // namespace socle::plan
