// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/tables.h"

#include <memory>

#include "base/test.h"

#include "test/support/acpi_builder.h"

namespace socle::fw::acpi {
namespace {

using test::AcpiBytes;
using test::AcpiTable;
using test::FirmwareMemory;

struct Listed {
  explicit Listed(FirmwareMemory& firmware) : Listed(firmware, firmware.finish()) {}
  Listed(FirmwareMemory& firmware, Pa rsdp) : memory(1 << 20), arena(memory), notes(arena) {
    tables = read_tables(rsdp, firmware, arena, notes);
  }
  const Tables* operator->() const { return &*tables; }
  [[nodiscard]] bool said(std::string_view part) const { return notes.mentions(part); }

  std::vector<std::byte> memory;
  Arena arena;
  Diagnostics notes;
  Result<Tables> tables = fail(Error::kNotFound);
};

AcpiTable small(std::string_view signature) {
  return AcpiTable(signature, 1).u32(7);
}

// --- the list ---

TEST(AcpiTables, ListsWhatTheXsdtNames) {
  FirmwareMemory firmware;
  const Pa first = firmware.add(small("APIC"));
  firmware.add(small("SSDT"));
  firmware.add(small("SSDT"));
  const Listed list(firmware);
  ASSERT_TRUE(list.tables.has_value());
  ASSERT_EQ(list->all.size(), 3u);
  EXPECT_EQ(list->root.signature(), "XSDT");
  EXPECT_EQ(list->all[0].signature(), "APIC");
  EXPECT_EQ(list->all[0].address, first);
  EXPECT_EQ(list->all[0].revision(), 1u);
  EXPECT_EQ(list->all[0].oem_id(), "SOCLE");
  EXPECT_EQ(list->all[0].oem_table_id(), "TEST");
  EXPECT_EQ(list->all[0].fields.size(), 40u);
  EXPECT_EQ(list->all[0].fields.u32(36), 7u);
  EXPECT_EQ(list->find("SSDT", 1)->instance, 1u);
  EXPECT_TRUE(list->find("SSDT", 2) == nullptr);
  EXPECT_TRUE(list->find("GTDT") == nullptr);
  EXPECT_TRUE(list.notes.lines().empty());
}

TEST(AcpiTables, ReadsARevision0PointerWithItsRsdt) {
  FirmwareMemory firmware;
  firmware.put_at(Pa(0x7000'0001), small("APIC").finished());
  firmware.name(Pa(0x7000'0001));
  const Listed list(firmware, firmware.finish_old(Pa(0x7100'0002)));
  ASSERT_TRUE(list.tables.has_value());
  EXPECT_EQ(list->root.signature(), "RSDT");
  EXPECT_EQ(list->rsdp.size(), 20u);
  ASSERT_EQ(list->all.size(), 1u);
  EXPECT_EQ(list->all[0].address, Pa(0x7000'0001));
}

TEST(AcpiTables, FindsTheDsdtByTheFadt) {
  FirmwareMemory firmware;
  const Pa dsdt = firmware.put(small("DSDT").finished());
  AcpiTable fadt = AcpiTable("FACP", 6).fill_to(276);
  fadt.put(40, 0x1234, 4).put(140, dsdt.value(), 8);
  firmware.add(fadt);
  const Listed list(firmware);
  ASSERT_TRUE(list->find("DSDT") != nullptr);
  EXPECT_EQ(list->find("DSDT")->address, dsdt);
  EXPECT_FALSE(list->find("DSDT")->in_root);
  EXPECT_TRUE(list->find("FACP")->in_root);
}

TEST(AcpiTables, AnOldFadtHasA32BitDsdtOnly) {
  FirmwareMemory firmware;
  firmware.put_at(Pa(0x6000'0000), small("DSDT").finished());
  AcpiTable fadt = AcpiTable("FACP", 1).fill_to(116);
  fadt.put(40, 0x6000'0000, 4);
  firmware.add(fadt);
  const Listed list(firmware);
  ASSERT_TRUE(list->find("DSDT") != nullptr);
}

TEST(AcpiTables, LooseTablesNeedNoPointer) {
  FirmwareMemory firmware;
  firmware.add(small("APIC"));
  firmware.add(small("GTDT"));
  std::vector<std::byte> memory(65536);
  Arena arena(memory);
  Diagnostics notes(arena);
  const auto tables = read_loose_tables(firmware.named(), firmware, arena, notes);
  ASSERT_TRUE(tables.has_value());
  EXPECT_EQ(tables->all.size(), 2u);
  EXPECT_EQ(tables->rsdp.size(), 0u);
}

// --- what is wrong with the root ---

TEST(AcpiTables, WithoutAPointerThereIsNothing) {
  FirmwareMemory firmware;
  const Listed list(firmware, Pa(0x1000));
  EXPECT_EQ(list.tables.error(), Error::kNotFound);
  EXPECT_TRUE(list.said("RSDP: there is none at 0x1000"));
  const Pa text = firmware.put(small("APIC").finished());
  EXPECT_EQ(Listed(firmware, text).tables.error(), Error::kNotFound);
}

TEST(AcpiTables, APointerWithWrongChecksumsIsUsedWithWarnings) {
  FirmwareMemory firmware;
  firmware.add(small("APIC"));
  const Pa rsdp = firmware.finish();
  firmware.bytes_at(rsdp)[9] ^= std::byte{1};
  const Listed list(firmware, rsdp);
  ASSERT_TRUE(list.tables.has_value());
  EXPECT_TRUE(list.said("RSDP at"));
  EXPECT_EQ(list.notes.lines().size(), 2u);
  firmware.bytes_at(rsdp)[9] ^= std::byte{1};
  firmware.bytes_at(rsdp)[33] ^= std::byte{1};
  const Listed extended(firmware, rsdp);
  EXPECT_TRUE(extended.said("the extended checksum is wrong"));
  EXPECT_EQ(extended.notes.lines().size(), 1u);
}

TEST(AcpiTables, APointerWithAnImpossibleLengthIsUsedAllTheSame) {
  for (const std::uint32_t length : {0u, 35u, 100'000u, 0xffff'ffffu}) {
    FirmwareMemory firmware;
    firmware.add(small("APIC"));
    const Pa address = firmware.finish();
    for (unsigned i = 0; i < 4; ++i)
      firmware.bytes_at(address)[20 + i] = static_cast<std::byte>(length >> (8 * i));
    const Listed list(firmware, address);
    ASSERT_TRUE(list.tables.has_value());
    EXPECT_TRUE(list.tables->find("APIC") != nullptr);
    EXPECT_EQ(list.tables->rsdp.size(), 36u);
    EXPECT_TRUE(list.said("its length is"));
  }
}

TEST(AcpiTables, TheRootAloneCanBeAskedFor) {
  FirmwareMemory firmware;
  firmware.add(small("APIC"));
  const Pa rsdp = firmware.finish();
  std::array<std::byte, 4096> room;
  fw::Arena arena(room);
  fw::Diagnostics notes(arena);
  EXPECT_TRUE(check_root(rsdp, firmware, arena, notes).has_value());
  EXPECT_TRUE(notes.lines().empty());
  EXPECT_EQ(check_root(rsdp + 8, firmware, arena, notes).error(), Error::kNotFound);
  EXPECT_TRUE(notes.mentions("RSDP: there is none at"));
}

TEST(AcpiTables, ARootOfAnotherNameIsRefused) {
  FirmwareMemory firmware;
  const Pa apic = firmware.put(small("APIC").finished());
  const Listed list(firmware, firmware.put(FirmwareMemory::rsdp(apic).bytes()));
  EXPECT_EQ(list.tables.error(), Error::kCorrupt);
  EXPECT_TRUE(list.said("XSDT: there is none at"));
}

TEST(AcpiTables, ALoopIsALineAndNoLoop) {
  FirmwareMemory firmware;
  const Pa xsdt_at(0x2'0000'0000);
  const Pa apic = firmware.put(small("APIC").finished());
  AcpiTable xsdt = AcpiTable("XSDT", 1).u64(xsdt_at.value()).u64(apic.value()).u64(apic.value());
  firmware.put_at(xsdt_at, xsdt.finished());
  const Listed list(firmware, firmware.put(FirmwareMemory::rsdp(xsdt_at).bytes()));
  ASSERT_TRUE(list.tables.has_value());
  EXPECT_EQ(list->all.size(), 1u);
  EXPECT_TRUE(list.said("XSDT: names itself"));
  EXPECT_TRUE(list.said("XSDT: APIC at 0x140000000 is named twice"));
}

// --- what is wrong with a table ---

TEST(AcpiTables, AWrongChecksumIsAWarning) {
  FirmwareMemory firmware;
  const Pa apic = firmware.add(small("APIC"));
  firmware.bytes_at(apic)[37] = std::byte{0x55};
  const Listed list(firmware);
  ASSERT_EQ(list->all.size(), 1u);
  EXPECT_FALSE(list->all[0].checksum_is_right);
  EXPECT_TRUE(list.said("APIC at 0x140000000: the checksum is wrong, used all the same"));
}

TEST(AcpiTables, ATableWithAnImpossibleLengthIsLeftOut) {
  for (const std::uint32_t length : {0u, 35u, 41u, 0x7fff'ffffu, 0xffff'ffffu}) {
    FirmwareMemory firmware;
    const Pa apic = firmware.add(small("APIC"));
    firmware.add(small("GTDT"));
    auto& bytes = firmware.bytes_at(apic);
    for (unsigned i = 0; i < 4; ++i)
      bytes[4 + i] = static_cast<std::byte>(length >> (8 * i));
    const Listed list(firmware);
    ASSERT_EQ(list->all.size(), 1u);
    EXPECT_EQ(list->all[0].signature(), "GTDT");
    EXPECT_TRUE(list.said("APIC at 0x140000000: a length of"));
  }
}

TEST(AcpiTables, AddressesWithoutATableAreLeftOut) {
  FirmwareMemory firmware;
  firmware.name(Pa(0));
  firmware.name(Pa(0x1000));
  firmware.name(Pa(0xffff'ffff'ffff'fff0));
  firmware.add(std::vector<std::byte>(64));
  firmware.add(small("GTDT"));
  const Listed list(firmware);
  ASSERT_EQ(list->all.size(), 1u);
  EXPECT_TRUE(list.said("XSDT: the table at 0x1000 cannot be read"));
  EXPECT_TRUE(list.said("has no signature"));
  EXPECT_EQ(list.notes.lines().size(), 3u);  // of which none is about address 0
}

TEST(AcpiTables, TablesThatOverlapAreUsedWithAWarning) {
  FirmwareMemory firmware;
  AcpiTable outer = AcpiTable("AAAA", 1).zeros(4);
  for (const std::byte byte : small("BBBB").finished())
    outer.u8(std::to_integer<std::uint8_t>(byte));
  const Pa at = firmware.add(outer);
  firmware.name(at + 40);
  const Listed list(firmware);
  EXPECT_EQ(list->all.size(), 2u);
  EXPECT_TRUE(list.said("BBBB at 0x140000028: overlaps AAAA at 0x140000000"));
}

TEST(AcpiTables, MoreTablesThanOneCanUseAreLeftOut) {
  FirmwareMemory firmware;
  for (std::size_t i = 0; i < kMaxTables + 5; ++i)
    firmware.add(small("SSDT"));
  const Listed list(firmware);
  EXPECT_EQ(list->all.size(), kMaxTables);
  EXPECT_TRUE(list.said("XSDT: more than 256 tables"));
}

TEST(AcpiTables, TablesBeyondAllReasonAreLeftOut) {
  FirmwareMemory firmware;
  firmware.add(AcpiTable("HUGE", 1).zeros(kMaxBytes - 4096));
  firmware.add(AcpiTable("SSDT", 1).zeros(8192));
  firmware.add(small("GTDT"));
  const Listed list(firmware);
  ASSERT_EQ(list->all.size(), 2u);
  EXPECT_TRUE(list.said("more than can be read"));
}

TEST(AcpiTables, AFullArenaIsAnError) {
  FirmwareMemory firmware;
  firmware.add(small("APIC"));
  std::vector<std::byte> memory(64);
  Arena arena(memory);
  Diagnostics notes(arena);
  EXPECT_EQ(read_tables(firmware.finish(), firmware, arena, notes).error(), Error::kNoMemory);
}

// --- fields ---

TEST(AcpiFields, NumbersAreLittleEndianAndZeroBeyondTheEnd) {
  const AcpiBytes bytes = AcpiBytes().u8(1).u32(0x12345678).text("ab", 3);
  const Fields fields(bytes.bytes());
  EXPECT_EQ(fields.u8(0), 1u);
  EXPECT_EQ(fields.u32(1), 0x12345678u);
  EXPECT_EQ(fields.u16(1), 0x5678u);
  EXPECT_EQ(fields.text(5, 3), "ab");
  EXPECT_EQ(fields.u32(5), 0u);
  EXPECT_EQ(fields.u64(~std::size_t{0}), 0u);
  EXPECT_TRUE(fields.has(8, 0));
  EXPECT_FALSE(fields.has(8, 1));
  EXPECT_FALSE(fields.has(1, ~std::size_t{0}));
  EXPECT_EQ(fields.part(6, 100).size(), 2u);
  EXPECT_EQ(fields.part(100, 1).size(), 0u);
  EXPECT_TRUE(fields.text(100, 4).empty());
}

struct Walked {
  // The table must outlive it.
  explicit Walked(const AcpiBytes& table, StructureHeader header = StructureHeader::kByteLength,
                  std::size_t count = 100)
      : memory(65536),
        arena(memory),
        notes(arena),
        walk(Fields(table.bytes()), "APIC", 4, header, notes, count) {}
  std::vector<std::byte> memory;
  Arena arena;
  Diagnostics notes;
  Structures walk;
};

TEST(AcpiStructures, FollowEachOtherByTheirLengths) {
  AcpiBytes table = AcpiBytes().u32(0);
  table.u8(0xb).u8(3).u8(0x77).u8(0xc).u8(2);
  Walked w(table);
  const auto first = w.walk.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->type, 0xbu);
  EXPECT_EQ(first->offset, 4u);
  EXPECT_EQ(first->fields.u8(2), 0x77u);
  EXPECT_EQ(first->fields.size(), 3u);
  EXPECT_EQ(w.walk.next()->type, 0xcu);
  EXPECT_FALSE(w.walk.next().has_value());
  EXPECT_FALSE(w.walk.is_broken());
}

TEST(AcpiStructures, MayHaveLengthsOfTwoBytes) {
  AcpiBytes table = AcpiBytes().u32(0);
  table.u8(0).u16(300).zeros(297).u8(1).u16(3);
  Walked w(table, StructureHeader::kWordLength);
  EXPECT_EQ(w.walk.next()->fields.size(), 300u);
  EXPECT_EQ(w.walk.next()->type, 1u);
  EXPECT_FALSE(w.walk.next().has_value());
}

TEST(AcpiStructures, ALengthThatCannotBeEndsTheWalk) {
  for (const unsigned length : {0u, 1u, 7u, 255u}) {
    const AcpiBytes table = AcpiBytes().u32(0).u8(0xb).u8(2).u8(0xc).number(length, 1).zeros(4);
    Walked w(table);
    EXPECT_TRUE(w.walk.next().has_value());
    EXPECT_FALSE(w.walk.next().has_value());
    EXPECT_TRUE(w.walk.is_broken());
    EXPECT_TRUE(w.notes.mentions("APIC: the structure at 0x6 has length"));
    EXPECT_FALSE(w.walk.next().has_value());
    EXPECT_EQ(w.notes.lines().size(), 1u);
  }
}

TEST(AcpiStructures, EndAtTheirStatedNumberAndAtPadding) {
  AcpiBytes table = AcpiBytes().u32(0).u8(1).u8(2).u8(2).u8(2).u8(0);
  Walked all(table, StructureHeader::kByteLength, Structures::kAll);
  EXPECT_TRUE(all.walk.next() && all.walk.next() && !all.walk.next());
  EXPECT_FALSE(all.walk.is_broken());
  EXPECT_TRUE(all.notes.lines().empty());
  Walked more(table, StructureHeader::kByteLength, 5);
  EXPECT_TRUE(more.walk.next() && more.walk.next() && !more.walk.next() && !more.walk.next());
  EXPECT_TRUE(more.notes.mentions("APIC: has 3 structures less than it says"));
  EXPECT_EQ(more.notes.lines().size(), 1u);
  Walked one(table, StructureHeader::kByteLength, 1);
  EXPECT_TRUE(one.walk.next() && !one.walk.next());
}

}  // namespace
}  // namespace socle::fw::acpi
