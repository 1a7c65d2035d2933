// SPDX-License-Identifier: Apache-2.0
// Verbs about UEFI's runtime services: one breaks a function where it is, in firmware's own code.
// Source: UEFI Specification 2.10, 4.5, 4.6; Arm ARM DDI 0487, C6 (instructions), D8.3
// (descriptors).

#include "damage.h"

namespace socle::test {

namespace {

struct Fault {
  std::string_view name;
  std::uint32_t code[2];
};
constexpr std::uint32_t kLoop = 0x1400'0000;  // b .
constexpr Fault kFaults[] = {
    {"hangs", {kLoop, kLoop}},
    {"hangs-masked", {0xd503'42df, kLoop}},         // msr daifset, #2
    {"reads-nowhere", {0xd2ff'ffe9, 0xf940'0129}},  // mov x9, #0xffff << 48; ldr x9, [x9]
};

// Firmware write-protects its code, by tables with a granule of 4 KiB, which are mapped 1:1.
bool make_writable(std::uint64_t address) {
  constexpr std::uint64_t kReadOnly = 1 << 7;
  std::uint64_t tables = 0;
  std::uint64_t control = 0;
  asm volatile("mrs %0, ttbr0_el2\n\tmrs %1, tcr_el2" : "=r"(tables), "=r"(control));
  for (unsigned shift = 64 - (control & 63) > 39 ? 39 : 30; shift >= 12; shift -= 9) {
    std::uint64_t& entry =
        reinterpret_cast<std::uint64_t*>(tables & 0xffff'ffff'f000)[address >> shift & 511];
    if ((entry & 1) == 0) return fail("not mapped");
    if (shift == 12 || (entry & 2) == 0) {
      entry &= ~kReadOnly;
      asm volatile("dsb ish\n\ttlbi alle2\n\tdsb ish\n\tisb" ::: "memory");
      return true;
    }
    tables = entry;
  }
  return false;
}

// Written as data, executed as instructions.
bool overwrite(std::uint64_t at, const Fault& fault) {
  if (at % 8 != 0 && at % 4096 == 4092) return fail("on two pages");
  if (!make_writable(at)) return false;
  for (const std::uint32_t instruction : fault.code) {
    *reinterpret_cast<volatile std::uint32_t*>(at) = instruction;
    asm volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(at) : "memory");
    at += 4;
  }
  return true;
}

bool service(Words words) {
  const auto place = to_number(words[0]);
  if (!place || *place >= efi::kRuntimeServices) return fail("no such service");
  const auto* table = static_cast<const efi::TableHeader*>(system_table().runtime_services);
  for (const Fault& fault : kFaults)
    if (fault.name == words[1])
      return overwrite(reinterpret_cast<const std::uint64_t*>(table + 1)[*place], fault);
  return fail("no such fault");
}

// The table that says which services are left after ExitBootServices.
bool supports(Words words) {
  constexpr std::uint32_t kRuntimeServicesData = 6;
  const auto services = to_number(words[0]);
  std::uint64_t at = 0;
  if (!services) return fail("no number");
  const auto& boot = *system_table().boot_services;
  if (boot.allocate_pages(efi::AllocateType::kAnyPages, kRuntimeServicesData, 1, &at) !=
      efi::kSuccess)
    return fail("no memory");
  auto* table = reinterpret_cast<efi::RuntimePropertiesTable*>(at);
  *table = {1, sizeof *table, static_cast<std::uint32_t>(*services)};
  return boot.install_configuration_table(&efi::kRuntimePropertiesTable, table) == efi::kSuccess ||
         fail("firmware refuses");
}

constexpr Verb kVerbs[] = {
    {"supports", 1, "MASK (EFI_RT_PROPERTIES_TABLE; 1: GetTime, 0x70: variables)", supports},
    {"service", 2, "PLACE hangs|hangs-masked|reads-nowhere (in EFI_RUNTIME_SERVICES; 0: GetTime)",
     service},
};

}  // namespace

std::span<const Verb> runtime_verbs() {
  return kVerbs;
}

}  // namespace socle::test
