// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside of the virtual GIC; included by guest/vdev/vgic*.cc only. Numbers of interrupts are plain
// here and always below 1020: callers of vgic.h have checked them.
//
// Functions on a Vcpu are "own CPU" (see vgic.h), or, with its state's lock held, for a vCPU that
// is not loaded: it then has no usable list register and all goes to its sets.

#include <atomic>
#include <cstdint>

#include "guest/domain.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "guest/vdev/vgic_types.h"
#include "hw/gic.h"

namespace socle::guest::vgic::detail {

using hw::ich::State;
namespace lr = hw::ich::lr;

// ----- Configuration: what the registers say. -----

// vMPIDR: sixteen vCPUs to a cluster (guest/cpu_setup does the same).
inline constexpr unsigned kVcpusPerCluster = 16;

constexpr std::uint32_t bit_of(std::uint32_t interrupt) {
  return 1u << (interrupt % 32);
}
inline bool is_sourced_sgi(const Vcpu& vcpu, std::uint32_t interrupt) {
  return interrupt >= vcpu.domain.gic.first_sourced_sgi;
}
inline bool is_private(const Vcpu& vcpu, std::uint32_t interrupt) {
  return interrupt < kFirstSpi || is_sourced_sgi(vcpu, interrupt);
}
inline bool is_sourced_word(const Vcpu& vcpu, unsigned word) {
  return word >= vcpu.domain.gic.first_sourced_sgi / 32;
}
// What the registers say about SGIs, for two senders.
constexpr std::uint32_t for_two_senders(std::uint32_t word0) {
  return (word0 & 0xffff) * 0x1'0001u;
}
using Words = std::array<std::atomic<std::uint32_t>, kWords>;
inline bool contains(const Words& words, std::uint32_t interrupt) {
  return (words[interrupt / 32].load(std::memory_order_relaxed) & bit_of(interrupt)) != 0;
}
inline Spi& spi_of(Domain& domain, std::uint32_t interrupt) {
  return domain.gic.spis[interrupt - kFirstSpi];
}

inline std::uint32_t edge_word(const Vcpu& vcpu, unsigned word) {
  if (word == 0) return vcpu.gic.config.edge.load(std::memory_order_relaxed);
  if (is_sourced_word(vcpu, word)) return ~0u;
  return vcpu.domain.gic.edge[word].load(std::memory_order_relaxed);
}
inline std::uint32_t hardware_word(const Vcpu& vcpu, unsigned word) {
  return word == 0 ? vcpu.gic.hardware_private
                   : vcpu.domain.gic.hardware[word].load(std::memory_order_relaxed);
}
inline std::uint32_t group1_word(const Vcpu& vcpu, unsigned word) {
  const std::uint32_t own = vcpu.gic.config.group1.load(std::memory_order_relaxed);
  if (word == 0) return own;
  if (is_sourced_word(vcpu, word)) return for_two_senders(own);
  return vcpu.domain.gic.group1[word].load(std::memory_order_relaxed);
}
inline std::uint32_t enabled_word(const Vcpu& vcpu, unsigned word) {
  const std::uint32_t own = vcpu.gic.config.enabled.load(std::memory_order_relaxed);
  if (word == 0) return own;
  if (is_sourced_word(vcpu, word)) return for_two_senders(own);
  return vcpu.domain.gic.enabled[word].load(std::memory_order_relaxed);
}
// Enabled, and in an enabled group. seq_cst: pairs with the store of Spi::holder on one side, and
// with the clearing of the bit followed by the search for the holder on the other; one of the two
// sees the other (see kPark).
inline std::uint32_t deliverable_word(const Vcpu& vcpu, unsigned word) {
  if (word == 0) return vcpu.gic.config.deliverable.load(std::memory_order_seq_cst);
  if (is_sourced_word(vcpu, word))
    return for_two_senders(vcpu.gic.config.deliverable.load(std::memory_order_seq_cst));
  return vcpu.domain.gic.deliverable[word].load(std::memory_order_seq_cst);
}
inline bool is_edge(const Vcpu& vcpu, std::uint32_t interrupt) {
  return (edge_word(vcpu, interrupt / 32) & bit_of(interrupt)) != 0;
}
inline bool is_hardware(const Vcpu& vcpu, std::uint32_t interrupt) {
  return (hardware_word(vcpu, interrupt / 32) & bit_of(interrupt)) != 0;
}
inline bool is_group1(const Vcpu& vcpu, std::uint32_t interrupt) {
  return (group1_word(vcpu, interrupt / 32) & bit_of(interrupt)) != 0;
}
inline bool is_deliverable(const Vcpu& vcpu, std::uint32_t interrupt) {
  return (deliverable_word(vcpu, interrupt / 32) & bit_of(interrupt)) != 0;
}
inline std::uint8_t priority_of(const Vcpu& vcpu, std::uint32_t interrupt) {
  if (interrupt < kFirstSpi)
    return vcpu.gic.config.priority[interrupt].load(std::memory_order_relaxed);
  if (is_sourced_sgi(vcpu, interrupt))
    return vcpu.gic.config.priority[interrupt % 16].load(std::memory_order_relaxed);
  return vcpu.domain.gic.spis[interrupt - kFirstSpi].priority.load(std::memory_order_relaxed);
}
// The line of a level-sensitive interrupt of software origin is high.
inline bool is_asserted(const Vcpu& vcpu, std::uint32_t interrupt) {
  if (is_hardware(vcpu, interrupt) || is_edge(vcpu, interrupt)) return false;
  return is_private(vcpu, interrupt) ? (vcpu.gic.lines & bit_of(interrupt)) != 0
                                     : contains(vcpu.domain.gic.line, interrupt);
}

// ----- What is where (vgic_lists.cc). -----

enum class Cause : std::uint8_t { kSignal, kLatch };

// The interrupt has become pending for this vCPU: into a list register if it is deliverable and one
// is free, else where it belongs. A hardware interrupt has been acknowledged physically.
void make_pending(Vcpu& vcpu, std::uint32_t interrupt, Cause cause);
// One of software origin has ended: it is pending again if its line is high, for that reason alone.
// Adds to the sets or mailboxes; refill() is the caller's.
void pend_after_end(Vcpu& vcpu, std::uint32_t interrupt);
// Its line went low.
void retract(Vcpu& vcpu, std::uint32_t interrupt);
// Chooses again what is in the list registers, and which maintenance interrupts are wanted.
void refill(Vcpu& vcpu);
// Takes what others left in `incoming`. If something is pending afterwards, refill() is the
// caller's.
void take_incoming(Vcpu& vcpu);
// Does a request to this vCPU's own sets and list registers; refill() is the caller's.
void execute(Vcpu& vcpu, Request& request);

// ----- Between CPUs (vgic_requests.cc). -----

// Any CPU. Makes the vCPU look at the interrupt (make_pending, or its line).
void post(Vcpu& vcpu, std::uint32_t interrupt);
struct Answer {
  std::uint32_t pending = 0;
  std::uint32_t active = 0;
};
// `self` is the vCPU of this CPU; no locks held. An empty answer if the other CPU does not react.
Answer ask(Vcpu& self, Vcpu& target, Operation operation, unsigned word, std::uint32_t mask);
// The same for SPIs, of whoever holds them.
Answer ask_holders(Vcpu& self, Operation operation, unsigned word, std::uint32_t mask);
// Takes pending SPIs back from their holders and lets them find their way again: after a change of
// enable, priority, group or route.
void reconsider_spis(Vcpu& self, unsigned word, std::uint32_t mask);
void serve_requests(Vcpu& vcpu);
// SPIs of software origin that are pending at rest and may be delivered are sent to their targets.
void send_resting(Domain& domain, unsigned word, std::uint32_t mask);

// ----- Registers. -----

// A part of a 32-bit register: bits outside `mask` are not accessed.
struct Part {
  std::uint32_t value = 0;
  std::uint32_t mask = ~0u;
};
constexpr bool is_route(std::uint32_t offset) {
  constexpr std::uint32_t kBegin = hw::gicd::kIROUTER + kFirstSpi * 8;
  return offset >= kBegin && offset < hw::gicd::kIROUTER + kEndOfSpis * 8;
}
void write_distributor(Vcpu& self, std::uint32_t offset, Part part);
// The registers of SPIs, and GICD_CTLR without what only a GICv3 has.
std::uint32_t read_shared(Vcpu& self, std::uint32_t offset);
// A GICv2's.
std::uint32_t read_gicv2(Vcpu& self, std::uint32_t offset);
void write_gicv2(Vcpu& self, std::uint32_t offset, Part part);
// Sends an SPI to this vCPU, or nowhere (kNoVcpu), from now on. True if that is news: then
// reconsider_spis() is the caller's, without the lock.
bool set_target(DomainState& state, Vcpu& self, std::uint32_t interrupt, std::uint16_t target)
    SOCLE_REQUIRES(state.lock);
void write_route(Vcpu& self, std::uint32_t interrupt, std::uint64_t value, std::uint64_t mask);
std::uint32_t read_redistributor(Vcpu& self, Vcpu& target, bool is_last, std::uint32_t offset);
void write_redistributor(Vcpu& self, Vcpu& target, std::uint32_t offset, Part part);
// Identification at 0xffd0 and up, the same in every frame.
std::uint32_t read_identification(std::uint32_t offset);
inline constexpr std::uint32_t kImplementer = 0x5300'043b;  // GICD_IIDR: product 'S', Arm's code
inline constexpr std::uint32_t kIdentification = 0xffd0;

// Recomputes DomainState::deliverable or PrivateConfig::deliverable after a change. Under the
// domain's lock.
void update_deliverable(DomainState& state, unsigned word) SOCLE_REQUIRES(state.lock);
void update_private_deliverable(DomainState& state, Vcpu& vcpu) SOCLE_REQUIRES(state.lock);

}  // namespace socle::guest::vgic::detail
