// SPDX-License-Identifier: Apache-2.0
#include "plan/source.h"

#include <cstring>
#include <filesystem>
#include <fmt/format.h>

#include "plan/board.h"
#include "plan/dtc.h"

namespace socle::plan {

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
  if (is_table(contents) || is_acpidump(contents)) return Kind::kAcpi;
  if (contents.find("/dts-v1/") != std::string_view::npos &&
      contents.find('\0') == std::string_view::npos)
    return Kind::kTreeSource;
  return Kind::kUnknown;
}

namespace {

Outcome<Source> as_source(Outcome<TableSet> tables) {
  if (!tables) return std::unexpected(tables.error());
  return Source(std::move(*tables));
}

}  // namespace

Outcome<Source> source_of(const std::string& name, const std::string& contents) {
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
      return as_source(tables_of(name, contents));
    case Kind::kUnknown:
      return std::unexpected(
          Failure{fmt::format("{}: neither a device tree (.dtb or .dts) nor ACPI tables", name)});
  }
  std::unreachable();
}

Outcome<Source> load_source(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::is_directory(name, ignored)) return as_source(tables_in_folder(name));
  auto contents = read_file(name);
  if (!contents) return std::unexpected(contents.error());
  return source_of(name, *contents);
}

}  // namespace socle::plan
