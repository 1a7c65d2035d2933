// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/fadt.h"

namespace socle::fw::acpi {

Fadt read_fadt(const Table& table) {
  const Fields& fields = table.fields;
  const std::uint16_t arm = fields.u16(fadt::kArmBootFlags);
  const std::uint64_t facs = fields.u64(fadt::kXFacs);
  const std::uint64_t dsdt = fields.u64(fadt::kXDsdt);
  return {.revision = table.revision(),
          .minor_revision = static_cast<std::uint8_t>(fields.u8(fadt::kMinorRevision) & 0xf),
          .is_hardware_reduced = (fields.u32(fadt::kFlags) & fadt::kHardwareReduced) != 0,
          .is_psci_compliant = (arm & fadt::kPsciCompliant) != 0,
          .psci_by_hvc = (arm & fadt::kPsciByHvc) != 0,
          .has_arm_flags = arm != 0,
          .facs = Pa(facs != 0 ? facs : fields.u32(fadt::kFacs)),
          .dsdt = Pa(dsdt != 0 ? dsdt : fields.u32(fadt::kDsdt))};
}

}  // namespace socle::fw::acpi
