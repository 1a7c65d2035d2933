// SPDX-License-Identifier: Apache-2.0
#pragma once

// The physical interrupt controller at EL2, whichever this machine has: GICv3 (gicv3.h) or GICv2
// (gicv2.h). Split priority drop and deactivation (EOImode 1). Every interrupt that Socle takes has
// one group and one priority (but see mask_all_but()); the order of a guest's interrupts is made by
// its virtual interface.
//
// Who gets an interrupt: a handler of Socle's (set_handler), a guest (port/irq.h), or nobody: then
// it is disabled and one line is logged. Socle takes interrupts only in dispatch_physical(), on
// exits from a guest and in the idle wait.

#include <cstdint>

#include "base/result.h"
#include "base/types.h"
#include "platform/platform.h"

namespace socle::gic {

namespace detail {
// The machine's driver's, once there is one.
extern void (*dispatcher)();
}  // namespace detail

// Once, on the boot CPU, after which port::irq_*() work and kicks are sent through this GIC: looks
// up the driver, maps the registers. Each failure is logged with its reason: kUnsupported (none, or
// not as described), kInvalid (regions), kNoMemory.
[[nodiscard]] Result<> init_distributor(const platform::Gic& description);
// Once per CPU, the boot CPU included, by itself: opens its CPU interface, enables kick and
// maintenance interrupts. kNotFound: the controller does not know this CPU; kTooLarge: nor can it.
[[nodiscard]] Result<> init_cpu();

// Takes all pending interrupts of this CPU: Socle's handlers, or irq_for_guest(). Bounded: what
// keeps coming is left for the next time.
inline void dispatch_physical() {
  detail::dispatcher();
}

// Runs at EL2 with interrupts masked, no lock held; the interrupt is deactivated afterwards.
using Handler = void (*)(IntId interrupt);
// Claims an interrupt for Socle and enables it (a PPI: on CPUs initialised later and on this one).
// SPIs go to the boot CPU. kBusy: claimed already, or a guest's; kOutOfRange: not implemented.
[[nodiscard]] Result<> set_handler(IntId interrupt, Handler handler, bool edge);

// The SGI that makes a CPU look at its work; also behind port::kick_cpu().
void kick(CpuIndex cpu);

// Until unmask_all() this CPU is signalled one private interrupt of Socle's only; what else comes
// stays pending. The interrupt keeps its higher priority, which nothing else depends on. Own CPU.
void mask_all_but(IntId ppi);
void unmask_all();

// True once init_distributor() has succeeded.
bool is_present();
// Interrupt numbers below this exist: 32 * (GICD_TYPER.ITLinesNumber + 1).
unsigned lines();

}  // namespace socle::gic
