// SPDX-License-Identifier: Apache-2.0
#pragma once

// The physical interrupt controller, as far as rooms below drivers/ need it: the state of
// interrupts by number. Implemented by drivers/gic.cc, at link time.
// Also the way back: what the driver calls for an interrupt that belongs to a guest.
//
// Interrupts are addressed in words of 32, as the controller's registers are. Word 0 holds a CPU's
// private interrupts; `cpu` says whose and is ignored for the others. All functions may be called
// on any CPU; the driver's lock ranks kGicDistributor. A word or number beyond the end of what is
// implemented reads as 0 and is not changed. Source: Arm IHI 0069, chapter 12;
// IHI 0048, 4.3.

#include <cstdint>

#include "base/result.h"
#include "base/types.h"

namespace socle::port {

enum class IrqState : std::uint8_t { kEnabled, kPending, kActive };

// Interrupt numbers below this exist; a multiple of 32, at most 1024. 0 before the driver runs.
unsigned irq_lines();

std::uint32_t irq_read(IrqState state, CpuIndex cpu, unsigned word);
// Sets or clears the state of the interrupts in `mask`. A disabled interrupt is not taken any more
// by any CPU when this returns.
void irq_change(IrqState state, CpuIndex cpu, unsigned word, std::uint32_t mask, bool set);
// Trigger types: which of the interrupts in the word are edges.
std::uint32_t irq_edges(CpuIndex cpu, unsigned word);
void irq_set_edges(CpuIndex cpu, unsigned word, std::uint32_t mask, std::uint32_t edges);
// Where an SPI goes. Without effect if that CPU is not up yet.
void irq_set_target(IntId spi, CpuIndex cpu);
// Ends the active state of an interrupt that this CPU acknowledged (or any SPI).
void irq_deactivate(IntId interrupt);
// Before this CPU sleeps: has a controller whose CPU interface is in memory compare its lines anew.
// QEMU's GICv2 (10.0) does not when a guest ends an interrupt that a list register has linked, so a
// line that was raised again by then woke nobody.
void irq_look_again();

// From now on the SPI is not Socle's but a guest's: acknowledged ones go to irq_for_guest() and
// stay active. kOutOfRange, or kBusy if Socle handles it itself.
[[nodiscard]] Result<> irq_give_to_guest(IntId spi);
// The same for a private interrupt, on all CPUs.
[[nodiscard]] Result<> irq_give_ppi_to_guest(IntId ppi);

// Defined by guest/ (virtual GIC): the interrupt was acknowledged on this CPU, its priority
// dropped, and it is active until irq_deactivate() or a list register ends it.
void irq_for_guest(IntId interrupt);
// The same where the virtual interface is in memory (port/ich.h): the other takes shorter ways.
void irq_for_guest_in_memory(IntId interrupt);
// Defined by guest/: this CPU's virtual CPU interface asks for maintenance.
void irq_maintenance();

}  // namespace socle::port
