// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/tables.h"

#include <algorithm>
#include <array>

#include "fw/acpi/named_memory.h"

namespace socle::fw::acpi {

namespace {

// RSDP, at these offsets (ACPI 6.5, 5.2.5.3).
constexpr std::string_view kRsdpSignature = "RSD PTR ";
constexpr std::size_t kRsdpRevision = 15;
constexpr std::size_t kRsdpRsdt = 16;
constexpr std::size_t kRsdpSizeOfRevision0 = 20;
constexpr std::size_t kRsdpLength = 20;
constexpr std::size_t kRsdpXsdt = 24;
constexpr std::size_t kRsdpSize = 36;

// FADT (5.2.9).
constexpr std::size_t kFadtDsdt = 40;
constexpr std::size_t kFadtXDsdt = 140;

// There is to be one of each, and the first counts.
constexpr std::array<std::string_view, 7> kRead = {"FACP", "APIC", "GTDT", "MCFG",
                                                   "SPCR", "DBG2", "IORT"};

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

class Lister {
 public:
  Lister(Memory memory, Arena& arena, Diagnostics& notes)
      : memory_(memory), notes_(notes), list_(arena) {}

  // The bytes of [address, address + size), if they can be read.
  std::optional<Fields> bytes_at(Pa address, std::uint64_t size) {
    const auto range = PaRange::from_size(address, size);
    const auto bytes = range ? memory_(*range) : std::nullopt;
    if (!bytes || bytes->size() != size) return std::nullopt;
    return Fields(*bytes);
  }

  // A table that is whole, or nothing, with a line. `who` names it.
  std::optional<Table> read(std::string_view who, Pa address) {
    const auto head = bytes_at(address, kHeaderSize);
    if (!head) {
      notes_.warning("{}: the table at {} cannot be read, ignored", who, address);
      return std::nullopt;
    }
    const std::string_view signature = head->text(header::kSignature, 4);
    if (signature.size() != 4 || !is_printable(signature)) {
      notes_.warning("{}: what is at {} has no signature of a table, ignored", who, address);
      return std::nullopt;
    }
    const std::uint32_t length = head->u32(header::kLength);
    const auto whole =
        length < kHeaderSize || length > bytes_left_ ? std::nullopt : bytes_at(address, length);
    if (!whole) {
      notes_.warning("{} at {}: a length of {} is {}, ignored", signature, address, length,
                     length < kHeaderSize ? "shorter than its header" : "more than can be read");
      return std::nullopt;
    }
    bytes_left_ -= length;
    Table table{.address = address, .fields = *whole};
    table.checksum_is_right = checksum(whole->bytes()) == 0;
    if (!table.checksum_is_right)
      notes_.warning("{} at {}: the checksum is wrong, used all the same", signature, address);
    return table;
  }

  Result<> add(std::string_view who, Pa address, bool in_root) {
    for (const Table& before : list_)
      if (before.address == address) {
        notes_.warning("{}: {} at {} is named twice", who, before.signature(), address);
        return {};
      }
    auto table = read(who, address);
    if (!table) return {};
    for (const Table& before : list_) {
      if (before.signature() == table->signature()) ++table->instance;
      if (before.range().overlaps(table->range()))
        notes_.warning("{} at {}: overlaps {} at {}", table->signature(), address,
                       before.signature(), before.address);
    }
    if (table->instance != 0 && std::ranges::find(kRead, table->signature()) != kRead.end())
      notes_.warning("{} at {}: not the first, not read", table->signature(), address);
    table->in_root = in_root;
    return list_.push_back(*table);
  }

  Result<> add_all_of(const Table& root);
  Result<> add_dsdt();
  std::span<const Table> finish() { return list_.finish(); }
  std::span<const Table> so_far() { return list_.span(); }
  [[nodiscard]] Diagnostics& notes() { return notes_; }

 private:
  Memory memory_;
  Diagnostics& notes_;
  ArenaVector<Table> list_;
  std::uint64_t bytes_left_ = kMaxBytes;
};

const Table* find_in(std::span<const Table> tables, std::string_view signature,
                     std::uint32_t instance) {
  for (const Table& table : tables)
    if (table.signature() == signature && table.instance == instance) return &table;
  return nullptr;
}

Result<> Lister::add_all_of(const Table& root) {
  const std::string_view name = root.signature();
  const std::size_t entry = name == "XSDT" ? 8 : 4;
  for (std::size_t at = kHeaderSize; root.fields.has(at, entry); at += entry) {
    const Pa address(entry == 8 ? root.fields.u64(at) : root.fields.u32(at));
    if (address == Pa(0)) continue;  // as Linux does: firmware takes tables out so
    if (address == root.address) {
      notes_.warning("{}: names itself, ignored", name);
      continue;
    }
    if (list_.size() == kMaxTables) {
      notes_.warning("{}: more than {} tables, the rest is ignored", name, kMaxTables);
      break;
    }
    TRY(add(name, address, true));
  }
  return {};
}

Result<> Lister::add_dsdt() {
  const Table* fadt = find_in(list_.span(), "FACP", 0);
  if (fadt == nullptr || find_in(list_.span(), "DSDT", 0) != nullptr) return {};
  const std::uint64_t wide = fadt->fields.u64(kFadtXDsdt);
  const Pa address(wide != 0 ? wide : fadt->fields.u32(kFadtDsdt));
  return address == Pa(0) ? Result<>() : add("FACP", address, false);
}

struct Rsdp {
  Fields fields;
  Pa root;
  std::string_view root_signature;
};

Result<Rsdp> read_rsdp(Lister& lister, Pa address) {
  auto fields = lister.bytes_at(address, kRsdpSizeOfRevision0);
  if (!fields || fields->part(0, 8).bytes().size() != 8 ||
      std::string_view(reinterpret_cast<const char*>(fields->bytes().data()), 8) != kRsdpSignature)
    return lister.notes().error(Error::kNotFound, "RSDP: there is none at {}", address);
  if (checksum(fields->bytes()) != 0)
    lister.notes().warning("RSDP at {}: the checksum is wrong, used all the same", address);
  if (fields->u8(kRsdpRevision) >= 2) {
    fields = lister.bytes_at(address, kRsdpSize);
    if (!fields)
      return lister.notes().error(Error::kCorrupt, "RSDP at {}: memory ends within it", address);
    const std::uint32_t length = fields->u32(kRsdpLength);
    const auto whole =
        length < kRsdpSize || length > kFrameSize ? std::nullopt : lister.bytes_at(address, length);
    // Linux looks at neither: what counts stands in the first bytes.
    if (!whole)
      lister.notes().warning("RSDP at {}: its length is {}, used all the same", address, length);
    else if (checksum(whole->bytes()) != 0)
      lister.notes().warning("RSDP at {}: the extended checksum is wrong, used all the same",
                             address);
  }
  const Pa xsdt(fields->u64(kRsdpXsdt));
  if (xsdt != Pa(0)) return Rsdp{*fields, xsdt, "XSDT"};
  return Rsdp{*fields, Pa(fields->u32(kRsdpRsdt)), "RSDT"};
}

// Fills in the first three members.
Result<> read_root(Lister& lister, Pa address, Tables& out) {
  const Rsdp rsdp = TRY(read_rsdp(lister, address));
  const auto root = lister.read("RSDP", rsdp.root);
  if (!root || root->signature() != rsdp.root_signature)
    return lister.notes().error(Error::kCorrupt, "{}: there is none at {}", rsdp.root_signature,
                                rsdp.root);
  out.rsdp_address = address;
  out.rsdp = rsdp.fields;
  out.root = *root;
  return {};
}

}  // namespace

const Table* Tables::find(std::string_view signature, std::uint32_t instance) const {
  return find_in(all, signature, instance);
}

Result<> check_root(Pa rsdp, Memory memory, Arena& arena, Diagnostics& notes) {
  Lister lister(memory, arena, notes);
  Tables out;
  return read_root(lister, rsdp, out);
}

Result<Tables> read_tables(Pa rsdp_address, Memory memory, Arena& arena, Diagnostics& notes) {
  Lister lister(memory, arena, notes);
  Tables out;
  TRY(read_root(lister, rsdp_address, out));
  TRY(lister.add_all_of(out.root));
  TRY(lister.add_dsdt());
  out.all = lister.finish();
  out.named = TRY(list_named_memory(out.all, memory, arena, notes));
  return out;
}

Result<Tables> read_loose_tables(std::span<const Pa> addresses, Memory memory, Arena& arena,
                                 Diagnostics& notes) {
  Lister lister(memory, arena, notes);
  for (const Pa address : addresses.first(std::min(addresses.size(), kMaxTables)))
    TRY(lister.add("tables", address, true));
  Tables out;
  out.all = lister.finish();
  out.named = TRY(list_named_memory(out.all, memory, arena, notes));
  return out;
}

}  // namespace socle::fw::acpi
