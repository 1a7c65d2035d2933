// SPDX-License-Identifier: Apache-2.0
#pragma once

// Bringing up the other CPUs. Logical numbers are given in the order in which CPUs come up, so they
// stay dense when one fails.

#include <cstdint>
#include <span>

#include "base/types.h"

namespace socle::el2 {

// Affinity fields of MPIDR_EL1: what PSCI and the GIC know a CPU by.
inline constexpr std::uint64_t kAffinityMask = 0xff'00ff'ffff;

// Starts CPUs by PSCI until `limit` (this one included) are up. `mpidrs` lists all CPUs of the
// machine; this CPU's own is skipped wherever it stands. A CPU that cannot be started is logged
// and skipped. Boot CPU, once, after set_frame_source() and psci_init(). Returns how many are up.
//
// Each starts in secondary_main() while this function waits for it to say so.
unsigned start_secondary_cpus(std::span<const std::uint64_t> mpidrs, unsigned limit);

// Affinity of a CPU that is up.
std::uint64_t mpidr_of(CpuIndex cpu);
void set_mpidr(CpuIndex cpu, std::uint64_t mpidr);

}  // namespace socle::el2
