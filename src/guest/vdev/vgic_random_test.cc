// SPDX-License-Identifier: Apache-2.0

// Random life of a few vCPUs beside a GIC so simple that it is right: a table of interrupts, looked
// through from the beginning each time. After every step both must offer the same to each vCPU.

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/test.h"
#include "guest/vdev/vgic_machine_for_tests.h"
#include "hw/gic.h"

namespace socle::guest {
namespace {

namespace gicd = hw::gicd;

constexpr unsigned kLines = 96;
constexpr unsigned kIdlePriority = 0x100;

struct NaiveInterrupt {
  bool enabled = false;
  bool group1 = false;
  bool edge = false;
  bool line = false;
  bool latched = false;
  std::uint8_t priority = 0;
  int target = 0;      // SPIs
  int active_at = -1;  // a vCPU
  bool hardware = false;
  [[nodiscard]] bool pending() const { return latched || (!edge && line); }
};

struct Taken {
  std::uint32_t interrupt;
  unsigned group;
  unsigned priority;
};

struct NaiveVcpu {
  std::array<NaiveInterrupt, 32> own{};
  bool split = false;
  std::uint8_t mask = 0xf8;
  std::array<bool, 2> groups{true, true};
  std::vector<Taken> running;          // acknowledged, priority not dropped
  std::vector<std::uint32_t> dropped;  // split mode: to be deactivated
  [[nodiscard]] unsigned running_priority() const {
    unsigned priority = kIdlePriority;
    for (const Taken& taken : running)
      priority = std::min(priority, taken.priority);
    return priority;
  }
};

class Pair {
 public:
  Pair(unsigned seed, unsigned cpus, unsigned list_registers, bool can_trap)
      : random_(seed),
        machine_(options(cpus, list_registers, can_trap)),
        vcpus_(cpus),
        spis_(kLines - 32) {
    for (unsigned n = 0; n < cpus; ++n) {
      machine_.open(n);
      for (std::uint32_t i = 0; i < 16; ++i)
        own(n, i).edge = true;
      own(n, kTimerPpi).hardware = true;
    }
    for (std::uint32_t i = 32; i < kLines; ++i) {
      spi(i).hardware = i % 4 != 3;
      spi(i).edge = chance(40);
      machine_.set_edge(i, spi(i).edge);
    }
  }

  void step();
  // The steps that led here, for whoever looks for a fault.
  void tell();
  // What the two offer, and what the registers say.
  void compare();
  void compare_registers();

 private:
  static GicMachine::Options options(unsigned cpus, unsigned list_registers, bool can_trap) {
    GicMachine::Options options;
    options.gic.cpus = cpus;
    options.gic.list_registers = list_registers;
    options.gic.can_trap_deactivation = can_trap;
    options.gic.lines = kLines;
    options.lines = kLines;
    for (std::uint32_t i = 32; i < kLines; ++i) {
      if (i % 4 != 3) options.hardware.push_back(i);
    }
    return options;
  }

  void note(const char* what, unsigned n, std::uint32_t i) {
    if (history_.size() == 400) history_.erase(history_.begin());
    history_.push_back(std::string(what) + " vCPU " + std::to_string(n) + " interrupt " +
                       std::to_string(i));
  }
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  bool chance(unsigned percent) { return below(100) < percent; }
  unsigned some_vcpu() { return below(static_cast<unsigned>(vcpus_.size())); }
  // Few of them, so that they meet.
  std::uint32_t some_spi() { return 32 + below(24); }
  std::uint32_t some_interrupt() {
    static constexpr std::uint32_t kOwn[] = {0, 1, 2, 7, 15, kTimerPpi, kLinePpi};
    return chance(35) ? kOwn[below(7)] : some_spi();
  }
  NaiveInterrupt& own(unsigned n, std::uint32_t i) { return vcpus_[n].own[i]; }
  NaiveInterrupt& spi(std::uint32_t i) { return spis_[i - 32]; }
  NaiveInterrupt& at(unsigned n, std::uint32_t i) { return i < 32 ? own(n, i) : spi(i); }

  [[nodiscard]] bool is_candidate(unsigned n, std::uint32_t i) {
    const NaiveInterrupt& it = at(n, i);
    const unsigned group = it.group1 ? 1 : 0;
    return it.enabled && it.pending() && it.active_at < 0 && distributor_[group] &&
           vcpus_[n].groups[group] && (i < 32 || it.target == static_cast<int>(n));
  }
  [[nodiscard]] unsigned best_priority(unsigned n) {
    unsigned best = kIdlePriority;
    for (std::uint32_t i = 0; i < kLines; ++i) {
      if (is_candidate(n, i)) best = std::min<unsigned>(best, at(n, i).priority);
    }
    return best;
  }
  [[nodiscard]] bool is_signalled(unsigned n) {
    const unsigned best = best_priority(n);
    return best < vcpus_[n].mask && best < vcpus_[n].running_priority();
  }

  std::uint64_t register_of(unsigned n, std::uint32_t offset, std::uint32_t i) {
    return i < 32 ? machine_.sgi_frame(n, offset) : machine_.distributor(offset + i / 32 * 4);
  }
  void write_bit(unsigned n, std::uint32_t offset, std::uint32_t i) {
    // From any vCPU: redistributors are memory.
    machine_.write(some_vcpu(), register_of(n, offset, i), 1u << (i % 32));
  }

  void take(unsigned n);
  void end(unsigned n);
  void deactivate(unsigned n);
  void deactivated(unsigned n, std::uint32_t i);
  void change_register(unsigned n, std::uint32_t i);
  void change_interface(unsigned n);
  void change_active(unsigned n, std::uint32_t i);
  void move_wire(unsigned n, std::uint32_t i);

  std::mt19937 random_;
  GicMachine machine_;
  std::vector<NaiveVcpu> vcpus_;
  std::vector<NaiveInterrupt> spis_;
  std::array<bool, 2> distributor_{true, true};
  std::vector<std::string> history_;
};

void Pair::take(unsigned n) {
  for (unsigned group = 0; group < 2; ++group) {
    const bool offered = machine_.interrupted(n, group);
    const std::uint32_t i = machine_.acknowledge(n, group);
    ASSERT_EQ(i != kSpurious, offered);
    if (!offered) continue;
    ASSERT_TRUE(is_candidate(n, i));
    ASSERT_EQ(at(n, i).priority, best_priority(n));
    ASSERT_EQ(at(n, i).group1 ? 1u : 0u, group);
    note("take", n, i);
    at(n, i).active_at = static_cast<int>(n);
    at(n, i).latched = false;
    vcpus_[n].running.push_back({i, group, at(n, i).priority});
    return;
  }
}

void Pair::deactivated(unsigned n, std::uint32_t i) {
  if (at(n, i).active_at == static_cast<int>(n)) at(n, i).active_at = -1;
}

void Pair::end(unsigned n) {
  NaiveVcpu& vcpu = vcpus_[n];
  if (vcpu.running.empty()) return;
  const Taken taken = vcpu.running.back();
  vcpu.running.pop_back();
  note("end", n, taken.interrupt);
  if (vcpu.split)
    vcpu.dropped.push_back(taken.interrupt);
  else
    deactivated(n, taken.interrupt);
  machine_.end(n, taken.interrupt, taken.group);
}

void Pair::deactivate(unsigned n) {
  NaiveVcpu& vcpu = vcpus_[n];
  if (vcpu.dropped.empty()) return;
  const unsigned which = below(static_cast<unsigned>(vcpu.dropped.size()));
  const std::uint32_t i = vcpu.dropped[which];
  vcpu.dropped.erase(vcpu.dropped.begin() + which);
  note("deactivate", n, i);
  deactivated(n, i);
  machine_.deactivate(n, i);
}

void Pair::change_register(unsigned n, std::uint32_t i) {
  NaiveInterrupt& it = at(n, i);
  switch (below(8)) {
    case 0:
    case 1:
    case 2:
      note("enable", n, i);
      it.enabled = true;
      return write_bit(n, gicd::kISENABLER, i);
    case 3:
      note("disable", n, i);
      it.enabled = false;
      return write_bit(n, gicd::kICENABLER, i);
    case 4: {
      // The priority of an active one is what it had when it was taken.
      if (it.active_at >= 0) return;
      note("priority", n, i);
      it.priority = static_cast<std::uint8_t>(below(32) * 8);
      const std::uint32_t offset = gicd::kIPRIORITYR + i;
      return machine_.write(some_vcpu(),
                            i < 32 ? machine_.sgi_frame(n, offset) : machine_.distributor(offset),
                            it.priority, 1);
    }
    case 5: {
      if (it.active_at >= 0) return;
      note("group", n, i);
      it.group1 = !it.group1;
      const std::uint64_t address = register_of(n, gicd::kIGROUPR, i);
      return machine_.write(some_vcpu(), address,
                            machine_.read(some_vcpu(), address) ^ 1u << (i % 32));
    }
    case 6:
      // Once acknowledged, a level of the machine that is only said to be pending is not told from
      // one whose line is high: docs/design/vgic.md, "Not done".
      if (it.hardware && !it.edge) return;
      note("set pending", n, i);
      it.latched = true;
      return write_bit(n, gicd::kISPENDR, i);
    case 7:
      note("clear pending", n, i);
      it.latched = false;
      return write_bit(n, gicd::kICPENDR, i);
    default:
      return;
  }
}

void Pair::change_interface(unsigned n) {
  NaiveVcpu& vcpu = vcpus_[n];
  switch (below(6)) {
    case 0:
      vcpu.mask = static_cast<std::uint8_t>(below(32) * 8);
      note("mask", n, vcpu.mask);
      return machine_.set_priority_mask(n, vcpu.mask);
    case 1:
    case 2:
      vcpu.mask = 0xf8;
      note("mask", n, 0xf8);
      return machine_.set_priority_mask(n, vcpu.mask);
    case 3:
      vcpu.groups = {chance(70), chance(80)};
      note("groups", n, (vcpu.groups[0] ? 1u : 0u) | (vcpu.groups[1] ? 2u : 0u));
      return machine_.enable_groups(n, vcpu.groups[0], vcpu.groups[1]);
    case 4:
      if (!vcpu.running.empty() || !vcpu.dropped.empty()) return;
      vcpu.split = !vcpu.split;
      note("split", n, vcpu.split ? 1 : 0);
      return machine_.set_eoi_mode(n, vcpu.split);
    case 5:
      distributor_ = {chance(80), chance(80)};
      note("distributor", n, (distributor_[0] ? 1u : 0u) | (distributor_[1] ? 2u : 0u));
      return machine_.write(n, machine_.distributor(gicd::kCTLR),
                            (distributor_[0] ? 1u : 0u) | (distributor_[1] ? 2u : 0u));
    default:
      return;
  }
}

// GICD_ISACTIVER and ICACTIVER, of interrupts that no vCPU is about to end itself. Only where no
// active one ever lacks a list register: see docs/design/vgic.md, "Not done".
void Pair::change_active(unsigned n, std::uint32_t i) {
  if (machine_.gic().options().list_registers < 16) return;
  NaiveInterrupt& it = at(n, i);
  for (const NaiveVcpu& vcpu : vcpus_) {
    for (const Taken& taken : vcpu.running) {
      if (taken.interrupt == i) return;
    }
    if (std::ranges::find(vcpu.dropped, i) != vcpu.dropped.end()) return;
  }
  if (it.active_at >= 0) {
    note("clear active", n, i);
    it.active_at = -1;
    return write_bit(n, gicd::kICACTIVER, i);
  }
  if (i >= 32 && it.target < 0) return;
  note("set active", n, i);
  it.active_at = i < 32 ? static_cast<int>(n) : it.target;
  write_bit(n, gicd::kISACTIVER, i);
}

void Pair::move_wire(unsigned n, std::uint32_t i) {
  NaiveInterrupt& it = at(n, i);
  const bool high = !it.line;
  // What the machine has given to Socle is on its way to the guest, here as on any machine with
  // list registers: a level that falls is not taken back, and a second edge is not merged with the
  // first. So levels fall where devices let them fall, while handled, and edges do not come faster.
  const bool on_its_way = it.hardware && it.enabled && it.pending() && it.active_at < 0;
  if (on_its_way && (it.edge ? high : !high)) return;
  if (!it.hardware && i < 16) return;
  if (high && it.edge) it.latched = true;
  it.line = high;
  note(high ? "wire high" : "wire low", n, i);
  if (it.hardware) return machine_.wire(n, i, high);
  if (i < 32)
    machine_.as(n, [&] { vgic::set_line(machine_.vcpu(n), IntId(i), high); });
  else
    machine_.as(some_vcpu(), [&] { vgic::set_spi_line(machine_.domain(), IntId(i), high); });
  machine_.settle();
}

void Pair::step() {
  const unsigned n = some_vcpu();
  const std::uint32_t i = some_interrupt();
  switch (below(16)) {
    case 0:
    case 1:
    case 2:
      return take(n);
    case 3:
    case 4:
    case 5:
      return end(n);
    case 6:
      return deactivate(n);
    case 7:
    case 8:
      return change_register(n, i);
    case 9:
      return chance(30) ? change_interface(n) : change_register(n, i);
    case 10:
      if (chance(20)) change_active(n, i);
      return;
    case 11:
    case 12:
    case 13:
      return move_wire(n, i);
    case 14: {
      const std::uint32_t sgi = below(3);
      const auto list = static_cast<std::uint32_t>(random_() & 0xf);
      note("sgi to", list, sgi);
      for (unsigned to = 0; to < vcpus_.size(); ++to) {
        if ((list >> to & 1) != 0) own(to, sgi).latched = true;
      }
      return machine_.send_sgi(n, std::uint64_t{sgi} << 24 | list);
    }
    case 15: {
      const std::uint32_t which = some_spi();
      const int target = chance(95) ? static_cast<int>(some_vcpu()) : -1;
      // One that is active stays where it is until it ends.
      if (spi(which).active_at >= 0 && chance(50)) return;
      spi(which).target = target;
      note("route to", static_cast<unsigned>(target), which);
      return machine_.route(which, target < 0 ? 15 : static_cast<unsigned>(target));
    }
    default:
      return;
  }
}

void Pair::tell() {
  for (const std::string& line : history_)
    std::printf("  %s\n", line.c_str());
  for (unsigned n = 0; n < vcpus_.size(); ++n) {
    std::printf("  vCPU %u runs at %#x, mask %#x, ich_hcr %#x; expected to be offered:\n", n,
                vcpus_[n].running_priority(), vcpus_[n].mask, machine_.gic().control(n));
    for (std::uint32_t i = 0; i < kLines; ++i) {
      if (is_candidate(n, i)) std::printf("    %u at %#x\n", i, at(n, i).priority);
    }
    for (unsigned slot = 0; slot < machine_.gic().options().list_registers; ++slot) {
      std::printf("    list register %u: %016llx\n", slot,
                  static_cast<unsigned long long>(machine_.gic().list_register(n, slot)));
    }
  }
}

void Pair::compare() {
  for (unsigned n = 0; n < vcpus_.size(); ++n) {
    const bool offered = machine_.interrupted(n, 0) || machine_.interrupted(n, 1);
    ASSERT_EQ(offered, is_signalled(n));
  }
}

void Pair::compare_registers() {
  const unsigned n = some_vcpu();
  const unsigned self = some_vcpu();
  for (unsigned word = 0; word < kLines / 32; ++word) {
    std::uint32_t pending = 0;
    std::uint32_t active = 0;
    std::uint32_t enabled = 0;
    for (std::uint32_t bit = 0; bit < 32; ++bit) {
      const NaiveInterrupt& it = at(n, word * 32 + bit);
      pending |= (it.pending() ? 1u : 0u) << bit;
      active |= (it.active_at >= 0 ? 1u : 0u) << bit;
      enabled |= (it.enabled ? 1u : 0u) << bit;
    }
    ASSERT_EQ(machine_.read(self, register_of(n, gicd::kISPENDR, word * 32)), pending);
    ASSERT_EQ(machine_.read(self, register_of(n, gicd::kICACTIVER, word * 32)), active);
    ASSERT_EQ(machine_.read(self, register_of(n, gicd::kICENABLER, word * 32)), enabled);
  }
}

bool live(unsigned seed, unsigned cpus, unsigned list_registers, bool can_trap, unsigned steps) {
  Pair pair(seed, cpus, list_registers, can_trap);
  for (unsigned n = 0; n < steps; ++n) {
    pair.step();
    pair.compare();
    if (n % 16 == 0) pair.compare_registers();
    if (::testing::Test::HasFatalFailure()) {
      std::printf("seed %u, %u CPUs, %u list registers, step %u\n", seed, cpus, list_registers, n);
      pair.tell();
      return false;
    }
  }
  return true;
}

// SOCLE_RANDOM_ROUNDS: how much longer than usual to look (a number; default 1).
unsigned rounds() {
  const char* const text = std::getenv("SOCLE_RANDOM_ROUNDS");
  return text != nullptr ? static_cast<unsigned>(std::atoi(text)) : 1;
}

TEST(VgicRandom, OneVcpuWithFourListRegistersBehavesLikeTheNaiveGic) {
  for (unsigned seed = 0; seed < 10 * rounds() && live(seed, 1, 4, true, 1000); ++seed) {
  }
}
TEST(VgicRandom, OneVcpuWithSixteenListRegistersBehavesLikeTheNaiveGic) {
  for (unsigned seed = 0; seed < 10 * rounds() && live(seed, 1, 16, true, 1000); ++seed) {
  }
}
TEST(VgicRandom, OneVcpuWithFewListRegistersBehavesLikeTheNaiveGic) {
  for (unsigned seed = 0; seed < 10 * rounds() && live(seed, 1, 1 + seed % 2, true, 1000); ++seed) {
  }
}
TEST(VgicRandom, ThreeVcpusBehaveLikeTheNaiveGic) {
  for (unsigned seed = 0; seed < 15 * rounds() && live(seed, 3, 1 + seed % 4, true, 1000); ++seed) {
  }
}
TEST(VgicRandom, FourVcpusWithSixteenListRegistersBehaveLikeTheNaiveGic) {
  for (unsigned seed = 0; seed < 10 * rounds() && live(seed, 4, 16, true, 1000); ++seed) {
  }
}

}  // namespace
}  // namespace socle::guest
