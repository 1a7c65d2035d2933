// SPDX-License-Identifier: Apache-2.0
#pragma once

// List registers ("slots") of the vCPU that this CPU runs.

#include <bit>
#include <cstdint>

#include "guest/vdev/vgic_core.h"
#include "hw/gicv2.h"
#include "port/ich.h"

namespace socle::guest::vgic::detail {

// Live: the hardware calls it not empty. It holds an interrupt, or one that ended and wants its
// maintenance (state 0).
struct Slots {
  std::uint32_t live = 0;
  std::uint32_t free = 0;
};
inline Slots slots_of(const VcpuState& state) {
  const std::uint32_t empty = port::ich_empty_list_registers();
  return {state.usable & ~empty, state.usable & empty};
}

// The live slot of an interrupt, or -1. At most one: an interrupt enters only where it is not.
inline int find(const VcpuState& state, std::uint32_t live, std::uint32_t interrupt) {
  for (; live != 0; live &= live - 1) {
    const int slot = std::countr_zero(live);
    if (state.in_slot[static_cast<unsigned>(slot)] == interrupt) return slot;
  }
  return -1;
}

constexpr State state_in(std::uint64_t value) {
  return static_cast<State>(lr::StateField::get(value));
}

// At the end of an interrupt of software origin there is something to do: its line is high, so it
// is pending again; or it is routed elsewhere by now. Not of a line that can be low by then without
// anybody noticing: those are looked at when the next interrupt comes.
inline bool wants_notice_of_end(const Vcpu& vcpu, std::uint32_t interrupt) {
  if (is_private(vcpu, interrupt)) {
    return is_asserted(vcpu, interrupt) && (vcpu.gic.silent_lines & bit_of(interrupt)) == 0;
  }
  const Spi& spi = vcpu.domain.gic.spis[interrupt - kFirstSpi];
  return spi.target.load(std::memory_order_relaxed) != vcpu.id || is_asserted(vcpu, interrupt);
}

// What a list register holds for an interrupt.
inline std::uint64_t compose(const Vcpu& vcpu, std::uint32_t interrupt, State state) {
  std::uint64_t value =
      std::uint64_t{priority_of(vcpu, interrupt)} << 48 | static_cast<std::uint64_t>(state) << 62;
  if (is_sourced_sgi(vcpu, interrupt)) [[unlikely]]
    value |= interrupt % 16 | lr::Source::make((interrupt - kFirstSourcedSgi) / 16);
  else
    value |= interrupt;
  if (is_group1(vcpu, interrupt)) value |= lr::Group::kMask;
  if (is_hardware(vcpu, interrupt)) {
    value |= lr::HW::kMask | std::uint64_t{interrupt} << 32;
  } else if (wants_notice_of_end(vcpu, interrupt) ||
             (state == State::kActive && vcpu.gic.pending.contains(interrupt))) {
    value |= lr::EOI::kMask;
  }
  return value;
}

inline void put(Vcpu& vcpu, unsigned slot, std::uint32_t interrupt, State state) {
  vcpu.gic.in_slot[slot] = static_cast<std::uint16_t>(interrupt);
  port::ich_set_list_register(slot, compose(vcpu, interrupt, state));
}

// Something waits outside the list registers, or needs more thought than the common case gives.
inline bool is_crowded(const VcpuState& state) {
  return (state.pending.words_used | state.active.words_used | state.latched.words_used) != 0;
}

// make_pending() for the interrupts that come most often, in few instructions where nothing is
// special: deliverable, in no list register, one is free, nobody waits. Where the list registers
// are system registers.
enum class Kind { kSgi, kHardwarePpi, kHardwareSpi };
template <Kind kind>
inline void present(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  constexpr bool kIsPrivate = kind != Kind::kHardwareSpi;
  const unsigned word = kIsPrivate ? 0 : interrupt / 32;
  const std::uint32_t live = state.usable & ~port::ich_system_empty_list_registers();
  const std::uint32_t free = state.usable & ~live;
  const auto& deliverable =
      kIsPrivate ? state.config.deliverable : vcpu.domain.gic.deliverable[word];
  const auto& group1 = kIsPrivate ? state.config.group1 : vcpu.domain.gic.group1[word];
  const bool is_common = (deliverable.load(std::memory_order_seq_cst) & bit_of(interrupt)) != 0 &&
                         free != 0 && !is_crowded(state) && find(state, live, interrupt) < 0;
  if (!is_common) [[unlikely]] {
    make_pending(vcpu, interrupt, Cause::kSignal);
    return;
  }
  std::uint64_t value = lr::kPendingBit | interrupt;
  if constexpr (kIsPrivate)
    value |= std::uint64_t{state.config.priority[interrupt].load(std::memory_order_relaxed)} << 48;
  else
    value |= std::uint64_t{spi_of(vcpu.domain, interrupt).priority.load(std::memory_order_relaxed)}
             << 48;
  if ((group1.load(std::memory_order_relaxed) & bit_of(interrupt)) != 0) value |= lr::Group::kMask;
  if constexpr (kind != Kind::kSgi) value |= lr::HW::kMask | std::uint64_t{interrupt} << 32;
  const auto slot = static_cast<unsigned>(std::countr_zero(free));
  state.in_slot[slot] = static_cast<std::uint16_t>(interrupt);
  port::ich_system_set_list_register(slot, value);
}

}  // namespace socle::guest::vgic::detail
