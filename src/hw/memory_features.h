// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the MMU can do, decoded from the identification registers. Pure: the caller reads them
// (port/ at EL2, a test anywhere). Source: Arm ARM DDI 0487, D19.2 (ID_AA64MMFR0_EL1,
// ID_AA64MMFR1_EL1, ID_AA64MMFR2_EL1, ID_AA64ISAR0_EL1).

#include <cstdint>

#include "base/field.h"

namespace socle::hw {

struct MemoryIdRegisters {
  std::uint64_t mmfr0 = 0;
  std::uint64_t mmfr1 = 0;
  std::uint64_t mmfr2 = 0;
  std::uint64_t isar0 = 0;
};

struct MemoryFeatures {
  unsigned pa_bits = 32;            // size of the physical address space; at most 48 is used
  unsigned vmid_bits = 8;           // 8 or 16
  unsigned bbm_level = 0;           // FEAT_BBM: what may change without break-before-make
  bool granule_4k = false;          // at stage 1
  bool stage2_granule_4k = false;   // at stage 2
  bool forced_write_back = false;   // FEAT_S2FWB
  bool tlb_ranges = false;          // FEAT_TLBIRANGE
  bool level_hints = false;         // FEAT_TTL
  bool common_not_private = false;  // FEAT_TTCNP
  bool operator==(const MemoryFeatures&) const = default;

  // Values that the architecture reserves read as the best that is defined below them.
  static constexpr MemoryFeatures decode(const MemoryIdRegisters& id);
};

// ID_AA64MMFR0_EL1.PARange, also the encoding of TCR_EL2.PS and VTCR_EL2.PS.
inline constexpr unsigned kPaBitsOfRange[] = {32, 36, 40, 42, 44, 48, 52, 56};
constexpr unsigned pa_bits_of_range(std::uint64_t pa_range) {
  return kPaBitsOfRange[pa_range > 7 ? 7 : pa_range];
}
// The largest encoding that does not promise more than `bits`, which is at least 32.
constexpr std::uint64_t pa_range_of_bits(unsigned bits) {
  std::uint64_t range = 0;
  while (range < 7 && pa_bits_of_range(range + 1) <= bits)
    ++range;
  return range;
}

constexpr MemoryFeatures MemoryFeatures::decode(const MemoryIdRegisters& id) {
  using PaRange = Field<3, 0>;
  using Granule4 = Field<31, 28>;        // signed: negative is "none"
  using Stage2Granule4 = Field<43, 40>;  // 0: as stage 1, 1: none, 2 and up: supported
  using VmidBits = Field<7, 4>;
  using CommonNotPrivate = Field<3, 0>;
  using ForcedWriteBack = Field<43, 40>;
  using LevelHints = Field<51, 48>;
  using BreakBeforeMake = Field<55, 52>;
  using TlbMaintenance = Field<59, 56>;

  const bool granule = Granule4::get(id.mmfr0) < 8;
  const std::uint64_t stage2_granule = Stage2Granule4::get(id.mmfr0);
  // 52-bit addresses need another descriptor format (FEAT_LPA2), which Socle does not use.
  const unsigned pa_bits = pa_bits_of_range(PaRange::get(id.mmfr0));
  return MemoryFeatures{
      .pa_bits = pa_bits > 48 ? 48 : pa_bits,
      .vmid_bits = VmidBits::get(id.mmfr1) >= 2 ? 16u : 8u,
      .bbm_level = static_cast<unsigned>(
          BreakBeforeMake::get(id.mmfr2) > 2 ? 2 : BreakBeforeMake::get(id.mmfr2)),
      .granule_4k = granule,
      .stage2_granule_4k = stage2_granule == 0 ? granule : stage2_granule >= 2,
      .forced_write_back = ForcedWriteBack::get(id.mmfr2) >= 1,
      .tlb_ranges = TlbMaintenance::get(id.isar0) >= 2,
      .level_hints = LevelHints::get(id.mmfr2) >= 1,
      .common_not_private = CommonNotPrivate::get(id.mmfr2) >= 1,
  };
}

}  // namespace socle::hw
