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

namespace {

bool is_source(std::string_view contents) {
  if (contents.find('\0') != std::string_view::npos) return false;
  return contents.find("/dts-v1/") != std::string_view::npos ||
         contents.find("/ {") != std::string_view::npos;
}

}  // namespace

Kind kind_of(std::string_view contents) {
  if (contents.starts_with("\xd0\x0d\xfe\xed")) return Kind::kTree;
  if (is_table(contents) || is_acpidump(contents)) return Kind::kAcpi;
  if (is_source(contents)) return Kind::kTreeSource;
  return Kind::kUnknown;
}

namespace {

Outcome<Source> as_source(Outcome<TableSet> tables) {
  if (!tables) return std::unexpected(tables.error());
  return Source{.description = std::move(*tables), .memory_map = std::nullopt};
}

std::unexpected<Failure> failure(std::string_view name, std::string_view what,
                                 std::string_view between = ": ") {
  return std::unexpected(Failure{fmt::format("{}{}{}", name, between, what)});
}

std::string spoken(const std::string& name) {
  return name == "-" ? "standard input" : name;
}

std::unexpected<Failure> unknown(const std::string& name, std::string_view contents) {
  const auto compressed = [&](std::string_view by, std::string_view tool) {
    return failure(spoken(name), fmt::format("compressed by {0}: {1} {2} | ./socle plan -", by,
                                             tool, name == "-" ? "FILE" : name));
  };
  if (contents.empty()) return failure(spoken(name), "empty");
  if (contents.starts_with("\x1f\x8b")) return compressed("gzip", "zcat");
  if (contents.starts_with("\xfd"
                           "7zXZ"))
    return compressed("xz", "xzcat");
  if (contents.starts_with("\x28\xb5\x2f\xfd")) return compressed("zstd", "zstdcat");
  if (kind_of_map(contents))
    return failure(spoken(name), "a memory map, not a machine: --memory-map is its option");
  return failure(spoken(name), "neither a device tree (.dtb or .dts) nor ACPI tables");
}

// Sources of Linux and U-Boot are written for the C preprocessor.
bool wants_preprocessor(std::string_view source) {
  for (const std::string_view word : {"#include", "#define", "#if"})
    if (source.starts_with(word) || source.find(fmt::format("\n{}", word)) != std::string::npos)
      return true;
  return false;
}

std::string in_the_words_of_dtc(std::string message, const std::string& name,
                                std::string_view source) {
  constexpr std::string_view kItsName = "<stdin>";
  for (std::size_t at = 0; (at = message.find(kItsName, at)) != std::string::npos;)
    message.replace(at, kItsName.size(), name), at += name.size();
  if (wants_preprocessor(source))
    message += fmt::format(
        "\nIt is written for the C preprocessor. With Linux's sources in LINUX:\n"
        "  cpp -nostdinc -undef -x assembler-with-cpp -I LINUX/scripts/dtc/include-prefixes {} | "
        "./socle plan -",
        name == "-" ? "FILE" : name);
  return message;
}

Outcome<Source> compiled_source(const std::string& name, const std::string& contents) {
  const auto folder =
      name == "-" ? std::filesystem::path() : std::filesystem::path(name).parent_path();
  const auto compiled = compile_tree(contents, folder.string());
  if (!compiled)
    return failure(spoken(name),
                   in_the_words_of_dtc(compiled.error().message, spoken(name), contents));
  return Source{.description = Blob(*compiled), .memory_map = std::nullopt};
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

// Somebody looks for a board among many: which of them is the question.
std::string advice_for(const std::filesystem::path& folder) {
  constexpr int kEnough = 100'000;
  std::error_code error;
  int left = kEnough;
  for (auto at = std::filesystem::recursive_directory_iterator(folder, error);
       !error && at != std::filesystem::recursive_directory_iterator() && --left > 0;
       at.increment(error))
    if (at->path().extension() == ".dtb")
      return fmt::format(", but device trees: give one of them, as {}", at->path().string());
  return "";
}

Outcome<Source> load_folder(const std::string& name) {
  std::error_code ignored;
  const std::filesystem::path folder(name);
  if (std::filesystem::is_regular_file(folder / "#address-cells", ignored)) {
    const auto compiled = compile_folder(name);
    if (!compiled) return failure(name, compiled.error().message);
    return Source{.description = Blob(*compiled), .memory_map = std::nullopt};
  }
  std::vector<NamedContents> others;
  auto source = as_source(tables_in_folder(name, others));
  if (!source) return failure(source.error().message, advice_for(folder), "");
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
    case Kind::kTreeSource:
      return compiled_source(name, contents);
    case Kind::kAcpi:
      return as_source(tables_of(name, contents));
    case Kind::kUnknown:
      return unknown(name, contents);
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
