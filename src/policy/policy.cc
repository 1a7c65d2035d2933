// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <algorithm>
#include <array>

namespace socle::policy {

namespace {

bool cannot_be_combined(const DeviceTraits& traits) {
  return traits.no_memory_wc;
}

// Pages of an interrupt controller that a domain may have besides the virtual one.
constexpr Rule interrupt_controller_rule(std::string_view compatible) {
  return {.compatible = compatible,
          .acpi_id = {},
          .applies = nullptr,
          .type = MemoryType::kDeviceNGnRE,
          .type_for_others = MemoryType::kDeviceNGnRE,
          .permissions = kReadWrite,
          .reason = Reason::kInterruptController,
          .outer_region_only = false,
          .why = "shared between vCPUs: the strictest type that works"};
}

// A frame buffer is written only: what a display reads from memory it reads without the CPUs'
// caches. The hardware domain says so itself; others get what can be written in bursts.
constexpr Rule kFrameBufferRule = {.compatible = "simple-framebuffer",
                                   .acpi_id = {},
                                   .applies = nullptr,
                                   .type = MemoryType::kNormalWriteBack,
                                   .type_for_others = MemoryType::kNormalNonCacheable,
                                   .permissions = kReadWrite,
                                   .reason = Reason::kFrameBuffer,
                                   .outer_region_only = false,
                                   .why = "pixels: writes may be combined, nothing has effects"};

constexpr Rule pci_bridge_rule(std::string_view acpi_id) {
  return {.compatible = {},
          .acpi_id = acpi_id,
          .applies = nullptr,
          .type = MemoryType::kNormalWriteBack,
          .type_for_others = MemoryType::kDeviceNGnRE,
          .permissions = kReadWrite,
          .reason = Reason::kPciWindow,
          .outer_region_only = false,
          .why = "a PCI bridge's windows: each driver knows what is behind them"};
}

constexpr std::array kRules = {
    interrupt_controller_rule("arm,gic-v3"),
    interrupt_controller_rule("arm,gic-v3-its"),
    interrupt_controller_rule("arm,gic-v2m-frame"),
    interrupt_controller_rule("arm,gic-400"),
    interrupt_controller_rule("arm,cortex-a15-gic"),
    interrupt_controller_rule("arm,cortex-a9-gic"),
    Rule{.compatible = "mmio-sram",
         .acpi_id = {},
         .applies = cannot_be_combined,
         .type = MemoryType::kDeviceNGnRE,
         .type_for_others = MemoryType::kDeviceNGnRE,
         .permissions = kReadWrite,
         .reason = Reason::kOnChipSram,
         .outer_region_only = true,
         .why = "no-memory-wc: its bus does not take what combining makes of accesses"},
    Rule{.compatible = "mmio-sram",
         .acpi_id = {},
         .applies = nullptr,
         .type = MemoryType::kNormalWriteBack,
         .type_for_others = MemoryType::kNormalWriteBack,
         .permissions = kReadWriteExecute,
         .reason = Reason::kOnChipSram,
         .outer_region_only = true,
         .why = "on-chip memory: code may run there, accesses may be of any kind"},
    kFrameBufferRule,
    pci_bridge_rule("PNP0A08"),
    pci_bridge_rule("PNP0A03"),
};

bool names(const Rule& rule, const DeviceTraits& traits) {
  if (!rule.acpi_id.empty() && rule.acpi_id == traits.acpi_id) return true;
  return !rule.compatible.empty() &&
         std::ranges::find(traits.compatibles, rule.compatible) != traits.compatibles.end();
}

// The weaker the type, the higher: how much the hardware may do on its own.
unsigned freedom(MemoryType type) {
  switch (type) {
    case MemoryType::kDeviceNGnRnE:
      return 0;
    case MemoryType::kDeviceNGnRE:
      return 1;
    case MemoryType::kDeviceGRE:
      return 2;
    case MemoryType::kNormalNonCacheable:
      return 3;
    case MemoryType::kNormalWriteBack:
      return 4;
  }
  return 0;
}

// From RequestedType 1 on.
constexpr std::array<std::string_view, 4> kTypeNames = {"device-ngnre", "device-gre", "normal-nc",
                                                        "normal-wb"};

MemoryType memory_type(DomainKind domain, RequestedType type) {
  switch (type) {
    case RequestedType::kDefault:
      return domain == DomainKind::kHardware ? MemoryType::kNormalWriteBack
                                             : MemoryType::kDeviceNGnRE;
    case RequestedType::kDeviceNGnRE:
      return MemoryType::kDeviceNGnRE;
    case RequestedType::kDeviceGRE:
      return MemoryType::kDeviceGRE;
    case RequestedType::kNormalNonCacheable:
      return MemoryType::kNormalNonCacheable;
    case RequestedType::kNormalWriteBack:
      return MemoryType::kNormalWriteBack;
  }
  __builtin_unreachable();
}

}  // namespace

std::span<const Rule> rules() {
  return kRules;
}

const Rule* find_rule(const DeviceTraits& traits) {
  for (const Rule& rule : kRules)
    if (names(rule, traits) && (rule.applies == nullptr || rule.applies(traits))) return &rule;
  return nullptr;
}

Attributes on_demand(DomainKind domain) {
  return domain == DomainKind::kHardware
             ? AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWrite, Reason::kOnDemand)
             : AttributeFactory::make(MemoryType::kDeviceNGnRE, kReadWrite, Reason::kOnDemand);
}

std::optional<RequestedType> requested_type(std::uint64_t number) {
  if (number > static_cast<std::uint64_t>(RequestedType::kNormalWriteBack)) return std::nullopt;
  return static_cast<RequestedType>(number);
}

std::optional<RequestedType> requested_type(std::string_view name) {
  const auto found = std::ranges::find(kTypeNames, name);
  if (found == kTypeNames.end()) return std::nullopt;
  return requested_type(static_cast<std::uint64_t>(found - kTypeNames.begin()) + 1);
}

std::span<const std::string_view> requested_type_names() {
  return kTypeNames;
}

Attributes requested_device(DomainKind domain, RequestedType type) {
  return AttributeFactory::make(memory_type(domain, type), kReadWrite, Reason::kOnDemand);
}

Attributes device(DomainKind domain, const DeviceTraits& traits) {
  const bool is_hardware = domain == DomainKind::kHardware;
  if (const Rule* rule = find_rule(traits))
    return AttributeFactory::make(is_hardware ? rule->type : rule->type_for_others,
                                  rule->permissions, rule->reason);
  const Reason reason = traits.is_pci_window ? Reason::kPciWindow : Reason::kDeviceRegisters;
  return AttributeFactory::make(memory_type(domain, RequestedType::kDefault), kReadWrite, reason);
}

Attributes frame_buffer(DomainKind domain) {
  const Rule& rule = kFrameBufferRule;
  return AttributeFactory::make(domain == DomainKind::kHardware ? rule.type : rule.type_for_others,
                                rule.permissions, rule.reason);
}

Attributes combined(const Attributes& first, const Attributes& second) {
  const bool first_is_stricter = freedom(first.type()) <= freedom(second.type());
  const Attributes& winner = first_is_stricter ? first : second;
  // Fetching instructions from Device memory is unpredictable.
  const bool executable = first.permissions().execute || second.permissions().execute;
  const Permissions both{.read = first.permissions().read || second.permissions().read,
                         .write = first.permissions().write || second.permissions().write,
                         .execute = executable && !is_device(winner.type())};
  return AttributeFactory::make(winner.type(), both, winner.reason());
}

}  // namespace socle::policy
