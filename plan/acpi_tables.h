// SPDX-License-Identifier: Apache-2.0
#pragma once

// TableSet: ACPI tables as people keep them, and the memory that stands behind the hypervisor's
// reader. A folder of tables (/sys/firmware/acpi/tables, or what `acpidump -b` writes), the text of
// `acpidump`, or tables one behind the other in one file, also in a folder. RSDP, XSDT, RSDT and
// FACS are left out: most dumps have none, and those that have them point to memory that is not in
// the file.

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/range.h"
#include "plan/file.h"

namespace socle::plan {

class TableSet {
 public:
  // At its own address, if the dump tells one that is free; else somewhere.
  void add(Pa address, std::string_view bytes);

  [[nodiscard]] std::span<const Pa> addresses() const { return addresses_; }
  // What fw::acpi::Memory wants; lives as long as this.
  std::optional<std::span<const std::byte>> operator()(PaRange range) const;

 private:
  [[nodiscard]] bool is_free(Pa address, std::size_t size) const;

  std::map<std::uint64_t, std::vector<std::byte>> pieces_;
  std::vector<Pa> addresses_;
  std::uint64_t next_ = 0x1000;
};

bool is_acpidump(std::string_view contents);  // the text
bool is_table(std::string_view contents);     // begins like one, or is an RSDP

// Tables whose length cannot be are there as they are: the reader has a word for them. An error is
// a file without any.
Outcome<TableSet> tables_of(const std::string& name, std::string_view contents);
// Files that are no tables are left to the caller, in order of their names.
struct NamedContents {
  std::string name;
  std::string contents;
};
Outcome<TableSet> tables_in_folder(const std::string& name, std::vector<NamedContents>& others);

}  // namespace socle::plan
