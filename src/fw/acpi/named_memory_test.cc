// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/named_memory.h"

#include <array>

#include "base/test.h"

#include "test/support/acpi_builder.h"

namespace socle::fw::acpi {
namespace {

using test::AcpiBytes;
using test::AcpiTable;

struct Read {
  std::span<const NamedMemory> named() {
    return read_tables(firmware.finish(), firmware, arena, notes)->named;
  }
  test::FirmwareMemory firmware;
  std::vector<std::byte> bytes = std::vector<std::byte>(256 * kKiB);
  Arena arena{bytes};
  Diagnostics notes{arena};
};

AcpiBytes gas(std::uint64_t address, std::uint8_t space = 0) {
  return AcpiBytes().u8(space).u8(64).u8(0).u8(4).u64(address);
}
struct Source {
  std::uint64_t status = 0;
  std::uint32_t length = 0x1000;
  std::uint64_t acknowledge = 0;
  std::uint8_t enabled = 1;
  std::uint8_t space = 0;
};
AcpiBytes error_source(const Source& v) {
  AcpiBytes out;
  out.u16(v.acknowledge != 0 ? 10 : 9).u16(1).u16(0xffff).u8(0).u8(v.enabled);
  out.u32(1).u32(1).u32(v.length).append(gas(v.status, v.space)).zeros(28).u32(v.length);
  if (v.acknowledge != 0) out.append(gas(v.acknowledge)).u64(~1ULL).u64(1);
  return out;
}
AcpiTable hest(std::uint32_t count) {
  return AcpiTable("HEST", 1).u32(count);
}

PaRange range(std::uint64_t begin, std::uint64_t size) {
  return PaRange(Pa(begin), Pa(begin + size));
}

TEST(NamedMemory, TheBootErrorRegionIsWhereBertSays) {
  Read r;
  r.firmware.add(AcpiTable("BERT", 1).u32(0x2000).u64(0xfe00'0010));
  const auto named = r.named();
  ASSERT_EQ(named.size(), 1u);
  EXPECT_TRUE(named[0].signature == "BERT");
  EXPECT_TRUE(named[0].range == range(0xfe00'0010, 0x2000));
  EXPECT_EQ(named[0].source, 0u);
}

TEST(NamedMemory, AnErrorSourceHasARegisterABlockWhereItPointsAndAnAcknowledgement) {
  Read r;
  r.firmware.put_at(Pa(0x9000), AcpiBytes().u64(0xfe10'0000).bytes());
  AcpiTable table = hest(3);
  table.append(AcpiBytes().u16(7).zeros(42));  // PCIe: registers of devices only
  table.append(error_source({.status = 0x9000, .length = 0x400, .acknowledge = 0x9100}));
  table.append(error_source({.status = 0xa000, .acknowledge = 0}));  // points nowhere that is known
  r.firmware.add(table);
  const auto named = r.named();
  ASSERT_EQ(named.size(), 4u);
  EXPECT_TRUE(named[0].range == range(0x9000, 8));
  EXPECT_TRUE(named[1].range == range(0x9100, 8));
  EXPECT_TRUE(named[2].range == range(0xfe10'0000, 0x400));
  EXPECT_TRUE(named[3].range == range(0xa000, 8));
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(named[static_cast<std::size_t>(i)].source, 40u + 44u);
  EXPECT_EQ(named[3].source, 40u + 44u + 92u);
}

TEST(NamedMemory, ErrorSourcesThatAreNotInUseOrNotInMemoryNameNone) {
  Read r;
  AcpiTable table = hest(2);
  table.append(error_source({.status = 0x9000, .enabled = 0}));
  table.append(error_source({.status = 0x9000, .space = 1}));
  r.firmware.add(table);
  EXPECT_TRUE(r.named().empty());
}

TEST(NamedMemory, ABlockIsNoLongerThanAnOperatingSystemReads) {
  Read r;
  r.firmware.put_at(Pa(0x9000), AcpiBytes().u64(0xfe10'0000).bytes());
  r.firmware.add(hest(1).append(error_source({.status = 0x9000, .length = 0xffff'ffff})));
  const auto named = r.named();
  ASSERT_EQ(named.size(), 2u);
  EXPECT_EQ(named[1].range.size(), 64 * kKiB);
}

TEST(NamedMemory, ACutOrUnknownErrorSourceEndsTheTable) {
  for (const AcpiBytes& last : {AcpiBytes().u16(9).zeros(40), AcpiBytes().u16(77).zeros(100)}) {
    Read r;
    r.firmware.add(hest(0xffff'ffff).append(error_source({.status = 0x9000})).append(last));
    EXPECT_EQ(r.named().size(), 1u);
    EXPECT_TRUE(r.notes.mentions("HEST: the error source at 0x68"));
  }
}

TEST(NamedMemory, InstructionsOfErstAndEinjNameRegisters) {
  for (const std::string_view signature : {"ERST", "EINJ"}) {
    Read r;
    AcpiTable table(signature, 1);
    table.u32(48).u32(0).u32(3);
    for (const std::uint64_t at : {0xfe00'0000, 0xfe00'0008, 0xfe00'1000})
      table.u32(0).append(gas(at)).u64(0).u64(0);
    r.firmware.add(table);
    const auto named = r.named();
    ASSERT_EQ(named.size(), 2u);  // neighbours are one
    EXPECT_TRUE(named[0].range == range(0xfe00'0000, 16));
    EXPECT_TRUE(named[1].range == range(0xfe00'1000, 8));
  }
}

TEST(NamedMemory, MailboxesHaveTheirLengthsByType) {
  Read r;
  AcpiTable table("PCCT", 2);
  table.u32(1).u64(0);
  table.append(AcpiBytes().u8(2).u8(90).u32(40).u16(0).u64(0xfd00'0000).u64(0x200).fill_to(90));
  table.append(AcpiBytes().u8(3).u8(164).u32(41).u16(0).u64(0xfd01'0000).u32(0x100).u32(~0U));
  table.zeros(164 - 24);
  table.append(AcpiBytes().u8(5).u8(80).u16(1).u64(0xfd02'0000).u64(0x300).fill_to(80));
  r.firmware.add(table);
  const auto named = r.named();
  ASSERT_EQ(named.size(), 3u);
  EXPECT_TRUE(named[0].range == range(0xfd00'0000, 0x200));
  EXPECT_TRUE(named[1].range == range(0xfd01'0000, 0x100));
  EXPECT_TRUE(named[2].range == range(0xfd02'0000, 0x300));
}

TEST(NamedMemory, LogsBootTimesAndNonVolatileMemoryAreNamed) {
  Read r;
  r.firmware.add(
      AcpiTable("TPM2", 4).u32(0).u64(0xfc00'0000).zeros(16).u32(0x10000).u64(0xfc10'0000));
  r.firmware.add(AcpiTable("CCEL", 1).u32(0).u64(0x8000).u64(0xfc20'0000));
  r.firmware.add(AcpiTable("FPDT", 1).u16(0).u8(16).u8(1).u32(0).u64(0xfc30'0000));
  AcpiTable nfit("NFIT", 1);
  nfit.u32(0).append(AcpiBytes().u16(1).u16(48).zeros(44));
  nfit.append(AcpiBytes().u16(0).u16(56).zeros(28).u64(0x10'0000'0000).u64(kGiB).u64(0));
  r.firmware.add(nfit);
  const auto named = r.named();
  ASSERT_EQ(named.size(), 5u);
  EXPECT_TRUE(named[0].range == range(0xfc00'0000, 4096));
  EXPECT_TRUE(named[1].range == range(0xfc10'0000, 0x10000));
  EXPECT_TRUE(named[2].range == range(0xfc20'0000, 0x8000));
  EXPECT_TRUE(named[3].range == range(0xfc30'0000, 16));
  EXPECT_TRUE(named[4].range == range(0x10'0000'0000, kGiB));
}

TEST(NamedMemory, ShortTablesNameNothing) {
  Read r;
  for (const std::string_view signature :
       {"BERT", "HEST", "ERST", "EINJ", "PCCT", "TPM2", "CCEL", "FPDT", "NFIT"})
    r.firmware.add(AcpiTable(signature, 1));
  EXPECT_TRUE(r.named().empty());
}

TEST(NamedMemory, ARangeThatPasses64BitsEndsThere) {
  Read r;
  r.firmware.add(AcpiTable("BERT", 1).u32(0xffff'ffff).u64(~0ULL));
  r.firmware.add(AcpiTable("CCEL", 1).u32(0).u64(~0ULL).u64(0x1000));
  const auto named = r.named();
  ASSERT_EQ(named.size(), 2u);
  for (const NamedMemory& memory : named)
    EXPECT_FALSE(memory.range.empty());
}

TEST(NamedMemory, ThereIsALimit) {
  Read r;
  AcpiTable table("ERST", 1);
  table.u32(48).u32(0).u32(1000);
  for (std::uint64_t i = 0; i < 1000; ++i)
    table.u32(0).append(gas(0x1'0000 + i * 0x100)).u64(0).u64(0);
  r.firmware.add(table);
  EXPECT_EQ(r.named().size(), kMaxNamedMemory);
  EXPECT_TRUE(r.notes.mentions("ERST: names more memory than is looked at"));
}

}  // namespace
}  // namespace socle::fw::acpi
