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

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::gic {

// What firmware says of the controller (platform/ fills it in).
struct Description {
  PaRange distributor;
  std::span<const PaRange> redistributors;
  std::uint64_t redistributor_stride = 0;  // 0: by GICR_TYPER (128 KiB, or 256 KiB with VLPIs)
  IntId maintenance;                       // PPI; 0 if firmware does not say
};

// Once, on the boot CPU, after which port::irq_*() work and kicks are sent through this GIC. Maps
// the registers. Each failure is logged with its reason: kUnsupported (not a GICv3 or 4, no
// system registers at EL2, no virtual interface), kInvalid (regions), kNoMemory.
[[nodiscard]] Result<> init_distributor(const Description& description);
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
// Bits of GICD_TYPER that a domain with the same lines shows.
unsigned lines();
IntId maintenance_interrupt();

}  // namespace socle::gic
