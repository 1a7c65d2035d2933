// SPDX-License-Identifier: Apache-2.0
#pragma once

// The list of ACPI's static tables: RSDP -> XSDT (or RSDT) -> tables, and the DSDT, to which the
// FADT points. Each table's header, length and checksum are checked here, so that readers of one
// table start from bytes that are all there. Boot, one CPU.
//
// What is wrong ends in a line that names the table. A table that cannot be read as a whole (no
// memory there, a length below its header's or beyond reason, no signature) is left out with a
// warning; where Linux goes on, so does this: a wrong checksum is a warning. Without an RSDP or a
// root table there is an error.
//
// Source: ACPI 6.5, 5.2.5 to 5.2.8; Linux, drivers/acpi/acpica/tbutils.c and tbinstal.c (what a
// wrong checksum means).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/function_ref.h"
#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "fw/acpi/fields.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"

namespace socle::fw::acpi {

// Makes memory readable: all bytes of the range, or nothing. What it answers with stays readable
// and unchanged as long as the Tables are in use. At EL2 a window to identity-mapped memory stands
// behind it, on a laptop a folder of tables.
using Memory = FunctionRef<std::optional<std::span<const std::byte>>(PaRange)>;

inline constexpr std::size_t kHeaderSize = 36;
// Servers have about 40 tables, most of them SSDTs, and about 1 MiB in all.
inline constexpr std::size_t kMaxTables = 256;
inline constexpr std::uint64_t kMaxBytes = 64 * kMiB;

// The common header of tables, at these offsets.
namespace header {
inline constexpr std::size_t kSignature = 0;
inline constexpr std::size_t kLength = 4;
inline constexpr std::size_t kRevision = 8;
inline constexpr std::size_t kChecksum = 9;
inline constexpr std::size_t kOemId = 10;
inline constexpr std::size_t kOemTableId = 16;
inline constexpr std::size_t kOemRevision = 24;
inline constexpr std::size_t kCreatorId = 28;
inline constexpr std::size_t kCreatorRevision = 32;
}  // namespace header

struct Table {
  Pa address;
  Fields fields;  // the whole table with its header: at least kHeaderSize bytes
  // Which of those with its signature this is, from 0.
  std::uint32_t instance = 0;
  // The root table names it. Not so the DSDT.
  bool in_root = true;
  bool checksum_is_right = true;

  // Four printable characters.
  [[nodiscard]] std::string_view signature() const { return fields.text(header::kSignature, 4); }
  [[nodiscard]] std::uint8_t revision() const { return fields.u8(header::kRevision); }
  // Without trailing NULs; firmware's bytes otherwise.
  [[nodiscard]] std::string_view oem_id() const { return fields.text(header::kOemId, 6); }
  [[nodiscard]] std::string_view oem_table_id() const {
    return fields.text(header::kOemTableId, 8);
  }
  [[nodiscard]] std::uint32_t oem_revision() const { return fields.u32(header::kOemRevision); }
  [[nodiscard]] PaRange range() const { return PaRange(address, address + fields.size()); }
};

struct NamedMemory;  // named_memory.h

struct Tables {
  // The RSDP: null without one (loose tables).
  Pa rsdp_address;
  Fields rsdp;
  // XSDT or RSDT; without bytes if there is none.
  Table root;
  std::span<const Table> all;  // in the root table's order; the DSDT, if it is not there, last
  std::span<const NamedMemory> named;  // memory that some of them name by address

  // The first with that signature that is whole; null without one. `instance`: the one after.
  [[nodiscard]] const Table* find(std::string_view signature, std::uint32_t instance = 0) const;
};

// `rsdp`: where UEFI's configuration table says it is. Errors: kNotFound, kCorrupt (with a line),
// kNoMemory.
Result<Tables> read_tables(Pa rsdp, Memory memory, Arena& arena, Diagnostics& notes);

// Whether RSDP and root table can be read: all that read_tables() needs. For who asks before there
// is a console. Errors as above.
Result<> check_root(Pa rsdp, Memory memory, Arena& arena, Diagnostics& notes);

// Tables without an RSDP: a folder of them. Those that cannot be read are left out, as above.
// Errors: kNoMemory.
Result<Tables> read_loose_tables(std::span<const Pa> addresses, Memory memory, Arena& arena,
                                 Diagnostics& notes);

}  // namespace socle::fw::acpi
