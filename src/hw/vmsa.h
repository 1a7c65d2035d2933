// SPDX-License-Identifier: Apache-2.0
#pragma once

// VMSAv8-64 translation tables with a 4 KiB granule: descriptors, and the registers that say where
// a table begins and how large its input is. Facts only; stage2/ builds tables from them.
//
// Source: Arm ARM DDI 0487, D8.2 (translation process, concatenation), D8.3 (descriptor formats),
// D8.4 (access control), D8.6 (memory types), D8.7.1 (contiguous bit); D19.2 for VTCR_EL2,
// VTTBR_EL2, TCR_EL2, MAIR_EL2.

#include <array>
#include <cstdint>
#include <optional>

#include "base/check.h"
#include "base/field.h"
#include "base/types.h"
#include "hw/attributes.h"
#include "hw/memory_features.h"

namespace socle::hw {

// --- What all descriptors of the format share, stage 1 and stage 2 ------------------------------

enum class DescriptorKind : std::uint8_t { kInvalid, kTable, kLeaf };

namespace descriptor {

using Valid = Flag<0>;
using NotBlock = Flag<1>;  // levels 0-2: a table; level 3: a page (0 is reserved)
using Output = Field<47, 12>;
using AccessFlag = Flag<10>;
using Shareability = Field<9, 8>;
using Contiguous = Flag<52>;
using ExecuteNever = Flag<54>;   // stage 1: UXN, or XN in a regime of one privilege level
using Software = Field<58, 55>;  // ignored by hardware in leaves: Socle keeps the Reason there
// Ignored by hardware in table descriptors: Socle counts the valid entries of the table they point
// to, 0 to 512.
using TableCount = Field<11, 2>;

inline constexpr unsigned kEntries = 512;
// Entries that the contiguous hint joins: so many, aligned to so many.
inline constexpr unsigned kContiguousEntries = 16;

inline constexpr std::uint64_t kOuterShareable = 2;
inline constexpr std::uint64_t kInnerShareable = 3;

constexpr DescriptorKind kind(std::uint64_t word, Level level) {
  if (Valid::get(word) == 0) return DescriptorKind::kInvalid;
  const bool not_block = NotBlock::get(word) != 0;
  if (level == kLeafLevel) return not_block ? DescriptorKind::kLeaf : DescriptorKind::kInvalid;
  if (not_block) return DescriptorKind::kTable;
  return level.value() >= 1 ? DescriptorKind::kLeaf : DescriptorKind::kInvalid;
}
constexpr bool is_valid(std::uint64_t word) {
  return Valid::get(word) != 0;
}
// A block or page may be at this level (512 GiB blocks need FEAT_LPA2).
constexpr bool may_be_leaf(Level level) {
  return level.value() >= 1 && level <= kLeafLevel;
}
constexpr Mfn output(std::uint64_t word) {
  return Mfn(Output::get(word));
}
// Everything a leaf says but where and how large: what encode() of a format returns.
constexpr std::uint64_t attribute_bits(std::uint64_t word) {
  return word & ~(Valid::kMask | NotBlock::kMask | Output::kMask | Contiguous::kMask);
}
constexpr std::uint64_t leaf(Mfn frame, std::uint64_t attributes, Level level) {
  CHECK(may_be_leaf(level) && frame.is_aligned(level.order()));
  return attributes | Output::make(frame.value()) | Valid::make(1) |
         NotBlock::make(level == kLeafLevel ? 1 : 0);
}
constexpr std::uint64_t table(Mfn frame, unsigned count) {
  return Output::make(frame.value()) | TableCount::make(count) | Valid::make(1) | NotBlock::make(1);
}
// The reason that a leaf keeps; none if the number is not one of ours.
constexpr Reason reason(std::uint64_t word) {
  const std::uint64_t number = Software::get(word);
  return number <= static_cast<std::uint64_t>(Reason::kSocle) ? static_cast<Reason>(number)
                                                              : Reason::kNone;
}
constexpr unsigned table_count(std::uint64_t word) {
  return static_cast<unsigned>(TableCount::get(word));
}

}  // namespace descriptor

// Whether a leaf says exactly what `format` would make of what it means. Every bit pattern decodes
// to something; one that is not canonical was not written by us.
template <typename Format>
constexpr bool is_canonical(const Format& format, std::uint64_t leaf) {
  const DecodedAttributes meaning = format.decode(leaf);
  return format.can_encode(meaning) && format.encode(meaning) == descriptor::attribute_bits(leaf);
}

// --- Stage 2 of EL1&0 ----------------------------------------------------------------------------

// Type, permissions and reason as a stage-2 leaf has them. Two encodings of the type: without and
// with FEAT_S2FWB in force (HCR_EL2.FWB), and they must not be mixed in one set of tables.
struct Stage2Attributes {
  bool forced_write_back = false;

  using MemAttr = Field<5, 2>;
  using Readable = Flag<6>;
  using Writable = Flag<7>;

  // Changes of these alone need no break-before-make (only an invalidation): permissions, and what
  // hardware ignores. Everything else in a live leaf does (D8.16.1).
  static constexpr std::uint64_t kChangeableLive = Readable::kMask | Writable::kMask |
                                                   descriptor::ExecuteNever::kMask |
                                                   descriptor::Software::kMask;
  // Besides place and count, what every pointer to a table has.
  static constexpr std::uint64_t kTableBits = 0;

  [[nodiscard]] static constexpr bool can_encode(const DecodedAttributes&) { return true; }
  [[nodiscard]] constexpr std::uint64_t encode(const DecodedAttributes& attributes) const;
  [[nodiscard]] constexpr DecodedAttributes decode(std::uint64_t leaf) const;
  // MemAttr for a type.
  [[nodiscard]] constexpr std::uint64_t type_bits(MemoryType type) const;
};

constexpr std::uint64_t Stage2Attributes::type_bits(MemoryType type) const {
  switch (type) {
    case MemoryType::kDeviceNGnRnE:
      return 0b0000;
    case MemoryType::kDeviceNGnRE:
      return 0b0001;
    case MemoryType::kDeviceGRE:
      return 0b0011;
    case MemoryType::kNormalNonCacheable:
      return 0b0101;  // without FWB: outer and inner non-cacheable; with FWB: likewise by name
    case MemoryType::kNormalWriteBack:
      // Stage 1 decides. Without FWB the weaker of the two stages wins, and this is the strongest.
      // With FWB 0b0110 would *force* write-back, and 0b0111 takes stage 1's.
      return forced_write_back ? 0b0111 : 0b1111;
  }
  __builtin_unreachable();
}

// Shareability that is legal for the type: Device and Normal non-cacheable memory are always outer
// shareable whatever the field says (D8.6), so say it; cacheable memory is shared by the CPUs.
constexpr std::uint64_t shareability_of(MemoryType type) {
  return type == MemoryType::kNormalWriteBack ? descriptor::kInnerShareable
                                              : descriptor::kOuterShareable;
}

constexpr std::uint64_t Stage2Attributes::encode(const DecodedAttributes& attributes) const {
  const Permissions& may = attributes.permissions;
  return MemAttr::make(type_bits(attributes.type)) | Readable::make(may.read ? 1 : 0) |
         Writable::make(may.write ? 1 : 0) |
         descriptor::Shareability::make(shareability_of(attributes.type)) |
         descriptor::AccessFlag::make(1) | descriptor::ExecuteNever::make(may.execute ? 0 : 1) |
         descriptor::Software::make(static_cast<std::uint64_t>(attributes.reason));
}

// The inverse of type_bits(), without and with forced write-back; what it never gives reads as the
// strongest type.
inline constexpr auto kTypesOfMemAttr = [] {
  std::array<std::array<MemoryType, 16>, 2> types{};
  for (const bool forced : {false, true}) {
    for (const MemoryType type : kAllMemoryTypes)
      types[forced][Stage2Attributes{forced}.type_bits(type)] = type;
  }
  return types;
}();

constexpr DecodedAttributes Stage2Attributes::decode(std::uint64_t leaf) const {
  DecodedAttributes attributes;
  attributes.type = kTypesOfMemAttr[forced_write_back][MemAttr::get(leaf)];
  attributes.permissions = {.read = Readable::get(leaf) != 0,
                            .write = Writable::get(leaf) != 0,
                            .execute = descriptor::ExecuteNever::get(leaf) == 0};
  attributes.reason = descriptor::reason(leaf);
  return attributes;
}

// --- Stage 1 of EL2 (HCR_EL2.E2H = 0) ------------------------------------------------------------

// One privilege level, one address range. Everything mapped can be read; what is writable and
// executable at once cannot be encoded (W^X).
struct El2Attributes {
  using AttrIndex = Field<4, 2>;
  using ResOne = Flag<6>;  // AP[1]
  using ReadOnly = Flag<7>;

  static constexpr std::uint64_t kChangeableLive =
      ReadOnly::kMask | descriptor::ExecuteNever::kMask | descriptor::Software::kMask;
  static constexpr std::uint64_t kTableBits = 0;

  // MAIR_EL2 for the indexes used.
  static constexpr std::uint64_t kMair = 0xff |                        // 0: Normal write-back
                                         (0x44 << 8) |                 // 1: Normal non-cacheable
                                         (0x0c << 16) |                // 2: Device-GRE
                                         (0x04 << 24) |                // 3: Device-nGnRE
                                         (std::uint64_t{0x00} << 32);  // 4: Device-nGnRnE

  [[nodiscard]] static constexpr bool can_encode(const DecodedAttributes& attributes) {
    const Permissions& may = attributes.permissions;
    return may.read && !(may.write && may.execute);
  }
  [[nodiscard]] static constexpr std::uint64_t encode(const DecodedAttributes& attributes) {
    CHECK(can_encode(attributes));
    const Permissions& may = attributes.permissions;
    return AttrIndex::make(index_of(attributes.type)) | ResOne::make(1) |
           ReadOnly::make(may.write ? 0 : 1) |
           descriptor::Shareability::make(shareability_of(attributes.type)) |
           descriptor::AccessFlag::make(1) | descriptor::ExecuteNever::make(may.execute ? 0 : 1) |
           descriptor::Software::make(static_cast<std::uint64_t>(attributes.reason));
  }
  [[nodiscard]] static constexpr DecodedAttributes decode(std::uint64_t leaf) {
    DecodedAttributes attributes;
    for (const MemoryType type : kAllMemoryTypes) {
      if (index_of(type) == AttrIndex::get(leaf)) attributes.type = type;
    }
    attributes.permissions = {.read = true,
                              .write = ReadOnly::get(leaf) == 0,
                              .execute = descriptor::ExecuteNever::get(leaf) == 0};
    attributes.reason = descriptor::reason(leaf);
    return attributes;
  }

 private:
  [[nodiscard]] static constexpr std::uint64_t index_of(MemoryType type) {
    switch (type) {
      case MemoryType::kNormalWriteBack:
        return 0;
      case MemoryType::kNormalNonCacheable:
        return 1;
      case MemoryType::kDeviceGRE:
        return 2;
      case MemoryType::kDeviceNGnRE:
        return 3;
      case MemoryType::kDeviceNGnRnE:
        return 4;
    }
    __builtin_unreachable();
  }
};

// --- Where a table begins -----------------------------------------------------------------------

// Level of the root and its size. At stage 2 up to 16 tables may be concatenated to one root, which
// saves a level.
struct TableGeometry {
  unsigned input_bits = 0;  // size of the input address space
  Level start{0};
  unsigned root_entries = 0;

  // 2^n frames, aligned to their size.
  [[nodiscard]] constexpr Order root_order() const {
    unsigned order = 0;
    while ((descriptor::kEntries << order) < root_entries)
      ++order;
    return Order(order);
  }
  // Input frames that can be translated.
  [[nodiscard]] constexpr FrameCount frames() const {
    return FrameCount(std::uint64_t{1} << (input_bits - kFrameShift));
  }
  bool operator==(const TableGeometry&) const = default;
};

inline constexpr unsigned kMinInputBits = 25;
inline constexpr unsigned kMinStage2InputBits = 32;
inline constexpr unsigned kMaxInputBits = 48;

// The fewest levels for `input_bits`, or nothing if that size cannot be configured on a machine
// with these features (D8.2.2: the input is at most as large as the physical address space).
constexpr std::optional<TableGeometry> stage2_geometry(unsigned input_bits,
                                                       const MemoryFeatures& features) {
  if (input_bits < kMinStage2InputBits || input_bits > kMaxInputBits ||
      input_bits > features.pa_bits || !features.stage2_granule_4k) {
    return std::nullopt;
  }
  int level = 1;
  while (input_bits > Level(level).order().value() + kFrameShift + 9 + 4)
    --level;
  const unsigned entry_bits = Level(level).order().value() + kFrameShift;
  return TableGeometry{input_bits, Level(level), 1u << (input_bits - entry_bits)};
}

// Stage 1 has no concatenation.
constexpr std::optional<TableGeometry> stage1_geometry(unsigned input_bits) {
  if (input_bits < kMinInputBits || input_bits > kMaxInputBits) return std::nullopt;
  int level = 3;
  while (input_bits > Level(level).order().value() + kFrameShift + 9)
    --level;
  const unsigned entry_bits = Level(level).order().value() + kFrameShift;
  return TableGeometry{input_bits, Level(level), 1u << (input_bits - entry_bits)};
}

struct Vtcr {
  using T0sz = Field<5, 0>;
  using StartLevel = Field<7, 6>;
  using InnerCacheability = Field<9, 8>;
  using OuterCacheability = Field<11, 10>;
  using Shareability = Field<13, 12>;
  using Granule = Field<15, 14>;  // 0: 4 KiB
  using PhysicalSize = Field<18, 16>;
  using Vmid16 = Flag<19>;
  using ResOne = Flag<31>;
  static constexpr std::uint64_t kWriteBack = 1;  // read and write allocate

  static constexpr std::uint64_t make(const TableGeometry& geometry,
                                      const MemoryFeatures& features) {
    // With a 4 KiB granule SL0 counts levels upwards from 2.
    const auto start = static_cast<std::uint64_t>(2 - geometry.start.value());
    return T0sz::make(64 - geometry.input_bits) | StartLevel::make(start) |
           InnerCacheability::make(kWriteBack) | OuterCacheability::make(kWriteBack) |
           Shareability::make(descriptor::kInnerShareable) |
           PhysicalSize::make(pa_range_of_bits(features.pa_bits)) |
           Vmid16::make(features.vmid_bits == 16 ? 1 : 0) | ResOne::make(1);
  }
};

struct Vttbr {
  using Vmid = Field<63, 48>;
  using Root = Field<47, 12>;
  using CommonNotPrivate = Flag<0>;

  static constexpr std::uint64_t make(Mfn root, std::uint16_t vmid,
                                      const MemoryFeatures& features) {
    return Vmid::make(vmid) | Root::make(root.value()) |
           CommonNotPrivate::make(features.common_not_private ? 1 : 0);
  }
};

}  // namespace socle::hw
