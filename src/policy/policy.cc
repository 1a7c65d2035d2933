// SPDX-License-Identifier: Apache-2.0
#include "policy/policy.h"

#include <algorithm>
#include <array>

namespace socle::policy {

namespace {

// Devices that need more than the default of their domain.
constexpr std::array<Rule, 1> kRules = {{
    {.compatible = "mmio-sram",
     .type = MemoryType::kNormalWriteBack,
     .permissions = kReadWriteExecute,
     .reason = Reason::kOnChipSram,
     .outer_region_only = true,
     .why = "on-chip memory: code may run there, accesses may be of any kind"},
}};

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

struct NamedType {
  std::string_view name;
  RequestedType type;
};
constexpr std::array<NamedType, 4> kNamedTypes = {{
    {"device-ngnre", RequestedType::kDeviceNGnRE},
    {"device-gre", RequestedType::kDeviceGRE},
    {"normal-nc", RequestedType::kNormalNonCacheable},
    {"normal-wb", RequestedType::kNormalWriteBack},
}};

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

const Rule* find_rule(std::span<const std::string_view> compatibles) {
  for (const std::string_view compatible : compatibles)
    for (const Rule& rule : kRules)
      if (rule.compatible == compatible) return &rule;
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
  for (const NamedType& named : kNamedTypes)
    if (named.name == name) return named.type;
  return std::nullopt;
}

Attributes requested_device(DomainKind domain, RequestedType type) {
  return AttributeFactory::make(memory_type(domain, type), kReadWrite, Reason::kOnDemand);
}

Attributes device(DomainKind domain, const DeviceTraits& traits) {
  if (const Rule* rule = find_rule(traits.compatibles)) {
    // "no-memory-wc": its bus does not take what write-combining or caching would make of accesses.
    if (traits.no_memory_wc)
      return AttributeFactory::make(MemoryType::kDeviceNGnRE, kReadWrite, rule->reason);
    return AttributeFactory::make(rule->type, rule->permissions, rule->reason);
  }
  const Reason reason = traits.is_pci_window ? Reason::kPciWindow : Reason::kDeviceRegisters;
  const MemoryType type =
      domain == DomainKind::kHardware ? MemoryType::kNormalWriteBack : MemoryType::kDeviceNGnRE;
  return AttributeFactory::make(type, kReadWrite, reason);
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
