// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a hardware domain that boots with ACPI finds in place of firmware's tables: edited copies,
// an EFI system table that leads to them, and the memory map with the domain's RAM. Pure: bytes
// from the host's tables and the plan, written into a buffer that goes to one place of the domain.
//
//   RSDP, XSDT   lead to the copies below and, for all other tables, to firmware's own (1:1)
//   FADT         PSCI is there, by HVC; no message-signalled interrupts, if nothing takes them
//   MADT         the domain's vCPUs and redistributors; no ITS, no virtualization parts; GICv2m
//                stays
//   GTDT         the timers that a vCPU has: no secure one, none of EL2
//   IORT         root complexes and named components without their streams: the IOMMUs, the ITS,
//                the memory reserved for the former and their counters are not the domain's
//   SPCR, STAO   tell the operating system which UART is taken, if Socle has one as its console
//
// Source: ACPI 6.5, 5.2.5 to 5.2.9, 5.2.12, 5.2.25; Arm DEN0049 (IORT); UEFI 2.10, 4.3, 4.6, 7.2.3;
// Xen's STAO specification; shared requirement 1.14.

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "fw/acpi/tables.h"
#include "fw/diagnostics.h"
#include "hwdom/plan.h"

namespace socle::hwdom {

struct FirmwareTablesInput {
  const fw::acpi::Tables* tables = nullptr;
  const platform::Platform* platform = nullptr;
  const DomainPlan* plan = nullptr;
  // Where the buffer will stand for the domain; in one of its banks, aligned to frames.
  Range<Ipa> place;
};

// Where in the domain's memory things are.
struct FirmwareTables {
  std::size_t size = 0;  // of the buffer, used
  Ipa system_table;
  Ipa memory_map;
  std::uint32_t memory_map_size = 0;
  std::uint32_t descriptor_size = 0;
  std::uint32_t descriptor_version = 0;
};

// Bytes that are enough for the buffer.
std::size_t firmware_tables_bound(const fw::acpi::Tables& tables, const DomainPlan& plan);

// Errors, each with a line that names the table: kNotFound: a table without which no domain can
// start; kCorrupt: one that is too short; kTooLarge: the buffer.
Result<FirmwareTables> write_firmware_tables(const FirmwareTablesInput& input,
                                             std::span<std::byte> buffer, fw::Diagnostics& notes);

// The tree beside them: nothing but /chosen and /hypervisor, so that the operating system takes the
// machine from ACPI. Answers with its size. kTooLarge: the buffer.
std::size_t stub_tree_bound(const DomainPlan& plan);
Result<std::size_t> write_stub_tree(const PlanInput& input, const DomainPlan& plan,
                                    const FirmwareTables& tables, std::span<std::byte> buffer,
                                    fw::Diagnostics& notes);

}  // namespace socle::hwdom
