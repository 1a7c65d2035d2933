// SPDX-License-Identifier: Apache-2.0
#pragma once

// A whole machine for tests of the virtual GIC: the model GICv3 (sim/), Socle's driver of it, a
// domain with one vCPU per CPU, and guests that are lines of a test. One thread plays all CPUs; a
// request between CPUs is answered inside the kick that announces it.

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "guest/domain.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "sim/gicv3.h"

namespace socle::guest {

inline constexpr std::uint32_t kEventPpi = 31;
inline constexpr std::uint32_t kTimerPpi = 27;  // the hardware's
inline constexpr std::uint32_t kLinePpi = 30;   // software's, lowered with an exit
inline constexpr std::uint32_t kSpurious = 1023;

class GicMachine {
 public:
  struct Options {
    sim::Gicv3::Options gic{};
    // SPIs of the machine that are the domain's; the others of its lines are software's.
    std::vector<std::uint32_t> hardware{};
    unsigned lines = 96;
    // Of the domain's; the machine is a GICv3, whose virtual interface can be both.
    vgic::Version version = vgic::Version::kV3;
    bool loaded = true;
  };
  explicit GicMachine(const Options& options);
  GicMachine() : GicMachine(Options{}) {}
  ~GicMachine();

  [[nodiscard]] Vcpu& vcpu(unsigned n) { return *vcpus_[n]; }
  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(vcpus_.size()); }
  Domain& domain() { return *domain_; }
  sim::Gicv3& gic() { return gic_; }

  // Runs as a CPU.
  template <typename Function>
  auto as(unsigned cpu, Function function) {
    const Turn turn(*this, cpu);
    return function();
  }

  // ----- The guest on vCPU n. Each ends with settle(). -----
  std::uint64_t read(unsigned n, std::uint64_t address, unsigned bytes = 4);
  void write(unsigned n, std::uint64_t address, std::uint64_t value, unsigned bytes = 4);
  std::uint32_t acknowledge(unsigned n, unsigned group = 1);
  void end(unsigned n, std::uint32_t interrupt, unsigned group = 1);
  void deactivate(unsigned n, std::uint32_t interrupt);
  void send_sgi(unsigned n, std::uint64_t value);
  void set_priority_mask(unsigned n, std::uint8_t mask);
  void enable_groups(unsigned n, bool group0, bool group1);
  void set_eoi_mode(unsigned n, bool split);
  bool interrupted(unsigned n, unsigned group = 1) { return gic_.guest_pending(n, group); }

  // Where the domain finds its registers.
  [[nodiscard]] std::uint64_t distributor(std::uint32_t offset) const;
  [[nodiscard]] std::uint64_t redistributor(unsigned n, std::uint32_t offset) const;
  [[nodiscard]] std::uint64_t sgi_frame(unsigned n, std::uint32_t offset) const;

  // Everything usual on: groups, priority mask, and these interrupts at a priority, in Group 1.
  void open(unsigned n);
  void enable(unsigned n, std::uint32_t interrupt, std::uint8_t priority = 0xa0);
  void route(std::uint32_t spi, unsigned target);
  void set_edge(std::uint32_t interrupt, bool edge);

  // ----- The world. -----
  void wire(std::uint32_t spi, bool high);  // a device's line, or a PPI's of CPU 0
  void wire(unsigned cpu, std::uint32_t ppi, bool high);
  void event(unsigned n, bool pending);  // evtchn_upcall_pending, and Work::kEvent if it is set
  void quietly_clear_event(unsigned n) { upcall_[n] = false; }

  // Lets every CPU take what is pending until nothing changes. Fails the test if that never ends.
  void settle();
  // Exits to Socle that settle() has made since the last call.
  unsigned take_exits();

 private:
  class Turn {
   public:
    Turn(GicMachine& machine, unsigned cpu);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    GicMachine& machine_;
    unsigned before_;
  };
  bool serve(unsigned cpu);
  bool emulate(unsigned n, MmioAccess& access);
  static void answer(CpuIndex cpu);

  sim::Gicv3 gic_;
  vgic::Version version_;
  std::unique_ptr<Domain> domain_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  std::vector<Vcpu*> pointers_;
  std::vector<bool> upcall_;
  unsigned cpu_ = 0;
  unsigned exits_ = 0;
};

}  // namespace socle::guest
