// SPDX-License-Identifier: Apache-2.0
#pragma once

// VirtualTimers: the generic timer of one vCPU. The virtual timer (CNTV) is the hardware's own,
// with CNTVOFF_EL2; ctl and cval of it are valid only while the vCPU is not the current one of its
// CPU. The physical timer (CNTP) traps and is emulated with Socle's hypervisor timer. Touched by
// the CPU of the vCPU only. Source: Arm ARM DDI 0487, D12.

#include <cstdint>

namespace socle::guest {

struct VirtualTimers {
  std::uint64_t offset = 0;  // CNTVOFF_EL2: the same for all vCPUs of a domain
  std::uint64_t virtual_control = 0;
  std::uint64_t virtual_compare = 0;

  std::uint64_t physical_control = 0;  // ENABLE and IMASK; ISTATUS is computed
  std::uint64_t physical_compare = 0;
  bool physical_line = false;  // what the virtual GIC was told last
};

}  // namespace socle::guest
