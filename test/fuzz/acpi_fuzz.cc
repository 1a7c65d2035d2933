// SPDX-License-Identifier: Apache-2.0

// libFuzzer target: any bytes as ACPI's tables, through the readers and the Platform to all outputs
// of `socle plan`. Nothing may crash, stall or grow without bound, and no reader leaves a table
// (each stands in memory of its own, where the sanitizer sees it). The first byte says how the rest
// is to be read: tables one behind the other, a piece of memory with an RSDP at its start, or the
// text of a memory map for a machine whose tables are sound.
// Checksums are not in the way: a wrong one is a warning.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "plan/acpi_tables.h"
#include "plan/diff.h"
#include "plan/html.h"
#include "plan/json.h"
#include "plan/memory_map.h"
#include "plan/svg.h"
#include "plan/text.h"

#include "test/fuzz/whole_acpi_machine.h"

// NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t room);

namespace {

using namespace socle;
using plan::Report;

constexpr std::uint64_t kBase = 0x1000;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "acpi_fuzz: %s\n", what);
  std::abort();
}

bool is_printable(const std::string& text) {
  for (const char c : text)
    if (c != '\n' && (c < ' ' || c > '~')) return false;
  return true;
}

void check_outputs(const Report& report) {
  constexpr std::size_t kMostBytes = 64 * kMiB;
  for (const std::string& text : {to_text(report), to_svg(report), to_html(report)}) {
    expect(is_printable(text), "an output has control bytes");
    expect(text.size() < kMostBytes, "an output is too long");
  }
  expect(!nlohmann::json::parse(to_json(report), nullptr, false).is_discarded(), "no JSON");
  expect(differences(report, report).empty(), "a report differs from itself");
}

void check_platform(const platform::Platform& platform) {
  expect(!platform.cpus.empty(), "a platform without CPUs");
  for (const platform::Device& device : platform.devices) {
    expect(!device.name.empty(), "a device without a name");
    for (const platform::Region& region : device.regions)
      expect(!region.range.empty(), "an empty region");
    for (const platform::Interrupt& interrupt : device.interrupts)
      expect(interrupt.id >= IntId(16) && interrupt.id < IntId(1020), "an impossible interrupt");
    for (const platform::RequesterMap& row : device.iommu_map)
      expect(platform.iommu(row) != nullptr, "a stream without an IOMMU");
  }
}

// Tables one behind the other, to the end.
void fuzz_loose(std::string_view bytes, std::span<std::byte> memory) {
  const auto tables = plan::tables_of("fuzz", bytes);
  if (!tables) return;
  plan::Board board(memory);
  const auto done = plan::plan_acpi_board(board, tables->addresses(), *tables, {});
  if (done) check_platform(*board.platform);
  const Report report = make_report(board, done, "fuzz");
  expect(report.verdict == plan::Verdict::kReady || !report.reason.empty(), "no reason");
  check_outputs(report);
}

// A piece of memory: the way from the RSDP.
void fuzz_memory(std::span<const std::byte> bytes, std::span<std::byte> memory) {
  const auto read = [&](PaRange range) -> std::optional<std::span<const std::byte>> {
    const std::uint64_t begin = range.begin().value();
    if (begin < kBase || begin - kBase > bytes.size() ||
        range.size() > bytes.size() - (begin - kBase))
      return std::nullopt;
    return bytes.subspan(begin - kBase, range.size());
  };
  fw::Arena arena(memory);
  fw::Diagnostics notes(arena);
  const auto tables = fw::acpi::read_tables(Pa(kBase), read, arena, notes);
  expect(tables.has_value() || !notes.lines().empty(), "an error without a line");
  if (!tables) return;
  const auto platform = platform::read_acpi(*tables, {}, {}, arena, notes);
  expect(platform.has_value() || !notes.lines().empty(), "an error without a line");
  if (platform) check_platform(**platform);
}

std::string sound_tables() {
  test::FirmwareMemory firmware;
  test::AcpiMachine().put_into(firmware);
  std::string out;
  for (const Pa table : firmware.named())
    for (const std::byte byte : firmware.bytes_at(table))
      out.push_back(static_cast<char>(byte));
  return out;
}

void fuzz_memory_map(std::string_view text, std::span<std::byte> memory) {
  static const std::string sound = sound_tables();
  const auto map = plan::memory_map_of("fuzz", text);
  if (!map) {
    expect(map.error().message.starts_with("fuzz: ") && is_printable(map.error().message),
           "an error that names nothing");
    return;
  }
  expect(!map->descriptors.empty(), "a map without ranges");
  expect(map->descriptors.size() <= fw::kMaxEfiMemoryMapBytes, "too many ranges");
  const auto tables = plan::tables_of("fuzz", sound);
  plan::Board board(memory);
  const auto done =
      plan::plan_acpi_board(board, tables->addresses(), *tables, {.efi_memory = map->bytes()});
  const Report report = make_report(board, done, "fuzz");
  expect(report.verdict == plan::Verdict::kReady || !report.reason.empty(), "no reason");
  check_outputs(report);
}

// --- seeds and mutations ---

std::vector<std::uint8_t> bytes_of(bool is_memory) {
  test::FirmwareMemory firmware;
  test::whole_acpi_machine().put_into(firmware);
  std::vector<std::uint8_t> out = {static_cast<std::uint8_t>(is_memory)};
  const auto append = [&out](const std::vector<std::byte>& bytes) {
    for (const std::byte byte : bytes)
      out.push_back(std::to_integer<std::uint8_t>(byte));
  };
  if (is_memory) {
    constexpr std::size_t kRsdpSize = 36;
    test::AcpiTable xsdt("XSDT", 1);
    std::uint64_t at = kBase + kRsdpSize + 36 + 8 * firmware.named().size();
    for (const Pa table : firmware.named()) {
      xsdt.u64(at);
      at += firmware.bytes_at(table).size();
    }
    append(test::FirmwareMemory::rsdp(Pa(kBase + kRsdpSize)).bytes());
    append(xsdt.finished());
  }
  for (const Pa table : firmware.named())
    append(firmware.bytes_at(table));
  return out;
}

// Lengths, counts and offsets go wrong at their edges.
void put_number(std::uint8_t* data, std::size_t size, std::uint64_t random) {
  constexpr std::uint64_t kNumbers[] = {0,     1,      2,          3,          4,
                                        0x14,  0x24,   0x30,       0x7f,       0xff,
                                        0x100, 0xffff, 0x7fffffff, 0xffffffff, 0xfffffffffffff000,
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
  if (size < 64 || random % 64 == 0) {
    const auto whole = bytes_of((random >> 8) % 2 == 0);
    size = std::min(whole.size(), room);
    std::memcpy(data, whole.data(), size);
  }
  const std::uint64_t kind = data[0] % 3 == 2 ? 0 : (random >> 32) % 4;
  if (kind == 0) return LLVMFuzzerMutate(data, size, room);
  for (std::uint64_t i = 0; i < kind; ++i) {
    put_number(data, size, random);
    random = random * 0x5851'f42d'4c95'7f2d + 1;
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::byte> memory(4 * kMiB);
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] % 3 == 0) fuzz_loose(rest, memory);
  if (data[0] % 3 == 1) fuzz_memory(std::as_bytes(std::span(data + 1, size - 1)), memory);
  if (data[0] % 3 == 2) fuzz_memory_map(rest, memory);
  return 0;
}
// NOLINTEND(readability-identifier-naming)
