// SPDX-License-Identifier: Apache-2.0

// The slow half of the list registers: more interrupts than fit, active ones without a register,
// maintenance, and moving a vCPU's state in and out of the hardware.

#include <algorithm>
#include <bit>
#include <optional>

#include "guest/vdev/vgic_core.h"
#include "guest/vdev/vgic_slots.h"
#include "port/irq.h"

namespace socle::guest::vgic {
namespace detail {

namespace {

namespace hcr = hw::ich::hcr;
namespace vmcr = hw::ich::vmcr;

// One look at the list registers, kept true while they are filled.
class Chooser {
 public:
  explicit Chooser(Vcpu& vcpu)
      : vcpu_(vcpu), state_(vcpu.gic), interface_(port::ich_machine_control()) {
    live_ = slots_of(state_).live;
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      values_[slot] = port::ich_list_register(slot);
    }
  }

  // Those whose guest has ended them while their line may still be high.
  void collect_ended() {
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      if (state_in(values_[slot]) != State::kInvalid) continue;
      const std::uint32_t interrupt = state_.in_slot[slot];
      clear(slot);
      pend_after_end(vcpu_, interrupt);
    }
  }

  // Pending and active apart: while others wait, one that becomes pending in its list register by
  // its end would come before them whatever their priorities, and nobody would be told.
  void split() {
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      if (state_in(values_[slot]) != State::kPendingActive) continue;
      state_.pending.add(state_.in_slot[slot]);
      values_[slot] &= ~lr::kPendingBit;
    }
  }

  // And together again where nobody waits.
  void join() {
    const bool may_join = !best_pending().has_value();
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      const std::uint32_t interrupt = state_.in_slot[slot];
      if (state_in(values_[slot]) != State::kActive || !state_.pending.contains(interrupt))
        continue;
      if (may_join && is_deliverable(vcpu_, interrupt) && is_open(is_group1(vcpu_, interrupt))) {
        state_.pending.remove(interrupt);
        fill(slot, interrupt, State::kPendingActive);
      } else {
        fill(slot, interrupt, State::kActive);  // with notice of its end
      }
    }
  }

  // Out with pending ones of a group that the guest's CPU interface has switched off: the guest
  // would never take them, and while one is pending in a list register nothing tells that the rest
  // are done.
  void withdraw_blocked() {
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      const std::uint32_t interrupt = state_.in_slot[slot];
      if (state_in(values_[slot]) != State::kPending || is_open(lr::Group::get(values_[slot]) != 0))
        continue;
      clear(slot);
      state_.pending.add(interrupt);
    }
  }

  void place_pending() {
    for (;;) {
      const std::optional<std::uint32_t> interrupt = best_pending();
      if (!interrupt.has_value()) return;
      const std::optional<unsigned> slot = slot_for(*interrupt);
      if (!slot.has_value()) return;
      state_.pending.remove(*interrupt);
      fill(*slot, *interrupt, State::kPending);
    }
  }

  void place_active() {
    while (!state_.active.empty()) {
      const std::uint32_t free = state_.usable & ~live_;
      if (free == 0) return;
      const std::uint32_t interrupt = first_active(vcpu_);
      state_.active.remove(interrupt);
      fill(static_cast<unsigned>(std::countr_zero(free)), interrupt, State::kActive);
    }
  }

  // Which maintenance interrupts are wanted now. None may be true already, or it would never stop.
  [[nodiscard]] std::uint32_t wanted_control() const {
    std::uint32_t control = hcr::En::kMask;
    if (!state_.active.empty()) {
      control |= hcr::LRENPIE::kMask;
      if (vcpu_.domain.gic.can_trap_deactivation) control |= hcr::TDIR::kMask;
    }
    if (is_any_blocked(false)) control |= hcr::VGrp0EIE::kMask;
    if (is_any_blocked(true)) control |= hcr::VGrp1EIE::kMask;
    if (!best_pending().has_value()) return control;
    if (is_any_pending_live())
      control |= hcr::NPIE::kMask;
    else if (std::popcount(state_.usable) > 1)
      control |= hcr::UIE::kMask;
    if (is_open(false)) control |= hcr::VGrp0DIE::kMask;
    if (is_open(true)) control |= hcr::VGrp1DIE::kMask;
    return control;
  }

  // The active interrupt without a list register that the guest will end first.
  static std::uint32_t first_active(const Vcpu& vcpu) {
    std::uint32_t best = 0;
    unsigned best_priority = ~0u;
    const InterruptSet& set = vcpu.gic.active;
    for (std::uint32_t words = set.words_used; words != 0; words &= words - 1) {
      const auto word = static_cast<unsigned>(std::countr_zero(words));
      for (std::uint32_t bits = set.words[word]; bits != 0; bits &= bits - 1) {
        const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
        if (priority_of(vcpu, interrupt) >= best_priority) continue;
        best_priority = priority_of(vcpu, interrupt);
        best = interrupt;
      }
    }
    return best;
  }

 private:
  // The guest's CPU interface takes interrupts of the group.
  [[nodiscard]] bool is_open(bool group1) const {
    return (group1 ? vmcr::VENG1::get(interface_) : vmcr::VENG0::get(interface_)) != 0;
  }
  [[nodiscard]] std::uint32_t in_groups(unsigned word, bool group0, bool group1) const {
    const std::uint32_t mask = group1_word(vcpu_, word);
    return (group0 ? ~mask : 0) | (group1 ? mask : 0);
  }
  // Pending ones in the set that may be presented as far as the distributor goes.
  [[nodiscard]] std::uint32_t pending_word(unsigned word) const {
    return state_.pending.words[word] & ~state_.active.words[word] & deliverable_word(vcpu_, word);
  }
  [[nodiscard]] bool is_any_blocked(bool group1) const {
    if (is_open(group1)) return false;
    for (std::uint32_t words = state_.pending.words_used; words != 0; words &= words - 1) {
      const auto word = static_cast<unsigned>(std::countr_zero(words));
      if ((pending_word(word) & in_groups(word, !group1, group1)) != 0) return true;
    }
    return false;
  }

  [[nodiscard]] std::optional<std::uint32_t> best_pending() const {
    std::optional<std::uint32_t> best;
    unsigned best_priority = ~0u;
    for (std::uint32_t words = state_.pending.words_used; words != 0; words &= words - 1) {
      const auto word = static_cast<unsigned>(std::countr_zero(words));
      std::uint32_t bits = pending_word(word) & in_groups(word, is_open(false), is_open(true));
      for (; bits != 0; bits &= bits - 1) {
        const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
        if (priority_of(vcpu_, interrupt) >= best_priority || is_live(interrupt)) continue;
        best_priority = priority_of(vcpu_, interrupt);
        best = interrupt;
      }
    }
    return best;
  }

  // Where a pending interrupt can go: a free slot; that of a less urgent pending one; or, if the
  // guest has nothing left to take, that of the active one that it will end last.
  [[nodiscard]] std::optional<unsigned> slot_for(std::uint32_t interrupt) {
    const std::uint32_t free = state_.usable & ~live_;
    if (free != 0) return static_cast<unsigned>(std::countr_zero(free));
    std::optional<unsigned> victim;
    unsigned victim_priority = priority_of(vcpu_, interrupt);
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      if (state_in(values_[slot]) != State::kPending) continue;
      if (priority_of(vcpu_, state_.in_slot[slot]) <= victim_priority) continue;
      victim_priority = priority_of(vcpu_, state_.in_slot[slot]);
      victim = slot;
    }
    if (victim.has_value()) {
      state_.pending.add(state_.in_slot[*victim]);
      return victim;
    }
    return is_any_pending_live() ? std::nullopt : evict_active();
  }

  [[nodiscard]] std::optional<unsigned> evict_active() {
    // Without a trap of ICC_DIR_EL1 a guest that deactivates separately could not be followed.
    if (!vcpu_.domain.gic.can_trap_deactivation && vmcr::VEOIM::get(interface_) != 0)
      return std::nullopt;
    std::optional<unsigned> victim;
    int victim_priority = -1;
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      const auto slot = static_cast<unsigned>(std::countr_zero(left));
      if ((values_[slot] & lr::kActiveBit) == 0) continue;
      const int priority = priority_of(vcpu_, state_.in_slot[slot]);
      if (priority <= victim_priority) continue;
      victim_priority = priority;
      victim = slot;
    }
    if (!victim.has_value()) return std::nullopt;
    const std::uint32_t interrupt = state_.in_slot[*victim];
    state_.active.add(interrupt);
    return victim;
  }

  [[nodiscard]] bool is_any_pending_live() const {
    for (std::uint32_t left = live_; left != 0; left &= left - 1) {
      if (state_in(values_[static_cast<unsigned>(std::countr_zero(left))]) == State::kPending)
        return true;
    }
    return false;
  }
  [[nodiscard]] bool is_live(std::uint32_t interrupt) const {
    return find(state_, live_, interrupt) >= 0;
  }
  void fill(unsigned slot, std::uint32_t interrupt, State state) {
    put(vcpu_, slot, interrupt, state);
    values_[slot] = compose(vcpu_, interrupt, state);
    live_ |= 1u << slot;
  }
  void clear(unsigned slot) {
    port::ich_set_list_register(slot, 0);
    live_ &= ~(1u << slot);
  }

  Vcpu& vcpu_;
  VcpuState& state_;
  const std::uint64_t interface_;  // ICH_VMCR_EL2
  std::uint32_t live_ = 0;
  std::array<std::uint64_t, kMaxListRegisters> values_{};
};

void end_without_slot(Vcpu& vcpu, std::uint32_t interrupt) {
  vcpu.gic.active.remove(interrupt);
  if (is_hardware(vcpu, interrupt))
    port::irq_change(port::IrqState::kActive, vcpu.cpu, interrupt / 32, bit_of(interrupt), false);
  else
    pend_after_end(vcpu, interrupt);
}

// The guest has ended interrupts that have no list register (with EOImode 0: in the order of their
// priorities). The hardware counts them.
void take_end_count(Vcpu& vcpu) {
  std::uint32_t count = hcr::EOIcount::get(port::ich_control());
  if (count == 0) return;
  port::ich_set_control(vcpu.gic.control);
  for (; count != 0 && !vcpu.gic.active.empty(); --count)
    end_without_slot(vcpu, Chooser::first_active(vcpu));
}

void set_control(VcpuState& state, std::uint32_t control) {
  if (control == state.control) return;
  state.control = control;
  port::ich_set_control(control);
}

// Hardware private interrupts that this vCPU has acknowledged, as a mask.
std::uint32_t held_private(const Vcpu& vcpu) {
  return vcpu.gic.hardware_private & (vcpu.gic.pending.words[0] | vcpu.gic.active.words[0]);
}

void take_out(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  for (std::uint32_t left = slots_of(state).live; left != 0; left &= left - 1) {
    const auto slot = static_cast<unsigned>(std::countr_zero(left));
    const std::uint64_t value = port::ich_list_register(slot);
    const std::uint32_t interrupt = state.in_slot[slot];
    if ((value & lr::kPendingBit) != 0) state.pending.add(interrupt);
    if ((value & lr::kActiveBit) != 0) state.active.add(interrupt);
    if (state_in(value) == State::kInvalid) pend_after_end(vcpu, interrupt);
    port::ich_set_list_register(slot, 0);
  }
}

}  // namespace

void refill(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  if (state.usable == 0) return;
  if (hcr::LRENPIE::get(state.control) != 0) take_end_count(vcpu);
  Chooser chooser(vcpu);
  chooser.collect_ended();
  chooser.split();
  chooser.withdraw_blocked();
  chooser.place_pending();
  chooser.place_active();
  chooser.join();
  set_control(state, chooser.wanted_control());
}

}  // namespace detail

using namespace detail;

void load(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  const DomainState& domain = vcpu.domain.gic;
  {
    const LockGuard guard(state.lock);
    state.loaded = true;
    state.usable = domain.list_registers;
  }
  for (std::uint32_t left = state.usable; left != 0; left &= left - 1)
    port::ich_set_list_register(static_cast<unsigned>(std::countr_zero(left)), 0);
  port::ich_enable_guest_system_registers();
  port::ich_set_machine_control(state.machine_control);
  for (unsigned group = 0; group < 2; ++group) {
    for (unsigned n = 0; n < domain.active_priority_registers; ++n)
      port::ich_set_active_priorities(group, n, state.active_priorities[group][n]);
  }
  state.control = hcr::En::kMask;
  port::ich_set_control(state.control);
  port::irq_change(port::IrqState::kActive, vcpu.cpu, 0, held_private(vcpu), true);
  port::irq_change(port::IrqState::kEnabled, vcpu.cpu, 0,
                   state.hardware_private & state.config.enabled.load(std::memory_order_relaxed),
                   true);
  take_incoming(vcpu);
  refill(vcpu);
}

void save(Vcpu& vcpu) {
  VcpuState& state = vcpu.gic;
  const DomainState& domain = vcpu.domain.gic;
  if (hcr::LRENPIE::get(state.control) != 0) take_end_count(vcpu);
  take_out(vcpu);
  state.control = 0;
  port::ich_set_control(0);
  state.machine_control = port::ich_machine_control();
  for (unsigned group = 0; group < 2; ++group) {
    for (unsigned n = 0; n < domain.active_priority_registers; ++n)
      state.active_priorities[group][n] = port::ich_active_priorities(group, n);
  }
  // The private interrupts of this CPU are the next vCPU's.
  port::irq_change(port::IrqState::kEnabled, vcpu.cpu, 0, state.hardware_private, false);
  port::irq_change(port::IrqState::kActive, vcpu.cpu, 0, held_private(vcpu), false);
  {
    const LockGuard guard(state.lock);
    state.loaded = false;
    state.usable = 0;
  }
  // Whoever asked before that has to be answered; later ones help themselves.
  serve_requests(vcpu);
}

void deactivate(Vcpu& vcpu, std::uint64_t icc_dir) {
  VcpuState& state = vcpu.gic;
  const auto interrupt = static_cast<std::uint32_t>(hw::icc::dir::INTID::get(icc_dir));
  if (interrupt >= kEndOfSpis) return;
  const int slot = find(state, slots_of(state).live, interrupt);
  if (slot < 0) {
    if (state.active.contains(interrupt)) end_without_slot(vcpu, interrupt);
  } else {
    Request request{.operation = Operation::kClearActive,
                    .word = static_cast<std::uint8_t>(interrupt / 32),
                    .mask = bit_of(interrupt)};
    execute(vcpu, request);
  }
  refill(vcpu);
}

void maintenance(Vcpu& vcpu) {
  refill(vcpu);
}

bool has_deliverable(const Vcpu& vcpu) {
  const VcpuState& state = vcpu.gic;
  const std::uint64_t interface = port::ich_machine_control();
  const auto wakes = [interface](bool group1, unsigned priority) {
    const bool on = group1 ? vmcr::VENG1::get(interface) != 0 : vmcr::VENG0::get(interface) != 0;
    return on && priority < vmcr::VPMR::get(interface);
  };
  for (std::uint32_t live = slots_of(state).live; live != 0; live &= live - 1) {
    const std::uint64_t value =
        port::ich_list_register(static_cast<unsigned>(std::countr_zero(live)));
    if (state_in(value) == State::kPending &&
        wakes(lr::Group::get(value) != 0, static_cast<unsigned>(lr::Priority::get(value))))
      return true;
  }
  for (std::uint32_t words = state.pending.words_used; words != 0; words &= words - 1) {
    const auto word = static_cast<unsigned>(std::countr_zero(words));
    std::uint32_t bits =
        state.pending.words[word] & ~state.active.words[word] & deliverable_word(vcpu, word);
    for (; bits != 0; bits &= bits - 1) {
      const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(bits));
      if (wakes(is_group1(vcpu, interrupt), priority_of(vcpu, interrupt))) return true;
    }
  }
  return false;
}

}  // namespace socle::guest::vgic
