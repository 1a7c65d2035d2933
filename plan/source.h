// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where a board comes from: a file or standard input ("-"), told apart by what is in it.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "plan/acpi_tables.h"
#include "plan/file.h"
#include "plan/memory_map.h"

namespace socle::plan {

// A tree's bytes, aligned as fw::dt wants them, with room behind for give_ram().
class Blob {
 public:
  explicit Blob(std::string_view bytes);
  [[nodiscard]] std::span<const std::byte> bytes() const;  // the tree
  [[nodiscard]] std::span<std::byte> whole();              // with the room behind it

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

enum class Kind { kTree, kTreeSource, kAcpi, kUnknown };
Kind kind_of(std::string_view contents);

// A tree, or ACPI's tables. Source text of a tree is compiled with dtc.
struct Source {
  std::variant<Blob, TableSet> description;
  std::optional<MemoryMap> memory_map;
};
// A file, or a folder of tables, or one that is a tree as /proc/device-tree shows it. A folder of
// tables may hold the machine's memory map, too.
Outcome<Source> load_source(const std::string& name);
Outcome<Source> source_of(const std::string& name, const std::string& contents);

}  // namespace socle::plan
