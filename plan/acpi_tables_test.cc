// SPDX-License-Identifier: Apache-2.0

// ACPI's tables as files, and what is told about them.

#include "plan/acpi_tables.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "plan/diff.h"
#include "plan/html.h"
#include "plan/json.h"
#include "plan/source.h"
#include "plan/svg.h"
#include "plan/text.h"

#include "test/support/acpi_machine.h"

namespace socle::plan {
namespace {

using test::AcpiMachine;
using test::AcpiTable;

std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> contents_of(const AcpiMachine& machine) {
  test::FirmwareMemory memory;
  machine.put_into(memory);
  std::vector<std::string> out;
  for (const Pa at : memory.named())
    out.push_back(text_of(memory.bytes_at(at)));
  return out;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts)
    all += part;
  return all;
}

// As acpidump writes it.
std::string dump_of(std::string_view table, std::uint64_t address) {
  std::string out = fmt::format("{} @ 0x{:016X}\n", table.substr(0, 4), address);
  for (std::size_t at = 0; at < table.size(); at += 16) {
    out += fmt::format("    {:04X}: ", at);
    std::string people;
    for (std::size_t i = at; i < at + 16; ++i) {
      out += i < table.size() ? fmt::format("{:02X} ", static_cast<unsigned char>(table[i]))
                              : std::string("   ");
      if (i < table.size()) people += table[i] > ' ' && table[i] < 0x7f ? table[i] : '.';
    }
    out += fmt::format(" {}\n", people);
  }
  return out + "\n";
}

Report report_of(const TableSet& tables) {
  std::vector<std::byte> memory(kMiB);
  Board board(memory);
  const Result<> done = plan_acpi_board(board, tables.addresses(), tables, {});
  return make_report(board, done, "test");
}

Report report_of(const AcpiMachine& machine) {
  return report_of(*tables_of("test", joined(contents_of(machine))));
}

TEST(PlanAcpiTables, TextIsReadByteForByte) {
  std::string dump;
  const auto tables = contents_of(AcpiMachine{});
  for (const std::string& table : tables)
    dump += dump_of(table, 0);
  ASSERT_TRUE(is_acpidump(dump));
  const auto set = tables_of("a", dump);
  ASSERT_TRUE(set);
  ASSERT_EQ(set->addresses().size(), tables.size());
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto bytes = (*set)(*PaRange::from_size(set->addresses()[i], tables[i].size()));
    ASSERT_TRUE(bytes);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()),
              tables[i]);
  }
}

TEST(PlanAcpiTables, AddressesAreKeptUnlessTheyMeet) {
  const std::string table = text_of(test::fadt().finished());
  const auto set =
      tables_of("a", dump_of(table, 0xbbdf'e000) + dump_of(table, 0xbbdf'e010) + dump_of(table, 0));
  ASSERT_TRUE(set);
  EXPECT_EQ(set->addresses()[0], Pa(0xbbdf'e000));
  EXPECT_NE(set->addresses()[1], Pa(0xbbdf'e010));
  EXPECT_NE(set->addresses()[1], set->addresses()[2]);
}

TEST(PlanAcpiTables, WhatPeopleReadBesideTheBytesIsNoByte) {
  const auto set = tables_of("a", "SSDT @ 0x0\n  0000: 41 42  43 44 45\n  0010: 46\n");
  ASSERT_TRUE(set);
  EXPECT_TRUE((*set)(*PaRange::from_size(set->addresses()[0], 3)));
  EXPECT_FALSE((*set)(*PaRange::from_size(set->addresses()[0], 4)));
}

TEST(PlanAcpiTables, OneFileMayHoldThemAllWithTheirPointers) {
  const auto tables = contents_of(AcpiMachine{});
  std::string all = text_of(test::FirmwareMemory::rsdp(Pa(1)).bytes());
  all += text_of(AcpiTable(AcpiTable("XSDT", 1).u64(1)).finished());
  all += joined(tables);
  EXPECT_EQ(kind_of(all), Kind::kAcpi);
  const auto set = tables_of("a", all);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->addresses().size(), tables.size());
}

TEST(PlanAcpiTables, AFolderHoldsWhatLooksLikeATable) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "socle_plan_acpi";
  std::filesystem::create_directories(folder / "dynamic");
  const auto tables = contents_of(AcpiMachine{});
  for (const std::string& table : tables)
    std::ofstream(folder / table.substr(0, 4), std::ios::binary) << table;
  std::ofstream(folder / "notes.txt") << "NOTE that this is text, and long enough to be a table.";
  const auto source = load_source(folder.string());
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(std::get<TableSet>(source->description).addresses().size(), tables.size());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto empty = load_source(folder.string());
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().message.find("no ACPI tables"), std::string::npos);
  std::filesystem::remove_all(folder);
}

TEST(PlanAcpiTables, ACopyOfTheFolderAboveHoldsThemToo) {
  const auto folder = std::filesystem::path(::testing::TempDir()) / "socle_plan_firmware";
  const auto tables = contents_of(AcpiMachine{});
  for (const char* const below : {"tables", "acpi/tables"}) {
    std::filesystem::create_directories(folder / below / "data");
    for (const std::string& table : tables)
      std::ofstream(folder / below / table.substr(0, 4), std::ios::binary) << table;
    std::ofstream(folder / below / "data" / "BERT", std::ios::binary) << std::string(4096, '\0');
    const auto source = load_source(folder.string());
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(std::get<TableSet>(source->description).addresses().size(), tables.size());
    std::filesystem::remove_all(folder);
  }
}

// A terminal's record, with its line ends.
TEST(PlanAcpiTables, ADumpMayBeginWithOtherLines) {
  const auto tables = contents_of(AcpiMachine{});
  std::string text = "user@machine:~$ sudo acpidump\n\n";
  for (const std::string& table : tables)
    text += dump_of(table, 0);
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2)
    text.insert(at, "\r");
  ASSERT_TRUE(is_acpidump(text));
  const auto set = tables_of("dump", text);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->addresses().size(), tables.size());
  EXPECT_FALSE(is_acpidump("// a tree\nnode @ 0x1000 is no table\n{ };\n"));
  EXPECT_FALSE(is_acpidump("\nAPIC @ 0x1000"));
}

AcpiMachine machine_with_smmu() {
  test::IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  iort.root_complex(0, {{0, 0x1'0000, 0, v3}});
  iort.named_component("\\_SB.ETH0", {});
  iort.rmr(0xfe00'0000, 0x1000, {{0, 1, 7, v3}});
  AcpiMachine machine;
  machine.more.push_back(iort.table());
  return machine;
}

TEST(PlanAcpi, DescribesTheMachine) {
  const Report report = report_of(machine_with_smmu());
  EXPECT_EQ(report.verdict, Verdict::kDescribed);
  ASSERT_TRUE(report.platform);
  const PlatformFacts& platform = *report.platform;
  EXPECT_EQ(platform.cpus[1].node, "APIC UID 6");
  EXPECT_EQ(platform.gic_frames[2].node, "APIC ITS 0");
  EXPECT_EQ(platform.iommus[0].masters, 1u);
  ASSERT_EQ(platform.masters.size(), 2u);
  EXPECT_TRUE(platform.masters[0].is_behind_iommu);
  EXPECT_EQ(platform.masters[0].streams[0], "IORT SMMUv3 at 0x2b400000 requesters 0x0-0x10000");
  EXPECT_FALSE(platform.masters[1].is_behind_iommu);
  EXPECT_EQ(platform.direct_mappings[0].what, "IORT SMMUv3 at 0x2b400000 0x7-0x8");
}

TEST(PlanAcpi, AllOutputsTellOfTheTables) {
  const Report report = report_of(machine_with_smmu());
  const std::string text = to_text(report, {});
  EXPECT_NE(text.find("NO, not protected  IORT \\_SB.ETH0"), std::string::npos) << text;
  EXPECT_NE(text.find("SOCLE TEST"), std::string::npos);
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["verdict"], "described");
  EXPECT_EQ(json["platform"]["acpi"]["tables"][0]["signature"], "FACP");
  EXPECT_EQ(json["platform"]["acpi"]["registers"][0]["begin"], "0x4000000000");
  EXPECT_NE(to_svg(report).find("MCFG[0]"), std::string::npos);
  EXPECT_NE(to_html(report).find("IORT RMR at 0xfe000000"), std::string::npos);
  EXPECT_EQ(differences(report, report), "");
}

TEST(PlanAcpi, RamIsSratsIfThereIsOne) {
  const auto memory = [](std::uint64_t base, std::uint64_t size, std::uint32_t flags) {
    return test::short_structure(
        1, test::AcpiBytes().u32(0).u16(0).u64(base).u64(size).u32(0).u32(flags).u64(0));
  };
  AcpiTable srat("SRAT", 3);
  srat.u32(1).u64(0).append(memory(0xc000'0000, 0x4000'0000, 1));
  srat.append(memory(0x8000'0000, 0x4000'0000, 1)).append(memory(0x10'0000'0000, kGiB, 3));
  srat.append(memory(0x20'0000'0000, kGiB, 0)).append(memory(~0ULL, kGiB, 1));
  AcpiMachine machine;
  EXPECT_TRUE(report_of(machine).platform->ram.empty());
  EXPECT_NE(to_text(report_of(machine), {}).find("not known"), std::string::npos);
  machine.more.push_back(srat);
  const Report report = report_of(machine);
  ASSERT_EQ(report.platform->ram.size(), 1u);
  EXPECT_EQ(report.platform->ram[0].range, PaRange(Pa(0x8000'0000), Pa(0x1'0000'0000)));
  EXPECT_EQ(report.platform->ram[0].node, "SRAT");
  EXPECT_EQ(report.verdict, Verdict::kReady) << report.reason;
  ASSERT_TRUE(report.domain);
  EXPECT_EQ(report.domain->vcpus, 2u);
  EXPECT_GT(report.domain->ram_bytes, 1900 * kMiB);
  EXPECT_NE(to_text(report, {}).find("SPCR"), std::string::npos);
}

TEST(PlanAcpi, TablesOfOtherArchitecturesAreRefusedAsSuch) {
  AcpiMachine machine;
  machine.fadt_table = test::AcpiTable("FACP", 6).fill_to(276);  // of a PC
  machine.madt_body = test::short_structure(0, test::AcpiBytes().u8(0).u8(0).u32(1));
  const Report x86 = report_of(machine);
  EXPECT_EQ(x86.verdict, Verdict::kRefused);
  EXPECT_NE(x86.reason.find("x86"), std::string::npos) << x86.reason;
  machine.madt_body = test::short_structure(0x18, test::AcpiBytes().zeros(18));
  EXPECT_NE(report_of(machine).reason.find("RISC-V"), std::string::npos);
}

TEST(PlanAcpi, RefusalsNameTheTable) {
  AcpiMachine machine;
  machine.fadt_table = test::fadt(0, 5, 0);
  const Report old = report_of(machine);
  EXPECT_EQ(old.verdict, Verdict::kRefused);
  EXPECT_NE(old.reason.find("FACP: revision 5.0"), std::string::npos);
  machine.fadt_table = test::fadt();
  machine.gtdt_table = AcpiTable("OEM1", 1);
  const Report no_timer = report_of(machine);
  EXPECT_EQ(no_timer.verdict, Verdict::kRefused);
  EXPECT_NE(no_timer.reason.find("no timer"), std::string::npos);
}

TEST(PlanAcpi, WhatIsAssumedInsteadOfATablesMistakeIsShown) {
  AcpiMachine machine;
  machine.gtdt_table.put(64, 0, 4);
  const Report report = report_of(machine);
  EXPECT_EQ(report.verdict, Verdict::kDescribed) << report.reason;
  EXPECT_TRUE(std::ranges::any_of(report.notes, [](const Note& note) {
    return note.level == "warning" && note.text.starts_with("GTDT: no PPI of its own");
  })) << to_text(report);
}

TEST(PlanAcpi, ABrokenChecksumIsShown) {
  auto tables = contents_of(AcpiMachine{});
  tables[1][40] = static_cast<char>(tables[1][40] + 1);
  const Report report = report_of(*tables_of("test", joined(tables)));
  EXPECT_EQ(report.verdict, Verdict::kDescribed);
  EXPECT_FALSE(report.platform->tables[1].checksum_is_right);
  EXPECT_NE(to_text(report, {}).find("APIC at 0x"), std::string::npos);
}

}  // namespace
}  // namespace socle::plan
