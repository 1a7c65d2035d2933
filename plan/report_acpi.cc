// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <fmt/format.h>

#include "plan/report_parts.h"

namespace socle::plan {

namespace {

struct Use {
  std::string_view signature;
  const char* words;
};
constexpr std::array<Use, 17> kUses = {{{"APIC", "CPUs, interrupt controller"},
                                        {"FACP", "how firmware is called"},
                                        {"GTDT", "timers, watchdogs"},
                                        {"SPCR", "console"},
                                        {"DBG2", "serial ports"},
                                        {"MCFG", "PCI configuration space"},
                                        {"IORT", "IOMMUs, streams"},
                                        {"DSDT", "nothing: dom0 interprets it"},
                                        {"BERT", "memory of the boot's errors"},
                                        {"HEST", "memory of errors"},
                                        {"ERST", "memory of stored errors"},
                                        {"EINJ", "memory of error injection"},
                                        {"PCCT", "memory of mailboxes"},
                                        {"TPM2", "memory of the TPM and its log"},
                                        {"CCEL", "memory of a log"},
                                        {"FPDT", "memory of boot times"},
                                        {"NFIT", "non-volatile memory"}}};

std::string use_of(std::string_view signature) {
  for (const Use& use : kUses)
    if (use.signature == signature) return use.words;
  return "";
}

const char* words_of(platform::Device::Origin origin) {
  using Origin = platform::Device::Origin;
  switch (origin) {
    case Origin::kNode:
      return "";
    case Origin::kEcam:
      return "PCI configuration space";
    case Origin::kRootComplex:
      return "PCI root complex";
    case Origin::kNamedComponent:
      return "device";
    case Origin::kPmcg:
      return "counters of an SMMU";
    case Origin::kMsiFrame:
      return "message-signalled interrupts";
    case Origin::kCounter:
      return "system counter";
    case Origin::kTimerBlock:
      return "memory-mapped timers";
    case Origin::kWatchdog:
      return "watchdog";
    case Origin::kSerialPort:
      return "serial port";
    case Origin::kFirmwareMemory:
      return "memory that firmware shares";
  }
  return "";
}

void describe(std::span<const platform::Region> regions,
              std::span<const platform::Interrupt> interrupts, const std::string& what,
              const std::string& name, PlatformFacts& out) {
  for (const platform::Region& region : regions)
    out.described.push_back({region.range, what, name});
  for (const platform::Interrupt& interrupt : interrupts)
    out.interrupts.push_back({name, interrupt.id.value(), trigger_name(interrupt.trigger)});
}

// Ids are padded with spaces, mostly.
std::string trimmed(std::string_view text) {
  return printable(text.substr(0, text.find_last_not_of(' ') + 1));
}

void read_tables(const Board& board, PlatformFacts& out) {
  for (const fw::acpi::Table& table : board.tables.all) {
    const std::string signature = printable(table.signature());
    out.tables.push_back(
        {.signature = signature,
         .revision = table.revision(),
         .size = table.fields.size(),
         .oem = fmt::format("{} {}", trimmed(table.oem_id()), trimmed(table.oem_table_id())),
         .checksum_is_right = table.checksum_is_right,
         .use = use_of(signature)});
    if (signature == "SRAT" && !board.has_memory_map)
      out.tables.back().use = "memory (for this plan only)";
    if (signature == "FACP") out.model = out.tables.back().oem;
  }
}

}  // namespace

void read_acpi_facts(const Board& board, PlatformFacts& out) {
  read_tables(board, out);
  const platform::Platform& machine = *board.platform;
  for (const platform::Device& device : machine.devices) {
    std::string what = words_of(device.origin);
    if (!device.enabled) what += ", of the secure world";
    describe(device.regions, device.interrupts, what, printable(device.name), out);
  }
  for (const platform::Iommu& iommu : machine.iommus)
    describe(iommu.regions, iommu.interrupts, platform::to_string(iommu.kind),
             printable(iommu.name), out);
  for (const platform::DirectMapping& mapping : machine.direct_mappings) {
    std::string streams;
    for (const platform::RequesterMap& row : mapping.streams) {
      const platform::Iommu* iommu = machine.iommu(row);
      streams += fmt::format("{}{} {:#x}-{:#x}", streams.empty() ? "" : ", ",
                             iommu == nullptr ? "" : printable(iommu->name), row.first_output,
                             std::uint64_t{row.first_output} + row.count);
    }
    out.direct_mappings.push_back({mapping.range, streams, printable(mapping.name)});
  }
}

}  // namespace socle::plan
