// SPDX-License-Identifier: Apache-2.0

// Memory maps as people have them, and what is planned with them.

#include "plan/memory_map.h"

#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>

#include "plan/source.h"
#include "plan/test_report.h"

#include "test/support/acpi_machine.h"

namespace socle::plan {
namespace {

using fw::EfiMemoryType;

constexpr const char* kIomem =
    "04000000-07ffffff : reserved\n"
    "09000000-09000fff : ARMH0011:00\n"
    "  09000000-09000fff : ARMH0011:00 ARMH0011:00\n"
    "10000000-3efeffff : PCI Bus 0000:00\n"
    "40000000-bc43ffff : System RAM\n"
    "  4017c000-4017cfff : reserved\n"
    "  b7e70000-b94bffff : Kernel code\n"
    "bc440000-bc72ffff : reserved\n"
    "bc730000-bfbfffff : System RAM\n";

constexpr const char* kLog =
    "[    0.000000] efi: EFI v2.70 by EDK II\n"
    "[    0.000000] efi: Processing EFI memory map:\n"
    "[    0.000000] efi:   0x000040000000-0x0000bbddffff [Conventional|   |  |  |   |WB|  |  |  ]\n"
    "[    0.000000] efi:   0x0000bbde0000-0x0000bbdeffff [ACPI Reclaim|   |  |  |   |WB|  |  |  "
    "]*\n"
    "[    0.000000] efi:   0x0000bc440000-0x0000bc72ffff [Runtime Code|RUN|  |  |   |WB|  |  |  ]\n"
    "[    0.000000] efi:   0x000009010000-0x000009010fff [MMIO        |RUN|  |  |   |  |  |  |UC]\n"
    "[    0.136317] efi: memattr: Processing EFI Memory Attributes table:\n"
    "[    0.136453] efi: memattr:  0x0000bc440000-0x0000bc44ffff [Runtime Code|RUN|  |XP|  |  ]\n";

constexpr const char* kShell =
    "Type       Start            End              # Pages          Attributes\r\n"
    "Available  0000000040000000-00000000BBDDFFFF 000000000007BDE0 0000000000000008\r\n"
    "ACPI_Recl  00000000BBDE0000-00000000BBDEFFFF 0000000000000010 0000000000000008\r\n"
    "RT_Code    00000000BC440000-00000000BC72FFFF 00000000000002F0 8000000000000008\r\n"
    "MMIO       0000000009010000-0000000009010FFF 0000000000000001 8000000000000001\r\n"
    " \r\n"
    "  Reserved  :              0 Pages (0 Bytes)\r\n"
    "Total Memory:          2,048 MB (2,147,483,648 Bytes)\r\n";

// As a boot would read it.
struct Ranges {
  explicit Ranges(std::string_view text) {
    const auto map = memory_map_of("map", text);
    if (!map) {
      error = map.error().message;
      return;
    }
    doubt = map->doubt;
    const auto read = fw::read_efi_memory_map(map->bytes(), arena, notes);
    if (read) list = *read;
  }
  [[nodiscard]] bool has(EfiMemoryType type, std::uint64_t begin, std::uint64_t end) const {
    return std::ranges::any_of(list, [&](const fw::EfiMemoryRange& range) {
      return range.type == type && range.range == PaRange(Pa(begin), Pa(end));
    });
  }
  std::vector<std::byte> memory = std::vector<std::byte>(4 * kMiB);
  fw::Arena arena{memory};
  fw::Diagnostics notes{arena};
  std::span<const fw::EfiMemoryRange> list;
  std::string error;
  std::string doubt;
};

void expect_error(std::string_view text, std::string_view words) {
  const Ranges ranges(text);
  EXPECT_NE(ranges.error.find(words), std::string::npos) << "said: " << ranges.error;
}

TEST(PlanMemoryMap, KindsAreToldApartByTheirContents) {
  EXPECT_EQ(kind_of_map(kIomem), MapKind::kIomem);
  EXPECT_EQ(kind_of_map(kLog), MapKind::kKernelLog);
  EXPECT_EQ(kind_of_map(kShell), MapKind::kShell);
  EXPECT_EQ(kind_of_map("[    0.000000] Linux version 6.1.0\n"), MapKind::kKernelLog);
  EXPECT_EQ(kind_of_map("dom0_mem=1G\n"), std::nullopt);
  EXPECT_EQ(kind_of_map("/dts-v1/;\n/ { };\n"), std::nullopt);
  EXPECT_EQ(kind_of_map(std::string_view("\0\0\0\0", 4)), std::nullopt);
  EXPECT_EQ(kind_of_map(""), std::nullopt);
}

TEST(PlanMemoryMap, OfIomemRamAndWhatIsReservedBesideItCounts) {
  const Ranges ranges(kIomem);
  ASSERT_EQ(ranges.list.size(), 4u) << ranges.error;
  EXPECT_TRUE(ranges.has(EfiMemoryType::kReserved, 0x0400'0000, 0x0800'0000));
  EXPECT_TRUE(ranges.has(EfiMemoryType::kConventional, 0x4000'0000, 0xbc44'0000));
  EXPECT_TRUE(ranges.has(EfiMemoryType::kReserved, 0xbc44'0000, 0xbc73'0000));
  EXPECT_TRUE(ranges.list[1].use() == fw::EfiMemoryRange::Use::kRam);
  EXPECT_NE(ranges.doubt, "");
}

TEST(PlanMemoryMap, MemoryBelowABusIsMemory) {
  const Ranges ranges(
      "80000000-8fffffff : CXL Window 0\n"
      "  80000000-87ffffff : System RAM (kmem)\n"
      "    80000000-80000fff : reserved\n"
      "  88000000-8fffffff : Soft Reserved\n"
      "90000000-9fffffff : Persistent Memory\n");
  ASSERT_EQ(ranges.list.size(), 3u) << ranges.error;
  EXPECT_TRUE(ranges.list[0].use() == fw::EfiMemoryRange::Use::kRam);
  EXPECT_TRUE(ranges.list[1].use() == fw::EfiMemoryRange::Use::kFirmware);
  EXPECT_TRUE(ranges.has(EfiMemoryType::kPersistent, 0x9000'0000, 0xa000'0000));
}

TEST(PlanMemoryMap, IomemWithoutRootSaysSo) {
  expect_error("00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n", "root");
}

TEST(PlanMemoryMap, ALogAndTheShellTellTheSame) {
  for (const char* text : {kLog, kShell}) {
    const Ranges ranges(text);
    ASSERT_EQ(ranges.list.size(), 4u) << ranges.error;
    EXPECT_TRUE(ranges.has(EfiMemoryType::kConventional, 0x4000'0000, 0xbbde'0000));
    EXPECT_TRUE(ranges.has(EfiMemoryType::kAcpiReclaim, 0xbbde'0000, 0xbbdf'0000));
    EXPECT_TRUE(ranges.has(EfiMemoryType::kRuntimeServicesCode, 0xbc44'0000, 0xbc73'0000));
    EXPECT_TRUE(ranges.has(EfiMemoryType::kMemoryMappedIo, 0x0901'0000, 0x0901'1000));
    EXPECT_EQ(ranges.list[1].attributes, fw::kEfiMemoryWriteBack);
    EXPECT_EQ(ranges.list[3].attributes, fw::kEfiMemoryWriteBack | fw::kEfiMemoryRuntime);
    EXPECT_EQ(ranges.doubt, "");
  }
}

TEST(PlanMemoryMap, OfSeveralBootsTheLastOneCounts) {
  const Ranges ranges(
      std::string("Nov 20 10:00:00 host kernel: efi: Processing EFI memory map:\n"
                  "Nov 20 10:00:00 host kernel: efi:   0x10000000-0x1fffffff [Conventional"
                  "|   |WB|  |  |  ]\n") +
      kLog);
  EXPECT_EQ(ranges.list.size(), 4u) << ranges.error;
}

TEST(PlanMemoryMap, ALogThatLostItsBeginningIsDoubted) {
  const std::string log = kLog;
  EXPECT_NE(Ranges(log.substr(log.find("efi:   0x0000bbde"))).doubt, "");
}

TEST(PlanMemoryMap, NumberedRangesOfALogAreRead) {
  const Ranges ranges(
      "efi: mem00: [Conventional|   |  |WB|WT|WC|UC] range=[0x40000000-0x7fffffff] (1024MB)\n"
      "efi: mem01: [type=2147483649|attr=0x800000000000000f] range=[0x80000000-0x80000fff] (0MB)\n"
      "efi: mem02: [Conventional|   |SP|WB|WT|WC|UC] range=[0x90000000-0x9fffffff] (256MB)\n");
  ASSERT_EQ(ranges.list.size(), 3u) << ranges.error;
  EXPECT_TRUE(ranges.list[0].use() == fw::EfiMemoryRange::Use::kRam);
  EXPECT_EQ(static_cast<std::uint32_t>(ranges.list[1].type), 0x8000'0001u);
  EXPECT_TRUE(ranges.list[1].use() == fw::EfiMemoryRange::Use::kFirmware);
  EXPECT_EQ(ranges.list[1].attributes, fw::kEfiMemoryRuntime | 0xf);
  EXPECT_TRUE(ranges.list[2].use() == fw::EfiMemoryRange::Use::kFirmware);
  EXPECT_EQ(ranges.doubt, "");
}

TEST(PlanMemoryMap, ALogWithoutAMapSaysHowToGetOne) {
  expect_error("[    0.000000] Linux version 6.1.0\n[    0.1] efi: EFI v2.70\n", "efi=debug");
}

TEST(PlanMemoryMap, TheShellWritesFilesInUtf16) {
  std::string wide = "\xff\xfe";
  for (const char* c = kShell; *c != '\0'; ++c) {
    wide.push_back(*c);
    wide.push_back('\0');
  }
  EXPECT_EQ(kind_of_map(wide), MapKind::kShell);
  EXPECT_EQ(Ranges(wide).list.size(), 4u);
}

TEST(PlanMemoryMap, ATerminalsControlSequencesAreNoText) {
  std::string said = "\x1b[1m\x1b[33mFS0:\\> \x1b[0mmemmap\r\n";
  for (const char* c = kShell; *c != '\0'; ++c) {
    said.push_back(*c);
    if (*c == '\n') said += "\x1b[37m\x1b[40m";
  }
  EXPECT_EQ(Ranges(said + "\x1b[").list.size(), 4u);
}

TEST(PlanMemoryMap, StandardFormatOfTheShellIsRead) {
  const Ranges ranges(
      "ShellCommand,\"memmap\"\n"
      "MemoryMap,\"Available\",\"40000000\",\"43FFFFFF\",\"4000\",\"8\"\n"
      "MemoryMap,\"BootServiceData\",\"44000000\",\"4401FFFF\",\"20\",\"8\"\n"
      "MemoryMapSummary,\"2147483648\",\"0\"\n");
  ASSERT_EQ(ranges.list.size(), 2u) << ranges.error;
  EXPECT_TRUE(ranges.has(EfiMemoryType::kBootServicesData, 0x4400'0000, 0x4402'0000));
}

TEST(PlanMemoryMap, ATypeOfAnOemsOwnIsNoRam) {
  const Ranges ranges(std::string(kShell).insert(
      std::string(kShell).find("ACPI_Recl"),
      "70000001   0000000100000000-000000010000FFFF 0000000000000010 000000000000000F\r\n"));
  ASSERT_EQ(ranges.list.size(), 5u) << ranges.error;
  EXPECT_TRUE(ranges.list[4].use() == fw::EfiMemoryRange::Use::kFirmware);
}

TEST(PlanMemoryMap, WhatIsNotUnderstoodIsAnErrorThatNamesTheLine) {
  expect_error(std::string(kIomem) + "root@host:~# \x01\n",
               "line 10: not understood: 'root@host:~#");
  expect_error(std::string(kIomem) + "7fffffff-40000000 : System RAM\n", "line 10");
  expect_error(std::string(kIomem) + "4-0x1ffffffffffffffffff : System RAM\n", "line 10");
  expect_error("efi: Processing EFI memory map:\nefi:   0x4000-0x4fff [Nonsense|WB]\n", "line 2");
  expect_error("efi: Processing EFI memory map:\nefi:   0x4000- [Boot Data|WB]\n", "line 2");
  expect_error("efi: Processing EFI memory map:\nefi: mem07: [MMIO|UC] range=[0x-1]\n", "line 2");
  std::string cut = kShell;
  expect_error(cut.replace(cut.find("000000000007BDE0"), 16, "000000000007BDE "), "line 2");
  expect_error("MemoryMap,\"Available\",\"40000000\",\"43FFFFFF\n", "line 1");
  EXPECT_NE(Ranges("\x01 nothing").error.find("no memory map"), std::string::npos);
}

TEST(PlanMemoryMap, PartsOfFramesAreNoRam) {
  const Ranges ranges(
      "40000800-400037ff : System RAM\n40008000-400080ff : reserved\n"
      "40009001-40009002 : System RAM\n");
  ASSERT_EQ(ranges.list.size(), 2u) << ranges.error;
  EXPECT_TRUE(ranges.has(EfiMemoryType::kConventional, 0x4000'1000, 0x4000'3000));
  EXPECT_TRUE(ranges.has(EfiMemoryType::kReserved, 0x4000'8000, 0x4000'9000));
}

TEST(PlanMemoryMap, ARangeToTheEndOfAllAddressesIsLeftToTheReader) {
  const Ranges ranges("40000000-7fffffff : System RAM\n0-ffffffffffffffff : reserved\n");
  EXPECT_EQ(ranges.list.size(), 1u);
  EXPECT_TRUE(ranges.notes.mentions("passes 64 bits"));
}

TEST(PlanMemoryMap, ThereAreOnlySoManyRanges) {
  std::string text;
  for (std::uint64_t i = 0; i < 30000; ++i)
    text += fmt::format("{:x}-{:x} : System RAM\n", i << 16, (i << 16) + 0xfff);
  expect_error(text, "line 26215: a range too many");
}

// --- planned with ---

std::string tables(const test::AcpiMachine& machine) {
  test::FirmwareMemory memory;
  machine.put_into(memory);
  std::string out;
  for (const Pa at : memory.named()) {
    const auto& bytes = memory.bytes_at(at);
    out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return out;
}

Report report_with(std::string_view map_text) {
  const auto map = memory_map_of("map", map_text);
  const auto set = tables_of("test", tables({}));
  std::vector<std::byte> memory(kMiB);
  Board board(memory);
  const Result<> done =
      plan_acpi_board(board, set->addresses(), *set, {.efi_memory = map->bytes()});
  return make_report(board, done, "test");
}

const MappingFacts* mapping_at(const Report& report, std::uint64_t address) {
  for (const MappingFacts& mapping : report.domain->mappings)
    if (mapping.guest.contains(Ipa(address))) return &mapping;
  return nullptr;
}

TEST(PlanWithMemoryMap, ATablesMachineGetsItsPlan) {
  const Report report = report_with(kLog);
  EXPECT_EQ(report.verdict, Verdict::kReady) << report.reason;
  ASSERT_TRUE(report.domain);
  EXPECT_EQ(report.platform->ram[0].node, "memory map");
  EXPECT_EQ(report.platform->reserved[1].what, "firmware (runtime services, code)");
  ASSERT_NE(mapping_at(report, 0xbbde'0000), nullptr);
  EXPECT_EQ(mapping_at(report, 0xbbde'0000)->reason, Reason::kReservedMemory);
  ASSERT_NE(mapping_at(report, 0x0901'0000), nullptr);
  EXPECT_EQ(mapping_at(report, 0x0901'0000)->nodes.front(), "memory map");
  EXPECT_EQ(mapping_at(report, 0xbc44'0000), nullptr);
  for (const PaRange& range : report.domain->permitted) {
    EXPECT_FALSE(range.overlaps(PaRange(Pa(0x4000'0000), Pa(0xbbdf'0000))));
    EXPECT_FALSE(range.overlaps(PaRange(Pa(0xbc44'0000), Pa(0xbc73'0000))));
  }
}

TEST(PlanWithMemoryMap, IomemGivesThatPlanButForWhatItCannotTell) {
  const Report report = report_with(kIomem);
  EXPECT_EQ(report.verdict, Verdict::kReady) << report.reason;
  EXPECT_EQ(mapping_at(report, 0xbbde'0000)->reason, Reason::kDomainRam);
  EXPECT_EQ(mapping_at(report, 0xbc44'0000), nullptr);
  EXPECT_EQ(mapping_at(report, 0x0901'0000), nullptr);
}

TEST(PlanWithMemoryMap, ItReplacesTheRamOfATree) {
  test::VirtMachine machine;
  test::TreeBuilder builder;
  machine.write(builder);
  const auto map = memory_map_of("map", "40000000-5fffffff : System RAM\n");
  std::vector<std::byte> memory(kMiB);
  Board board(memory);
  const Blob blob({reinterpret_cast<const char*>(builder.blob().data()), builder.blob().size()});
  const Result<> done = plan_board(board, blob.bytes(), {.efi_memory = map->bytes()});
  const Report report = make_report(board, done, "test");
  ASSERT_EQ(report.platform->ram.size(), 1u) << report.reason;
  EXPECT_EQ(report.platform->ram[0].range, PaRange(Pa(0x4000'0000), Pa(0x6000'0000)));
}

class Folder {
 public:
  Folder() : path_(std::filesystem::path(::testing::TempDir()) / "socle_plan_map") {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
    put("tables", tables({}));
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  void put(const char* name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] Outcome<Source> load() const { return load_source(path_.string()); }

 private:
  std::filesystem::path path_;
};

TEST(PlanWithMemoryMap, AFolderOfTablesMayHoldOne) {
  const Folder folder;
  EXPECT_FALSE(folder.load()->memory_map);
  folder.put("boot.txt", "[    0.000000] Linux version 6.1.0\n");
  EXPECT_FALSE(folder.load()->memory_map);
  folder.put("iomem", kIomem);
  EXPECT_EQ(folder.load()->memory_map->kind, MapKind::kIomem);
  folder.put("dmesg", kLog);
  EXPECT_EQ(folder.load()->memory_map->kind, MapKind::kKernelLog);
  EXPECT_EQ(std::get<TableSet>(folder.load()->description).addresses().size(), 5u);
}

TEST(PlanWithMemoryMap, AFolderWithOneThatCannotBeUsedIsAnError) {
  const Folder folder;
  folder.put("iomem", "00000000-00000000 : System RAM\n");
  const auto source = folder.load();
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("iomem: all addresses are 0"), std::string::npos)
      << source.error().message;
}

}  // namespace
}  // namespace socle::plan
