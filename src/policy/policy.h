// SPDX-License-Identifier: Apache-2.0
#pragma once

// Policy: which memory type and permissions a mapping gets, and why. Pure. The only maker of
// Attributes (architecture, joint 4): boot mapping, hypercalls, faults and IOMMUs all ask here.
//
// The hardware domain is trusted with the machine: its device mappings are Normal write-back at
// stage 2, so that its own stage 1 decides the effective type (Device for registers,
// write-combining for frame buffers), and never executable. Other domains get Device-nGnRE.
// The GIC is shared between vCPUs and gets Device-nGnRE from everybody.
// Who maps a device's range for a domain by a hypercall, or describes it in a guest's tree, may ask
// for a type (RequestedType). Such a mapping's reason is kOnDemand.
//
// Source: shared requirements 1.3, 1.4, 2.1 to 2.5, 2.7 to 2.9, 2.11; Arm ARM DDI 0487, D8.6.6
// (combining the attributes of stage 1 and stage 2).

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hw/attributes.h"

namespace socle::policy {

enum class DomainKind : std::uint8_t { kHardware, kGuest };

inline constexpr Permissions kReadWriteExecute{.read = true, .write = true, .execute = true};
inline constexpr Permissions kReadWrite{.read = true, .write = true, .execute = false};
inline constexpr Permissions kReadOnly{.read = true, .write = false, .execute = false};
inline constexpr Permissions kReadExecute{.read = true, .write = false, .execute = true};

// What a caller may ask for when a device's range is mapped for a domain: the number that is handed
// over where Xen's structures have a reserved field (XENMAPSPACE_dev_mmio,
// XEN_DOMCTL_memory_mapping). ABI: numbers never change their meaning.
enum class RequestedType : std::uint8_t {
  kDefault = 0,  // what Xen gives: write-back for the hardware domain, Device-nGnRE for others
  kDeviceNGnRE = 1,
  kDeviceGRE = 2,
  kNormalNonCacheable = 3,
  kNormalWriteBack = 4,
};

struct DeviceTraits;

// The friend of Attributes. What it makes comes out of the questions below, which are its friends,
// and of nothing else.
class AttributeFactory {
 private:
  friend constexpr Attributes domain_ram();
  friend constexpr Attributes reserved_memory(bool no_map);
  friend constexpr Attributes shared_info();
  friend constexpr Attributes grant_table();
  friend constexpr Attributes grant_mapping(bool writable);
  friend constexpr Attributes foreign_mapping();
  friend constexpr Attributes interrupt_controller();
  friend Attributes on_demand(DomainKind domain);
  friend Attributes device(DomainKind domain, const DeviceTraits& traits);
  friend Attributes frame_buffer(DomainKind domain);
  friend Attributes requested_device(DomainKind domain, RequestedType type);
  friend constexpr Attributes withheld(const Attributes& attributes);
  friend Attributes combined(const Attributes& first, const Attributes& second);
  friend constexpr Attributes socle_code();
  friend constexpr Attributes socle_constants();
  friend constexpr Attributes socle_data();
  friend constexpr Attributes socle_device();

  static constexpr Attributes make(MemoryType type, Permissions permissions, Reason reason) {
    return Attributes(type, permissions, reason);
  }
};

// --- guests' memory (stage 2) ---
constexpr Attributes domain_ram() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWriteExecute,
                                Reason::kDomainRam);
}
// Memory like any other, unless the operating system may not map it (no-map): then it is a
// device's, and code has no business there.
constexpr Attributes reserved_memory(bool no_map) {
  return AttributeFactory::make(MemoryType::kNormalWriteBack,
                                no_map ? kReadWrite : kReadWriteExecute, Reason::kReservedMemory);
}
constexpr Attributes shared_info() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWrite, Reason::kSharedInfo);
}
constexpr Attributes grant_table() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWrite, Reason::kGrantTable);
}
constexpr Attributes grant_mapping(bool writable) {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, writable ? kReadWrite : kReadOnly,
                                Reason::kGrantMapping);
}
constexpr Attributes foreign_mapping() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWrite, Reason::kForeignMapping);
}
// The GIC's own pages, where a guest gets them (GICv2's virtual CPU interface).
constexpr Attributes interrupt_controller() {
  return AttributeFactory::make(MemoryType::kDeviceNGnRE, kReadWrite, Reason::kInterruptController);
}
// A page of MMIO mapped on a stage-2 fault.
Attributes on_demand(DomainKind domain);

// --- devices at somebody's request (stage 2) ---
// Nothing: the number has no meaning, and the request is to be refused (-EINVAL).
std::optional<RequestedType> requested_type(std::uint64_t number);
// The names of a guest's tree (property "socle,memory-type"); there is none for kDefault.
std::optional<RequestedType> requested_type(std::string_view name);
std::span<const std::string_view> requested_type_names();
// Readable, writable and never executable, whatever the type.
Attributes requested_device(DomainKind domain, RequestedType type);

// --- devices (stage 2) ---
// What decides about a device's region, from a tree or from ACPI: the same rules for both.
struct DeviceTraits {
  std::span<const std::string_view> compatibles{};  // of its node, most specific first
  std::string_view acpi_id{};                       // _HID, as text ("PNP0A08")
  bool no_memory_wc = false;                        // mmio-sram's property
  bool is_pci_window = false;
};
// One line of the registry: devices that need something else than their domain's default.
struct Rule {
  using Predicate = bool (*)(const DeviceTraits&);

  // Either of the two names the device; an empty one names nobody.
  std::string_view compatible;
  std::string_view acpi_id;
  Predicate applies;  // null: to all of that name
  MemoryType type;    // for the hardware domain
  MemoryType type_for_others;
  Permissions permissions;
  Reason reason;
  // Children of the node are parts of its region: their `reg` is not mapped for itself.
  bool outer_region_only;
  const char* why;
};
// In the order in which they are tried.
std::span<const Rule> rules();
// The first rule that fits, or null.
const Rule* find_rule(const DeviceTraits& traits);
Attributes device(DomainKind domain, const DeviceTraits& traits);
// Memory that a display shows: as device() for a "simple-framebuffer", for those that a tree
// describes as reserved memory.
Attributes frame_buffer(DomainKind domain);

// The same, and nobody may do anything yet: a place that is prepared for a mapping.
constexpr Attributes withheld(const Attributes& attributes) {
  return AttributeFactory::make(attributes.type(), Permissions{}, attributes.reason());
}

// What a page gets that two regions share: the stricter type (a device must not be read ahead of
// time because a neighbour is memory), and every permission that one of them needs. The reason of
// the region with the stricter type; of `first` if the types are the same.
Attributes combined(const Attributes& first, const Attributes& second);

// --- Socle's own map (EL2, stage 1) ---
constexpr Attributes socle_code() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadExecute, Reason::kSocle);
}
constexpr Attributes socle_constants() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadOnly, Reason::kSocle);
}
constexpr Attributes socle_data() {
  return AttributeFactory::make(MemoryType::kNormalWriteBack, kReadWrite, Reason::kSocle);
}
constexpr Attributes socle_device() {
  return AttributeFactory::make(MemoryType::kDeviceNGnRE, kReadWrite, Reason::kSocle);
}

}  // namespace socle::policy
