// SPDX-License-Identifier: Apache-2.0

// The distributor's registers (Arm IHI 0069, 12.9), one security state, affinity routing always on.
// Word 0 of the bit registers, and what belongs to it, is in the redistributors: RAZ/WI here.

#include <bit>

#include "guest/vdev/vgic_core.h"
#include "port/irq.h"

namespace socle::guest::vgic::detail {

namespace {

namespace gicd = hw::gicd;
using port::IrqState;

constexpr std::uint32_t kGroupEnables =
    gicd::ctlr::EnableGrp0::kMask | gicd::ctlr::EnableGrp1::kMask;

constexpr unsigned word_at(std::uint32_t offset) {
  return offset % 0x80 / 4;
}

// SPIs of a word that exist, in a bit register.
std::uint32_t existing(const Domain& domain, unsigned word) {
  if (word == 0 || word >= domain.gic.lines / 32) return 0;
  return word == kWords - 1 ? 0x0fff'ffff : ~0u;  // up to 1019
}

// The physical SPIs that are enabled are those that the guest has enabled and routed to a vCPU.
std::uint32_t routed(Domain& domain, unsigned word, std::uint32_t mask) {
  std::uint32_t result = 0;
  for (; mask != 0; mask &= mask - 1) {
    const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(mask));
    if (spi_of(domain, interrupt).target.load(std::memory_order_relaxed) != kNoVcpu)
      result |= bit_of(interrupt);
  }
  return result;
}

void enable(Vcpu& self, unsigned word, std::uint32_t bits) {
  Domain& domain = self.domain;
  DomainState& state = domain.gic;
  {
    const LockGuard guard(state.lock);
    state.enabled[word].fetch_or(bits, std::memory_order_seq_cst);
    update_deliverable(state, word);
    const std::uint32_t hardware = bits & hardware_word(self, word);
    if (hardware != 0)
      port::irq_change(IrqState::kEnabled, self.cpu, word, routed(domain, word, hardware), true);
  }
  send_resting(domain, word, bits);
}

void disable(Vcpu& self, unsigned word, std::uint32_t bits) {
  DomainState& state = self.domain.gic;
  {
    const LockGuard guard(state.lock);
    state.enabled[word].fetch_and(~bits, std::memory_order_seq_cst);
    update_deliverable(state, word);
    const std::uint32_t hardware = bits & hardware_word(self, word);
    if (hardware != 0) port::irq_change(IrqState::kEnabled, self.cpu, word, hardware, false);
  }
  ask_holders(self, Operation::kPark, word, bits);
}

std::uint32_t read_pending(Vcpu& self, unsigned word) {
  DomainState& state = self.domain.gic;
  const std::uint32_t hardware = hardware_word(self, word);
  const std::uint32_t levels = ~state.edge[word].load(std::memory_order_relaxed);
  std::uint32_t pending = (state.latched[word].load(std::memory_order_relaxed) |
                           (state.line[word].load(std::memory_order_relaxed) & levels)) &
                          ~hardware;
  if (hardware != 0) pending |= port::irq_read(IrqState::kPending, self.cpu, word) & hardware;
  return pending | ask_holders(self, Operation::kRead, word, existing(self.domain, word)).pending;
}

std::uint32_t read_active(Vcpu& self, unsigned word) {
  return ask_holders(self, Operation::kRead, word, existing(self.domain, word)).active;
}

void set_pending(Vcpu& self, unsigned word, std::uint32_t bits) {
  const std::uint32_t hardware = bits & hardware_word(self, word);
  // What has been acknowledged for a vCPU that has not taken it is pending already, not once more.
  const std::uint32_t here = ask_holders(self, Operation::kRead, word, hardware).pending;
  port::irq_change(IrqState::kPending, self.cpu, word, hardware & ~here, true);
  self.domain.gic.latched[word].fetch_or(bits & ~hardware, std::memory_order_seq_cst);
  send_resting(self.domain, word, bits & ~hardware);
}

void clear_pending(Vcpu& self, unsigned word, std::uint32_t bits) {
  const std::uint32_t hardware = bits & hardware_word(self, word);
  port::irq_change(IrqState::kPending, self.cpu, word, hardware, false);
  self.domain.gic.latched[word].fetch_and(~(bits & ~hardware), std::memory_order_seq_cst);
  ask_holders(self, Operation::kClearPending, word, bits);
}

void set_active(Vcpu& self, unsigned word, std::uint32_t bits) {
  Domain& domain = self.domain;
  // Those that nobody holds become active at the vCPU they are routed to.
  for (std::uint32_t left = bits; left != 0; left &= left - 1) {
    const std::uint32_t interrupt = word * 32 + static_cast<unsigned>(std::countr_zero(left));
    Spi& spi = spi_of(domain, interrupt);
    const Answer here = ask_holders(self, Operation::kRead, word, bit_of(interrupt));
    std::uint16_t holder = spi.holder.load(std::memory_order_seq_cst);
    if (here.pending == 0 && here.active == 0) holder = spi.target.load(std::memory_order_seq_cst);
    if (holder == kNoVcpu) continue;
    spi.holder.store(holder, std::memory_order_seq_cst);
    ask(self, *domain.vcpus[holder], Operation::kSetActive, word, bit_of(interrupt));
  }
}

void set_control(Vcpu& self, Part part) {
  Domain& domain = self.domain;
  DomainState& state = domain.gic;
  std::uint32_t gone = 0;
  std::uint32_t come = 0;
  {
    const LockGuard guard(state.lock);
    const std::uint32_t before = state.control.load(std::memory_order_relaxed);
    const std::uint32_t after = ((before & ~part.mask) | (part.value & part.mask)) & kGroupEnables;
    gone = before & ~after;
    come = after & ~before;
    if ((gone | come) == 0) return;
    state.control.store(after, std::memory_order_relaxed);
    for (unsigned word = 1; word < kWords; ++word)
      update_deliverable(state, word);
    for (Vcpu* vcpu : domain.vcpus)
      update_private_deliverable(state, *vcpu);
  }
  for (Vcpu* vcpu : domain.vcpus) {
    if (gone != 0) ask(self, *vcpu, Operation::kRecheck, 0, 0);
    if (come != 0) post_work(*vcpu, Work::kVgic);
  }
  if (come == 0) return;
  for (unsigned word = 1; word < state.lines / 32; ++word)
    send_resting(domain, word, ~0u);
}

void set_groups(Vcpu& self, unsigned word, Part part) {
  DomainState& state = self.domain.gic;
  std::uint32_t changed = 0;
  {
    const LockGuard guard(state.lock);
    const std::uint32_t before = state.group1[word].load(std::memory_order_relaxed);
    changed = (before ^ part.value) & part.mask & existing(self.domain, word);
    if (changed == 0) return;
    state.group1[word].store(before ^ changed, std::memory_order_relaxed);
    update_deliverable(state, word);
  }
  reconsider_spis(self, word, changed);
}

std::uint32_t read_priorities(const Domain& domain, std::uint32_t first) {
  std::uint32_t value = 0;
  for (unsigned n = 0; n < 4 && first + n < kEndOfSpis; ++n) {
    const Spi& spi = domain.gic.spis[first + n - kFirstSpi];
    value |= std::uint32_t{spi.priority.load(std::memory_order_relaxed)} << (n * 8);
  }
  return value;
}

void write_priorities(Vcpu& self, std::uint32_t first, Part part) {
  Domain& domain = self.domain;
  std::uint32_t changed = 0;
  for (unsigned n = 0; n < 4 && first + n < kEndOfSpis; ++n) {
    if ((part.mask >> (n * 8) & 0xff) == 0) continue;
    const auto priority =
        static_cast<std::uint8_t>(part.value >> (n * 8) & domain.gic.priority_mask);
    Spi& spi = spi_of(domain, first + n);
    if (spi.priority.exchange(priority, std::memory_order_relaxed) != priority)
      changed |= bit_of(first + n);
  }
  if (changed != 0) reconsider_spis(self, first / 32, changed);
}

constexpr std::uint32_t spread(std::uint32_t sixteen) {
  std::uint32_t value = 0;
  for (unsigned n = 0; n < 16; ++n)
    value |= (sixteen >> n & 1) << (2 * n + 1);
  return value;
}

void write_triggers(Vcpu& self, unsigned word, unsigned half, Part part) {
  DomainState& state = self.domain.gic;
  std::uint32_t mask = 0;
  std::uint32_t edges = 0;
  for (unsigned n = 0; n < 16; ++n) {
    mask |= (part.mask >> (2 * n + 1) & 1) << (half * 16 + n);
    edges |= (part.value >> (2 * n + 1) & 1) << (half * 16 + n);
  }
  mask &= existing(self.domain, word);
  const LockGuard guard(state.lock);
  const std::uint32_t before = state.edge[word].load(std::memory_order_relaxed);
  state.edge[word].store((before & ~mask) | (edges & mask), std::memory_order_relaxed);
  const std::uint32_t hardware = mask & hardware_word(self, word);
  if (hardware != 0) port::irq_set_edges(self.cpu, word, hardware, edges);
}

std::uint64_t read_route(const Domain& domain, std::uint32_t interrupt) {
  const std::uint32_t affinity = domain.gic.spis[interrupt - kFirstSpi].affinity;
  return (affinity & 0xff'ffff) | gicd::irouter::Aff3::make(affinity >> 24);
}

// The vCPU that has this affinity.
std::uint16_t vcpu_with(const Domain& domain, std::uint32_t affinity) {
  if (affinity >> 16 != 0 || (affinity & 0xff) >= kVcpusPerCluster) return kNoVcpu;
  const std::uint32_t id = (affinity >> 8) * kVcpusPerCluster + (affinity & 0xff);
  return id < domain.vcpus.size() ? static_cast<std::uint16_t>(id) : kNoVcpu;
}

// `offset` is 0x80 to 0xfff.
[[gnu::noinline]] std::uint32_t read_low(Vcpu& self, std::uint32_t offset) {
  const Domain& domain = self.domain;
  const DomainState& state = domain.gic;
  const unsigned word = word_at(offset);
  switch (offset / 0x80) {
    case gicd::kIGROUPR / 0x80:
      return state.group1[word].load(std::memory_order_relaxed);
    case gicd::kISENABLER / 0x80:
    case gicd::kICENABLER / 0x80:
      return state.enabled[word].load(std::memory_order_relaxed);
    case gicd::kISPENDR / 0x80:
    case gicd::kICPENDR / 0x80:
      return existing(domain, word) != 0 ? read_pending(self, word) : 0;
    case gicd::kISACTIVER / 0x80:
    case gicd::kICACTIVER / 0x80:
      return existing(domain, word) != 0 ? read_active(self, word) : 0;
    default:
      break;
  }
  if (offset >= gicd::kIPRIORITYR + kFirstSpi && offset < gicd::kIPRIORITYR + kEndOfSpis) {
    const std::uint32_t first = offset - gicd::kIPRIORITYR;
    return existing(domain, first / 32) != 0 ? read_priorities(domain, first) : 0;
  }
  if (offset >= gicd::kICFGR && offset < gicd::kICFGR + 0x100) {
    const std::uint32_t index = (offset - gicd::kICFGR) / 4;
    return spread(state.edge[index / 2].load(std::memory_order_relaxed) >> (index % 2 * 16) &
                  0xffff);
  }
  return 0;
}

// `offset` is 0x1000 and up.
[[gnu::noinline]] std::uint32_t read_high(const Domain& domain, std::uint32_t offset) {
  if (!is_route(offset)) return read_identification(offset);
  const std::uint32_t interrupt = (offset - gicd::kIROUTER) / 8;
  if (interrupt >= domain.gic.lines) return 0;
  return static_cast<std::uint32_t>(read_route(domain, interrupt) >> (offset % 8 * 8));
}

// `offset` is below 0x400; bit registers.
void write_bits(Vcpu& self, std::uint32_t offset, Part part) {
  const unsigned word = word_at(offset);
  const std::uint32_t bits = part.value & part.mask & existing(self.domain, word);
  if (offset / 0x80 == gicd::kIGROUPR / 0x80) {
    set_groups(self, word, part);
    return;
  }
  if (bits == 0) return;
  switch (offset / 0x80) {
    case gicd::kISENABLER / 0x80:
      enable(self, word, bits);
      break;
    case gicd::kICENABLER / 0x80:
      disable(self, word, bits);
      break;
    case gicd::kISPENDR / 0x80:
      set_pending(self, word, bits);
      break;
    case gicd::kICPENDR / 0x80:
      clear_pending(self, word, bits);
      break;
    case gicd::kISACTIVER / 0x80:
      set_active(self, word, bits);
      break;
    case gicd::kICACTIVER / 0x80:
      ask_holders(self, Operation::kClearActive, word, bits);
      break;
    default:
      break;
  }
}

}  // namespace

void write_distributor(Vcpu& self, std::uint32_t offset, Part part) {
  if (offset < 0x80) {
    if (offset == gicd::kCTLR) set_control(self, part);
  } else if (offset < gicd::kIPRIORITYR) {
    write_bits(self, offset, part);
  } else if (offset < gicd::kIPRIORITYR + kEndOfSpis) {
    const std::uint32_t first = offset - gicd::kIPRIORITYR;
    if (existing(self.domain, first / 32) != 0) write_priorities(self, first, part);
  } else if (offset >= gicd::kICFGR && offset < gicd::kICFGR + 0x100) {
    const std::uint32_t index = (offset - gicd::kICFGR) / 4;
    if (existing(self.domain, index / 2) != 0) write_triggers(self, index / 2, index % 2, part);
  } else if (is_route(offset)) {
    const unsigned shift = offset % 8 * 8;
    write_route(self, (offset - gicd::kIROUTER) / 8, std::uint64_t{part.value} << shift,
                std::uint64_t{part.mask} << shift);
  }
}

bool set_target(DomainState& state, Vcpu& self, std::uint32_t interrupt, std::uint16_t target) {
  Domain& domain = self.domain;
  Spi& spi = spi_of(domain, interrupt);
  if (spi.target.exchange(target, std::memory_order_seq_cst) == target) return false;
  if (!contains(state.hardware, interrupt)) return true;
  if (target != kNoVcpu) port::irq_set_target(IntId(interrupt), domain.vcpus[target]->cpu);
  if (contains(state.enabled, interrupt)) {
    port::irq_change(IrqState::kEnabled, self.cpu, interrupt / 32, bit_of(interrupt),
                     target != kNoVcpu);
  }
  return true;
}

void write_route(Vcpu& self, std::uint32_t interrupt, std::uint64_t value, std::uint64_t mask) {
  Domain& domain = self.domain;
  DomainState& state = domain.gic;
  if (interrupt >= state.lines) return;
  {
    const LockGuard guard(state.lock);
    Spi& spi = spi_of(domain, interrupt);
    const std::uint64_t route = (read_route(domain, interrupt) & ~mask) | (value & mask);
    spi.affinity =
        static_cast<std::uint32_t>((route & 0xff'ffff) | gicd::irouter::Aff3::get(route) << 24);
    if (!set_target(state, self, interrupt, vcpu_with(domain, spi.affinity))) return;
  }
  reconsider_spis(self, interrupt / 32, bit_of(interrupt));
}

std::uint32_t read_shared(Vcpu& self, std::uint32_t offset) {
  return read_low(self, offset);
}

void update_deliverable(DomainState& state, unsigned word) {
  const std::uint32_t control = state.control.load(std::memory_order_relaxed);
  const std::uint32_t group1 = state.group1[word].load(std::memory_order_relaxed);
  std::uint32_t allowed = 0;
  if (gicd::ctlr::EnableGrp0::get(control) != 0) allowed |= ~group1;
  if (gicd::ctlr::EnableGrp1::get(control) != 0) allowed |= group1;
  state.deliverable[word].store(allowed & state.enabled[word].load(std::memory_order_relaxed),
                                std::memory_order_seq_cst);
}

void update_private_deliverable(DomainState& state, Vcpu& vcpu) {
  PrivateConfig& config = vcpu.gic.config;
  const std::uint32_t control = state.control.load(std::memory_order_relaxed);
  const std::uint32_t group1 = config.group1.load(std::memory_order_relaxed);
  std::uint32_t allowed = 0;
  if (gicd::ctlr::EnableGrp0::get(control) != 0) allowed |= ~group1;
  if (gicd::ctlr::EnableGrp1::get(control) != 0) allowed |= group1;
  config.deliverable.store(allowed & config.enabled.load(std::memory_order_relaxed),
                           std::memory_order_seq_cst);
}

}  // namespace socle::guest::vgic::detail

namespace socle::guest::vgic {

// What drivers read while they work comes first, without a stack frame.
std::uint32_t read_distributor(Vcpu& vcpu, std::uint64_t offset) {
  namespace gicd = hw::gicd;
  const DomainState& state = vcpu.domain.gic;
  const auto at = static_cast<std::uint32_t>(offset);
  if (at == gicd::kTYPER) return state.type;
  if (at == gicd::kCTLR) {
    return state.control.load(std::memory_order_relaxed) | gicd::ctlr::ARE::kMask |
           gicd::ctlr::DS::kMask;
  }
  if (at == gicd::kIIDR) return detail::kImplementer;
  return at < 0x1000 ? detail::read_low(vcpu, at) : detail::read_high(vcpu.domain, at);
}

}  // namespace socle::guest::vgic
