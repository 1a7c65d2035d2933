// SPDX-License-Identifier: Apache-2.0
#pragma once

// The physical GICv3 at EL2: distributor, redistributors, CPU interface by system registers with
// split priority drop and deactivation (EOImode 1). Every interrupt that Socle takes is Group 1 at
// one priority; the order of a guest's interrupts is made by its virtual interface.
//
// Who gets an interrupt: a handler of Socle's (set_handler), a guest (port/irq.h), or nobody: then
// it is disabled and one line is logged. Socle takes interrupts only in dispatch_physical(), on
// exits from a guest and in the idle wait. Source: Arm IHI 0069.

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/types.h"
#include "platform/platform.h"

namespace socle::gic {

// Once, on the boot CPU, after which port::irq_*() work and kicks are sent through this GIC. Maps
// the registers. Each failure is logged with its reason: kUnsupported (none, not a GICv3 or 4,
// no system registers at EL2), kInvalid (regions), kNoMemory.
[[nodiscard]] Result<> init_distributor(const platform::Gic& description);
// Once per CPU, the boot CPU included, by itself: finds and wakes its redistributor, opens its CPU
// interface, enables kick and maintenance interrupts. kNotFound: no redistributor has this CPU's
// affinity.
[[nodiscard]] Result<> init_cpu();

// The interrupt that is pending with the highest priority, now active; 1020 and above: none.
IntId acknowledge();
void end(IntId interrupt);         // priority drop
void deactivate(IntId interrupt);  // and it may come again

// Takes all pending interrupts of this CPU: Socle's handlers, or irq_for_guest(). Bounded: what
// keeps coming is left for the next time.
void dispatch_physical();

// Runs at EL2 with interrupts masked, no lock held; the interrupt is deactivated afterwards.
using Handler = void (*)(IntId interrupt);
// Claims an interrupt for Socle and enables it (a PPI: on CPUs initialised later and on this one).
// SPIs go to the boot CPU. kBusy: claimed already, or a guest's; kOutOfRange: not implemented.
[[nodiscard]] Result<> set_handler(IntId interrupt, Handler handler, bool edge);

// The SGI that makes a CPU look at its work; also behind port::kick_cpu().
void kick(CpuIndex cpu);

// True once init_distributor() has succeeded.
bool is_present();
// Interrupt numbers below this exist: 32 * (GICD_TYPER.ITLinesNumber + 1).
unsigned lines();

// The record by which boot finds this driver.
struct Driver {
  std::string_view name;
  std::span<const std::string_view> compatible;
  platform::Gic::Version version;
  Result<> (*init_distributor)(const platform::Gic& description);
  Result<> (*init_cpu)();
};
extern constinit const Driver kGicv3Driver;

}  // namespace socle::gic
