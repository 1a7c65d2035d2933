// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vgic.h"

#include <array>
#include <atomic>
#include <bit>

#include "base/log.h"
#include "guest/vdev/vgic_core.h"
#include "guest/vdev/vgic_slots.h"
#include "hw/gicv2.h"
#include "port/cpu.h"
#include "port/ich.h"
#include "port/irq.h"

namespace socle::guest::vgic {

using namespace detail;

namespace {

// Whose SPI a physical one is; written when it is routed, before it is first enabled.
constinit std::array<std::atomic<Domain*>, kEndOfSpis - kFirstSpi> owners{};

void send_to_others(Vcpu& self, std::uint32_t sgi, bool group0_only) {
  for (Vcpu* vcpu : self.domain.vcpus) {
    if (vcpu == &self) continue;
    if (group0_only && is_group1(*vcpu, sgi)) continue;
    post(*vcpu, sgi);
  }
}

// Source: Arm IHI 0069, ICC_SGI1R_EL1; one security state: a write to ICC_SGI1R_EL1 sends SGIs of
// either group, one to the others those of Group 0.
void generate_sgi(Vcpu& self, std::uint64_t value, bool group0_only) {
  namespace sgir = hw::icc::sgir;
  const auto sgi = static_cast<std::uint32_t>(sgir::INTID::get(value));
  if (sgir::IRM::get(value) != 0) {
    send_to_others(self, sgi, group0_only);
    return;
  }
  // Affinities that no vCPU has: levels 2 and 3, and level 0 from 16 up.
  if ((value & (sgir::Aff3::kMask | sgir::Aff2::kMask | sgir::RS::kMask)) != 0) return;
  const auto first = static_cast<unsigned>(sgir::Aff1::get(value)) * kVcpusPerCluster;
  const std::span<Vcpu*> vcpus = self.domain.vcpus;
  for (auto list = static_cast<std::uint32_t>(sgir::TargetList::get(value)); list != 0;
       list &= list - 1) {
    const unsigned id = first + static_cast<unsigned>(std::countr_zero(list));
    if (id >= vcpus.size()) return;
    Vcpu& target = *vcpus[id];
    if (group0_only && is_group1(target, sgi)) continue;
    if (&target == &self)
      present<Kind::kSgi>(self, sgi);
    else
      post(target, sgi);
  }
}

// Its route changed while it was on its way: it is disabled until it has one again.
[[gnu::noinline]] void turn_away(Domain& domain, std::uint32_t interrupt) {
  const unsigned word = interrupt / 32;
  const std::uint32_t bit = bit_of(interrupt);
  port::irq_change(port::IrqState::kEnabled, CpuIndex{0}, word, bit, false);
  if (contains(domain.gic.edge, interrupt))
    port::irq_change(port::IrqState::kPending, CpuIndex{0}, word, bit, true);
  port::irq_change(port::IrqState::kActive, CpuIndex{0}, word, bit, false);
}

enum class Way : std::uint8_t { kShort, kAny };

// For an interrupt of this vCPU, on its own CPU; the short way is for system registers only.
template <Way way, Kind kind>
inline void present_by(Vcpu& vcpu, std::uint32_t interrupt) {
  if constexpr (way == Way::kShort)
    present<kind>(vcpu, interrupt);
  else
    make_pending(vcpu, interrupt, Cause::kSignal);
}

template <Way way>
inline void inject_spi(Domain& domain, std::uint32_t interrupt, const Vcpu* current) {
  Spi& spi = spi_of(domain, interrupt);
  const std::uint16_t target = spi.target.load(std::memory_order_relaxed);
  if (target == kNoVcpu) [[unlikely]] {
    turn_away(domain, interrupt);
    return;
  }
  spi.holder.store(target, std::memory_order_seq_cst);
  Vcpu& vcpu = *domain.vcpus[target];
  if (&vcpu == current)
    present_by<way, Kind::kHardwareSpi>(vcpu, interrupt);
  else
    post(vcpu, interrupt);
}

bool is_valid(const Config& config) {
  const bool is_v2 = config.version == Version::kV2;
  return config.lines >= 32 && config.lines <= (is_v2 ? kFirstSourcedSgi : 1024) &&
         config.lines % 32 == 0 &&
         config.distributor.is_aligned(is_v2 ? kGicv2DistributorSize : kDistributorSize);
}

std::uint32_t type_register(const Domain& domain, Version version) {
  namespace typer = hw::gicd::typer;
  const auto vcpus = static_cast<std::uint32_t>(domain.vcpus.size());
  const std::uint32_t common = typer::ITLinesNumber::make(domain.gic.lines / 32 - 1) |
                               typer::CPUNumber::make(vcpus == 0 ? 0 : (vcpus < 8 ? vcpus : 8) - 1);
  if (version == Version::kV2) return common;
  return common | typer::IDbits::make(9) | typer::No1N::make(1);
}

Result<> place_redistributors(Domain& domain, const Config& config) {
  DomainState& state = domain.gic;
  if (config.redistributors.size() > DomainState::kMaxRedistributorRegions)
    return fail(Error::kTooLarge);
  unsigned places = 0;
  state.redistributor_regions = 0;
  for (const Range<Ipa>& region : config.redistributors) {
    if (!region.begin().is_aligned(kDistributorSize)) return fail(Error::kInvalid);
    const std::uint64_t fit = region.size() / kRedistributorSize;
    const std::uint64_t wanted = domain.vcpus.size() - places;
    const auto used = static_cast<unsigned>(fit < wanted ? fit : wanted);
    state.redistributors[state.redistributor_regions++] = {.begin = region.begin().value(),
                                                           .end = region.end().value(),
                                                           .first_vcpu = places,
                                                           .count = used};
    places += used;
  }
  if (places < domain.vcpus.size()) return fail(Error::kTooLarge);
  return {};
}

void read_machine(DomainState& state) {
  namespace vtr = hw::ich::vtr;
  const std::uint64_t type = port::ich_type();
  const auto count = static_cast<unsigned>(vtr::ListRegs::get(type)) + 1;
  state.list_registers = (1u << (count < kMaxListRegisters ? count : kMaxListRegisters)) - 1;
  const auto priority_bits = static_cast<unsigned>(vtr::PRIbits::get(type)) + 1;
  state.priority_mask = static_cast<std::uint8_t>(0xff00u >> priority_bits);
  const auto preemption_bits = static_cast<unsigned>(vtr::PREbits::get(type)) + 1;
  state.active_priority_registers = preemption_bits <= 5 ? 1 : preemption_bits == 6 ? 2 : 4;
  state.can_trap_deactivation = vtr::TDS::get(type) != 0;
}

bool is_line(const Domain& domain, IntId spi) {
  return spi.is_spi() && spi.value() < domain.gic.lines;
}

}  // namespace

// ----- Building -----

Result<> init_domain(Domain& domain, const Config& config) {
  DomainState& state = domain.gic;
  if (!is_valid(config) || domain.vcpus.size() > kMaxCpus) return fail(Error::kInvalid);
  const bool is_v2 = config.version == Version::kV2;
  if (!is_v2)
    TRY(place_redistributors(domain, config));
  else if (domain.vcpus.size() > hw::kGicv2MaxCpus)
    return fail(Error::kTooLarge);
  state.first_sourced_sgi = is_v2 ? kFirstSourcedSgi : kNoSourcedSgis;
  state.lines = config.lines;
  state.type = type_register(domain, config.version);
  state.distributor = config.distributor.value();
  for (Spi& spi : state.spis) {
    spi.target.store(domain.vcpus.empty() ? kNoVcpu : 0, std::memory_order_relaxed);
    if (is_v2) spi.affinity = 1;  // ITARGETSR: vCPU 0
  }
  read_machine(state);
  return {};
}

void init_vcpu(Vcpu& vcpu) {
  const IntId event_line = vcpu.domain.event_channel_ppi;
  if (event_line.is_ppi()) vcpu.gic.silent_lines |= bit_of(event_line.value());
  if (vcpu.domain.gic.first_sourced_sgi == kNoSourcedSgis) {
    vcpu.gic.machine_control = hw::ich::vmcr::VFIQEn::kMask;
  } else {
    vcpu.gic.config.enabled.store(0xffff, std::memory_order_relaxed);  // a GICv2's SGIs always are
  }
}

Result<> route_to_guest(Domain& domain, IntId spi) {
  if (!is_line(domain, spi) || spi.value() >= port::irq_lines()) return fail(Error::kOutOfRange);
  TRY(port::irq_give_to_guest(spi));
  owners[spi.value() - kFirstSpi].store(&domain, std::memory_order_release);
  domain.gic.hardware[spi.value() / 32].fetch_or(bit_of(spi.value()), std::memory_order_relaxed);
  if (!domain.vcpus.empty()) port::irq_set_target(spi, domain.vcpus[0]->cpu);
  return {};
}

Result<> own_hardware_ppi(Vcpu& vcpu, IntId ppi) {
  TRY(port::irq_give_ppi_to_guest(ppi));
  vcpu.gic.hardware_private |= bit_of(ppi.value());
  return {};
}

// ----- Signals -----

void set_line(Vcpu& vcpu, IntId ppi, bool high) {
  if (!ppi.is_ppi()) return;
  VcpuState& state = vcpu.gic;
  const std::uint32_t bit = bit_of(ppi.value());
  const bool was_high = (state.lines & bit) != 0;
  if (high) {
    state.lines |= bit;
    // A silent line may have been low in between.
    if (was_high && (state.silent_lines & bit) == 0) return;
    make_pending(vcpu, ppi.value(), Cause::kSignal);
  } else if (was_high) {
    state.lines &= ~bit;
    if (!is_edge(vcpu, ppi.value())) retract(vcpu, ppi.value());
  }
}

void pulse(Vcpu& vcpu, IntId interrupt) {
  if (interrupt.is_private()) post(vcpu, interrupt.value());
}

void set_spi_line(Domain& domain, IntId spi, bool high) {
  if (!is_line(domain, spi)) return;
  DomainState& state = domain.gic;
  const unsigned word = spi.value() / 32;
  const std::uint32_t bit = bit_of(spi.value());
  const std::uint32_t before = high ? state.line[word].fetch_or(bit, std::memory_order_seq_cst)
                                    : state.line[word].fetch_and(~bit, std::memory_order_seq_cst);
  if (((before & bit) != 0) == high) return;
  if (contains(state.edge, spi.value())) {
    if (high) pulse_spi(domain, spi);
    return;
  }
  if (high) {
    send_resting(domain, word, bit);
    return;
  }
  const std::uint16_t holder = spi_of(domain, spi.value()).holder.load(std::memory_order_seq_cst);
  if (holder != kNoVcpu) post(*domain.vcpus[holder], spi.value());
}

void pulse_spi(Domain& domain, IntId spi) {
  if (!is_line(domain, spi)) return;
  const unsigned word = spi.value() / 32;
  domain.gic.latched[word].fetch_or(bit_of(spi.value()), std::memory_order_seq_cst);
  send_resting(domain, word, bit_of(spi.value()));
}

void inject_hardware(Domain& domain, IntId interrupt) {
  inject_spi<Way::kAny>(domain, interrupt.value(), current_vcpu_or_null());
}

void inject_hardware_ppi(Vcpu& vcpu, IntId ppi) {
  make_pending(vcpu, ppi.value(), Cause::kSignal);
}

void send_sgi(Vcpu& vcpu, std::uint64_t icc_sgi1r) {
  generate_sgi(vcpu, icc_sgi1r, false);
}
void send_group0_sgi(Vcpu& vcpu, std::uint64_t icc_sgi0r) {
  generate_sgi(vcpu, icc_sgi0r, true);
}

// ----- Entry -----

bool needs_line_check(const Vcpu& vcpu) {
  return (vcpu.gic.lines & vcpu.gic.silent_lines) != 0;
}

void entry_work(Vcpu& vcpu, std::uint32_t work) {
  if ((work & static_cast<std::uint32_t>(Work::kVgic)) != 0) {
    take_incoming(vcpu);
    if (!vcpu.gic.pending.empty()) refill(vcpu);
  }
  if ((work & static_cast<std::uint32_t>(Work::kVgicSync)) != 0) serve_requests(vcpu);
}

}  // namespace socle::guest::vgic

namespace socle::port {

namespace {

template <guest::vgic::Way way>
inline void take_for_guest(IntId interrupt) {
  using namespace guest;
  Vcpu* const current = current_vcpu_or_null();
  if (!interrupt.is_private()) {
    Domain* const owner =
        vgic::owners[interrupt.value() - vgic::kFirstSpi].load(std::memory_order_acquire);
    vgic::inject_spi<way>(*owner, interrupt.value(), current);
  } else if (current != nullptr) [[likely]] {
    vgic::present_by<way, vgic::Kind::kHardwarePpi>(*current, interrupt.value());
  } else {
    // Nobody runs here whose it could be.
    const auto bit = std::uint32_t{1} << (interrupt.value() % 32);
    irq_change(IrqState::kEnabled, port::current_cpu(), 0, bit, false);
    irq_deactivate(interrupt);
    return;
  }
  // An interrupt is the time to look at lines that fall silently (docs/design/vgic.md).
  if (current != nullptr && vgic::needs_line_check(*current)) [[unlikely]]
    post_work(*current, Work::kEvent);
}

}  // namespace

void irq_for_guest(IntId interrupt) {
  take_for_guest<guest::vgic::Way::kShort>(interrupt);
}

void irq_for_guest_in_memory(IntId interrupt) {
  take_for_guest<guest::vgic::Way::kAny>(interrupt);
}

void irq_maintenance() {
  if (guest::Vcpu* const current = guest::current_vcpu_or_null())
    guest::vgic::maintenance(*current);
}

}  // namespace socle::port
