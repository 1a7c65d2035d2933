// SPDX-License-Identifier: Apache-2.0
#pragma once

// This CPU's physical GIC CPU interface, as system registers (Arm IHI 0069, 12.2). Used by
// drivers/gicv3.cc. Values are those of hw/gic.h.

#include <cstdint>

namespace socle::port {

// The CPU has system register access to a GIC (ID_AA64PFR0_EL1.GIC).
bool icc_is_implemented();
// MPIDR_EL1 packed as in GICR_TYPER.Affinity: Aff3.Aff2.Aff1.Aff0.
std::uint32_t icc_own_affinity();
// ICC_SRE_EL2; the write is followed by a context synchronisation.
std::uint64_t icc_system_registers();
void icc_set_system_registers(std::uint64_t value);

void icc_set_control(std::uint64_t value);         // ICC_CTLR_EL1
void icc_set_priority_mask(std::uint64_t value);   // ICC_PMR_EL1
void icc_set_binary_point(std::uint64_t value);    // ICC_BPR1_EL1
void icc_enable_group1(bool enabled);              // ICC_IGRPEN1_EL1
void icc_clear_active_priorities(unsigned count);  // ICC_AP1R<n>_EL1, n < count
std::uint64_t icc_control();                       // ICC_CTLR_EL1
std::uint32_t icc_acknowledge();                   // ICC_IAR1_EL1
void icc_end(std::uint32_t interrupt);             // ICC_EOIR1_EL1
void icc_deactivate(std::uint32_t interrupt);      // ICC_DIR_EL1
// ICC_SGI1R_EL1, after everything this CPU wrote is visible to the others.
void icc_send_sgi(std::uint64_t value);
// A physical interrupt is pending for this CPU (ISR_EL1).
bool icc_is_interrupt_pending();
// The writes above have taken effect (ISB).
void icc_sync();

}  // namespace socle::port

#include "port_impl/icc.h"
