// SPDX-License-Identifier: Apache-2.0
#include "sim/gicv3.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "hw/gic.h"
#include "sim/violation.h"

namespace socle::sim {

namespace {

namespace gicd = hw::gicd;
namespace gicr = hw::gicr;

Gicv3* the_gic = nullptr;

void misused(const std::string& text) {
  violate(Rule::kInterruptController, text);
}

// ICFGR: two bits each, the upper one says edge.
template <typename Get>
std::uint32_t read_bits(unsigned count, Get get) {
  std::uint32_t value = 0;
  for (unsigned n = 0; n < count; ++n)
    value |= std::uint32_t{get(n) ? 1u : 0u} << n;
  return value;
}

}  // namespace

class Gicv3::Distributor : public RegisterModel {
 public:
  explicit Distributor(Gicv3& gic)
      : RegisterModel(
            PaRange(Pa(gic.options_.distributor), Pa(gic.options_.distributor + gicd::kSize))),
        gic_(gic) {}

  std::uint64_t read(std::uint64_t offset, unsigned bytes) override {
    const std::lock_guard guard(gic_.mutex_);
    const auto at = static_cast<std::uint32_t>(offset);
    if (bytes == 8 && is_route(at)) return gic_.at(0, (at - gicd::kIROUTER) / 8).route;
    if (bytes != 4) misused("distributor read of " + std::to_string(bytes) + " bytes");
    switch (at) {
      case gicd::kCTLR:
        return gic_.distributor_control_ | gicd::ctlr::DS::kMask;
      case gicd::kTYPER:
        return gic_.options_.lines / 32 - 1;
      case gicd::kPIDR2:
        return static_cast<std::uint32_t>(gic_.options_.revision) << 4;
      default:
        return gic_.read_word(0, at);
    }
  }

  void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override {
    const std::lock_guard guard(gic_.mutex_);
    const auto at = static_cast<std::uint32_t>(offset);
    if (bytes == 8 && is_route(at)) {
      gic_.at(0, (at - gicd::kIROUTER) / 8).route = value;
      return;
    }
    if (bytes != 4) misused("distributor write of " + std::to_string(bytes) + " bytes");
    if (at == gicd::kCTLR) {
      const auto control = static_cast<std::uint32_t>(value);
      if (((control ^ gic_.distributor_control_) & gicd::ctlr::ARE::kMask) != 0 &&
          (gic_.distributor_control_ & gicd::ctlr::EnableGrp1::kMask) != 0)
        misused("affinity routing changed while a group is enabled");
      gic_.distributor_control_ = control & (gicd::ctlr::ARE::kMask | 3);
      return;
    }
    gic_.write_word(0, at, static_cast<std::uint32_t>(value));
  }

 private:
  static bool is_route(std::uint32_t at) {
    return at >= gicd::kIROUTER + 32 * 8 && at < gicd::kIROUTER + 1020 * 8;
  }
  Gicv3& gic_;
};

class Gicv3::Redistributors : public RegisterModel {
 public:
  Redistributors(Gicv3& gic, const PaRange& range, unsigned first, unsigned count)
      : RegisterModel(range), gic_(gic), first_(first), count_(count) {}

  std::uint64_t read(std::uint64_t offset, unsigned bytes) override {
    const std::lock_guard guard(gic_.mutex_);
    const std::uint64_t place = offset / gic_.options_.stride;
    const auto at = static_cast<std::uint32_t>(offset % gic_.options_.stride);
    if (place >= count_ || at >= gicr::kSizeV3) return 0;
    const auto cpu = first_ + static_cast<unsigned>(place);
    if (at >= gicr::kSgiBase) return gic_.read_word(cpu, at - gicr::kSgiBase);
    switch (at) {
      case gicr::kTYPER:
        if (bytes != 8) misused("GICR_TYPER read in halves");
        return gicr::typer::Affinity::make(affinity_of(cpu)) |
               gicr::typer::Last::make(place + 1 == count_ ? 1 : 0) |
               gicr::typer::VLPIS::make(gic_.options_.with_vlpis ? 1 : 0);
      case gicr::kWAKER:
        return gic_.cpus_[cpu].awake ? 0 : 6;
      case gicr::kPIDR2:
        return static_cast<std::uint32_t>(gic_.options_.revision) << 4;
      default:
        return 0;
    }
  }

  void write(std::uint64_t offset, unsigned bytes, std::uint64_t value) override {
    const std::lock_guard guard(gic_.mutex_);
    const std::uint64_t place = offset / gic_.options_.stride;
    const auto at = static_cast<std::uint32_t>(offset % gic_.options_.stride);
    if (place >= count_ || bytes != 4) {
      misused("write to a redistributor that is none");
      return;
    }
    const auto cpu = first_ + static_cast<unsigned>(place);
    if (at == gicr::kWAKER)
      gic_.cpus_[cpu].awake = (value & gicr::waker::ProcessorSleep::kMask) == 0;
    else if (at >= gicr::kSgiBase && !gic_.cpus_[cpu].awake)
      misused("a sleeping redistributor was programmed");
    else if (at >= gicr::kSgiBase)
      gic_.write_word(cpu, at - gicr::kSgiBase, static_cast<std::uint32_t>(value));
  }

 private:
  Gicv3& gic_;
  const unsigned first_;
  const unsigned count_;
};

Gicv3::Gicv3(const Options& options) : options_(options), shared_(options.lines - 32), cpus_(16) {
  CHECK(the_gic == nullptr && options.cpus <= 16 && options.lines % 32 == 0);
  the_gic = this;
  for (Cpu& cpu : cpus_) {
    for (unsigned n = 0; n < 16; ++n)
      cpu.own[n].edge = true;
  }
  distributor_ = std::make_unique<Distributor>(*this);
  unsigned first = 0;
  for (const PaRange& region : regions()) {
    const unsigned count = std::min(options.per_region, options.cpus - first);
    redistributors_.push_back(std::make_unique<Redistributors>(*this, region, first, count));
    first += count;
  }
}

Gicv3::~Gicv3() {
  the_gic = nullptr;
}

Gicv3& Gicv3::current() {
  CHECK(the_gic != nullptr);
  return *the_gic;
}

std::vector<PaRange> Gicv3::regions() const {
  std::vector<PaRange> result;
  for (unsigned first = 0; first < options_.cpus; first += options_.per_region) {
    const std::uint64_t base = options_.redistributors + result.size() * options_.region_distance;
    const unsigned count = std::min(options_.per_region, options_.cpus - first);
    result.emplace_back(Pa(base), Pa(base + count * options_.stride));
  }
  return result;
}

Gicv3::Interrupt& Gicv3::at(unsigned cpu, std::uint32_t number) {
  if (number < 32) return cpus_[cpu].own[number];
  static Interrupt nothing;
  if (number >= options_.lines || number >= 1020) {
    nothing = Interrupt{};
    return nothing;
  }
  return shared_[number - 32];
}

Gicv3::Interrupt Gicv3::interrupt(unsigned cpu, std::uint32_t number) {
  const std::lock_guard guard(mutex_);
  return at(cpu, number);
}

void Gicv3::set_line(unsigned cpu, std::uint32_t number, bool high) {
  const std::lock_guard guard(mutex_);
  change_line(cpu, number, high);
}

void Gicv3::change_line(unsigned cpu, std::uint32_t number, bool high) {
  Interrupt& it = at(cpu, number);
  if (high && !it.line && it.edge) it.latched = true;
  it.line = high;
}

// ----- Registers of 32 interrupts -----

std::uint32_t Gicv3::read_word(unsigned cpu, std::uint32_t offset) {
  const std::uint32_t first = offset % 0x80 / 4 * 32;
  const auto bits = [&](auto get) {
    return read_bits(32, [&](unsigned n) { return get(at(cpu, first + n)); });
  };
  switch (offset / 0x80) {
    case gicd::kIGROUPR / 0x80:
      return bits([](const Interrupt& it) { return it.group1; });
    case gicd::kISENABLER / 0x80:
    case gicd::kICENABLER / 0x80:
      return bits([](const Interrupt& it) { return it.enabled; });
    case gicd::kISPENDR / 0x80:
    case gicd::kICPENDR / 0x80:
      return bits([](const Interrupt& it) { return it.pending(); });
    case gicd::kISACTIVER / 0x80:
    case gicd::kICACTIVER / 0x80:
      return bits([](const Interrupt& it) { return it.active; });
    default:
      break;
  }
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + 0x400) {
    std::uint32_t value = 0;
    for (unsigned n = 0; n < 4; ++n)
      value |= std::uint32_t{at(cpu, offset - gicd::kIPRIORITYR + n).priority} << (8 * n);
    return value;
  }
  if (offset >= gicd::kICFGR && offset < gicd::kICFGR + 0x100) {
    const std::uint32_t base = (offset - gicd::kICFGR) * 4;
    return read_bits(32, [&](unsigned n) { return n % 2 == 1 && at(cpu, base + n / 2).edge; });
  }
  return 0;
}

void Gicv3::write_word(unsigned cpu, std::uint32_t offset, std::uint32_t value) {
  const std::uint32_t first = offset % 0x80 / 4 * 32;
  const auto each = [&](auto change) {
    for (unsigned n = 0; n < 32; ++n) {
      if ((value >> n & 1) != 0) change(at(cpu, first + n));
    }
  };
  switch (offset / 0x80) {
    case gicd::kIGROUPR / 0x80:
      for (unsigned n = 0; n < 32; ++n)
        at(cpu, first + n).group1 = (value >> n & 1) != 0;
      return;
    case gicd::kISENABLER / 0x80:
      return each([](Interrupt& it) { it.enabled = true; });
    case gicd::kICENABLER / 0x80:
      return each([](Interrupt& it) { it.enabled = false; });
    case gicd::kISPENDR / 0x80:
      return each([](Interrupt& it) { it.latched = true; });
    case gicd::kICPENDR / 0x80:
      return each([](Interrupt& it) { it.latched = false; });
    case gicd::kISACTIVER / 0x80:
      return each([](Interrupt& it) { it.active = true; });
    case gicd::kICACTIVER / 0x80:
      return each([](Interrupt& it) { it.active = false; });
    default:
      break;
  }
  if (offset >= gicd::kIPRIORITYR && offset < gicd::kIPRIORITYR + 0x400) {
    for (unsigned n = 0; n < 4; ++n)
      at(cpu, offset - gicd::kIPRIORITYR + n).priority =
          static_cast<std::uint8_t>(value >> (8 * n));
  } else if (offset >= gicd::kICFGR && offset < gicd::kICFGR + 0x100) {
    const std::uint32_t base = (offset - gicd::kICFGR) * 4;
    for (unsigned n = 0; n < 16; ++n) {
      if (base + n >= 16) at(cpu, base + n).edge = (value >> (2 * n + 1) & 1) != 0;
    }
  }
}

// ----- Physical CPU interface -----

std::optional<std::uint32_t> Gicv3::best_physical(unsigned index) {
  const Cpu& cpu = cpus_[index];
  if (!cpu.group1 || (distributor_control_ & gicd::ctlr::EnableGrp1::kMask) == 0) return {};
  std::optional<std::uint32_t> best;
  unsigned best_priority = cpu.priority_mask;
  if (!cpu.running.empty()) best_priority = std::min<unsigned>(best_priority, cpu.running.back());
  for (std::uint32_t n = 0; n < options_.lines; ++n) {
    const Interrupt& it = at(index, n);
    if (!it.enabled || !it.group1 || it.active || !it.pending()) continue;
    if (n >= 32 && it.route != affinity_of(index)) continue;
    if (it.priority >= best_priority) continue;
    best_priority = it.priority;
    best = n;
  }
  return best;
}

bool Gicv3::physical_pending(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  return best_physical(cpu).has_value();
}

std::uint32_t Gicv3::acknowledge(unsigned cpu) {
  const std::lock_guard guard(mutex_);
  const auto best = best_physical(cpu);
  if (!best.has_value()) return 1023;
  Interrupt& it = at(cpu, *best);
  it.active = true;
  it.latched = false;
  cpus_[cpu].running.push_back(it.priority);
  return *best;
}

void Gicv3::end(unsigned cpu, std::uint32_t number) {
  const std::lock_guard guard(mutex_);
  Cpu& own = cpus_[cpu];
  if (own.running.empty()) {
    misused("end of interrupt " + std::to_string(number) + " without one running");
    return;
  }
  own.running.pop_back();
  if (!own.split) at(cpu, number).active = false;
}

void Gicv3::deactivate(unsigned cpu, std::uint32_t number) {
  const std::lock_guard guard(mutex_);
  if (!at(cpu, number).active) misused("interrupt " + std::to_string(number) + " is not active");
  at(cpu, number).active = false;
}

void Gicv3::send_sgi(unsigned, std::uint64_t value) {
  namespace sgir = hw::icc::sgir;
  const std::lock_guard guard(mutex_);
  CHECK(sgir::IRM::get(value) == 0);
  for (unsigned cpu = 0; cpu < options_.cpus; ++cpu) {
    const std::uint32_t affinity = affinity_of(cpu);
    if (sgir::Aff1::get(value) != (affinity >> 8 & 0xff) || sgir::Aff2::get(value) != 0 ||
        sgir::Aff3::get(value) != 0 || sgir::RS::get(value) != 0)
      continue;
    if ((value >> (affinity & 0xf) & 1) == 0) continue;
    at(cpu, static_cast<std::uint32_t>(sgir::INTID::get(value))).latched = true;
  }
}

void Gicv3::set_group1(unsigned cpu, bool enabled) {
  const std::lock_guard guard(mutex_);
  cpus_[cpu].group1 = enabled;
}
void Gicv3::set_priority_mask(unsigned cpu, std::uint8_t mask) {
  const std::lock_guard guard(mutex_);
  cpus_[cpu].priority_mask = mask;
}
void Gicv3::set_eoi_mode(unsigned cpu, bool split) {
  const std::lock_guard guard(mutex_);
  cpus_[cpu].split = split;
}

}  // namespace socle::sim
