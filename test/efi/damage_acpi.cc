// SPDX-License-Identifier: Apache-2.0
// Verbs that change ACPI's tables where firmware has them. What a verb changes has a right checksum
// afterwards (but for `checksum`), so that a test shows one mistake and not two.
//
// Source: ACPI 6.5, 5.2.5 to 5.2.9, 18.3.1, 18.3.2.7, 18.3.2.9; UEFI 2.10, appendix N.2.5.

#include "damage.h"

namespace socle::test {

namespace {

constexpr std::size_t kRsdpChecksum = 8;
constexpr std::size_t kRsdpOldSize = 20;
constexpr std::size_t kRsdpLength = 20;
constexpr std::size_t kRsdpXsdt = 24;
constexpr std::size_t kRsdpExtendedChecksum = 32;
constexpr std::size_t kRsdpSize = 36;
constexpr std::size_t kHeaderSize = 36;
constexpr std::size_t kLength = 4;
constexpr std::size_t kChecksum = 9;
constexpr std::size_t kFadtXDsdt = 140;
constexpr std::size_t kMaxSize = 1024 * 1024;  // of what is summed and copied
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kAcpiReclaim = 9;

// Little endian, aligned to nothing.
class Bytes {
 public:
  explicit Bytes(std::uint64_t address) : at_(reinterpret_cast<std::uint8_t*>(address)) {}

  [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(at_); }
  std::uint8_t& operator[](std::size_t offset) const { return at_[offset]; }
  [[nodiscard]] std::uint64_t number(std::size_t offset, std::size_t size) const {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- != 0;)
      value = value << 8 | at_[offset + i];
    return value;
  }
  void put(std::size_t offset, std::size_t size, std::uint64_t value) const {
    for (std::size_t i = 0; i < size; ++i, value >>= 8)
      at_[offset + i] = static_cast<std::uint8_t>(value);
  }
  void make_sum_right(std::size_t size, std::size_t checksum) const {
    std::uint8_t sum = 0;
    for (std::size_t i = 0; i < size; ++i)
      sum = static_cast<std::uint8_t>(sum + at_[i]);
    at_[checksum] = static_cast<std::uint8_t>(at_[checksum] - sum);
  }

 private:
  std::uint8_t* at_;
};

bool same(const efi::Guid& a, const efi::Guid& b) {
  return __builtin_memcmp(&a, &b, sizeof(a)) == 0;
}

Bytes rsdp() {
  const efi::SystemTable& system = system_table();
  for (std::size_t i = 0; i < system.table_count; ++i)
    if (same(system.tables[i].guid, efi::kAcpi20Table))
      return Bytes(reinterpret_cast<std::uint64_t>(system.tables[i].table));
  return Bytes(0);
}

Bytes xsdt() {
  return Bytes(rsdp().number(kRsdpXsdt, 8));
}
std::size_t entries() {
  return (xsdt().number(kLength, 4) - kHeaderSize) / 8;
}
std::uint64_t entry(std::size_t index) {
  return xsdt().number(kHeaderSize + index * 8, 8);
}

std::string_view signature(const Bytes& table) {
  return {reinterpret_cast<const char*>(table.address()), 4};
}

void make_right(const Bytes& table) {
  if (table.address() == rsdp().address()) {
    table.make_sum_right(kRsdpOldSize, kRsdpChecksum);
    table.make_sum_right(kRsdpSize, kRsdpExtendedChecksum);
    return;
  }
  const std::uint64_t length = table.number(kLength, 4);
  if (length >= kHeaderSize && length <= kMaxSize) table.make_sum_right(length, kChecksum);
}

// Which entry of the XSDT names the table: "SSDT", or "SSDT:1" for its second one.
std::optional<std::size_t> find_entry(std::string_view name) {
  std::uint64_t skipped = 0;
  if (name.size() > 5 && name[4] == ':') skipped = to_number(name.substr(5)).value_or(0);
  for (std::size_t i = 0; i < entries(); ++i)
    if (entry(i) != 0 && signature(Bytes(entry(i))) == name.substr(0, 4) && skipped-- == 0)
      return i;
  return std::nullopt;
}

// RSDP, XSDT, DSDT (which the FACP names), or a table of the XSDT.
std::optional<Bytes> find(std::string_view name) {
  if (rsdp().address() == 0) return fail("firmware has no ACPI 2.0"), std::nullopt;
  if (name == "RSDP") return rsdp();
  if (name == "XSDT") return xsdt();
  const bool is_dsdt = name == "DSDT";
  const auto index = find_entry(is_dsdt ? "FACP" : name);
  if (!index) return fail("there is no such table"), std::nullopt;
  const Bytes table(entry(*index));
  return is_dsdt ? Bytes(table.number(kFadtXDsdt, 8)) : table;
}

// --- the verbs ---

void show_table(std::string_view name, const Bytes& table, std::uint64_t length) {
  print(name);
  print(" ");
  print_hex(table.address());
  print(" ");
  print_hex(length);
  print("\n");
}

bool show(Words) {
  if (!find("RSDP")) return false;
  show_table("RSDP", rsdp(), rsdp().number(kRsdpLength, 4));
  show_table("XSDT", xsdt(), xsdt().number(kLength, 4));
  for (std::size_t i = 0; i < entries(); ++i) {
    const Bytes table(entry(i));
    show_table(signature(table), table, table.number(kLength, 4));
  }
  if (const auto dsdt = find("DSDT")) show_table("DSDT", *dsdt, dsdt->number(kLength, 4));
  return true;
}

bool spoil_checksum(Words words) {
  const auto table = find(words[0]);
  if (!table) return false;
  const bool is_rsdp = table->address() == rsdp().address();
  ++(*table)[is_rsdp ? kRsdpChecksum : kChecksum];
  return true;
}

bool set_length(Words words) {
  const auto table = find(words[0]);
  const char sign = words[1][0];
  const auto number = to_number(words[1].substr(sign == '+' || sign == '-' ? 1 : 0));
  if (!table) return false;
  if (!number) return fail("LENGTH is a number");
  const std::size_t field = table->address() == rsdp().address() ? kRsdpLength : kLength;
  const std::uint64_t old = table->number(field, 4);
  table->put(field, 4, sign == '+' ? old + *number : sign == '-' ? old - *number : *number);
  make_right(*table);
  return true;
}

bool set_bytes(Words words) {
  const auto table = find(words[0]);
  const auto offset = to_number(words[1]);
  if (!table) return false;
  if (!offset || words[2].size() % 2 != 0) return fail("OFFSET is a number, BYTES pairs of digits");
  for (std::size_t i = 0; i < words[2].size(); i += 2) {
    const char text[] = {'0', 'x', words[2][i], words[2][i + 1]};
    const auto value = to_number(std::string_view(text, sizeof(text)));
    if (!value) return fail("BYTES are hexadecimal");
    (*table)[*offset + i / 2] = static_cast<std::uint8_t>(*value);
  }
  make_right(*table);
  return true;
}

bool point(Words words) {
  const auto table = find(words[0]);
  const auto offset = to_number(words[1]);
  const auto place = to_place(words[2]);
  if (!table || !place) return false;
  if (!offset) return fail("OFFSET is a number");
  table->put(*offset, 8, *place);
  make_right(*table);
  return true;
}

bool set_entry(Words words) {
  if (!find("XSDT")) return false;
  auto index = to_number(words[0]);
  if (!index) index = find_entry(words[0]);
  const auto place = to_place(words[1]);
  if (!place) return false;
  if (!index || *index >= entries()) return fail("the XSDT has no such entry");
  xsdt().put(kHeaderSize + *index * 8, 8, *place);
  make_right(xsdt());
  return true;
}

bool drop(Words words) {
  if (!find("XSDT")) return false;
  const auto index = find_entry(words[0]);
  if (!index) return fail("there is no such table");
  const std::size_t last = entries() - 1;
  for (std::size_t i = *index; i < last; ++i)
    xsdt().put(kHeaderSize + i * 8, 8, entry(i + 1));
  xsdt().put(kLength, 4, kHeaderSize + last * 8);
  make_right(xsdt());
  return true;
}

// New pages of a memory type (UEFI Specification 2.10, 7.2.1), with `size` bytes from `from`, and
// room for as much again.
std::optional<Bytes> copy_to(std::uint64_t type, const Bytes& from, std::size_t size) {
  std::uint64_t address = 0;
  if (size > kMaxSize || system_table().boot_services->allocate_pages(
                             efi::AllocateType::kAnyPages, static_cast<std::uint32_t>(type),
                             2 * (size / kPage + 1), &address) != efi::kSuccess)
    return fail("no memory"), std::nullopt;
  const Bytes to(address);
  for (std::size_t i = 0; i < size; ++i)
    to[i] = from[i];
  return to;
}

bool move_to(const Bytes& table, std::string_view name, std::uint64_t place) {
  if (name == "RSDP")
    return system_table().boot_services->install_configuration_table(
               &efi::kAcpi20Table, reinterpret_cast<void*>(place)) == efi::kSuccess;
  if (name == "XSDT") {
    rsdp().put(kRsdpXsdt, 8, place);
    make_right(rsdp());
  } else if (name == "DSDT") {
    const auto fadt = find("FACP");
    if (!fadt) return false;
    fadt->put(kFadtXDsdt, 8, place);
    make_right(*fadt);
  } else {
    for (std::size_t i = 0; i < entries(); ++i)
      if (entry(i) == table.address()) xsdt().put(kHeaderSize + i * 8, 8, place);
    make_right(xsdt());
  }
  return true;
}

bool move(Words words) {
  const auto table = find(words[0]);
  const auto type = to_number(words[1]);
  if (!table) return false;
  if (!type) return fail("MEMORY-TYPE is a number");
  const auto to =
      copy_to(*type, *table, words[0] == "RSDP" ? kRsdpSize : table->number(kLength, 4));
  return to && move_to(*table, words[0], to->address());
}

// In a copy: behind the XSDT may stand another table.
bool add_entry(std::uint64_t place) {
  const auto table = find("XSDT");
  if (!table) return false;
  const std::size_t length = table->number(kLength, 4);
  const auto to = copy_to(kAcpiReclaim, *table, length);
  if (!to) return false;
  to->put(length, 8, place);
  to->put(kLength, 4, length + 8);
  make_right(*to);
  return move_to(*table, "XSDT", to->address());
}

bool append(Words words) {
  const auto place = to_place(words[0]);
  return place && add_entry(*place);
}

// --- records of errors ---

std::optional<Bytes> new_page(std::uint64_t type) {
  const auto page = copy_to(type, rsdp(), 0);
  for (std::size_t i = 0; page && i < kPage; ++i)
    (*page)[i] = 0;
  return page;
}

// A status block with one corrected error of a memory module.
void write_error(const Bytes& block) {
  constexpr std::size_t kEntry = 20;
  constexpr std::size_t kData = kEntry + 72;
  constexpr std::size_t kMemoryErrorSize = 80;
  constexpr std::uint64_t kCorrected = 2;
  constexpr std::uint64_t kMemoryError[] = {0x4ede'6f64'a5bc'1114, 0xb183'7ced'833e'63b8};
  block.put(0, 4, 1U << 4 | 1U << 1);  // one entry, a corrected error
  block.put(12, 4, kData - kEntry + kMemoryErrorSize);
  block.put(16, 4, kCorrected);
  block.put(kEntry, 8, kMemoryError[0]);
  block.put(kEntry + 8, 8, kMemoryError[1]);
  block.put(kEntry + 16, 4, kCorrected);
  block.put(kEntry + 20, 2, 0x300);
  block.put(kEntry + 24, 4, kMemoryErrorSize);
}

bool add_table(const Bytes& table, std::string_view name, std::size_t size) {
  for (std::size_t i = 0; i < name.size(); ++i)
    table[i] = static_cast<std::uint8_t>(name[i]);
  table.put(kLength, 4, size);
  table.put(8, 1, 1);
  make_right(table);
  return add_entry(table.address());
}

// BERT, and HEST with one error source that is asked once a second. Their records are in memory of
// that type.
bool add_errors(Words words) {
  constexpr std::size_t kSource = 40;
  const auto type = to_number(words[0]);
  if (!type || !find("RSDP")) return fail("MEMORY-TYPE is a number");
  const auto boot = new_page(*type);
  const auto pointer = new_page(*type);
  const auto block = new_page(*type);
  const auto bert = new_page(kAcpiReclaim);
  const auto hest = new_page(kAcpiReclaim);
  if (!boot || !pointer || !block || !bert || !hest) return false;
  write_error(*boot);
  write_error(*block);
  pointer->put(0, 8, block->address());
  bert->put(36, 4, kPage);
  bert->put(40, 8, boot->address());
  hest->put(36, 4, 1);
  hest->put(kSource, 2, 9);           // GHES
  hest->put(kSource + 4, 2, 0xffff);  // stands for no other
  hest->put(kSource + 7, 1, 1);       // in use
  hest->put(kSource + 8, 4, 1);
  hest->put(kSource + 12, 4, 1);
  hest->put(kSource + 21, 1, 64);  // the register's width
  hest->put(kSource + 23, 1, 4);
  hest->put(kSource + 24, 8, pointer->address());
  hest->put(kSource + 33, 1, 28);  // notification: polled
  hest->put(kSource + 36, 4, 1000);
  hest->put(kSource + 60, 4, kPage);
  return add_table(*bert, "BERT", 48) && add_table(*hest, "HEST", kSource + 64);
}

constexpr Verb kVerbs[] = {
    {"show", 0, "", show},
    {"checksum", 1, "TABLE (wrong from now on)", spoil_checksum},
    {"length", 2, "TABLE LENGTH (or +MORE, or -LESS)", set_length},
    {"set", 3, "TABLE OFFSET BYTES", set_bytes},
    {"point", 3, "TABLE OFFSET PLACE (an address in the table)", point},
    {"entry", 2, "NUMBER-OR-TABLE PLACE (an entry of the XSDT; PLACE: TABLE+OFFSET, or a number)",
     set_entry},
    {"append", 1, "PLACE (one more entry)", append},
    {"errors", 1, "MEMORY-TYPE (BERT and HEST, with a record each in such memory)", add_errors},
    {"drop", 1, "TABLE (its entry)", drop},
    {"move", 2, "TABLE MEMORY-TYPE (0 reserved, 2 loader, 4 boot services, 9 ACPI, 10 NVS)", move},
};

}  // namespace

std::optional<std::uint64_t> to_place(std::string_view text) {
  if (const auto number = to_number(text)) return number;
  const std::size_t plus = text.find('+');
  const auto offset =
      plus == std::string_view::npos ? std::uint64_t{0} : to_number(text.substr(plus + 1));
  const auto table = find(text.substr(0, plus));
  if (!table) return std::nullopt;
  if (!offset) return fail("OFFSET is a number"), std::nullopt;
  return table->address() + *offset;
}

std::span<const Verb> acpi_verbs() {
  return kVerbs;
}

}  // namespace socle::test
