// SPDX-License-Identifier: Apache-2.0
#pragma once

// Leaf formats of IOMMUs that walk stage-1 tables: an SMMUv3 without stage 2, and the Renesas
// IPMMU-VMSA. Both are the stage-1 format of EL1&0 with a 4 KiB granule (vmsa.h has what all
// formats share); they differ in the types that they know and in what non-secure masters need.
// Facts only: the back ends come with the IOMMU framework.
//
// A device reads, or reads and writes; it never executes, and stage 1 has no write-only. Privileged
// and unprivileged accesses of a master are the same to us.
//
// Source: Arm ARM DDI 0487, D8.3.1 (stage-1 descriptors), D8.4.1 (AP, UXN, PXN), D8.6 (AttrIndx
// and MAIR); SMMUv3 IHI 0070, 3.4 and 5.4 (context descriptor: MAIR0/1, ASID); ARMv7-A DDI 0406,
// B3.6 and B4.1.104 (long descriptors and the types that MAIR0 knew). The IPMMU's manual is not
// public: that it wants NS and NSTable in every descriptor, knows indexes by IMMAIR0, and takes 32
// bits of input is what Linux's drivers/iommu/ipmmu-vmsa.c says of it.

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/field.h"
#include "hw/attributes.h"
#include "hw/vmsa.h"

namespace socle::hw {

namespace stage1 {

using AttrIndex = Field<4, 2>;
using NonSecure = Flag<5>;
using Unprivileged = Flag<6>;  // AP[1]: EL0, that is unprivileged masters, as well
using ReadOnly = Flag<7>;      // AP[2]
using NotGlobal = Flag<11>;    // tagged with the ASID
using PrivilegedExecuteNever = Flag<53>;

inline constexpr std::uint64_t kChangeableLive = ReadOnly::kMask | descriptor::Software::kMask;

// A byte of MAIR.
constexpr std::uint64_t mair_byte(MemoryType type) {
  switch (type) {
    case MemoryType::kDeviceNGnRnE:
      return 0x00;
    case MemoryType::kDeviceNGnRE:
      return 0x04;
    case MemoryType::kDeviceGRE:
      return 0x0c;
    case MemoryType::kNormalNonCacheable:
      return 0x44;
    case MemoryType::kNormalWriteBack:
      return 0xff;  // non-transient, read and write allocate
  }
  __builtin_unreachable();
}

// The types by index. Indexes beyond them are nobody's.
template <std::size_t N>
  requires(N <= 8)
struct Types {
  std::array<MemoryType, N> by_index;

  [[nodiscard]] constexpr std::uint64_t mair() const {
    std::uint64_t value = 0;
    for (std::size_t index = 0; index < N; ++index)
      value |= mair_byte(by_index[index]) << (8 * index);
    return value;
  }
  // N: it has none.
  [[nodiscard]] constexpr std::size_t index_of(MemoryType type) const {
    std::size_t index = 0;
    while (index < N && by_index[index] != type)
      ++index;
    return index;
  }
  [[nodiscard]] constexpr bool has(MemoryType type) const { return index_of(type) < N; }
};

template <std::size_t N>
constexpr bool can_encode(const Types<N>& types, const DecodedAttributes& attributes) {
  return types.has(attributes.type) && attributes.permissions.read &&
         !attributes.permissions.execute;
}
template <std::size_t N>
constexpr std::uint64_t encode(const Types<N>& types, const DecodedAttributes& attributes) {
  CHECK(can_encode(types, attributes));
  return AttrIndex::make(types.index_of(attributes.type)) | Unprivileged::make(1) |
         ReadOnly::make(attributes.permissions.write ? 0 : 1) |
         descriptor::Shareability::make(shareability_of(attributes.type)) |
         descriptor::AccessFlag::make(1) | NotGlobal::make(1) | PrivilegedExecuteNever::make(1) |
         descriptor::ExecuteNever::make(1) |
         descriptor::Software::make(static_cast<std::uint64_t>(attributes.reason));
}
// An index without a type reads as the strongest type; permissions are those of all masters.
template <std::size_t N>
constexpr DecodedAttributes decode(const Types<N>& types, std::uint64_t leaf) {
  DecodedAttributes attributes;
  const std::uint64_t index = AttrIndex::get(leaf);
  if (index < N) attributes.type = types.by_index[index];
  const bool everybody = Unprivileged::get(leaf) != 0;
  attributes.permissions = {.read = everybody,
                            .write = everybody && ReadOnly::get(leaf) == 0,
                            .execute = descriptor::ExecuteNever::get(leaf) == 0};
  attributes.reason = descriptor::reason(leaf);
  return attributes;
}

}  // namespace stage1

// An SMMUv3 that has stage 1 only, non-secure, StreamWorld NS-EL1.
struct SmmuStage1Attributes {
  static constexpr stage1::Types<5> kTypes{{MemoryType::kNormalWriteBack,
                                            MemoryType::kNormalNonCacheable, MemoryType::kDeviceGRE,
                                            MemoryType::kDeviceNGnRE, MemoryType::kDeviceNGnRnE}};
  static constexpr std::uint64_t kMair = kTypes.mair();  // CD.MAIR0 and MAIR1
  static constexpr std::uint64_t kChangeableLive = stage1::kChangeableLive;
  static constexpr std::uint64_t kTableBits = 0;

  [[nodiscard]] static constexpr bool can_encode(const DecodedAttributes& attributes) {
    return stage1::can_encode(kTypes, attributes);
  }
  [[nodiscard]] static constexpr std::uint64_t encode(const DecodedAttributes& attributes) {
    return stage1::encode(kTypes, attributes);
  }
  [[nodiscard]] static constexpr DecodedAttributes decode(std::uint64_t leaf) {
    return stage1::decode(kTypes, leaf);
  }
};

// The IPMMU. It is of ARMv7's time, when Device-GRE had no encoding: who mirrors such a mapping
// chooses a stricter type. Four types, so that IMMAIR0 alone holds them; the first three at Linux's
// indexes, which makes dumps comparable.
struct IpmmuAttributes {
  static constexpr unsigned kInputBits = 32;  // level 1, 4 entries
  static constexpr stage1::Types<4> kTypes{{MemoryType::kNormalNonCacheable,
                                            MemoryType::kNormalWriteBack, MemoryType::kDeviceNGnRE,
                                            MemoryType::kDeviceNGnRnE}};
  static constexpr auto kImmair0 = static_cast<std::uint32_t>(kTypes.mair());
  static constexpr std::uint64_t kChangeableLive = stage1::kChangeableLive;
  // NSTable alone should do, and does not: leaves have to have NS as well.
  static constexpr std::uint64_t kTableBits = std::uint64_t{1} << 63;

  [[nodiscard]] static constexpr bool can_encode(const DecodedAttributes& attributes) {
    return stage1::can_encode(kTypes, attributes);
  }
  [[nodiscard]] static constexpr std::uint64_t encode(const DecodedAttributes& attributes) {
    return stage1::encode(kTypes, attributes) | stage1::NonSecure::make(1);
  }
  [[nodiscard]] static constexpr DecodedAttributes decode(std::uint64_t leaf) {
    return stage1::decode(kTypes, leaf);
  }
};

}  // namespace socle::hw
