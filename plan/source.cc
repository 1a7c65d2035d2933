// SPDX-License-Identifier: Apache-2.0
#include "plan/source.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>

#include "plan/board.h"
#include "plan/dtc.h"

namespace socle::plan {

namespace {

constexpr std::size_t kLargestFile = 64 * kMiB;

struct Close {
  void operator()(std::FILE* file) const {
    if (file != stdin) (void)std::fclose(file);
  }
};

bool is_table_signature(std::string_view contents) {
  constexpr std::array<std::string_view, 12> kSignatures = {"RSD PTR ", "XSDT", "RSDT", "DSDT",
                                                            "SSDT",     "FACP", "APIC", "GTDT",
                                                            "IORT",     "MCFG", "SPCR", "DBG2"};
  return std::ranges::any_of(
      kSignatures, [&](std::string_view signature) { return contents.starts_with(signature); });
}

// acpidump's text: "FACP @ 0x0000000000000000" and hexadecimal lines.
bool is_acpidump(std::string_view contents) {
  return contents.size() > 8 && contents.substr(4).starts_with(" @ 0x");
}

}  // namespace

Blob::Blob(std::string_view bytes)
    : words_((bytes.size() + kRoomForRam + 7) / 8 + 8), size_(bytes.size()) {
  std::memcpy(words_.data(), bytes.data(), bytes.size());
}

std::span<const std::byte> Blob::bytes() const {
  return std::as_bytes(std::span(words_)).first(size_);
}

std::span<std::byte> Blob::whole() {
  return std::as_writable_bytes(std::span(words_));
}

Kind kind_of(std::string_view contents) {
  if (contents.starts_with("\xd0\x0d\xfe\xed")) return Kind::kTree;
  if (is_table_signature(contents) || is_acpidump(contents)) return Kind::kAcpi;
  if (contents.find("/dts-v1/") != std::string_view::npos &&
      contents.find('\0') == std::string_view::npos)
    return Kind::kTreeSource;
  return Kind::kUnknown;
}

Outcome<std::string> read_file(const std::string& name) {
  const std::unique_ptr<std::FILE, Close> file(name == "-" ? stdin
                                                           : std::fopen(name.c_str(), "rb"));
  if (file == nullptr)
    return std::unexpected(Failure{fmt::format("{}: {}", name, std::strerror(errno))});
  std::string contents;
  std::array<char, 65536> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    contents.append(piece.data(), got);
    if (contents.size() > kLargestFile)
      return std::unexpected(Failure{fmt::format("{}: too large for a device tree", name)});
  }
  if (std::ferror(file.get()) != 0)
    return std::unexpected(Failure{fmt::format("{}: cannot be read", name)});
  return contents;
}

Outcome<Blob> tree_of(const std::string& name, const std::string& contents) {
  switch (kind_of(contents)) {
    case Kind::kTree:
      return Blob(contents);
    case Kind::kTreeSource: {
      auto compiled = compile_tree(contents);
      if (!compiled)
        return std::unexpected(Failure{fmt::format("{}: {}", name, compiled.error().message)});
      return Blob(*compiled);
    }
    case Kind::kAcpi:
      return std::unexpected(
          Failure{fmt::format("{}: these are ACPI tables, which are not supported yet", name)});
    case Kind::kUnknown:
      return std::unexpected(Failure{
          fmt::format("{}: neither a device tree (.dtb) nor the source of one (.dts)", name)});
  }
  std::unreachable();
}

Outcome<Blob> load_tree(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored))
    return std::unexpected(Failure{
        fmt::format("{}: a folder; if it holds ACPI tables: these are not supported yet", name)});
  auto contents = read_file(name);
  if (!contents) return std::unexpected(contents.error());
  return tree_of(name, *contents);
}

}  // namespace socle::plan
