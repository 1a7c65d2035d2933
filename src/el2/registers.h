// SPDX-License-Identifier: Apache-2.0
#pragma once

// System registers of EL2 that only el2/ touches, by their architectural names. Reads and writes
// are not ordered against each other: whoever needs that says ISB.
// Source: Arm ARM DDI 0487, D19.

#include <cstdint>

#include "base/field.h"

#define SOCLE_READ_REGISTER(name)                                    \
  ({                                                                 \
    std::uint64_t register_value;                                    \
    asm volatile("mrs %0, " #name : "=r"(register_value)::"memory"); \
    register_value;                                                  \
  })
#define SOCLE_WRITE_REGISTER(name, value)                                                  \
  do {                                                                                     \
    asm volatile("msr " #name ", %0" ::"r"(static_cast<std::uint64_t>(value)) : "memory"); \
  } while (false)

namespace socle::el2 {

// Stage-1 descriptors of the EL2 regime, 4 KiB granule (D8.3). EL2 has one privilege level, so
// AP[1] is RES1, and XN is one bit.
namespace entry {
inline constexpr std::uint64_t kValid = 1;
inline constexpr std::uint64_t kTableOrPage = 2;
inline constexpr std::uint64_t kReadOnly = std::uint64_t{1} << 7;
inline constexpr std::uint64_t kPrivilegedOnlyRes1 = std::uint64_t{1} << 6;
inline constexpr std::uint64_t kInnerShareable = std::uint64_t{3} << 8;
inline constexpr std::uint64_t kAccessed = std::uint64_t{1} << 10;
inline constexpr std::uint64_t kGuarded = std::uint64_t{1} << 50;  // FEAT_BTI
inline constexpr std::uint64_t kExecuteNever = std::uint64_t{1} << 54;
inline constexpr std::uint64_t kAddressMask = 0x0000'ffff'ffff'f000;
constexpr std::uint64_t memory_attribute(std::uint64_t mair_index) {
  return mair_index << 2;
}
}  // namespace entry

// MAIR_EL2: index 0 Normal write-back, 1 Device-nGnRE.
inline constexpr std::uint64_t kMairNormal = 0;
inline constexpr std::uint64_t kMairDevice = 1;
inline constexpr std::uint64_t kMairValue = 0xff | (0x04 << 8);

namespace tcr {
using PhysicalSize = Field<18, 16>;
// T0SZ 16 (48 bits), walks inner shareable and write-back cacheable, 4 KiB granule; bits 31 and 23
// are RES1.
inline constexpr std::uint64_t kBase = 0x8080'0000 | 16 | (1 << 8) | (1 << 10) | (3 << 12);
}  // namespace tcr

namespace sctlr {
inline constexpr std::uint64_t kMmu = 1 << 0;
inline constexpr std::uint64_t kDataCache = 1 << 2;
inline constexpr std::uint64_t kStackAlignment = 1 << 3;
inline constexpr std::uint64_t kInstructionCache = 1 << 12;
inline constexpr std::uint64_t kWriteImpliesExecuteNever = 1 << 19;
inline constexpr std::uint64_t kRes1 = 0x30c5'0830;
}  // namespace sctlr

namespace esr {
using Class = Field<31, 26>;
using Syndrome = Field<24, 0>;
}  // namespace esr

}  // namespace socle::el2
