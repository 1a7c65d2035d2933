// SPDX-License-Identifier: Apache-2.0

// Where a vCPU's interrupts are: in its list registers while they fit, else in its sets.

#include <bit>

#include "guest/vdev/vgic_core.h"
#include "guest/vdev/vgic_slots.h"
#include "port/irq.h"

namespace socle::guest::vgic::detail {

namespace {

// Private interrupts of the CPU belong to the vCPU only while it is loaded; load() and save() move
// their state.
void change_physical(const Vcpu& vcpu, std::uint32_t interrupt, port::IrqState state, bool set) {
  if (is_private(vcpu, interrupt) && vcpu.gic.usable == 0) return;
  port::irq_change(state, vcpu.cpu, interrupt / 32, bit_of(interrupt), set);
}

// The physical interrupt is pending again instead of acknowledged: nobody has seen it.
void give_back(const Vcpu& vcpu, std::uint32_t interrupt) {
  if (is_edge(vcpu, interrupt)) change_physical(vcpu, interrupt, port::IrqState::kPending, true);
  change_physical(vcpu, interrupt, port::IrqState::kActive, false);
}

// A pending interrupt leaves this vCPU. (Private ones of software origin have nowhere to go.)
void put_to_rest(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  if (is_hardware(vcpu, interrupt)) {
    give_back(vcpu, interrupt);
  } else if (is_private(vcpu, interrupt)) {
    state.pending.add(interrupt);
  } else if (is_edge(vcpu, interrupt) || state.latched.contains(interrupt)) {
    state.latched.remove(interrupt);
    vcpu.domain.gic.latched[interrupt / 32].fetch_or(bit_of(interrupt), std::memory_order_seq_cst);
  }
}

// Pending, but not deliverable.
void keep(Vcpu& vcpu, std::uint32_t interrupt) {
  const bool stays = is_private(vcpu, interrupt) && !is_hardware(vcpu, interrupt);
  if (stays || (enabled_word(vcpu, interrupt / 32) & bit_of(interrupt)) != 0) {
    vcpu.gic.pending.add(interrupt);
    // Whoever enabled it meanwhile may have looked before it was there.
    if (is_deliverable(vcpu, interrupt)) refill(vcpu);
    return;
  }
  put_to_rest(vcpu, interrupt);
  if (!is_private(vcpu, interrupt)) send_resting(vcpu.domain, interrupt / 32, bit_of(interrupt));
}

// Became pending while it has a list register. True if that was all.
bool pending_again(Vcpu& vcpu, unsigned slot, std::uint32_t interrupt) {
  const std::uint64_t value = port::ich_list_register(slot);
  if ((value & lr::kPendingBit) != 0) {
    // A line went high that was not when this was written: its end must be noticed.
    if (!lr::HW::get(value) && !lr::EOI::get(value)) put(vcpu, slot, interrupt, state_in(value));
    return true;
  }
  if ((value & lr::kActiveBit) == 0) {
    port::ich_set_list_register(slot, 0);  // ended; this is its next time
    return false;
  }
  if (lr::HW::get(value) != 0) {
    // Not possible while the physical interrupt is active; made so again if it ever is.
    if (is_edge(vcpu, interrupt)) change_physical(vcpu, interrupt, port::IrqState::kPending, true);
  } else if (!is_deliverable(vcpu, interrupt)) {
    keep(vcpu, interrupt);
  } else if (vcpu.gic.pending.empty()) {
    put(vcpu, slot, interrupt, State::kPendingActive);
  } else {
    vcpu.gic.pending.add(interrupt);
    refill(vcpu);
  }
  return true;
}

// Lines may keep an interrupt pending, and so may software: remember which, so that a falling line
// takes back no more than it gave.
void note_cause(VcpuState& state, std::uint32_t interrupt, Cause cause, bool was_pending) {
  if (cause == Cause::kLatch)
    state.latched.add(interrupt);
  else if (!was_pending && !state.latched.empty())
    state.latched.remove(interrupt);
}

// Takes the pending state of an interrupt away from where it is; true if it had one.
bool take_pending(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  bool was_pending = state.pending.contains(interrupt);
  state.pending.remove(interrupt);
  const int slot = find(state, slots_of(state).live, interrupt);
  if (slot < 0) return was_pending;
  const std::uint64_t value = port::ich_list_register(static_cast<unsigned>(slot));
  if ((value & lr::kPendingBit) == 0) return was_pending;
  if ((value & lr::kActiveBit) != 0)
    put(vcpu, static_cast<unsigned>(slot), interrupt, State::kActive);
  else
    port::ich_set_list_register(static_cast<unsigned>(slot), 0);
  return true;
}

// ----- Requests -----

State state_here(const Vcpu& vcpu, std::uint32_t interrupt) {
  const VcpuState& state = vcpu.gic;
  unsigned bits = 0;
  if (state.pending.contains(interrupt) || is_asserted(vcpu, interrupt)) bits |= 1;
  if (state.active.contains(interrupt)) bits |= 2;
  const int slot = find(state, slots_of(state).live, interrupt);
  if (slot >= 0)
    bits |= static_cast<unsigned>(state_in(port::ich_list_register(static_cast<unsigned>(slot))));
  return static_cast<State>(bits);
}

void park(Vcpu& vcpu, std::uint32_t interrupt) {
  if (take_pending(vcpu, interrupt)) put_to_rest(vcpu, interrupt);
}

void clear_pending(Vcpu& vcpu, std::uint32_t interrupt) {
  const bool was_pending = take_pending(vcpu, interrupt);
  vcpu.gic.latched.remove(interrupt);
  if (was_pending && is_hardware(vcpu, interrupt))
    change_physical(vcpu, interrupt, port::IrqState::kActive, false);
  pend_after_end(vcpu, interrupt);
}

void set_active(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  if ((static_cast<unsigned>(state_here(vcpu, interrupt)) & 2) != 0) return;
  const bool was_pending = take_pending(vcpu, interrupt);
  if (is_hardware(vcpu, interrupt)) {
    // The linked one carries both states: pending behind active.
    if (was_pending && is_edge(vcpu, interrupt))
      change_physical(vcpu, interrupt, port::IrqState::kPending, true);
    change_physical(vcpu, interrupt, port::IrqState::kActive, true);
  } else if (was_pending) {
    state.pending.add(interrupt);
  }
  state.active.add(interrupt);
}

void clear_active(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  bool was_active = state.active.contains(interrupt);
  bool is_pending = state.pending.contains(interrupt);
  state.active.remove(interrupt);
  const int slot = find(state, slots_of(state).live, interrupt);
  if (slot >= 0) {
    const auto index = static_cast<unsigned>(slot);
    const std::uint64_t value = port::ich_list_register(index);
    was_active = was_active || (value & lr::kActiveBit) != 0;
    is_pending = is_pending || (value & lr::kPendingBit) != 0;
    if ((value & lr::kPendingBit) == 0)
      port::ich_set_list_register(index, 0);
    else if ((value & lr::kActiveBit) != 0)
      put(vcpu, index, interrupt, State::kPending);
  }
  if (was_active && is_hardware(vcpu, interrupt))
    change_physical(vcpu, interrupt, port::IrqState::kActive, false);
  if (was_active && !is_pending) pend_after_end(vcpu, interrupt);
}

// Out of the list registers with what may not be presented now.
void recheck(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  for (std::uint32_t live = slots_of(state).live; live != 0; live &= live - 1) {
    const std::uint32_t interrupt = state.in_slot[static_cast<unsigned>(std::countr_zero(live))];
    if (is_deliverable(vcpu, interrupt)) continue;
    if (take_pending(vcpu, interrupt)) state.pending.add(interrupt);
  }
}

// An SPI of software origin that is routed elsewhere now. While it is active here it cannot be
// taken there; its end will be noticed (compose() asks for that).
void hand_over(Vcpu& vcpu, std::uint32_t interrupt, std::uint16_t target) {
  park(vcpu, interrupt);
  const int slot = find(vcpu.gic, slots_of(vcpu.gic).live, interrupt);
  if (slot >= 0 && state_in(port::ich_list_register(static_cast<unsigned>(slot))) == State::kActive)
    put(vcpu, static_cast<unsigned>(slot), interrupt, State::kActive);
  if ((static_cast<unsigned>(state_here(vcpu, interrupt)) & 2) != 0) return;
  spi_of(vcpu.domain, interrupt).holder.store(target, std::memory_order_seq_cst);
  if (target != kNoVcpu) post(*vcpu.domain.vcpus[target], interrupt);
}

// make_pending() without the refill() that it may need: false if it does.
bool note_pending(Vcpu& vcpu, std::uint32_t interrupt, Cause cause) {
  VcpuState& state = vcpu.gic;
  std::uint32_t live = slots_of(state).live;
  const int slot = find(state, live, interrupt);
  if (slot >= 0) {
    const bool was_pending =
        (port::ich_list_register(static_cast<unsigned>(slot)) & lr::kPendingBit) != 0;
    note_cause(state, interrupt, cause, was_pending || state.pending.contains(interrupt));
    if (pending_again(vcpu, static_cast<unsigned>(slot), interrupt)) return true;
    live &= ~(1u << slot);
  } else {
    note_cause(state, interrupt, cause, state.pending.contains(interrupt));
  }
  if (!is_deliverable(vcpu, interrupt)) {
    keep(vcpu, interrupt);
    return true;
  }
  const std::uint32_t free = state.usable & ~live;
  if (free == 0 || is_crowded(state)) {
    state.pending.add(interrupt);
    return false;
  }
  put(vcpu, static_cast<unsigned>(std::countr_zero(free)), interrupt, State::kPending);
  return true;
}

// What somebody left in `incoming`. A guest can make that hundreds at once: refill() comes once,
// behind all of them.
void look_at(Vcpu& vcpu, std::uint32_t interrupt) {
  if (is_private(vcpu, interrupt)) {
    (void)note_pending(vcpu, interrupt, is_edge(vcpu, interrupt) ? Cause::kSignal : Cause::kLatch);
    return;
  }
  if (is_hardware(vcpu, interrupt)) {
    (void)note_pending(vcpu, interrupt, Cause::kSignal);
    return;
  }
  Spi& spi = spi_of(vcpu.domain, interrupt);
  const std::uint16_t target = spi.target.load(std::memory_order_seq_cst);
  if (target != vcpu.id) {
    hand_over(vcpu, interrupt, target);
    return;
  }
  const std::uint32_t bit = bit_of(interrupt);
  const bool latched =
      (vcpu.domain.gic.latched[interrupt / 32].fetch_and(~bit, std::memory_order_seq_cst) & bit) !=
      0;
  if (is_edge(vcpu, interrupt)) {
    if (latched) (void)note_pending(vcpu, interrupt, Cause::kSignal);
  } else if (latched) {
    (void)note_pending(vcpu, interrupt, Cause::kLatch);
  } else if (is_asserted(vcpu, interrupt)) {
    (void)note_pending(vcpu, interrupt, Cause::kSignal);
  } else {
    retract(vcpu, interrupt);
  }
}

[[gnu::noinline]] void take_word(Vcpu& vcpu, unsigned word, std::uint32_t bits) {
  for (; bits != 0; bits &= bits - 1)
    look_at(vcpu, word * 32 + static_cast<unsigned>(std::countr_zero(bits)));
}

}  // namespace

void make_pending(Vcpu& vcpu, std::uint32_t interrupt, Cause cause) {
  if (!note_pending(vcpu, interrupt, cause)) refill(vcpu);
}

void pend_after_end(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  if (is_hardware(vcpu, interrupt)) return;
  if (!is_private(vcpu, interrupt)) {
    // It may belong elsewhere by now.
    send_resting(vcpu.domain, interrupt / 32, bit_of(interrupt));
  } else if (is_asserted(vcpu, interrupt) && !state.pending.contains(interrupt)) {
    state.pending.add(interrupt);
    state.latched.remove(interrupt);
  }
}

void retract(Vcpu& vcpu, std::uint32_t interrupt) {
  VcpuState& state = vcpu.gic;
  if (state.latched.contains(interrupt)) return;
  if (take_pending(vcpu, interrupt)) {
    if (!state.pending.empty() || !state.active.empty()) refill(vcpu);
    return;
  }
  // Active: nothing is to be done at its end any more.
  const int slot = find(state, slots_of(state).live, interrupt);
  if (slot < 0) return;
  const auto index = static_cast<unsigned>(slot);
  const std::uint64_t value = port::ich_list_register(index);
  if (lr::EOI::get(value) != 0 && lr::HW::get(value) == 0)
    port::ich_set_list_register(index, value & lr::kActiveBit ? value & ~lr::EOI::kMask : 0);
}

// Almost always one SGI.
void take_incoming(Vcpu& vcpu) {
  SharedInterruptSet& incoming = vcpu.gic.incoming;
  std::uint32_t used = incoming.words_used.exchange(0, std::memory_order_acquire);
  if (used == 1) {
    const std::uint32_t bits = incoming.words[0].exchange(0, std::memory_order_acquire);
    if (bits != 0 && bits < 0x1'0000 && (bits & (bits - 1)) == 0) {
      present<Kind::kSgi>(vcpu, static_cast<unsigned>(std::countr_zero(bits)));
      return;
    }
    take_word(vcpu, 0, bits);
    return;
  }
  for (; used != 0; used &= used - 1) {
    const auto word = static_cast<unsigned>(std::countr_zero(used));
    take_word(vcpu, word, incoming.words[word].exchange(0, std::memory_order_acquire));
  }
}

void execute(Vcpu& vcpu, Request& request) {
  request.pending = 0;
  request.active = 0;
  if (request.operation == Operation::kRecheck) {
    recheck(vcpu);
    return;
  }
  for (std::uint32_t left = request.mask; left != 0; left &= left - 1) {
    const std::uint32_t bit = left & ~(left - 1);
    const std::uint32_t interrupt =
        request.word * 32u + static_cast<unsigned>(std::countr_zero(left));
    switch (request.operation) {
      case Operation::kRead: {
        const auto state = static_cast<unsigned>(state_here(vcpu, interrupt));
        if ((state & 1) != 0) request.pending |= bit;
        if ((state & 2) != 0) request.active |= bit;
        break;
      }
      case Operation::kPark:
        park(vcpu, interrupt);
        break;
      case Operation::kClearPending:
        clear_pending(vcpu, interrupt);
        break;
      case Operation::kSetActive:
        set_active(vcpu, interrupt);
        break;
      case Operation::kClearActive:
        clear_active(vcpu, interrupt);
        break;
      case Operation::kRecheck:
        break;
    }
  }
}

}  // namespace socle::guest::vgic::detail
