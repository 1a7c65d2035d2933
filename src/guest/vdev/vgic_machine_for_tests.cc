// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vgic_machine_for_tests.h"

#include "base/check.h"
#include "drivers/gic.h"
#include "hw/gic.h"
#include "port/cpu.h"

namespace socle::guest {

namespace {

namespace gicd = hw::gicd;
namespace gicr = hw::gicr;
namespace vmcr = hw::ich::vmcr;

GicMachine* the_machine = nullptr;

constexpr std::uint64_t kDistributor = 0x0300'1000 & ~0xffffull;
constexpr std::uint64_t kRedistributors = 0x0302'0000;

platform::Gic describe(const sim::Gicv3& gic) {
  platform::Gic description;
  description.version = platform::Gic::Version::kV3;
  description.distributor =
      PaRange(Pa(gic.options().distributor), Pa(gic.options().distributor + gicd::kSize));
  for (const PaRange& region : gic.regions())
    CHECK(description.redistributors.push_back(region).has_value());
  description.redistributor_stride = gic.options().stride;
  description.maintenance = platform::Interrupt{.id = IntId(gic.options().maintenance)};
  return description;
}

}  // namespace

GicMachine::Turn::Turn(GicMachine& machine, unsigned cpu)
    : machine_(machine), before_(machine.cpu_) {
  machine_.cpu_ = cpu;
  port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(cpu)};
  set_current_vcpu(cpu < machine_.vcpus_.size() ? machine_.vcpus_[cpu].get() : nullptr);
}

GicMachine::Turn::~Turn() {
  machine_.cpu_ = before_;
  port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(before_)};
  set_current_vcpu(before_ < machine_.vcpus_.size() ? machine_.vcpus_[before_].get() : nullptr);
}

GicMachine::GicMachine(const Options& options)
    : gic_(options.gic), version_(options.version), upcall_(options.gic.cpus) {
  CHECK(the_machine == nullptr);
  the_machine = this;
  port::host_current_cpu = CpuIndex{0};
  CHECK(socle::gic::init_distributor(describe(gic_)).has_value());
  domain_ = std::make_unique<Domain>(DomainId{0}, Domain::Properties{.is_hardware_domain = true});
  for (unsigned n = 0; n < options.gic.cpus; ++n) {
    vcpus_.push_back(std::make_unique<Vcpu>(*domain_, n, CpuIndex{static_cast<std::uint16_t>(n)}));
    pointers_.push_back(vcpus_.back().get());
  }
  domain_->vcpus = pointers_;
  domain_->event_channel_ppi = IntId(kEventPpi);
  const Range<Ipa> region(Ipa(kRedistributors),
                          Ipa(kRedistributors + pointers_.size() * vgic::kRedistributorSize));
  CHECK(vgic::init_domain(*domain_, {.version = options.version,
                                     .distributor = Ipa(kDistributor),
                                     .redistributors = std::span(&region, 1),
                                     .lines = options.lines})
            .has_value());
  for (unsigned n = 0; n < count(); ++n) {
    as(n, [&] {
      CHECK(socle::gic::init_cpu().has_value());
      vgic::init_vcpu(vcpu(n));
      CHECK(vgic::own_hardware_ppi(vcpu(n), IntId(kTimerPpi)).has_value());
    });
  }
  for (const std::uint32_t spi : options.hardware)
    CHECK(vgic::route_to_guest(*domain_, IntId(spi)).has_value());
  for (unsigned n = 0; n < count() && options.loaded; ++n)
    as(n, [&] { vgic::load(vcpu(n)); });
  port::host_after_kick = answer;
}

GicMachine::~GicMachine() {
  port::host_after_kick = nullptr;
  port::set_kick_sender(nullptr);
  set_current_vcpu(nullptr);
  port::host_current_cpu = CpuIndex{0};
  the_machine = nullptr;
}

// The kicked CPU answers a request at once, as if it had been in its guest.
void GicMachine::answer(CpuIndex cpu) {
  Vcpu& target = the_machine->vcpu(index_of(cpu));
  constexpr auto kSync = static_cast<std::uint32_t>(Work::kVgicSync);
  if ((target.pending_work.load() & kSync) == 0) return;
  the_machine->as(index_of(cpu), [&] {
    target.pending_work.fetch_and(~kSync);
    vgic::entry_work(target, kSync);
  });
}

bool GicMachine::serve(unsigned n) {
  return as(n, [&] {
    bool did = false;
    if (gic_.physical_pending(n)) {
      socle::gic::dispatch_physical();
      did = true;
    }
    const std::uint32_t work = vcpu(n).pending_work.exchange(0);
    if ((work & static_cast<std::uint32_t>(Work::kEvent)) != 0)
      vgic::set_line(vcpu(n), IntId(kEventPpi), upcall_[n]);
    if (work != 0) vgic::entry_work(vcpu(n), work);
    return did || work != 0;
  });
}

void GicMachine::settle() {
  unsigned turns = 0;
  for (bool again = true; again;) {
    again = false;
    for (unsigned n = 0; n < count(); ++n) {
      if (!serve(n)) continue;
      ++exits_;
      again = true;
    }
    CHECK(++turns < 1000);
  }
}

unsigned GicMachine::take_exits() {
  const unsigned exits = exits_;
  exits_ = 0;
  return exits;
}

// ----- Guest -----

bool GicMachine::emulate(unsigned n, MmioAccess& access) {
  return version_ == vgic::Version::kV2 ? vgic::emulate_gicv2_mmio(vcpu(n), access)
                                        : vgic::emulate_mmio(vcpu(n), access);
}

std::uint64_t GicMachine::read(unsigned n, std::uint64_t address, unsigned bytes) {
  MmioAccess access{.address = Ipa(address), .bytes = bytes, .is_write = false, .value = 0};
  as(n, [&] { CHECK(emulate(n, access)); });
  settle();
  return access.value;
}

void GicMachine::write(unsigned n, std::uint64_t address, std::uint64_t value, unsigned bytes) {
  MmioAccess access{.address = Ipa(address), .bytes = bytes, .is_write = true, .value = value};
  as(n, [&] { CHECK(emulate(n, access)); });
  settle();
}

std::uint32_t GicMachine::acknowledge(unsigned n, unsigned group) {
  const std::uint32_t interrupt = gic_.guest_acknowledge(n, group);
  settle();
  return interrupt;
}

void GicMachine::end(unsigned n, std::uint32_t interrupt, unsigned group) {
  gic_.guest_end(n, interrupt, group);
  settle();
}

void GicMachine::deactivate(unsigned n, std::uint32_t interrupt) {
  if (!gic_.guest_deactivate(n, interrupt)) as(n, [&] { vgic::deactivate(vcpu(n), interrupt); });
  settle();
}

void GicMachine::send_sgi(unsigned n, std::uint64_t value) {
  as(n, [&] { vgic::send_sgi(vcpu(n), value); });
  settle();
}

void GicMachine::set_priority_mask(unsigned n, std::uint8_t mask) {
  gic_.set_machine_control(n, vmcr::VPMR::set(gic_.machine_control(n), mask));
  settle();
}

void GicMachine::enable_groups(unsigned n, bool group0, bool group1) {
  const std::uint64_t value = vmcr::VENG0::set(gic_.machine_control(n), group0 ? 1 : 0);
  gic_.set_machine_control(n, vmcr::VENG1::set(value, group1 ? 1 : 0));
  settle();
}

void GicMachine::set_eoi_mode(unsigned n, bool split) {
  gic_.set_machine_control(n, vmcr::VEOIM::set(gic_.machine_control(n), split ? 1 : 0));
}

std::uint64_t GicMachine::distributor(std::uint32_t offset) const {
  return kDistributor + offset;
}
std::uint64_t GicMachine::redistributor(unsigned n, std::uint32_t offset) const {
  return kRedistributors + n * vgic::kRedistributorSize + offset;
}
std::uint64_t GicMachine::sgi_frame(unsigned n, std::uint32_t offset) const {
  return redistributor(n, gicr::kSgiBase + offset);
}

void GicMachine::open(unsigned n) {
  write(n, distributor(gicd::kCTLR), gicd::ctlr::EnableGrp0::kMask | gicd::ctlr::EnableGrp1::kMask);
  set_priority_mask(n, 0xf8);
  enable_groups(n, true, true);
}

void GicMachine::enable(unsigned n, std::uint32_t interrupt, std::uint8_t priority) {
  const auto at = [&](std::uint32_t offset) {
    return interrupt < 32 ? sgi_frame(n, offset) : distributor(offset);
  };
  const std::uint32_t word = interrupt / 32 * 4;
  const std::uint64_t bit = 1u << (interrupt % 32);
  write(n, at(gicd::kIGROUPR + word), read(n, at(gicd::kIGROUPR + word)) | bit);
  write(n, at(gicd::kIPRIORITYR + interrupt), priority, 1);
  write(n, at(gicd::kISENABLER + word), bit);
}

void GicMachine::route(std::uint32_t spi, unsigned target) {
  write(0, distributor(gicd::kIROUTER + spi * 8), target % 16 | target / 16 << 8, 8);
}

void GicMachine::set_edge(std::uint32_t interrupt, bool edge) {
  const std::uint64_t address = distributor(gicd::kICFGR + interrupt / 16 * 4);
  const std::uint64_t bit = 2u << (interrupt % 16 * 2);
  const std::uint64_t before = read(0, address);
  write(0, address, edge ? before | bit : before & ~bit);
}

// ----- World -----

void GicMachine::wire(std::uint32_t spi, bool high) {
  wire(0, spi, high);
}
void GicMachine::wire(unsigned cpu, std::uint32_t interrupt, bool high) {
  gic_.set_line(cpu, interrupt, high);
  settle();
}

void GicMachine::event(unsigned n, bool pending) {
  upcall_[n] = pending;
  if (pending) post_work(vcpu(n), Work::kEvent);
  settle();
}

}  // namespace socle::guest

// ----- Neighbours that a Domain has and these tests do not need. -----

namespace socle::mem {
// NOLINTNEXTLINE(modernize-use-equals-default): stands for one that has a body.
TablePool::~TablePool() {}
}  // namespace socle::mem

namespace socle::guest {
void GuestPage::release() {}
}  // namespace socle::guest
