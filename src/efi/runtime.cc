// SPDX-License-Identifier: Apache-2.0
#include "efi/runtime.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace socle::efi {
namespace {

using fw::EfiMemoryRange;
using fw::EfiMemoryType;
using Kind = RuntimeRange::Kind;

constexpr std::size_t kMaxTableBytes = 256;
constexpr std::uint64_t kMaxConfigurationTables = 256;
constexpr std::uint64_t kMaxAttributeBytes = 64 * kKiB;

// Of EFI_RT_PROPERTIES_TABLE, by place in EFI_RUNTIME_SERVICES (8.1): the three functions of
// variables stand before SetVirtualAddressMap and ConvertPointer there.
constexpr std::array<std::uint8_t, kRuntimeServices> kSupportedBit = {0, 1, 2, 3,  7,  8,  4,
                                                                      5, 6, 9, 10, 11, 12, 13};

bool is_runtime(const EfiMemoryRange& range) {
  return (range.attributes & fw::kEfiMemoryRuntime) != 0;
}
bool has_program(const EfiMemoryRange& range) {
  return range.type == EfiMemoryType::kRuntimeServicesCode ||
         range.type == EfiMemoryType::kRuntimeServicesData;
}

class Reader {
 public:
  Reader(std::span<const EfiMemoryRange> memory, const RuntimeSeams& seams, fw::Arena& arena,
         fw::Diagnostics& notes)
      : memory_(memory), seams_(seams), arena_(arena), notes_(notes) {}

  Result<RuntimeServices> run(Pa at) {
    SystemTable system{};
    TRY(read_table(at, kSystemTableSignature, std::as_writable_bytes(std::span(&system, 1))));
    std::array<std::byte, kMaxTableBytes> table{};
    const Pa services(reinterpret_cast<std::uintptr_t>(system.runtime_services));
    constexpr std::size_t kLeast = sizeof(TableHeader) + kOldRuntimeServices * 8;
    const std::size_t size =
        TRY(read_table(services, kRuntimeServicesSignature, std::span(table).first(kLeast)));
    std::array<std::uint64_t, kRuntimeServices> functions{};
    const std::size_t there = std::min(size - sizeof(TableHeader), sizeof functions);
    if (!read(services + sizeof(TableHeader),
              std::as_writable_bytes(std::span(functions)).first(there)))
      return refuse(Error::kInvalid, "functions");

    RuntimeServices out;
    out.ranges = TRY(collect(system));
    const std::uint32_t supported = TRY(read_supported(system));
    bool any = false;
    for (std::size_t i = 0; i < kRuntimeServices; ++i) {
      if ((supported >> kSupportedBit[i] & 1) == 0 || !is_code(functions[i], out.ranges)) continue;
      out.functions[i] = functions[i];
      any = true;
    }
    if (!any) return refuse(Error::kNotFound, "functions");
    return out;
  }

 private:
  std::unexpected<Error> refuse(Error error, const char* what) {
    return notes_.problem(error, "EFI runtime services: {} of firmware: {}", what, error);
  }

  // The range of the map that has all of these bytes, or null.
  [[nodiscard]] const EfiMemoryRange* range_of(const PaRange& bytes) const {
    const auto found = std::ranges::find_if(
        memory_, [&](const EfiMemoryRange& range) { return range.range.contains(bytes); });
    return found == memory_.end() ? nullptr : &*found;
  }

  bool read(Pa at, std::span<std::byte> to, bool must_be_runtime = true) {
    const auto bytes = PaRange::from_size(at, to.size());
    if (!bytes) return false;
    const EfiMemoryRange* const range = range_of(*bytes);
    if (range == nullptr || range->use() == EfiMemoryRange::Use::kDevice) return false;
    if (must_be_runtime && !is_runtime(*range)) return false;
    return seams_.read(at, to);
  }

  // Fills `out`; the table may be longer: its size.
  Result<std::size_t> read_table(Pa at, std::uint64_t signature, std::span<std::byte> out) {
    std::array<std::byte, kMaxTableBytes> bytes{};
    TableHeader header{};
    const auto header_bytes = std::as_writable_bytes(std::span(&header, 1));
    if (!read(at, header_bytes)) return refuse(Error::kInvalid, "a table");
    const std::size_t size = header.header_size;
    if (header.signature != signature || size < out.size() || size > bytes.size())
      return refuse(Error::kCorrupt, "a table");
    const auto table = std::span(bytes).first(size);
    if (!read(at, table)) return refuse(Error::kInvalid, "a table");
    std::memset(bytes.data() + offsetof(TableHeader, crc32), 0, sizeof header.crc32);
    if (seams_.crc32(0, table) != header.crc32) return refuse(Error::kCorrupt, "a checksum");
    std::memcpy(out.data(), bytes.data(), out.size());
    return size;
  }

  std::optional<Pa> find(const SystemTable& system, const Guid& guid) {
    const Pa list(reinterpret_cast<std::uintptr_t>(system.tables));
    const std::uint64_t count = std::min(system.table_count, kMaxConfigurationTables);
    for (std::uint64_t i = 0; i < count; ++i) {
      ConfigurationTable entry{};
      if (!read(list + i * sizeof entry, std::as_writable_bytes(std::span(&entry, 1)))) break;
      if (entry.guid == guid) return Pa(reinterpret_cast<std::uintptr_t>(entry.table));
    }
    return std::nullopt;
  }

  // What goes on working after ExitBootServices; without that table, everything.
  Result<std::uint32_t> read_supported(const SystemTable& system) {
    const std::optional<Pa> at = find(system, kRuntimePropertiesTable);
    if (!at) return ~std::uint32_t{0};
    RuntimePropertiesTable table{};
    if (!read(*at, std::as_writable_bytes(std::span(&table, 1)), false) ||
        table.length < sizeof table)
      return refuse(Error::kInvalid, "the properties");
    return table.supported;
  }

  // The ranges of the memory attributes table; empty without one.
  Result<std::span<const EfiMemoryRange>> read_attributes(const SystemTable& system) {
    const std::optional<Pa> found = find(system, kMemoryAttributesTable);
    if (!found) return {};
    const Pa at = *found;
    MemoryAttributesTable table{};
    if (!read(at, std::as_writable_bytes(std::span(&table, 1)), false))
      return refuse(Error::kInvalid, "memory attributes");
    const std::uint64_t size = std::uint64_t{table.entries} * table.descriptor_size;
    if (size > kMaxAttributeBytes) return refuse(Error::kTooLarge, "memory attributes");
    const std::span<std::byte> bytes = TRY(arena_.allocate<std::byte>(size));
    if (!read(at + sizeof table, bytes, false)) return refuse(Error::kInvalid, "memory attributes");
    return fw::read_efi_memory_map(
        {.bytes = bytes, .descriptor_size = table.descriptor_size, .descriptor_version = 1}, arena_,
        notes_);
  }

  // Where programs are as the attributes say, as far as they go; all else as the map says. Neither
  // list's ranges are the other's: neighbours that are alike in one are one range there.
  Result<std::span<const RuntimeRange>> collect(const SystemTable& system) {
    std::span<const EfiMemoryRange> attributes = TRY(read_attributes(system));
    fw::ArenaVector<RuntimeRange> out(arena_);
    for (const EfiMemoryRange& range : memory_) {
      if (!is_runtime(range)) continue;
      while (!attributes.empty() && attributes.front().range.end() <= range.range.begin())
        attributes = attributes.subspan(1);
      TRY(split(range, has_program(range) ? attributes : std::span<const EfiMemoryRange>(), out));
    }
    return out.finish();
  }

  // Both sorted.
  static Result<> split(const EfiMemoryRange& range, std::span<const EfiMemoryRange> attributes,
                        fw::ArenaVector<RuntimeRange>& out) {
    Pa at = range.range.begin();
    const auto add_to = [&](Pa end, const EfiMemoryRange& protection) -> Result<> {
      if (end <= at) return {};
      TRY(out.push_back({.range = PaRange(at, end), .kind = kind_of(range, protection)}));
      at = end;
      return {};
    };
    for (const EfiMemoryRange& protection : attributes) {
      if (protection.range.begin() >= range.range.end()) break;
      TRY(add_to(protection.range.begin(), range));
      TRY(add_to(std::min(protection.range.end(), range.range.end()), protection));
    }
    return add_to(range.range.end(), range);
  }

  // What it is by the map, and how it is protected.
  static Kind kind_of(const EfiMemoryRange& range, const EfiMemoryRange& protection) {
    if (range.use() == EfiMemoryRange::Use::kDevice ||
        (range.attributes & fw::kEfiMemoryWriteBack) == 0)
      return Kind::kDevice;
    const bool is_execute_protected = (protection.attributes & fw::kEfiMemoryExecuteProtect) != 0 ||
                                      range.type != EfiMemoryType::kRuntimeServicesCode;
    if (!is_execute_protected) return Kind::kCode;
    return (protection.attributes & fw::kEfiMemoryReadOnly) != 0 ? Kind::kReadOnly : Kind::kData;
  }

  static bool is_code(std::uint64_t function, std::span<const RuntimeRange> ranges) {
    constexpr std::uint64_t kInstruction = 4;
    return function % kInstruction == 0 &&
           std::ranges::any_of(ranges, [&](const RuntimeRange& range) {
             return range.kind == Kind::kCode && range.range.contains(Pa(function));
           });
  }

  std::span<const EfiMemoryRange> memory_;
  const RuntimeSeams& seams_;
  fw::Arena& arena_;
  fw::Diagnostics& notes_;
};

}  // namespace

Result<RuntimeServices> read_runtime_services(Pa system_table,
                                              std::span<const fw::EfiMemoryRange> memory,
                                              const RuntimeSeams& seams, fw::Arena& arena,
                                              fw::Diagnostics& notes) {
  return Reader(memory, seams, arena, notes).run(system_table);
}

}  // namespace socle::efi
