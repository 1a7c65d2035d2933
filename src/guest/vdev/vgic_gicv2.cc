// SPDX-License-Identifier: Apache-2.0

// A GICv2's distributor (Arm IHI 0048, 4.3), without Security Extensions. The registers of SPIs are
// the GICv3's but for ITARGETSR; word 0 is banked, and is what a redistributor of the vCPU's own
// would have. SGIs are always enabled and are told apart by sender (vgic_types.h).

#include <bit>

#include "guest/vdev/vgic_core.h"
#include "hw/gicv2.h"

namespace socle::guest::vgic::detail {

namespace {

namespace gicd = hw::gicd;
namespace gicd2 = hw::gicd2;

constexpr std::uint32_t kSgis = 0xffff;
constexpr unsigned kFirstSourcedWord = kFirstSourcedSgi / 32;
static_assert(kFirstSourcedSgi == kGicv2MaxLines);
static_assert(kFirstSourcedSgi % 32 == 0 && kFirstSourcedSgi + 16 * hw::kGicv2MaxCpus <= 1024);

constexpr std::uint32_t sourced(unsigned sender, unsigned sgi) {
  return kFirstSourcedSgi + 16 * sender + sgi;
}

// The registers of which word 0 is private: bits, priorities, triggers.
constexpr bool is_private_register(std::uint32_t offset) {
  if (offset >= gicd::kIGROUPR && offset < gicd::kIPRIORITYR) return offset % 0x80 == 0;
  return (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + kFirstSpi) ||
         offset == gicd::kICFGR || offset == gicd::kICFGR + 4;
}
constexpr bool is_register_of(std::uint32_t base, std::uint32_t size, std::uint32_t offset) {
  return offset >= base && offset < base + size;
}

// Of the vCPU's SGIs of all senders, as bits of the SGIs' numbers.
Answer state_of_sgis(Vcpu& self) {
  Answer all;
  for (unsigned word = kFirstSourcedWord; word < kWords; ++word) {
    const Answer answer = ask(self, self, Operation::kRead, word, ~0u);
    all.pending |= answer.pending | answer.pending >> 16;
    all.active |= answer.active | answer.active >> 16;
  }
  return {all.pending & kSgis, all.active & kSgis};
}

std::uint32_t read_private(Vcpu& self, std::uint32_t offset) {
  const std::uint32_t value = read_redistributor(self, self, true, hw::gicr::kSgiBase + offset);
  if (offset == gicd::kISPENDR || offset == gicd::kICPENDR)
    return (value & ~kSgis) | state_of_sgis(self).pending;
  if (offset == gicd::kISACTIVER || offset == gicd::kICACTIVER)
    return (value & ~kSgis) | state_of_sgis(self).active;
  return value;
}

void ask_sgis(Vcpu& self, Operation operation, std::uint32_t sgis) {
  for (unsigned word = kFirstSourcedWord; word < kWords; ++word)
    ask(self, self, operation, word, for_two_senders(sgis));
}

// Enables and pending state of SGIs are not written here.
void write_private(Vcpu& self, std::uint32_t offset, Part part) {
  const bool is_bits = offset > gicd::kIGROUPR && offset < gicd::kIPRIORITYR;
  if (offset == gicd::kICACTIVER) ask_sgis(self, Operation::kClearActive, part.value & part.mask);
  if (is_bits) part.mask &= ~kSgis;
  write_redistributor(self, self, hw::gicr::kSgiBase + offset, part);
  // What is in list registers has a group and a priority.
  if (!is_bits && offset < gicd::kIPRIORITYR + 16) ask_sgis(self, Operation::kPark, kSgis);
}

std::uint32_t all_vcpus(const Domain& domain) {
  return (1u << domain.vcpus.size()) - 1;
}

// With one vCPU there is nothing to choose: RAZ/WI.
std::uint32_t read_targets(const Vcpu& self, std::uint32_t first) {
  const Domain& domain = self.domain;
  if (domain.vcpus.size() == 1 || first >= domain.gic.lines) return 0;
  if (first < kFirstSpi) return (1u << self.id) * 0x0101'0101u;
  std::uint32_t value = 0;
  for (unsigned n = 0; n < 4; ++n)
    value |= domain.gic.spis[first + n - kFirstSpi].affinity << (n * 8);
  return value;
}

// Of several targets the first is meant: one of them has to take it.
void write_targets(Vcpu& self, std::uint32_t first, Part part) {
  Domain& domain = self.domain;
  DomainState& state = domain.gic;
  if (domain.vcpus.size() == 1 || first < kFirstSpi || first >= state.lines) return;
  std::uint32_t changed = 0;
  {
    const LockGuard guard(state.lock);
    for (unsigned n = 0; n < 4; ++n) {
      if ((part.mask >> (n * 8) & 0xff) == 0) continue;
      const std::uint32_t targets = part.value >> (n * 8) & all_vcpus(domain);
      spi_of(domain, first + n).affinity = targets;
      const std::uint16_t target =
          targets == 0 ? kNoVcpu : static_cast<std::uint16_t>(std::countr_zero(targets));
      if (set_target(state, self, first + n, target)) changed |= bit_of(first + n);
    }
  }
  if (changed != 0) reconsider_spis(self, first / 32, changed);
}

void generate_sgi(Vcpu& self, std::uint32_t value) {
  namespace sgir = gicd2::sgir;
  const Domain& domain = self.domain;
  std::uint32_t targets = 0;
  switch (sgir::TargetListFilter::get(value)) {
    case sgir::kList:
      targets = sgir::CPUTargetList::get(value);
      break;
    case sgir::kAllOthers:
      targets = ~(1u << self.id);
      break;
    case sgir::kSelf:
      targets = 1u << self.id;
      break;
    default:
      break;
  }
  for (targets &= all_vcpus(domain); targets != 0; targets &= targets - 1) {
    Vcpu& target = *domain.vcpus[static_cast<unsigned>(std::countr_zero(targets))];
    post(target, sourced(self.id, sgir::SGIINTID::get(value)));
  }
}

// CPENDSGIR and SPENDSGIR: four SGIs each, eight senders per SGI.
std::uint32_t read_senders(Vcpu& self, unsigned first_sgi) {
  std::uint32_t value = 0;
  for (unsigned word = kFirstSourcedWord; word < kWords; ++word) {
    const std::uint32_t pending = ask(self, self, Operation::kRead, word, ~0u).pending;
    const unsigned sender = (word - kFirstSourcedWord) * 2;
    for (unsigned n = 0; n < 4; ++n) {
      value |= (pending >> (first_sgi + n) & 1) << (n * 8 + sender);
      value |= (pending >> (16 + first_sgi + n) & 1) << (n * 8 + sender + 1);
    }
  }
  return value;
}

void write_senders(Vcpu& self, unsigned first_sgi, std::uint32_t bits, bool set) {
  for (; bits != 0; bits &= bits - 1) {
    const auto bit = static_cast<unsigned>(std::countr_zero(bits));
    if (bit % 8 >= self.domain.vcpus.size()) continue;
    const std::uint32_t interrupt = sourced(bit % 8, first_sgi + bit / 8);
    if (set)
      post(self, interrupt);
    else
      ask(self, self, Operation::kClearPending, interrupt / 32, bit_of(interrupt));
  }
}

std::uint32_t read_gicv2_identification(std::uint32_t offset) {
  // PIDR4..7, PIDR0..3, CIDR0..3: a GICv2 by Arm's JEP106 code.
  constexpr std::uint8_t kValues[] = {0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  const std::uint32_t index = (offset - gicd2::kIdentification) / 4;
  return offset >= gicd2::kIdentification && index < sizeof kValues ? kValues[index] : 0;
}

}  // namespace

std::uint32_t read_gicv2(Vcpu& self, std::uint32_t offset) {
  const DomainState& state = self.domain.gic;
  if (offset < 0x80) {
    if (offset == gicd::kCTLR) return state.control.load(std::memory_order_relaxed);
    if (offset == gicd::kTYPER) return state.type;
    return offset == gicd::kIIDR ? kImplementer : 0;
  }
  if (is_private_register(offset)) return read_private(self, offset);
  if (is_register_of(gicd::kITARGETSR, kEndOfSpis, offset))
    return read_targets(self, offset - gicd::kITARGETSR);
  if (is_register_of(gicd2::kCPENDSGIR, 16, offset))
    return read_senders(self, offset - gicd2::kCPENDSGIR);
  if (is_register_of(gicd2::kSPENDSGIR, 16, offset))
    return read_senders(self, offset - gicd2::kSPENDSGIR);
  if (offset >= gicd2::kSGIR) return read_gicv2_identification(offset);
  return read_shared(self, offset);
}

void write_gicv2(Vcpu& self, std::uint32_t offset, Part part) {
  if (offset >= 0x80 && is_private_register(offset))
    write_private(self, offset, part);
  else if (is_register_of(gicd::kITARGETSR, kEndOfSpis, offset))
    write_targets(self, offset - gicd::kITARGETSR, part);
  else if (offset == gicd2::kSGIR)
    generate_sgi(self, part.value);
  else if (is_register_of(gicd2::kCPENDSGIR, 16, offset))
    write_senders(self, offset - gicd2::kCPENDSGIR, part.value & part.mask, false);
  else if (is_register_of(gicd2::kSPENDSGIR, 16, offset))
    write_senders(self, offset - gicd2::kSPENDSGIR, part.value & part.mask, true);
  else if (offset < gicd2::kSGIR)
    write_distributor(self, offset, part);
}

}  // namespace socle::guest::vgic::detail
