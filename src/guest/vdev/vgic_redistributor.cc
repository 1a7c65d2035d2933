// SPDX-License-Identifier: Apache-2.0

// The redistributors' registers (Arm IHI 0069, 12.11): RD_base without LPIs, and SGI_base. Any vCPU
// may access any redistributor.

#include <bit>

#include "guest/vdev/vgic_core.h"
#include "port/irq.h"

namespace socle::guest::vgic::detail {

namespace {

namespace gicd = hw::gicd;  // SGI_base has the distributor's offsets
namespace gicr = hw::gicr;
using port::IrqState;

std::uint64_t type_register(const Vcpu& vcpu, bool is_last) {
  namespace typer = gicr::typer;
  const std::uint64_t affinity = vcpu.id % kVcpusPerCluster | vcpu.id / kVcpusPerCluster << 8;
  return typer::Affinity::make(affinity) | typer::ProcessorNumber::make(vcpu.id) |
         typer::Last::make(is_last ? 1 : 0);
}

// The physical private interrupts are the vCPU's while it is loaded.
void change_physical(Vcpu& vcpu, IrqState state, std::uint32_t mask, bool set) {
  const std::uint32_t bits = mask & vcpu.gic.hardware_private;
  if (bits == 0) return;
  const LockGuard guard(vcpu.gic.lock);
  if (vcpu.gic.loaded) port::irq_change(state, vcpu.cpu, 0, bits, set);
}

void set_enables(Vcpu& self, Vcpu& target, std::uint32_t bits, bool on) {
  DomainState& state = self.domain.gic;
  PrivateConfig& config = target.gic.config;
  {
    const LockGuard guard(state.lock);
    if (on)
      config.enabled.fetch_or(bits, std::memory_order_seq_cst);
    else
      config.enabled.fetch_and(~bits, std::memory_order_seq_cst);
    update_private_deliverable(state, target);
    change_physical(target, IrqState::kEnabled, bits, on);
  }
  if (on)
    post_work(target, Work::kVgic);
  else
    ask(self, target, Operation::kPark, 0, bits);
}

void set_groups(Vcpu& self, Vcpu& target, Part part) {
  DomainState& state = self.domain.gic;
  PrivateConfig& config = target.gic.config;
  std::uint32_t changed = 0;
  {
    const LockGuard guard(state.lock);
    const std::uint32_t before = config.group1.load(std::memory_order_relaxed);
    changed = (before ^ part.value) & part.mask;
    config.group1.store(before ^ changed, std::memory_order_relaxed);
    update_private_deliverable(state, target);
  }
  ask(self, target, Operation::kPark, 0, changed);
  post_work(target, Work::kVgic);
}

void write_priorities(Vcpu& self, Vcpu& target, std::uint32_t first, Part part) {
  std::uint32_t changed = 0;
  for (unsigned n = 0; n < 4; ++n) {
    if ((part.mask >> (n * 8) & 0xff) == 0) continue;
    const auto priority =
        static_cast<std::uint8_t>(part.value >> (n * 8) & self.domain.gic.priority_mask);
    auto& place = target.gic.config.priority[first + n];
    if (place.exchange(priority, std::memory_order_relaxed) != priority)
      changed |= bit_of(first + n);
  }
  ask(self, target, Operation::kPark, 0, changed);
  if (changed != 0) post_work(target, Work::kVgic);
}

std::uint32_t read_priorities(const Vcpu& target, std::uint32_t first) {
  std::uint32_t value = 0;
  for (unsigned n = 0; n < 4; ++n) {
    value |= std::uint32_t{target.gic.config.priority[first + n].load(std::memory_order_relaxed)}
             << (n * 8);
  }
  return value;
}

std::uint32_t read_pending(Vcpu& self, Vcpu& target) {
  std::uint32_t pending = ask(self, target, Operation::kRead, 0, ~0u).pending;
  const std::uint32_t hardware = target.gic.hardware_private;
  if (hardware == 0) return pending;
  const LockGuard guard(target.gic.lock);
  if (target.gic.loaded) pending |= port::irq_read(IrqState::kPending, target.cpu, 0) & hardware;
  return pending;
}

void set_pending(Vcpu& self, Vcpu& target, std::uint32_t bits) {
  // See the distributor's.
  const std::uint32_t hardware = bits & target.gic.hardware_private;
  const std::uint32_t here = ask(self, target, Operation::kRead, 0, hardware).pending;
  change_physical(target, IrqState::kPending, hardware & ~here, true);
  for (std::uint32_t left = bits & ~target.gic.hardware_private; left != 0; left &= left - 1)
    post(target, static_cast<unsigned>(std::countr_zero(left)));
}

void clear_pending(Vcpu& self, Vcpu& target, std::uint32_t bits) {
  change_physical(target, IrqState::kPending, bits, false);
  ask(self, target, Operation::kClearPending, 0, bits);
}

// ICFGR1. SGIs are edges for ever; so is nothing that software drives by its level.
void write_triggers(Vcpu& target, Part part) {
  std::uint32_t mask = 0;
  std::uint32_t edges = 0;
  for (unsigned n = 0; n < 16; ++n) {
    mask |= (part.mask >> (2 * n + 1) & 1) << (16 + n);
    edges |= (part.value >> (2 * n + 1) & 1) << (16 + n);
  }
  DomainState& state = target.domain.gic;
  const LockGuard guard(state.lock);
  PrivateConfig& config = target.gic.config;
  const std::uint32_t before = config.edge.load(std::memory_order_relaxed);
  config.edge.store((before & ~mask) | (edges & mask), std::memory_order_relaxed);
  const std::uint32_t hardware = mask & target.gic.hardware_private;
  if (hardware == 0) return;
  const LockGuard own(target.gic.lock);
  if (target.gic.loaded) port::irq_set_edges(target.cpu, 0, hardware, edges);
}

std::uint32_t read_triggers(const Vcpu& target) {
  const std::uint32_t edges = target.gic.config.edge.load(std::memory_order_relaxed) >> 16;
  std::uint32_t value = 0;
  for (unsigned n = 0; n < 16; ++n)
    value |= (edges >> n & 1) << (2 * n + 1);
  return value;
}

std::uint32_t read_control_frame(const Vcpu& target, bool is_last, std::uint32_t offset) {
  namespace waker = gicr::waker;
  switch (offset) {
    case gicr::kIIDR:
      return kImplementer;
    case gicr::kTYPER:
      return static_cast<std::uint32_t>(type_register(target, is_last));
    case gicr::kTYPER + 4:
      return static_cast<std::uint32_t>(type_register(target, is_last) >> 32);
    case gicr::kWAKER:
      return target.gic.asleep.load(std::memory_order_relaxed)
                 ? waker::ProcessorSleep::kMask | waker::ChildrenAsleep::kMask
                 : 0;
    default:
      return read_identification(offset);
  }
}

std::uint32_t read_interrupt_frame(Vcpu& self, Vcpu& target, std::uint32_t offset) {
  const PrivateConfig& config = target.gic.config;
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + kFirstSpi)
    return read_priorities(target, offset - gicd::kIPRIORITYR);
  switch (offset) {
    case gicd::kIGROUPR:
      return config.group1.load(std::memory_order_relaxed);
    case gicd::kISENABLER:
    case gicd::kICENABLER:
      return config.enabled.load(std::memory_order_relaxed);
    case gicd::kISPENDR:
    case gicd::kICPENDR:
      return read_pending(self, target);
    case gicd::kISACTIVER:
    case gicd::kICACTIVER:
      return ask(self, target, Operation::kRead, 0, ~0u).active;
    case gicd::kICFGR:
      return 0xaaaa'aaaa;
    case gicd::kICFGR + 4:
      return read_triggers(target);
    default:
      return read_identification(offset);
  }
}

void write_interrupt_frame(Vcpu& self, Vcpu& target, std::uint32_t offset, Part part) {
  const std::uint32_t bits = part.value & part.mask;
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + kFirstSpi) {
    write_priorities(self, target, offset - gicd::kIPRIORITYR, part);
    return;
  }
  switch (offset) {
    case gicd::kIGROUPR:
      set_groups(self, target, part);
      break;
    case gicd::kISENABLER:
      set_enables(self, target, bits, true);
      break;
    case gicd::kICENABLER:
      set_enables(self, target, bits, false);
      break;
    case gicd::kISPENDR:
      set_pending(self, target, bits);
      break;
    case gicd::kICPENDR:
      clear_pending(self, target, bits);
      break;
    case gicd::kISACTIVER:
      ask(self, target, Operation::kSetActive, 0, bits);
      break;
    case gicd::kICACTIVER:
      ask(self, target, Operation::kClearActive, 0, bits);
      break;
    case gicd::kICFGR + 4:
      write_triggers(target, part);
      break;
    default:
      break;
  }
}

}  // namespace

std::uint32_t read_redistributor(Vcpu& self, Vcpu& target, bool is_last, std::uint32_t offset) {
  return offset < gicr::kSgiBase ? read_control_frame(target, is_last, offset)
                                 : read_interrupt_frame(self, target, offset - gicr::kSgiBase);
}

void write_redistributor(Vcpu& self, Vcpu& target, std::uint32_t offset, Part part) {
  if (offset >= gicr::kSgiBase) {
    write_interrupt_frame(self, target, offset - gicr::kSgiBase, part);
  } else if (offset == gicr::kWAKER && (part.mask & gicr::waker::ProcessorSleep::kMask) != 0) {
    target.gic.asleep.store(gicr::waker::ProcessorSleep::get(part.value) != 0,
                            std::memory_order_relaxed);
  }
}

}  // namespace socle::guest::vgic::detail
