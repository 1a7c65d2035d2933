// SPDX-License-Identifier: Apache-2.0
#pragma once

// A model GICv3 with virtualisation: distributor, redistributors and both CPU interfaces of up to
// 16 CPUs, as Arm IHI 0069 says, without Group 0 for the physical side, LPIs, security or timing.
// It is on the bus of sim/register_model.h and behind port/host's icc_*() and ich_*().
//
// It bites: two valid list registers for one interrupt, a hardware one that is pending and active,
// a priority with bits that do not exist, a register number that does not exist and the end of an
// interrupt that is not active are Violations (Rule::kInterruptController).
//
// Safe for threads that are CPUs, by one big lock.

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/types.h"
#include "sim/register_model.h"

namespace socle::sim {

class Gicv3 {
 public:
  struct Options {
    unsigned cpus = 1;
    unsigned lines = 96;  // multiple of 32
    unsigned list_registers = 4;
    bool can_trap_deactivation = true;  // ICH_VTR_EL2.TDS
    std::uint64_t distributor = 0x0800'0000;
    // Redistributors of the CPUs in this order, `per_region` to a region.
    std::uint64_t redistributors = 0x080a'0000;
    std::uint64_t stride = 0x2'0000;
    unsigned per_region = 16;
    std::uint64_t region_distance = 0x100'0000;
    bool with_vlpis = false;  // GICR_TYPER.VLPIS: frames of 256 KiB
    std::uint32_t maintenance = 25;
    std::uint8_t revision = 3;  // PIDR2.ArchRev
  };
  explicit Gicv3(const Options& options);
  ~Gicv3();
  Gicv3(const Gicv3&) = delete;
  Gicv3& operator=(const Gicv3&) = delete;
  // The one that exists.
  static Gicv3& current();

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] std::vector<PaRange> regions() const;
  // Aff3.Aff2.Aff1.Aff0 of a CPU: not its number, so that mixing them up shows.
  [[nodiscard]] static std::uint32_t affinity_of(unsigned cpu) {
    return 0x0100 * (cpu / 4) + cpu % 4;
  }

  // ----- Wires. `cpu` matters for private interrupts. -----
  void set_line(unsigned cpu, std::uint32_t interrupt, bool high);

  // ----- What an observer sees. -----
  struct Interrupt {
    bool enabled = false;
    bool group1 = false;
    bool latched = false;
    bool line = false;
    bool edge = false;
    bool active = false;
    std::uint8_t priority = 0;
    std::uint64_t route = 0;
    [[nodiscard]] bool pending() const { return latched || (!edge && line); }
  };
  [[nodiscard]] Interrupt interrupt(unsigned cpu, std::uint32_t number);

  // ----- Physical CPU interface: port/icc.h. -----
  bool physical_pending(unsigned cpu);
  std::uint32_t acknowledge(unsigned cpu);
  void end(unsigned cpu, std::uint32_t number);
  void deactivate(unsigned cpu, std::uint32_t number);
  void send_sgi(unsigned cpu, std::uint64_t value);
  void set_group1(unsigned cpu, bool enabled);
  void set_priority_mask(unsigned cpu, std::uint8_t mask);
  void set_eoi_mode(unsigned cpu, bool split);

  // ----- Hypervisor control: port/ich.h. -----
  std::uint64_t type() const;
  std::uint64_t list_register(unsigned cpu, unsigned index);
  void set_list_register(unsigned cpu, unsigned index, std::uint64_t value);
  std::uint32_t empty_list_registers(unsigned cpu);
  std::uint32_t ended_list_registers(unsigned cpu);
  std::uint32_t maintenance_status(unsigned cpu);
  std::uint32_t control(unsigned cpu);
  void set_control(unsigned cpu, std::uint32_t value);
  std::uint64_t machine_control(unsigned cpu);
  void set_machine_control(unsigned cpu, std::uint64_t value);
  std::uint32_t active_priorities(unsigned cpu, unsigned group, unsigned index);
  void set_active_priorities(unsigned cpu, unsigned group, unsigned index, std::uint32_t value);

  // ----- The guest's CPU interface (ICV_*). -----
  // A virtual interrupt of this group is signalled to the guest.
  bool guest_pending(unsigned cpu, unsigned group = 1);
  std::uint32_t guest_acknowledge(unsigned cpu, unsigned group = 1);
  void guest_end(unsigned cpu, std::uint32_t number, unsigned group = 1);
  // False: the write traps (ICH_HCR_EL2.TDIR).
  bool guest_deactivate(unsigned cpu, std::uint32_t number);
  unsigned guest_running_priority(unsigned cpu);

  // How often the hypervisor's registers were touched: an exit that has nothing to do with
  // interrupts must not.
  [[nodiscard]] std::uint64_t hypervisor_accesses() const { return hypervisor_accesses_; }

 private:
  class Distributor;
  class Redistributors;
  struct Cpu {
    std::array<Interrupt, 32> own{};
    bool awake = false;
    bool group1 = false;
    bool split = false;
    std::uint8_t priority_mask = 0;
    std::vector<std::uint8_t> running;
    // Virtual.
    std::array<std::uint64_t, 16> lr{};
    std::uint32_t hcr = 0;
    std::uint64_t vmcr = 0;
    std::array<std::array<std::uint32_t, 4>, 2> ap{};
    bool maintenance_line = false;
  };

  Interrupt& at(unsigned cpu, std::uint32_t number);
  std::optional<std::uint32_t> best_physical(unsigned cpu);
  std::optional<unsigned> best_virtual(unsigned cpu);
  void change_line(unsigned cpu, std::uint32_t number, bool high);
  void update_maintenance(unsigned cpu);
  std::uint32_t status_of(const Cpu& cpu) const;
  std::uint32_t ended_of(const Cpu& cpu) const;
  void check_list_registers(const Cpu& cpu);
  void end_virtual(unsigned cpu, std::uint32_t number, bool count);
  std::uint32_t read_word(unsigned cpu, std::uint32_t offset);
  void write_word(unsigned cpu, std::uint32_t offset, std::uint32_t value);

  const Options options_;
  std::recursive_mutex mutex_;
  std::uint32_t distributor_control_ = 0;
  std::vector<Interrupt> shared_;
  std::vector<Cpu> cpus_;  // also those without a redistributor
  std::unique_ptr<Distributor> distributor_;
  std::vector<std::unique_ptr<Redistributors>> redistributors_;
  std::uint64_t hypervisor_accesses_ = 0;
};

}  // namespace socle::sim
