// SPDX-License-Identifier: Apache-2.0
#pragma once

// FADT ("FACP"): what Arm needs of it. Source: ACPI 6.5, 5.2.9; Linux, arch/arm64/kernel/acpi.c.

#include "fw/acpi/tables.h"

namespace socle::fw::acpi {

struct Fadt {
  std::uint8_t revision = 0;
  std::uint8_t minor_revision = 0;
  bool is_hardware_reduced = false;
  bool is_psci_compliant = false;
  bool psci_by_hvc = false;  // else SMC
  bool has_arm_flags = false;
  Pa facs;
  Pa dsdt;

  // Since 5.1 there are Arm's flags; Linux believes older tables that have them.
  [[nodiscard]] bool is_for_arm() const {
    return revision > 5 || (revision == 5 && minor_revision >= 1) || has_arm_flags;
  }
};

namespace fadt {  // offsets, for who edits a copy
inline constexpr std::size_t kFacs = 36;
inline constexpr std::size_t kDsdt = 40;
inline constexpr std::size_t kFlags = 112;
inline constexpr std::size_t kArmBootFlags = 129;
inline constexpr std::size_t kMinorRevision = 131;
inline constexpr std::size_t kXFacs = 132;
inline constexpr std::size_t kXDsdt = 140;
inline constexpr std::uint32_t kHardwareReduced = 1U << 20;
inline constexpr std::uint16_t kPsciCompliant = 1U << 0;
inline constexpr std::uint16_t kPsciByHvc = 1U << 1;
}  // namespace fadt

Fadt read_fadt(const Table& table);

}  // namespace socle::fw::acpi
