// SPDX-License-Identifier: Apache-2.0
#include "guest/cpu_doubles_for_tests.h"

#include "guest/event_channel.h"
#include "guest/exits.h"
#include "guest/runstate.h"
#include "guest/vdev/vgic.h"
#include "port/clock.h"
#include "port/cpu.h"
#include "port/firmware.h"
#include "port/power.h"

namespace socle::guest {

namespace {
Doubles the_doubles;
constexpr unsigned kMaxSleeps = 100;
}  // namespace

Doubles& doubles() {
  return the_doubles;
}

TestGuest::TestGuest(unsigned count, bool is_hardware_domain) {
  the_doubles = Doubles{};
  port::host_registers().clear();
  port::host_counter = 0;
  port::host_wakeup = ~std::uint64_t{0};
  port::host_kicks = 0;
  port::host_current_cpu = CpuIndex{0};
  port::host_firmware = nullptr;
  domain_ = std::make_unique<Domain>(DomainId{0},
                                     Domain::Properties{.is_hardware_domain = is_hardware_domain});
  for (unsigned i = 0; i < count; ++i) {
    vcpus_.push_back(std::make_unique<Vcpu>(*domain_, i, CpuIndex{static_cast<std::uint16_t>(i)}));
    frames_.push_back(std::make_unique<CpuFrame>());
    vcpus_.back()->frame = frames_.back().get();
    frames_.back()->pstate = hw::Pstate::kEl1h;
    frames_.back()->pc = 0x8'0000;
    frames_.back()->vcpu = vcpus_.back().get();
    pointers_.push_back(vcpus_.back().get());
  }
  domain_->vcpus = pointers_;
  set_current_vcpu(&vcpu(0));
}

TestGuest::~TestGuest() {
  set_current_vcpu(nullptr);
}

// ----- neighbours in guest/ -----

namespace vgic {

Result<> own_hardware_ppi(Vcpu&, IntId) {
  if (the_doubles.ppi_is_taken) return fail(Error::kBusy);
  return {};
}
void load(Vcpu&) {}
void save(Vcpu&) {}
void set_line(Vcpu&, IntId ppi, bool high) {
  the_doubles.lines[ppi.value()] = high;
}
void send_sgi(Vcpu&, std::uint64_t value) {
  the_doubles.sgis.push_back(value);
}
void send_group0_sgi(Vcpu&, std::uint64_t value) {
  the_doubles.group0_sgis.push_back(value);
}
void deactivate(Vcpu&, std::uint64_t value) {
  the_doubles.deactivated.push_back(value);
}
bool has_deliverable(const Vcpu&) {
  return the_doubles.deliverable;
}
bool needs_line_check(const Vcpu&) {
  return the_doubles.needs_line_check;
}
void entry_work(Vcpu&, std::uint32_t work) {
  if (work != 0) the_doubles.served_work.push_back(work);
}

}  // namespace vgic

void event_entry_work(Vcpu&) {
  ++the_doubles.event_checks;
  the_doubles.needs_line_check = false;
  if (the_doubles.on_event_check) the_doubles.on_event_check();
}
void set_run_state(Vcpu&, RunState state) {
  the_doubles.run_states.push_back(state);
}
void update_runstate_area(Vcpu&) {}
void GuestPage::release() {}

extern "C" {
void socle_enter_guest(CpuFrame*) {
  throw GuestEntered{};
}
void socle_dispatch_interrupts() {
  if (++the_doubles.sleeps > kMaxSleeps) throw SleepsForever{};
  if (the_doubles.on_sleep) the_doubles.on_sleep();
}
void hypercall_entry(Vcpu&, CpuFrame&) {
  ++the_doubles.hypercalls;
}
// Programs that test fault/ have the real one.
[[gnu::weak]] void stage2_abort_entry(Vcpu&, CpuFrame&) {
  ++the_doubles.aborts;
}
}

}  // namespace socle::guest

// ----- other rooms -----

namespace socle::mem {
// NOLINTNEXTLINE(modernize-use-equals-default): stands for one that has a body.
TablePool::~TablePool() {}
}  // namespace socle::mem

namespace socle::stage2 {

port::Stage2Context AddressSpace::activate(CpuIndex) {
  return port::Stage2Context{.vttbr = 0x1'0000'4000'0000};
}
port::Stage2Context AddressSpace::context() const {
  return port::Stage2Context{.vttbr = 0x1'0000'4000'0000};
}
std::optional<Translation> AddressSpace::lookup(Gfn gfn) const {
  ++guest::the_doubles.lookups;
  const auto found = guest::the_doubles.mapped.find(gfn.value());
  if (found == guest::the_doubles.mapped.end()) return std::nullopt;
  return found->second;
}

}  // namespace socle::stage2

namespace socle::port {

void irq_look_again() {
  ++guest::the_doubles.looks_at_lines;
}
void power_off() {
  throw guest::MachineEnded{guest::MachineEnded::How::kPowerOff};
}
void power_reset() {
  throw guest::MachineEnded{guest::MachineEnded::How::kReset};
}
void power_halt() {
  throw guest::MachineEnded{guest::MachineEnded::How::kHalt};
}

}  // namespace socle::port
