// SPDX-License-Identifier: Apache-2.0
#pragma once

// Applies a DomainPlan: makes the hardware domain that the plan describes. The plan was computed
// before; nothing is decided here. Boot CPU, before any guest runs.
//
//   prepare_kernel()   looks at the kernel module, unpacks it if need be      before plan()
//   build()            domain, RAM, stage-2 map, vGIC, kernel, initrd, tree   after plan()
//   check()            walks the tables and compares them with the plan
//
// Errors have a line in `notes`. A failed build() leaves the machine half claimed: the caller
// cannot boot and says so; there is nothing to roll back to.

#include <cstdint>
#include <span>

#include "base/result.h"
#include "fw/arena.h"
#include "fw/boot_modules.h"
#include "fw/boot_phase.h"
#include "fw/diagnostics.h"
#include "guest/domain.h"
#include "hwdom/plan.h"
#include "stage2/address_space.h"

namespace socle::hwdom {

// What is known about memory before there is a plan.
struct ModuleSpace {
  std::span<const platform::RamBank> ram;
  std::span<const platform::ReservedRange> reserved;
  std::span<const PaRange> occupied;  // Socle, the host's tree
};

// Looks at the kernel module. If it is compressed, unpacks it to free RAM and lets the module in
// `boot` be the unpacked one from now on (it is a module still needed, like any other).
Result<KernelImage> prepare_kernel(fw::BootInfo& boot, const ModuleSpace& space, fw::Arena& arena,
                                   const fw::BootPhase& phase, fw::Diagnostics& notes);

struct BuildInput {
  const PlanInput* plan_input = nullptr;
  const DomainPlan* plan = nullptr;
  unsigned gic_lines = 0;  // of the physical GIC: the domain sees no more
};

struct Built {
  guest::Domain* domain = nullptr;
  Ipa entry;  // of the kernel
  Ipa tree;
};

Result<Built> build(const BuildInput& input, const fw::BootPhase& phase, fw::Diagnostics& notes);

// Compares what the tables translate with what the plan says, both ways: every planned frame
// translates to its machine frame with its type and permissions, and nothing else translates.
// False: one error line for each of the first few differences.
bool check(const guest::Domain& domain, const DomainPlan& plan);

// Logs how the domain's RAM is held: share in blocks of 1 GiB, 2 MiB, 4 KiB.
void log_coverage(const guest::Domain& domain, const DomainPlan& plan);

}  // namespace socle::hwdom
