// SPDX-License-Identifier: Apache-2.0
#pragma once

// The hypervisor's side of this CPU's virtual GIC CPU interface (Arm IHI 0069, 12.4). Used by
// guest/vdev/vgic only. Values are those of hw/gic.h. Where they are is chosen once, at boot:
// system registers (GICv3), or memory (GICH of a GICv2, port/gich.h; the values are the same, with
// ich::lr::Source for SGIs). No synchronisation: writes take effect for
// the guest when it is entered (ERET), reads follow the guest's own writes (exception entry).

#include <cstdint>

#include "port/mmio.h"

namespace socle::port {

// Boot CPU, by the driver that found it: GICH is here. Never: system registers.
void ich_use_memory(const MmioRegion& gich);
bool ich_is_in_memory();

std::uint64_t ich_type();                         // ICH_VTR_EL2
std::uint64_t ich_list_register(unsigned index);  // ICH_LR<n>_EL2; index is below 16
void ich_set_list_register(unsigned index, std::uint64_t value);
std::uint32_t ich_empty_list_registers();  // ICH_ELRSR_EL2
std::uint32_t ich_ended_list_registers();  // ICH_EISR_EL2
std::uint32_t ich_maintenance_status();    // ICH_MISR_EL2
std::uint32_t ich_control();               // ICH_HCR_EL2
void ich_set_control(std::uint32_t value);
std::uint64_t ich_machine_control();  // ICH_VMCR_EL2
void ich_set_machine_control(std::uint64_t value);
// ICH_AP0R<n>_EL2 (group 0) and ICH_AP1R<n>_EL2. index: 0; 1 with more than 5 bits of preemption,
// up to 3 with more than 6.
std::uint32_t ich_active_priorities(unsigned group, unsigned index);
void ich_set_active_priorities(unsigned group, unsigned index, std::uint32_t value);
// ICC_SRE_EL1 of the guest: system registers, always. Nothing where they are in memory.
void ich_enable_guest_system_registers();

// Without the choice, for the shortest ways: only where they are system registers.
std::uint32_t ich_system_empty_list_registers();
void ich_system_set_list_register(unsigned index, std::uint64_t value);

}  // namespace socle::port

#include "port_impl/ich.h"
