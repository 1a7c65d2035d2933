// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a mapping says about memory, independent of any table format: the memory type, who may do
// what, and why. Encoders (hw/vmsa.h and the IOMMU formats) turn it into bits.
//
// Only `policy` can make an Attributes (architecture, joint 4): every path that maps something for
// a domain asks it, so the paths cannot disagree.
//
// Source: Arm ARM DDI 0487, D8.6 "Memory region attributes", D8.4 "Memory access control".

#include <cstdint>

namespace socle {

namespace policy {
class AttributeFactory;
}

enum class MemoryType : std::uint8_t {
  kDeviceNGnRnE,        // strongest: no gathering, no reordering, no early write acknowledgement
  kDeviceNGnRE,         // the usual type of device registers
  kDeviceGRE,           // gathering and reordering allowed: frame buffers, FIFOs
  kNormalNonCacheable,  // memory that nobody may cache
  kNormalWriteBack,     // ordinary memory; at stage 2: stage 1 decides the effective type
};
inline constexpr MemoryType kAllMemoryTypes[] = {
    MemoryType::kDeviceNGnRnE, MemoryType::kDeviceNGnRE, MemoryType::kDeviceGRE,
    MemoryType::kNormalNonCacheable, MemoryType::kNormalWriteBack};

constexpr bool is_device(MemoryType type) {
  return type == MemoryType::kDeviceNGnRnE || type == MemoryType::kDeviceNGnRE ||
         type == MemoryType::kDeviceGRE;
}

struct Permissions {
  bool read = false;
  bool write = false;
  bool execute = false;
  constexpr bool operator==(const Permissions&) const = default;
};

// Why a mapping exists; shown by `socle plan` and the map dumps.
enum class Reason : std::uint8_t {
  kNone,
  kDomainRam,            // RAM allotted to the domain
  kDeviceRegisters,      // `reg` or `ranges` of a device the domain owns
  kPciWindow,            // a PCI host bridge's memory or I/O window, or its configuration space
  kOnChipSram,           // compatible "mmio-sram": memory, not registers
  kReservedMemory,       // a /reserved-memory region that the domain uses
  kInterruptController,  // GIC registers passed through (GICv2 virtual CPU interface)
  kFrameBuffer,
  kSharedInfo,      // Xen ABI: shared_info page
  kGrantTable,      // Xen ABI: a frame of the domain's grant table
  kGrantMapping,    // another domain's page, granted
  kForeignMapping,  // another domain's page, mapped with privilege
  kOnDemand,        // MMIO mapped on a stage-2 fault
  kSocle,           // Socle's own
};

class Attributes {
 public:
  constexpr MemoryType type() const { return type_; }
  constexpr Permissions permissions() const { return permissions_; }
  constexpr Reason reason() const { return reason_; }
  constexpr bool operator==(const Attributes&) const = default;
  // The hardware does not keep the reason: tables compare what they can encode.
  constexpr bool same_mapping(const Attributes& other) const {
    return type_ == other.type_ && permissions_ == other.permissions_;
  }

 private:
  friend class policy::AttributeFactory;
  friend struct AttributesForTests;  // hw/attributes_for_tests.h: tests enumerate every value
  constexpr Attributes(MemoryType type, Permissions permissions, Reason reason)
      : type_(type), permissions_(permissions), reason_(reason) {}

  MemoryType type_;
  Permissions permissions_;
  Reason reason_;
};

// What a table says about a mapping that somebody made from an Attributes: for comparing and
// showing. Deliberately no way back to an Attributes, which would be a second origin.
struct DecodedAttributes {
  MemoryType type = MemoryType::kDeviceNGnRnE;
  Permissions permissions;
  Reason reason = Reason::kNone;
  constexpr bool operator==(const DecodedAttributes&) const = default;
};
constexpr DecodedAttributes decoded(const Attributes& attributes) {
  return {attributes.type(), attributes.permissions(), attributes.reason()};
}

const char* to_string(MemoryType type);
const char* to_string(Reason reason);

}  // namespace socle
