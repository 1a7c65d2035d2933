// SPDX-License-Identifier: Apache-2.0
#pragma once

// Firmware's power interface, by SMC (from EL2 there is no other way); psci.cc also implements
// port/power.h with it. Source: Arm DEN0022, PSCI
// 1.1; Arm DEN0028, SMC Calling Convention.

#include <cstdint>

#include "base/types.h"
#include "hw/psci.h"

namespace socle::el2 {

using hw::PsciStatus;
const char* to_string(PsciStatus status);

// What the tree says. `cpu_on` is the function number of a PSCI 0.1 node, 0 for the standard one.
struct PsciDescription {
  bool is_present = false;
  bool by_hvc = false;
  std::uint32_t cpu_on = 0;
};

// Once, on the boot CPU. Logs the version, or why there will be no second CPU and no power off:
// no node, HVC as the conduit (that would call ourselves), or an SMC that is undefined here.
// Without a call, everything below behaves as if there was no PSCI.
void psci_init(const PsciDescription& description);
bool psci_is_present();
// (major << 16) | minor, 0 without PSCI.
std::uint32_t psci_version();

// What must happen to the console before the machine stops, restarts or halts (console::drain).
void set_console_drain(void (*drain)());

PsciStatus psci_cpu_on(std::uint64_t mpidr, Pa entry, std::uint64_t context);

}  // namespace socle::el2
