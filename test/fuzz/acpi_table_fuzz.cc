// SPDX-License-Identifier: Apache-2.0

// libFuzzer target, aimed: one of ACPI's tables is any bytes, and all others are a sound machine's,
// so that each input gets as far as that table's reader. SOCLE_FUZZ_TABLE names it: RSDP, XSDT, or
// the signature of one that test/fuzz/whole_acpi_machine.h has.
//
// The way is a boot's: from the RSDP to the tables, the Platform, dom0's plan, dom0's tables, and
// these read back. Nothing may crash, stall, or refuse without a line; a plan holds its invariants;
// dom0's tables are sound, whatever the host's are, and name no memory that dom0 does not have.
// The first byte says whether the table's header is put right.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "fw/acpi/named_memory.h"
#include "hwdom/firmware_tables.h"
#include "hwdom/plan_check.h"
#include "plan/acpi_tables.h"
#include "plan/text.h"

#include "test/fuzz/whole_acpi_machine.h"

// NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

namespace {

using namespace socle;
using Bytes = std::vector<std::byte>;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "acpi_table_fuzz: %s\n", what);
  std::abort();
}

// Each table in memory of its own, where the sanitizer sees its end.
constexpr std::uint64_t kTables = test::FirmwareMemory::kFirst;
constexpr std::uint64_t kRoom = 0x2'0000;  // from one to the next
constexpr Pa kRsdp{kTables - kRoom};
constexpr Pa kXsdt{kTables - 2 * kRoom};

struct Machine {
  Machine() {
    test::FirmwareMemory made;
    test::whole_acpi_machine().put_into(made);
    test::AcpiTable xsdt("XSDT", 1);
    for (const Pa from : made.named()) {
      const Pa to(kTables + kRoom * tables.size());
      tables.push_back({to, made.bytes_at(from)});
      xsdt.u64(to.value());
    }
    tables.push_back({kXsdt, xsdt.finished()});
    tables.push_back({kRsdp, test::FirmwareMemory::rsdp(kXsdt).bytes()});
    target = tables.size();
    const char* const wanted = std::getenv("SOCLE_FUZZ_TABLE");
    for (std::size_t i = 0; wanted != nullptr && i < tables.size(); ++i)
      if (std::memcmp(tables[i].bytes.data(), is_rsdp(i) ? "RSD " : wanted, 4) == 0 &&
          is_rsdp(i) == (std::strcmp(wanted, "RSDP") == 0))
        target = i;
    if (target == tables.size()) {
      std::fprintf(stderr, "acpi_table_fuzz: SOCLE_FUZZ_TABLE names no table\n");
      std::exit(2);
    }
  }
  [[nodiscard]] bool is_rsdp(std::size_t index) const { return tables[index].at == kRsdp; }

  struct Table {
    Pa at;
    Bytes bytes;
  };
  std::vector<Table> tables;
  std::size_t target = 0;
};

Machine& machine() {
  static Machine only;
  return only;
}

// --- one input ---

Bytes table_of(std::span<const std::uint8_t> input) {
  const Machine& host = machine();
  const std::span<const std::byte> given = std::as_bytes(input.subspan(1));
  Bytes bytes(given.begin(), given.end());
  if (input[0] % 4 == 0) return bytes;
  const bool is_rsdp = host.is_rsdp(host.target);
  const std::size_t head = is_rsdp ? 36 : fw::acpi::kHeaderSize;
  if (bytes.size() < head) bytes.resize(head);
  std::memcpy(bytes.data(), host.tables[host.target].bytes.data(), is_rsdp ? 8 : 4);
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (!is_rsdp) std::memcpy(bytes.data() + fw::acpi::header::kLength, &size, sizeof(size));
  return bytes;
}

fw::EfiMemoryRange range(fw::EfiMemoryType type, std::uint64_t begin, std::uint64_t size) {
  return {.range = PaRange(Pa(begin), Pa(begin + size)),
          .type = type,
          .attributes = fw::kEfiMemoryWriteBack};
}

struct Run {
  explicit Run(std::span<std::byte> room) : arena(room), notes(arena) {}

  void go();
  void plan_and_write();
  void check_domains_tables();
  void print_report();

  test::FirmwareMemory memory;
  std::vector<Pa> addresses;
  fw::Arena arena;
  fw::Diagnostics notes;
  std::array<fw::EfiMemoryRange, 4> efi = {
      range(fw::EfiMemoryType::kConventional, test::kWholeMachinesRam, kGiB),
      range(fw::EfiMemoryType::kReserved, test::kFirmwaresPages, kMiB),
      range(fw::EfiMemoryType::kRuntimeServicesData, test::kFirmwaresPages + kMiB, kMiB),
      range(fw::EfiMemoryType::kAcpiReclaim, kXsdt.value(), 64 * kRoom)};
  fw::acpi::Tables tables;
  std::vector<std::uint64_t> blob = plan::empty_tree();
  const fw::dt::Tree* tree = nullptr;
  fw::Options options;
  std::array<hwdom::KeptMemory, 1> kept = {
      {{"image", PaRange(Pa(test::kWholeMachinesRam), Pa(test::kWholeMachinesRam + 16 * kMiB))}}};
  std::optional<platform::Console> console;
  hwdom::PlanInput input;
  const hwdom::DomainPlan* plan = nullptr;
  Bytes buffer;
  hwdom::FirmwareTables made;
};

constexpr std::uint64_t kPlace = test::kWholeMachinesRam + 64 * kMiB;

void Run::go() {
  const auto read = fw::acpi::read_tables(kRsdp, memory, arena, notes);
  expect(read.has_value() || !notes.lines().empty(), "no tables, and no line");
  if (!read) return;
  tables = *read;
  const auto platform = platform::read_acpi(tables, {}, {.efi_memory = efi}, arena, notes);
  expect(platform.has_value() || !notes.lines().empty(), "no platform, and no line");
  if (!platform) return;
  input.platform = *platform;
  tree = *fw::dt::Tree::open(std::as_bytes(std::span(blob)), arena, notes);
  plan_and_write();
}

void Run::plan_and_write() {
  input.tree = tree;
  input.acpi = &tables;
  input.efi_memory = efi;
  input.options = &options;
  input.kept = kept;
  input.ipa_bits = 48;
  console = platform::choose_console(*input.platform, nullptr, notes);
  if (console) input.console = &*console;
  const auto planned = hwdom::plan(input, arena, notes);
  expect(planned.has_value() || !notes.lines().empty(), "no plan, and no line");
  if (!planned) return;
  plan = *planned;
  const auto good = hwdom::proofread(input, *plan, arena, notes);
  if (good && !*good)
    for (const auto& line : notes.lines())
      std::fprintf(stderr, "%.*s\n", static_cast<int>(line.text.size()), line.text.data());
  expect(good.has_value() && *good, "the plan breaks an invariant");
  buffer.resize(align_up<std::size_t>(hwdom::firmware_tables_bound(tables, *plan), kFrameSize));
  const auto written =
      hwdom::write_firmware_tables({.tables = &tables,
                                    .platform = input.platform,
                                    .plan = plan,
                                    .place = Range<Ipa>(Ipa(kPlace), Ipa(kPlace + buffer.size()))},
                                   buffer, notes);
  expect(written.has_value() || !notes.lines().empty(), "no tables for dom0, and no line");
  if (!written) return;
  made = *written;
  check_domains_tables();
}

void Run::check_domains_tables() {
  const auto read = [&](PaRange wanted) -> std::optional<std::span<const std::byte>> {
    const std::uint64_t begin = wanted.begin().value();
    if (begin < kPlace || begin >= kPlace + buffer.size()) return memory(wanted);
    if (wanted.size() > buffer.size() - (begin - kPlace)) return std::nullopt;
    return std::span(buffer).subspan(begin - kPlace, wanted.size());
  };
  const fw::acpi::Fields system(std::span(buffer).subspan(made.system_table.value() - kPlace));
  const fw::acpi::Fields entry(std::span(buffer).subspan(system.u64(112) - kPlace));
  const auto theirs = fw::acpi::read_tables(Pa(entry.u64(16)), read, arena, notes);
  expect(theirs.has_value(), "dom0 does not find its tables");
  const auto platform = platform::read_acpi(*theirs, {}, {.efi_memory = efi}, arena, notes);
  expect(platform.has_value(), "dom0 cannot read its tables");
  expect((*platform)->cpus.size() == plan->vcpus.size(), "dom0's CPUs are not its vCPUs");
  expect((*platform)->gic.its.empty(), "dom0 has an ITS");
  expect((*platform)->iommus.empty(), "dom0 has an IOMMU");
  if (tables.named.size() == fw::acpi::kMaxNamedMemory) return;
  for (const fw::acpi::NamedMemory& named : theirs->named)
    expect(can_reach(*plan, named.range), "dom0's tables name memory that is not its");
}

// As `socle plan` does. SRAT is read nowhere else.
void Run::print_report() {
  static Bytes room(4 * kMiB);
  plan::Board board(room);
  const auto done = plan::plan_acpi_board(board, addresses, memory, {});
  const plan::Report report = make_report(board, done, "fuzz");
  expect(report.verdict == plan::Verdict::kReady || !report.reason.empty(), "no reason");
  const std::string text = to_text(report);
  for (const char c : text)
    expect(c == '\n' || (c >= ' ' && c <= '~'), "the report has control bytes");
}

// --- mutations ---

// Lengths, counts and offsets go wrong at their edges.
void put_number(std::uint8_t* data, std::size_t size, std::uint64_t random) {
  constexpr std::uint64_t kNumbers[] = {0,
                                        1,
                                        2,
                                        3,
                                        4,
                                        0x14,
                                        0x24,
                                        0x30,
                                        0x7f,
                                        0xff,
                                        0x100,
                                        0xffff,
                                        0x7fffffff,
                                        0xffffffff,
                                        test::kFirmwaresPages + kMiB - 8,
                                        test::kWholeMachinesRam,
                                        0xfffffffffffff000,
                                        ~0ULL};
  const std::size_t width = std::size_t{1} << (random & 3);
  const std::uint64_t value = kNumbers[(random >> 8) % std::size(kNumbers)];
  if (size <= width) return;
  std::memcpy(data + (random >> 16) % (size - width), &value, width);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t room, unsigned seed) {
  std::uint64_t random = (std::uint64_t{seed} + 1) * 0x9e37'79b9'7f4a'7c15;
  random ^= random >> 29;
  if (size < 8 || random % 32 == 0) {
    const Bytes& sound = machine().tables[machine().target].bytes;
    data[0] = static_cast<std::uint8_t>(random >> 8);
    size = 1 + std::min(sound.size(), room - 1);
    std::memcpy(data + 1, sound.data(), size - 1);
  }
  const std::uint64_t kind = (random >> 32) % 4;
  if (kind == 0) return LLVMFuzzerMutate(data, size, room);
  for (std::uint64_t i = 0; i < kind; ++i) {
    put_number(data, size, random);
    random = random * 0x5851'f42d'4c95'7f2d + 1;
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Bytes room(4 * kMiB);
  if (size == 0) return 0;
  const Machine& host = machine();
  Run run(room);
  for (std::size_t i = 0; i < host.tables.size(); ++i) {
    const Machine::Table& table = host.tables[i];
    run.memory.put_at(table.at, i == host.target ? table_of({data, size}) : table.bytes);
    if (table.at.value() >= kTables) run.addresses.push_back(table.at);
  }
  run.go();
  const bool is_srat = std::memcmp(host.tables[host.target].bytes.data(), "SRAT", 4) == 0;
  if (is_srat || data[size - 1] % 16 == 0) run.print_report();
  return 0;
}
// NOLINTEND(readability-identifier-naming)
