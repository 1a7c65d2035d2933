// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the fuzzers of ACPI start from: a machine whose tables say everything that somebody reads.

#include "test/support/acpi_machine.h"

namespace socle::test {

// Its RAM is that of SRAT; records of errors and the like stand at kFirmwaresPages.
inline constexpr std::uint64_t kWholeMachinesRam = 0x8000'0000;
inline constexpr std::uint64_t kFirmwaresPages = 0xfe00'0000;

inline AcpiBytes generic_address(std::uint64_t address) {
  return AcpiBytes().u8(0).u8(64).u8(0).u8(4).u64(address);
}

// BERT, HEST, ERST, PCCT, TPM2, FPDT, NFIT.
inline void add_named_memory(std::vector<AcpiTable>& tables) {
  const std::uint64_t at = kFirmwaresPages;
  tables.push_back(AcpiTable("BERT", 1).u32(0x1000).u64(at + 0x1'0000));
  AcpiTable hest("HEST", 1);
  hest.u32(3).append(AcpiBytes().u16(7).zeros(42));
  for (const std::uint8_t type : {std::uint8_t{9}, std::uint8_t{10}}) {
    AcpiBytes source = AcpiBytes().u16(type).u16(1).u16(0xffff).u8(0).u8(1).u32(1).u32(1).u32(0);
    source.append(generic_address(at + 8ULL * type)).zeros(28).u32(0x1000);
    if (type == 10) source.append(generic_address(at + 0x100)).u64(~std::uint64_t{0}).u64(1);
    hest.append(source);
  }
  tables.push_back(hest);
  AcpiTable erst("ERST", 1);
  erst.u32(48).u32(0).u32(2);
  for (const std::uint64_t offset : {0x2000ULL, 0x3000ULL})
    erst.u32(0).append(generic_address(at + offset)).u64(0).u64(0);
  tables.push_back(erst);
  AcpiTable pcct("PCCT", 2);
  pcct.u32(1).u64(0);
  pcct.append(AcpiBytes().u8(2).u8(90).u32(40).u16(0).u64(at + 0x4000).u64(0x200).fill_to(90));
  pcct.append(AcpiBytes().u8(3).u8(164).u32(41).u16(0).u64(at + 0x5000).u32(0x100).fill_to(164));
  tables.push_back(pcct);
  tables.push_back(
      AcpiTable("TPM2", 4).u32(0).u64(at + 0x6000).zeros(16).u32(0x1000).u64(at + 0x7000));
  tables.push_back(AcpiTable("FPDT", 1).u16(0).u8(16).u8(1).u32(0).u64(at + 0x8000));
  AcpiTable nfit("NFIT", 1);
  nfit.u32(0).append(AcpiBytes().u16(0).u16(56).zeros(28).u64(at + 0x9000).u64(0x1000).u64(0));
  tables.push_back(nfit);
}

inline AcpiTable debug_port() {
  AcpiBytes port;
  port.u8(1).u16(0).u16(0).u16(0).u16(0).u16(0x8000).u16(3).u16(0).u16(22).u16(34);
  port.u8(0).u8(32).u8(0).u8(3).u64(0x1c0a'0000).u32(0x1000);
  return AcpiTable("DBG2", 0).u32(44).u32(1).append(long_structure(0, port));
}

inline AcpiMachine whole_acpi_machine() {
  AcpiMachine machine;
  machine.madt_body.append(msi_frame(0, 0x2c1c'0000));
  machine.gtdt_table = gtdt_head(2);
  machine.gtdt_table.append(
      long_structure(0, AcpiBytes().u8(0).u64(0x2a80'0000).u32(1).u32(20).u8(0).zeros(39)));
  machine.gtdt_table.append(watchdog(0x2a44'0000, 0x2a45'0000, 0));
  IortBuilder iort;
  const auto v3 = iort.smmu_v3(0x2b40'0000, iort.its_group());
  const auto v2 = iort.smmu(0x2b50'0000, 0x1'0000, {201, 202});
  iort.root_complex(0, {{0, 0x1'0000, 0, v3}});
  iort.named_component("\\_SB.ETH0", {{0, 1, 0x17, v2, true}});
  iort.pmcg(0x2b42'0000, 0x2b43'0000, v3);
  iort.rmr(0xfd00'0000, 0x20'0000, {{0, 4, 0x700, v3}});
  machine.more.push_back(iort.table());
  AcpiTable srat("SRAT", 3);
  srat.u32(1).u64(0).append(short_structure(
      1, AcpiBytes().u32(0).u16(0).u64(kWholeMachinesRam).u64(kGiB).u32(0).u32(1).u64(0)));
  machine.more.push_back(srat);
  machine.more.push_back(debug_port());
  add_named_memory(machine.more);
  return machine;
}

}  // namespace socle::test
