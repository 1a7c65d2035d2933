// SPDX-License-Identifier: Apache-2.0

// libFuzzer target: what UEFI hands over. The first byte chooses: a memory map (with its stride)
// and the RAM made of it, a configuration file and load options, runtime services that are left
// behind, or a tree whose /chosen is edited. Nothing may crash, stall or read outside; what comes
// out must keep its promises.

#include <array>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "fw/dt/tree.h"
#include "fw/efi_memory_map.h"
#include "platform/platform.h"

#include "efi/config_file.h"
#include "efi/runtime.h"
#include "efi/tree_edit.h"

namespace {

using namespace socle;  // NOLINT(google-build-using-namespace): a program of one file

void require(bool holds) {
  if (!holds) std::abort();
}

// In memory of exactly its size, aligned.
std::span<const std::byte> exactly(std::span<const std::uint8_t> data,
                                   std::vector<std::uint64_t>& room) {
  room.assign(data.size() / 8, 0);
  if (!room.empty()) std::memcpy(room.data(), data.data(), room.size() * 8);
  return std::as_bytes(std::span(room));
}

void fuzz_memory_map(std::span<const std::uint8_t> data, fw::Arena& arena) {
  if (data.size() < 8) return;
  fw::Diagnostics notes(arena);
  std::vector<std::uint64_t> room;
  const auto map = fw::read_efi_memory_map(
      {.bytes = exactly(data.subspan(8), room),
       .descriptor_size = data[0] == 0xff ? std::uint64_t{data[1]} << 24 : std::uint64_t{data[0]},
       .descriptor_version = std::uint32_t{data[2]} & 3},
      arena, notes);
  if (!map) return;
  for (std::size_t i = 0; i < map->size(); ++i) {
    require(!(*map)[i].range.empty());
    require(i == 0 || (*map)[i - 1].range.begin() <= (*map)[i].range.begin());
  }
  const auto ram = platform::read_ram(*map, arena, notes);
  if (!ram) return;
  for (std::size_t i = 0; i < ram->size(); ++i) {
    const PaRange& bank = (*ram)[i].range;
    require(!bank.empty() && (i == 0 || (*ram)[i - 1].range.end() < bank.begin()));
    for (const fw::EfiMemoryRange& other : *map)
      require(other.use() == fw::EfiMemoryRange::Use::kRam || !other.range.overlaps(bank));
  }
}

void fuzz_text(std::span<const std::uint8_t> data) {
  const std::vector<char> text(data.begin(), data.end());
  const std::string_view view(text.data(), text.size());
  const efi::ConfigFile file(view);
  for (const char* const section : {"", "a", "global"})
    for (const char* const key : {"default", "kernel", "x", ""})
      if (const auto value = file.value(section, key)) static_cast<void>(efi::split_file(*value));
  static_cast<void>(efi::names_program(efi::parse_start_options(view).first, view));
  std::vector<char> ascii(64);
  static_cast<void>(efi::ascii_of(std::as_bytes(std::span(data)), ascii));
}

void fuzz_edit(std::span<const std::uint8_t> data, fw::Arena& arena) {
  fw::Diagnostics notes(arena);
  std::vector<std::uint64_t> room;
  const std::span<const std::byte> blob = exactly(data, room);
  efi::ChosenEdit edit(arena);
  edit.set_text("bootargs", "some words");
  edit.set_number("linux,uefi-mmap-start", 1);
  edit.begin_node("module@1");
  edit.set_cell("reg", 7);
  edit.end_node();
  const bool is_good = fw::dt::Tree::open(blob, arena, notes).has_value();
  std::vector<std::uint64_t> out(edit.size_bound(blob) / 8 + 1);
  const auto size = edit.write(blob, std::as_writable_bytes(std::span(out)));
  // A good tree stays one.
  if (!is_good) return;
  require(size.has_value());
  const auto tree = fw::dt::Tree::open(std::as_bytes(std::span(out)).first(*size), arena, notes);
  require(tree.has_value());
  require((*tree)->root().child("chosen").property("linux,uefi-mmap-start").has_value());
}

// What firmware leaves to be called, from tables of which only the places and signatures are right:
// code at 0x10000, the tables in data at 0x14000, RAM at 0x16000.
struct LeftBehind {
  static constexpr std::uint64_t kBegin = 0x10000;
  static constexpr std::uint64_t kData = 0x14000;
  static constexpr std::uint64_t kRam = 0x16000;
  static constexpr std::uint64_t kEnd = 0x17000;
  static constexpr std::uint64_t kServices = kData + 0x100;
  static constexpr std::uint64_t kTables = kData + 0x200;

  explicit LeftBehind(std::span<const std::uint8_t> data) : bytes(kEnd - kBegin) {
    const std::size_t size = std::min<std::size_t>(data.size(), kEnd - kData);
    if (size != 0) std::memcpy(bytes.data() + (kData - kBegin), data.data(), size);
    put(kData, efi::kSystemTableSignature);
    put(kData + offsetof(efi::TableHeader, header_size), std::uint32_t{sizeof(efi::SystemTable)});
    put(kData + offsetof(efi::SystemTable, runtime_services), kServices);
    put(kData + offsetof(efi::SystemTable, tables), kTables);
    put(kData + offsetof(efi::TableHeader, crc32), std::uint32_t{0});
    put(kServices, efi::kRuntimeServicesSignature);
    put(kServices + offsetof(efi::TableHeader, crc32), std::uint32_t{0});
    put(kTables, efi::kMemoryAttributesTable);
    put(kTables + sizeof(efi::ConfigurationTable), efi::kRuntimePropertiesTable);
  }
  template <typename T>
  void put(std::uint64_t at, const T& value) {
    std::memcpy(bytes.data() + (at - kBegin), &value, sizeof value);
  }
  std::vector<std::byte> bytes;
};

void fuzz_runtime(std::span<const std::uint8_t> data, fw::Arena& arena) {
  using Left = LeftBehind;
  using Type = fw::EfiMemoryType;
  constexpr std::uint64_t kKept = fw::kEfiMemoryRuntime | fw::kEfiMemoryWriteBack;
  const std::array map = {
      fw::EfiMemoryRange{{Pa(Left::kBegin), Pa(Left::kData)}, Type::kRuntimeServicesCode, kKept},
      fw::EfiMemoryRange{{Pa(Left::kData), Pa(Left::kRam)}, Type::kRuntimeServicesData, kKept},
      fw::EfiMemoryRange{
          {Pa(Left::kRam), Pa(Left::kEnd)}, Type::kConventional, fw::kEfiMemoryWriteBack}};
  const Left left(data);
  const auto read = [&](Pa from, std::span<std::byte> to) {
    require(from.value() >= Left::kBegin && from.value() + to.size() <= Left::kEnd);
    std::memcpy(to.data(), left.bytes.data() + (from.value() - Left::kBegin), to.size());
    return true;
  };
  // A checksum that the input can have: that of nothing but zeros.
  const auto crc32 = [](std::uint32_t, std::span<const std::byte>) { return std::uint32_t{0}; };
  fw::Diagnostics notes(arena);
  const auto found = efi::read_runtime_services(Pa(Left::kData), map,
                                                {.read = read, .crc32 = crc32}, arena, notes);
  if (!found) return;
  const PaRange code = map[0].range;
  for (const efi::RuntimeRange& range : found->ranges) {
    require(range.range.begin().is_aligned(kFrameSize) && range.range.end().is_aligned(kFrameSize));
    require(range.kind != efi::RuntimeRange::Kind::kCode || code.contains(range.range));
  }
  for (const std::uint64_t function : found->functions)
    require(function == 0 || code.contains(Pa(function)));
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::byte> memory(4 * kMiB);
  if (size == 0) return 0;
  fw::Arena arena(memory);
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  if (data[0] % 4 == 0) {
    fuzz_memory_map(rest, arena);
  } else if (data[0] % 4 == 1) {
    fuzz_text(rest);
  } else if (data[0] % 4 == 2) {
    fuzz_runtime(rest, arena);
  } else {
    fuzz_edit(rest, arena);
  }
  return 0;
}
// NOLINTEND(readability-identifier-naming)
