// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/named_memory.h"

#include <algorithm>
#include <array>

namespace socle::fw::acpi {

namespace {

// Tables that hold one address, and its length or not.
struct Place {
  std::string_view signature;
  std::uint8_t address;
  std::uint8_t length;  // 0: `usual` bytes
  std::uint8_t length_bytes;
  std::uint16_t usual;
};
constexpr std::uint16_t kPage = 4096;
constexpr std::array<Place, 4> kPlaces = {{
    {"BERT", 40, 36, 4, 0},
    {"CCEL", 48, 40, 8, 0},
    {"TPM2", 40, 0, 0, kPage},  // the control area, its buffers are told there
    {"TPM2", 68, 64, 4, 0},     // the log
}};

// Generic Address Structure.
constexpr std::size_t kGasSize = 12;
constexpr std::uint64_t kRegisterBytes = 8;  // the widest

class Namer {
 public:
  Namer(Memory memory, Arena& arena, Diagnostics& notes)
      : memory_(memory), notes_(notes), list_(arena) {}

  Result<> read(const Table& table);
  std::span<const NamedMemory> finish() { return list_.finish(); }

 private:
  Result<> add(const Table& table, std::uint64_t base, std::uint64_t size, std::size_t source = 0);
  Result<> add_register(const Table& table, const Fields& address, std::size_t source = 0);
  Result<> read_hest(const Table& table);
  Result<> read_error_source(const Table& table, std::size_t at, bool has_acknowledge);
  Result<> read_instructions(const Table& table);
  Result<> read_mailboxes(const Table& table);
  Result<> read_nfit(const Table& table);
  Result<> read_boot_times(const Table& table);

  Memory memory_;
  Diagnostics& notes_;
  ArenaVector<NamedMemory> list_;
  bool is_full_ = false;
};

Result<> Namer::add(const Table& table, std::uint64_t base, std::uint64_t size,
                    std::size_t source) {
  if (base == 0 || size == 0) return {};
  constexpr std::uint64_t kEnd = ~std::uint64_t{0} & ~(kFrameSize - 1);
  if (base >= kEnd) base = kEnd - 1;
  PaRange range(Pa(base), Pa(base + std::min(size, kEnd - base)));
  if (!list_.empty()) {
    NamedMemory& last = list_.back();
    if (last.signature == table.signature() && last.source == source &&
        range.begin() <= last.range.end() && last.range.begin() <= range.end()) {
      last.range = PaRange(std::min(last.range.begin(), range.begin()),
                           std::max(last.range.end(), range.end()));
      return {};
    }
  }
  if (list_.size() == kMaxNamedMemory) {
    if (!is_full_)
      notes_.warning("{}: names more memory than is looked at ({} places)", table.signature(),
                     kMaxNamedMemory);
    is_full_ = true;
    return {};
  }
  return list_.push_back({table.signature(), range, source});
}

Result<> Namer::add_register(const Table& table, const Fields& address, std::size_t source) {
  constexpr std::uint8_t kSystemMemory = 0;
  if (address.size() < kGasSize || address.u8(0) != kSystemMemory) return {};
  return add(table, address.u64(4), kRegisterBytes, source);
}

// --- HEST ---

// Bytes of a structure of that type; 0: not known, and so neither is where the next one stands.
std::size_t error_source_size(const Fields& source) {
  constexpr std::size_t kBank = 28;
  switch (source.u16(0)) {
    case 0:  // IA-32: for those who use one firmware's code for all
      return 40 + source.u8(32) * kBank;
    case 1:
    case 11:
      return 48 + source.u8(44) * kBank;
    case 2:
      return 20;
    case 6:
      return 48;
    case 7:
      return 44;
    case 8:
      return 56;
    case 9:
      return 64;
    case 10:
      return 92;
    default:
      return 0;
  }
}

Result<> Namer::read_error_source(const Table& table, std::size_t at, bool has_acknowledge) {
  constexpr std::size_t kStatusAddress = 20;
  constexpr std::size_t kBlockLength = 60;
  constexpr std::size_t kAcknowledge = 64;
  constexpr std::uint64_t kMostBytes = 64 * kKiB;  // more, Linux does not read
  const Fields source = table.fields.part(at, has_acknowledge ? 92 : 64);
  if (source.u8(kHestSourceEnabled) == 0) return {};
  const Fields status = source.part(kStatusAddress, kGasSize);
  TRY(add_register(table, status, at));
  if (has_acknowledge) TRY(add_register(table, source.part(kAcknowledge, kGasSize), at));
  const std::uint64_t pointer = status.u8(0) == 0 ? status.u64(4) : 0;
  const auto place = PaRange::from_size(Pa(pointer), kRegisterBytes);
  if (pointer == 0 || !place) return {};
  const auto bytes = memory_(*place);
  if (!bytes || bytes->size() != kRegisterBytes) return {};
  return add(table, Fields(*bytes).u64(0),
             std::min<std::uint64_t>(source.u32(kBlockLength), kMostBytes), at);
}

Result<> Namer::read_hest(const Table& table) {
  constexpr std::size_t kCount = 36;
  constexpr std::size_t kFirst = 40;
  std::size_t at = kFirst;
  for (std::uint32_t left = table.fields.u32(kCount); left != 0; --left) {
    const Fields rest = table.fields.part(at, table.fields.size());
    const std::size_t size = error_source_size(rest);
    if (size == 0 || !rest.has(0, size)) {
      notes_.warning("HEST: the error source at {#x} is cut off or unknown, the rest is not read",
                     at);
      return {};
    }
    const std::uint16_t type = rest.u16(0);
    if (type == 9 || type == 10) TRY(read_error_source(table, at, type == 10));
    at += size;
  }
  return {};
}

// --- the others ---

// ERST and EINJ: instructions, each with a register.
Result<> Namer::read_instructions(const Table& table) {
  constexpr std::size_t kFirst = 48;
  constexpr std::size_t kEntry = 32;
  for (std::size_t at = kFirst; table.fields.has(at, kEntry); at += kEntry)
    TRY(add_register(table, table.fields.part(at + 4, kGasSize)));
  return {};
}

Result<> Namer::read_mailboxes(const Table& table) {
  constexpr std::size_t kFirst = 48;
  constexpr std::uint8_t kExtended = 3;  // and 4: another layout
  Structures walk(table.fields, "PCCT", kFirst, StructureHeader::kByteLength, notes_);
  while (const auto structure = walk.next()) {
    const Fields& fields = structure->fields;
    if (structure->type < kExtended) {
      TRY(add(table, fields.u64(8), fields.u64(16)));
    } else if (structure->type <= kExtended + 1) {
      TRY(add(table, fields.u64(8), fields.u32(16)));
    } else {
      TRY(add(table, fields.u64(4), fields.u64(12)));
    }
  }
  return {};
}

Result<> Namer::read_nfit(const Table& table) {
  constexpr std::size_t kFirst = 40;
  constexpr std::size_t kRangeSize = 56;
  for (std::size_t at = kFirst; table.fields.has(at, 4);) {
    const std::size_t size = table.fields.u16(at + 2);
    if (size < 4 || !table.fields.has(at, size)) return {};
    const Fields structure = table.fields.part(at, size);
    if (structure.u16(0) == 0 && size >= kRangeSize)
      TRY(add(table, structure.u64(32), structure.u64(40)));
    at += size;
  }
  return {};
}

// The records themselves have a header with their length, which is not read here.
Result<> Namer::read_boot_times(const Table& table) {
  constexpr std::size_t kPointerSize = 16;
  for (std::size_t at = kHeaderSize; table.fields.has(at, kPointerSize);) {
    const std::size_t size = table.fields.u8(at + 2);
    if (size < kPointerSize) return {};
    TRY(add(table, table.fields.u64(at + 8), kPointerSize));
    at += size;
  }
  return {};
}

Result<> Namer::read(const Table& table) {
  if (table.instance != 0) return {};
  const std::string_view signature = table.signature();
  if (signature == "HEST") return read_hest(table);
  if (signature == "ERST" || signature == "EINJ") return read_instructions(table);
  if (signature == "PCCT") return read_mailboxes(table);
  if (signature == "NFIT") return read_nfit(table);
  if (signature == "FPDT") return read_boot_times(table);
  for (const Place& place : kPlaces) {
    if (signature != place.signature) continue;
    const std::uint64_t length = place.length_bytes == 8   ? table.fields.u64(place.length)
                                 : place.length_bytes == 4 ? table.fields.u32(place.length)
                                                           : place.usual;
    TRY(add(table, table.fields.u64(place.address), length));
  }
  return {};
}

}  // namespace

Result<std::span<const NamedMemory>> list_named_memory(std::span<const Table> tables, Memory memory,
                                                       Arena& arena, Diagnostics& notes) {
  Namer namer(memory, arena, notes);
  for (const Table& table : tables)
    TRY(namer.read(table));
  return namer.finish();
}

}  // namespace socle::fw::acpi
