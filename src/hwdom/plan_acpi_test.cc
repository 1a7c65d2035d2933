// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <vector>

#include "base/test.h"
#include "hwdom/firmware_tables.h"
#include "hwdom/plan.h"
#include "hwdom/plan_check.h"
#include "policy/policy.h"

#include "test/support/acpi_machine.h"
#include "test/support/tree_builder.h"

namespace socle::hwdom {
namespace {

using fw::EfiMemoryRange;
using fw::EfiMemoryType;
using test::AcpiMachine;

constexpr std::uint64_t kRam = 0x8000'0000;
constexpr std::uint64_t kRamEnd = 0xc000'0000;
constexpr std::uint64_t kNvs = 0xc100'0000;
constexpr std::uint64_t kRuntime = 0xc200'0000;
constexpr std::uint64_t kSetAside = 0xc300'0000;
constexpr std::uint64_t kSetAsideEnd = 0xc340'0000;
constexpr std::uint64_t kMailbox = 0xc400'0000;  // of the runtime services
constexpr std::uint64_t kFlash = 0x1000'0000;
constexpr std::uint64_t kUart = 0x1c09'0000;
constexpr std::uint64_t kSmmu = 0x2b40'0000;
constexpr std::uint64_t kCounters = 0x2b50'0000;
constexpr std::uint64_t kIts = 0x3004'0000;
constexpr std::uint64_t kEcam = 0x40'0000'0000;

EfiMemoryRange memory(EfiMemoryType type, std::uint64_t begin, std::uint64_t end) {
  return {
      .range = PaRange(Pa(begin), Pa(end)), .type = type, .attributes = fw::kEfiMemoryWriteBack};
}

// The machine of test/support/acpi_machine.h started by UEFI, planned.
struct Planned {
  explicit Planned(std::string_view command_line = "", AcpiMachine machine = AcpiMachine(),
                   std::uint64_t kept_end = kRam + 16 * kMiB)
      : kept{{{"image", PaRange(Pa(kRam), Pa(kRam + 2 * kMiB))},
              {"heap", PaRange(Pa(kRam + 2 * kMiB), Pa(kept_end))}}} {
    test::IortBuilder iort;
    const auto group = iort.its_group();
    const auto smmu = iort.smmu_v3(kSmmu, group);
    iort.root_complex(0, {{.input = 0, .count = 0x100, .output = 0, .target = smmu}});
    iort.pmcg(kCounters, kCounters + 0x1'0000, smmu);
    machine.more.push_back(iort.table());
    machine.put_into(firmware);
    tables = *fw::acpi::read_tables(firmware.finish(), firmware, arena, notes);
    platform = *platform::read_acpi(tables, {}, {.efi_memory = efi}, arena, notes);
    loader.begin("chosen").cells("#address-cells", {2}).cells("#size-cells", {2});
    loader.text("bootargs", command_line);
    loader.begin("module@88000000").texts("compatible", {"multiboot,kernel", "multiboot,module"});
    loader.wide("reg", {0x8800'0000, 0x20'0000}).text("bootargs", "console=hvc0").end();
    loader.begin("module@89000000").texts("compatible", {"multiboot,ramdisk", "multiboot,module"});
    loader.wide("reg", {0x8900'0000, 0x10'0000}).end();
    loader.end();
    tree.emplace(loader.blob());
    EXPECT_TRUE(fw::read_boot_info(tree->tree(), boot).has_value());
    options = fw::parse_options(boot.socle_command_line, notes);
    input.tree = &tree->tree();
    input.acpi = &tables;
    input.efi_memory = efi;
    input.platform = platform;
    console = platform::choose_console(*platform, nullptr, notes);
    if (console) input.console = &*console;
    input.options = &options;
    input.boot = &boot;
    input.kernel = {.file_size = 0x20'0000, .memory_size = 0x40'0000};
    input.kept = kept;
    result = plan(input, arena, notes);
  }

  [[nodiscard]] const DomainPlan& made() const { return **result; }
  [[nodiscard]] const Mapping* at(std::uint64_t address) const {
    for (const Mapping& mapping : made().mappings)
      if (mapping.gfns().contains(Ipa(address).frame())) return &mapping;
    return nullptr;
  }
  [[nodiscard]] bool permits(std::uint64_t address) const {
    return std::ranges::any_of(made().permitted, [&](const MfnRange& range) {
      return range.contains(Pa(address).frame());
    });
  }

  // Whether the domain's tables have one of that name that the host's have not.
  [[nodiscard]] const std::byte* table(std::string_view signature) {
    written.resize(align_up<std::size_t>(firmware_tables_bound(tables, made()), kFrameSize));
    const Ipa place = made().tables_slot.begin();
    const auto done = write_firmware_tables({.tables = &tables,
                                             .platform = platform,
                                             .plan = &made(),
                                             .place = Range<Ipa>(place, place + written.size())},
                                            written, notes);
    EXPECT_TRUE(done.has_value());
    const auto found = std::ranges::search(written, std::as_bytes(std::span(signature)));
    return found.empty() ? nullptr : &found.front();
  }

  std::vector<std::byte> written;
  test::FirmwareMemory firmware;
  std::vector<EfiMemoryRange> efi = {
      memory(EfiMemoryType::kMemoryMappedIo, kFlash, kFlash + 0x400'0000),
      memory(EfiMemoryType::kConventional, kRam, kRamEnd),
      memory(EfiMemoryType::kAcpiNvs, kNvs, kNvs + 0x1000),
      memory(EfiMemoryType::kRuntimeServicesData, kRuntime, kRuntime + 0x1'0000),
      memory(EfiMemoryType::kReserved, kSetAside, kSetAsideEnd),
      {PaRange(Pa(kMailbox), Pa(kMailbox + 0x1000)), EfiMemoryType::kReserved,
       fw::kEfiMemoryWriteBack | fw::kEfiMemoryRuntime},
      memory(EfiMemoryType::kAcpiReclaim, test::FirmwareMemory::kFirst,
             test::FirmwareMemory::kFirst + 0x1'0000)};
  std::vector<std::byte> bytes = std::vector<std::byte>(kMiB);
  fw::Arena arena{bytes};
  fw::Diagnostics notes{arena};
  fw::acpi::Tables tables;
  const platform::Platform* platform = nullptr;
  std::optional<platform::Console> console;
  test::TreeBuilder loader;
  std::optional<test::Opened> tree;
  fw::BootInfo boot;
  fw::Options options;
  PlanInput input;
  std::array<KeptMemory, 2> kept;
  Result<const DomainPlan*> result = fail(Error::kNotFound);
};

TEST(PlanAcpi, APlanFromTablesHoldsTheInvariantsOfPlans) {
  Planned p;
  ASSERT_TRUE(p.result.has_value());
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
  EXPECT_EQ(p.made().vcpus.size(), 2u);
}

TEST(PlanAcpi, FirmwaresTablesAndTheirCodesMemoryAreMappedAndItsOwnIsNot) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  for (const std::uint64_t address : {kNvs, test::FirmwareMemory::kFirst}) {
    const Mapping* const mapping = p.at(address);
    ASSERT_TRUE(mapping != nullptr);
    EXPECT_TRUE(mapping->attributes.reason() == Reason::kReservedMemory);
    EXPECT_FALSE(mapping->attributes.permissions().execute);
    EXPECT_FALSE(p.permits(address));
  }
  EXPECT_TRUE(p.at(kRuntime) == nullptr);
  EXPECT_FALSE(p.permits(kRuntime));
  ASSERT_EQ(p.made().firmware_memory.size(), 3u);
  EXPECT_TRUE(p.made().firmware_memory[0].type == EfiMemoryType::kAcpiNvs);
  EXPECT_TRUE(p.made().firmware_memory[1].type == EfiMemoryType::kReserved);
  EXPECT_TRUE(p.made().firmware_memory[2].type == EfiMemoryType::kAcpiReclaim);
}

AcpiMachine with_bert(std::uint64_t address, std::uint32_t size) {
  AcpiMachine machine;
  machine.more.push_back(test::AcpiTable("BERT", 1).u32(size).u64(address));
  return machine;
}

TEST(PlanAcpi, MemoryThatFirmwareSetAsideIsMappedWhereATableNamesIt) {
  Planned p("", with_bert(kSetAside + 0x1800, 0x1000));
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.at(kSetAside) == nullptr);
  EXPECT_TRUE(p.at(kSetAside + 0x3000) == nullptr);
  for (const std::uint64_t page : {kSetAside + 0x1000, kSetAside + 0x2000}) {
    const Mapping* const mapping = p.at(page);
    ASSERT_TRUE(mapping != nullptr);
    EXPECT_TRUE(mapping->attributes.reason() == Reason::kReservedMemory);
    EXPECT_TRUE(mapping->attributes.type() == MemoryType::kNormalWriteBack);
    EXPECT_TRUE(mapping->attributes.permissions().write);
    EXPECT_FALSE(mapping->attributes.permissions().execute);
  }
  EXPECT_TRUE(can_reach(p.made(), PaRange(Pa(kSetAside + 0x1800), Pa(kSetAside + 0x2800))));
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

// AML's OpRegions lie there, and nobody says where.
TEST(PlanAcpi, TheRestOfWhatFirmwareSetAsideIsMappedOnFault) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.at(kSetAside) == nullptr);
  for (const std::uint64_t address : {kSetAside, kSetAsideEnd - 1}) {
    EXPECT_TRUE(p.permits(address));
  }
  const Planned denied("mmio-fault=deny", with_bert(kSetAside, 0x1000));
  EXPECT_FALSE(denied.permits(kSetAside + 0x1000));
  EXPECT_TRUE(denied.at(kSetAside) != nullptr);
}

// Socle runs that code with that data.
TEST(PlanAcpi, WhatRuntimeServicesWorkWithIsNobodysWhoeverNamesIt) {
  for (const std::uint64_t page : {kRuntime, kMailbox}) {
    Planned p("", with_bert(page, 0x1000));
    ASSERT_TRUE(p.result.has_value());
    EXPECT_TRUE(p.at(page) == nullptr);
    EXPECT_FALSE(p.permits(page));
    EXPECT_FALSE(can_reach(p.made(), PaRange(Pa(page), Pa(page + 0x1000))));
    EXPECT_TRUE(p.notes.mentions("memory of firmware's own"));
    const auto good = proofread(p.input, p.made(), p.arena, p.notes);
    EXPECT_TRUE(good.has_value() && *good);
  }
}

// 1.15: a table is firmware's word, and no more.
TEST(PlanAcpi, ATableThatNamesMemoryOfOthersGetsNothingForIt) {
  for (const std::uint64_t page : {kRam, kRam + 4 * kMiB, kUart, kSmmu, kIts}) {
    Planned p("dom0_mem=512M", with_bert(page, 0x1000));
    ASSERT_TRUE(p.result.has_value());
    EXPECT_TRUE(p.at(page) == nullptr);
    EXPECT_FALSE(p.permits(page));
    EXPECT_TRUE(p.notes.mentions("BERT"));
    const auto good = proofread(p.input, p.made(), p.arena, p.notes);
    EXPECT_TRUE(good.has_value() && *good);
  }
  Planned all("", with_bert(1, 0xffff'ffff));
  ASSERT_TRUE(all.result.has_value());
  EXPECT_TRUE(all.at(kRuntime) == nullptr && all.at(kUart) == nullptr && all.at(kSmmu) == nullptr);
  EXPECT_TRUE(all.at(kRam) == nullptr);  // Socle's image
  const auto good = proofread(all.input, all.made(), all.arena, all.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

TEST(PlanAcpi, WhatTheTablesAndTheMemoryMapNameIsMappedUpFront) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.at(kFlash) != nullptr);
  ASSERT_TRUE(p.at(kEcam) != nullptr);
  EXPECT_EQ(p.at(kEcam)->count.bytes(), 256 * kMiB);
}

TEST(PlanAcpi, AllElseIsMappedOnFaultUnlessItIsDenied) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.made().mmio_fault == fw::MmioFault::kMap);
  EXPECT_TRUE(p.permits(0x2000'0000));
  EXPECT_TRUE(p.at(0x2000'0000) == nullptr);
  const Planned denied("mmio-fault=deny");
  EXPECT_TRUE(denied.made().mmio_fault == fw::MmioFault::kDeny);
  EXPECT_FALSE(denied.permits(0x2000'0000));
}

// 1.15, 1.13: never the console, the GIC, the ITS, the SMMU and its counters, RAM; their neighbours
// are.
TEST(PlanAcpi, SoclesDevicesAreNeitherMappedNorPermittedAndTheirNeighboursAre) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  struct Kept {
    std::uint64_t begin, size;
  };
  for (const Kept& kept : {Kept{kUart, 0x1000},
                           {kSmmu, 0x2'0000},
                           {kCounters, 0x1000},
                           {0x3000'0000, 0x1'0000},
                           {kIts, 0x2'0000},
                           {0x3010'0000, 0x20'0000}}) {
    for (const std::uint64_t address : {kept.begin, kept.begin + kept.size - 1}) {
      EXPECT_TRUE(p.at(address) == nullptr);
      EXPECT_FALSE(p.permits(address));
    }
    EXPECT_TRUE(p.permits(kept.begin - 1));
    EXPECT_TRUE(p.permits(kept.begin + kept.size));
  }
  EXPECT_FALSE(p.permits(kRam));
  EXPECT_FALSE(p.permits(kRamEnd - 1));
}

// A range of firmware's memory map that spans a page is no other device in it.
TEST(PlanAcpi, APageThatTheConsoleHasAPartOfIsAllSocles) {
  AcpiMachine machine;
  machine.spcr_table = test::spcr(3, kFlash + 0x10'0800);
  Planned p("", machine);
  ASSERT_TRUE(p.result.has_value());
  for (const std::uint64_t page : {kFlash + 0x10'0000, kFlash + 0x10'1000}) {
    EXPECT_TRUE(p.at(page) == nullptr);
    EXPECT_FALSE(p.permits(page));
  }
  EXPECT_TRUE(p.at(kFlash + 0xf'f000) != nullptr);
  EXPECT_TRUE(p.at(kFlash + 0x10'2000) != nullptr);
  EXPECT_FALSE(p.notes.mentions("can reach both"));
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

// Its own driver drives it: the page, the interrupt, and no STAO that hides it.
TEST(PlanAcpi, AConsoleThatSocleCannotDriveIsTheDomains) {
  for (const std::uint8_t kind : {std::uint8_t{0x12}, std::uint8_t{0x42}}) {
    AcpiMachine machine;
    machine.spcr_table = test::spcr(kind);
    Planned p("", machine);
    ASSERT_TRUE(p.result.has_value());
    EXPECT_TRUE(p.notes.mentions("no driver for the console's port: it is dom0's"));
    EXPECT_TRUE(p.at(kUart) != nullptr);
    EXPECT_TRUE(p.permits(kUart));
    EXPECT_TRUE(std::ranges::any_of(p.made().interrupts, [](const InterruptRoute& route) {
      return route.interrupt.id == IntId(53);
    }));
    EXPECT_TRUE(p.table("STAO") == nullptr);
    const auto good = proofread(p.input, p.made(), p.arena, p.notes);
    EXPECT_TRUE(good.has_value() && *good);
  }
}

// acpi=force on a machine with a tree: the tree named the port that is in use.
TEST(PlanAcpi, ThePortInUseIsSoclesWhateverSpcrNames) {
  constexpr std::uint64_t kOther = 0x1c0a'0000;
  Planned p;
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.table("STAO") != nullptr);
  p.console = platform::console_in_use(*p.platform, PaRange(Pa(kOther), Pa(kOther + 0x1000)));
  p.result = plan(p.input, p.arena, p.notes);
  ASSERT_TRUE(p.result.has_value());
  EXPECT_FALSE(p.permits(kOther));
  EXPECT_TRUE(p.permits(kUart));
  EXPECT_TRUE(p.at(kUart) != nullptr);
  // Linux leaves alone what SPCR names, so that names the port.
  EXPECT_TRUE(p.table("STAO") != nullptr);
  const std::byte* const spcr = p.table("SPCR");
  ASSERT_TRUE(spcr != nullptr);
  std::uint64_t address = 0;
  std::memcpy(&address, spcr + 44, sizeof address);
  EXPECT_EQ(address, kOther);
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

TEST(PlanAcpi, APlanWithAGicV2HoldsTheInvariantsOfPlans) {
  AcpiMachine machine;
  machine.madt_body = test::gicd(0x3000'0000, 2);
  machine.madt_body.append(test::gicc({.cpu_interface = 0x3001'0000,
                                       .virtual_interface = 0x3004'0000,
                                       .hypervisor_interface = 0x3003'0000}));
  Planned p("", machine);
  ASSERT_TRUE(p.result.has_value());
  ASSERT_TRUE(p.at(0x3001'0000) != nullptr);
  EXPECT_TRUE(p.at(0x3001'0000)->machine == Mfn(0x3004'0000 >> 12));
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

TEST(PlanAcpi, AVirtualCpuInterfaceInWhatOthersHaveIsRefused) {
  for (const std::uint64_t at : {kSmmu, kCounters, kRuntime, kMailbox, kUart}) {
    Planned p("", test::gicv2_machine(at));
    EXPECT_TRUE(!p.result.has_value() && p.result.error() == Error::kCorrupt);
  }
  EXPECT_TRUE(Planned("", test::gicv2_machine()).result.has_value());
}

// Requirement 2.5, as with a tree that has a node for it.
TEST(PlanAcpi, AGicV2mFrameHasTheTypeOfAnInterruptController) {
  const Planned p("", test::gicv2_machine());
  ASSERT_TRUE(p.result.has_value());
  const Mapping* frame = p.at(0x2c1c'0000);
  ASSERT_TRUE(frame != nullptr);
  EXPECT_TRUE(frame->attributes == policy::interrupt_controller());
  EXPECT_FALSE(p.permits(0x2c1c'0000));
  EXPECT_TRUE(p.permits(0x2c1b'f000));
}

TEST(PlanAcpi, ADebugPortThatOverlapsTheConsoleIsSoclesToo) {
  AcpiMachine machine;
  test::AcpiBytes port;
  port.u8(1).u16(0).u16(0).u16(0).u16(0).u16(0x8000).u16(3).u16(0).u16(22).u16(34);
  port.u8(0).u8(32).u8(0).u8(3).u64(kUart - 0x1000).u32(0x2000);
  machine.more.push_back(
      test::AcpiTable("DBG2", 0).u32(44).u32(1).append(test::long_structure(0, port)));
  Planned p("", machine);
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.at(kUart - 0x1000) == nullptr);
  EXPECT_FALSE(p.permits(kUart - 0x1000));
  const auto good = proofread(p.input, p.made(), p.arena, p.notes);
  EXPECT_TRUE(good.has_value() && *good);
}

TEST(PlanAcpi, EverySpiIsTheDomainsAndEventsHaveAPrivateOne) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  EXPECT_TRUE(p.made().has_all_spis);
  EXPECT_TRUE(p.made().event_channel_ppi.is_ppi());
  // Not the PMU's (23), the maintenance (25) or a timer's.
  EXPECT_EQ(p.made().event_channel_ppi, IntId(16));
}

TEST(PlanAcpi, TheTablesHaveAPlaceInABankForPagesOf64KiB) {
  const Planned p;
  ASSERT_TRUE(p.result.has_value());
  const Range<Ipa>& slot = p.made().tables_slot;
  EXPECT_GE(slot.size(), firmware_tables_bound(p.tables, p.made()));
  EXPECT_TRUE(is_aligned(slot.begin().value(), 64 * kKiB));
  EXPECT_TRUE(is_aligned(slot.end().value(), 64 * kKiB));
}

// Linux with pages of 16 KiB took the frames of Socle's that shared a page with its RAM.
TEST(PlanAcpi, TheBanksArePagesOf64KiBWhateverTheirNeighboursAre) {
  constexpr std::uint64_t kOdd = kRam + 16 * kMiB + 4 * kKiB;
  const Planned p("dom0_mem=300001K", AcpiMachine(), kOdd);
  const Planned all("", AcpiMachine(), kOdd);
  for (const Planned* const planned : {&p, &all}) {
    ASSERT_TRUE(planned->result.has_value());
    ASSERT_FALSE(planned->made().ram.empty());
    for (const MfnRange& bank : planned->made().ram) {
      EXPECT_TRUE(is_aligned(Pa(bank.begin()).value(), 64 * kKiB));
      EXPECT_TRUE(is_aligned(Pa(bank.end()).value(), 64 * kKiB));
    }
  }
  EXPECT_EQ(all.made().ram_bytes, kRamEnd - kRam - 16 * kMiB - 64 * kKiB);
  EXPECT_EQ(p.made().ram_bytes, align_up(300001 * kKiB, 64 * kKiB));
}

// A server without GICR structures.
TEST(PlanAcpi, RedistributorsOfManyCpusThatAreNeighboursAreOneRegion) {
  AcpiMachine machine;
  machine.madt_body = test::gicd(0x3000'0000, 3);
  for (std::uint32_t i = 0; i < 40; ++i)
    machine.madt_body.append(test::gicc(
        {.uid = i, .mpidr = i, .redistributor = 0x3010'0000 + std::uint64_t{i} * 0x2'0000}));
  const Planned p("", machine);
  ASSERT_TRUE(p.result.has_value());
  EXPECT_EQ(p.made().vcpus.size(), 40u);
  ASSERT_EQ(p.made().gic.redistributors.size(), 1u);
  EXPECT_EQ(p.made().gic.redistributors[0].count, 40u);
}

// Two sockets whose CPUs alternate in the MADT; and more islands than there can be regions.
TEST(PlanAcpi, RedistributorsOfCpusInAnyOrderAreRegionsInTheOrderOfAddresses) {
  AcpiMachine machine;
  machine.madt_body = test::gicd(0x3000'0000, 3);
  for (std::uint32_t i = 0; i < 40; ++i)
    machine.madt_body.append(
        test::gicc({.uid = i,
                    .mpidr = i,
                    .redistributor = (i % 2 == 0 ? 0x4010'0000u : 0x3010'0000u) +
                                     std::uint64_t{i / 2} * 0x2'0000}));
  const Planned p("", machine);
  ASSERT_TRUE(p.result.has_value());
  ASSERT_EQ(p.made().gic.redistributors.size(), 2u);
  EXPECT_EQ(p.made().gic.redistributors[0].base, Ipa(0x3010'0000));
  EXPECT_EQ(p.made().gic.redistributors[1].count, 20u);
}

TEST(PlanAcpi, RedistributorsInTooManyRegionsAreRefusedWithThatReason) {
  for (const std::uint32_t cpus : {32u, 33u}) {
    AcpiMachine machine;
    machine.madt_body = test::gicd(0x3000'0000, 3);
    for (std::uint32_t i = 0; i < cpus; ++i)
      machine.madt_body.append(test::gicc(
          {.uid = i, .mpidr = i, .redistributor = 0x3010'0000 + std::uint64_t{i} * 0x4'0000}));
    const Planned p("", machine);
    EXPECT_EQ(p.result.has_value(), cpus == 32);
    EXPECT_EQ(p.notes.mentions("not neighbours"), cpus == 33);
  }
}

TEST(PlanAcpi, TheUndrivenIommuAndTheMastersBehindItAreNamed) {
  const Planned p;
  EXPECT_TRUE(p.notes.mentions("IORT"));
  EXPECT_TRUE(p.notes.mentions("DMA: MCFG[0]"));
}

}  // namespace
}  // namespace socle::hwdom
