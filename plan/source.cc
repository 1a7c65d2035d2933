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
  return Source{.description = std::move(*tables), .memory_map = std::nullopt};
}

// UEFI's own map tells more than what Linux makes of it.
bool tells_more(const MemoryMap& map, const std::optional<MemoryMap>& than) {
  return !than || (than->kind == MapKind::kIomem && map.kind != MapKind::kIomem);
}

// Whatever else lies in the folder: logs without a map are just logs.
Outcome<std::optional<MemoryMap>> memory_map_in(const std::vector<NamedContents>& files) {
  std::optional<MemoryMap> best;
  for (const auto& [name, contents] : files) {
    const auto kind = kind_of_map(contents);
    if (!kind) continue;
    auto map = memory_map_of(name, contents);
    if (!map && *kind == MapKind::kKernelLog) continue;
    if (!map) return std::unexpected(map.error());
    if (tells_more(*map, best)) best = std::move(*map);
  }
  return best;
}

Outcome<Source> load_folder(const std::string& name) {
  std::vector<NamedContents> others;
  auto source = as_source(tables_in_folder(name, others));
  if (!source) return source;
  auto map = memory_map_in(others);
  if (!map) return std::unexpected(map.error());
  source->memory_map = std::move(*map);
  return source;
}

}  // namespace

Outcome<Source> source_of(const std::string& name, const std::string& contents) {
  switch (kind_of(contents)) {
    case Kind::kTree:
      return Source{.description = Blob(contents), .memory_map = std::nullopt};
    case Kind::kTreeSource: {
      auto compiled = compile_tree(contents);
      if (!compiled)
        return std::unexpected(Failure{fmt::format("{}: {}", name, compiled.error().message)});
      return Source{.description = Blob(*compiled), .memory_map = std::nullopt};
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
  if (std::filesystem::is_directory(name, ignored)) return load_folder(name);
  auto contents = read_file(name);
  if (!contents) return std::unexpected(contents.error());
  return source_of(name, *contents);
}

}  // namespace socle::plan
