// SPDX-License-Identifier: Apache-2.0
#pragma once

// For host tests of the CPU side of a guest (traps, power, timers, aborts): what stands beside it,
// replaced by recorders, so that such a test looks at one thing. Programs that use it do not link
// the virtual GIC, event channels or stage2.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "guest/domain.h"
#include "guest/vcpu.h"
#include "hw/sysreg.h"
#include "port/sysreg.h"

namespace socle::guest {

struct Doubles {
  // Virtual GIC.
  std::vector<std::uint64_t> sgis;
  std::vector<std::uint64_t> group0_sgis;
  std::vector<std::uint64_t> deactivated;
  std::map<std::uint32_t, bool> lines;  // by INTID
  std::vector<std::uint32_t> served_work;
  bool deliverable = false;
  bool needs_line_check = false;
  bool ppi_is_taken = false;
  // Others.
  unsigned event_checks = 0;
  std::function<void()> on_event_check;
  unsigned hypercalls = 0;
  unsigned aborts = 0;
  // What happens while the CPU sleeps: called for each wait; after kMaxSleeps the test fails.
  std::function<void()> on_sleep;
  unsigned sleeps = 0;
  unsigned looks_at_lines = 0;  // port::irq_look_again()
  std::vector<RunState> run_states;
  std::map<std::uint64_t, stage2::Translation> mapped;  // by frame number
  unsigned lookups = 0;
};
Doubles& doubles();

// Thrown through the code under test by what does not return at EL2.
struct MachineEnded {
  enum class How : std::uint8_t { kPowerOff, kReset, kHalt } how;
};
struct GuestEntered {};
// The test's CPU slept more often than anything could need.
struct SleepsForever {};

// A domain with `count` vCPUs, vCPU 0 current on this CPU with reset state; registers, clock and
// doubles are fresh.
class TestGuest {
 public:
  explicit TestGuest(unsigned count = 1, bool is_hardware_domain = true);
  ~TestGuest();

  [[nodiscard]] Domain& domain() { return *domain_; }
  [[nodiscard]] Vcpu& vcpu(unsigned number = 0) { return *vcpus_[number]; }
  [[nodiscard]] CpuFrame& frame(unsigned number = 0) { return *vcpus_[number]->frame; }

 private:
  std::unique_ptr<Domain> domain_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  std::vector<std::unique_ptr<CpuFrame>> frames_;
  std::vector<Vcpu*> pointers_;
};

// Sets and reads this CPU's register.
template <typename Register>
void set_register(std::uint64_t value) {
  port::write_register<Register>(value);
}
template <typename Register>
std::uint64_t get_register() {
  return port::read_register<Register>();
}

}  // namespace socle::guest
