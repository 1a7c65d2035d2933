// SPDX-License-Identifier: Apache-2.0
#pragma once

// For host tests of what a guest can ask for: a model machine with one domain, built as the
// hardware domain is: RAM mapped 1:1, shared_info, a grant table, event channels, vCPUs that are
// not running. The guest's stage 1 is off, so its virtual addresses are its physical ones
// (port/at.h).

#include <cstring>
#include <memory>
#include <vector>

#include "abi/shared_info.h"
#include "base/test.h"
#include "guest/domain.h"
#include "guest/guest_memory.h"
#include "guest/vcpu.h"
#include "mem/memory.h"
#include "mem/test_machine.h"
#include "policy/policy.h"
#include "port/cpu.h"
#include "port/preemption.h"
#include "sim/mmu.h"

namespace socle::guest {

class TestDomain {
 public:
  // 16 MiB of RAM, and one page of a device.
  static constexpr Mfn kRam{0x44000};
  static constexpr FrameCount kRamFrames{0x1000};
  // A device that is mapped where it is; others behind it may be, too.
  static constexpr Gfn kDevice{0x9000};
  static constexpr MfnRange kPermitted[] = {MfnRange(Mfn(0x9000), Mfn(0x9100))};

  struct Options {
    unsigned vcpus = 2;
    abi::Port max_port = abi::kFifoPorts - 1;
    Domain::Properties properties{
        .is_hardware_domain = true, .is_direct_mapped = true, .is_privileged = true};
  };

  TestDomain() : TestDomain(Options{}) {}
  explicit TestDomain(const Options& options)
      : domain_(std::make_unique<Domain>(DomainId{0}, options.properties)) {
    port::host_current_cpu = CpuIndex{0};
    port::host_interrupt_pending = false;
    build_memory();
    for (unsigned i = 0; i < options.vcpus; ++i) {
      vcpus_.push_back(std::make_unique<Vcpu>(*domain_, i, CpuIndex{static_cast<uint16_t>(i)}));
      pointers_.push_back(vcpus_.back().get());
    }
    domain_->vcpus = pointers_;
    domain_->event_channel_ppi = IntId(16);
    domain_->event_channels.init(*domain_, options.max_port);
    domain_->grant_table.init(*domain_).value();
    // A CPU walks the tables and remembers what it saw.
    const CpuIndex cpu{0};
    mmu_.load_stage2(cpu, domain_->address_space.activate(cpu).vttbr,
                     domain_->address_space.vtcr());
  }
  ~TestDomain() {
    mmu_.load_stage2(CpuIndex{0}, 0, 0);
    domain_->event_channels.destroy();
    domain_->grant_table.destroy();
    while (!domain_->address_space.teardown(1000)) {
    }
  }
  TestDomain(const TestDomain&) = delete;
  TestDomain& operator=(const TestDomain&) = delete;

  [[nodiscard]] Domain& domain() { return *domain_; }
  [[nodiscard]] EventChannels& channels() { return domain_->event_channels; }
  [[nodiscard]] Vcpu& vcpu(unsigned number = 0) { return *vcpus_[number]; }
  [[nodiscard]] abi::SharedInfo& shared_info() {
    return *port::owned_frame_as<abi::SharedInfo>(domain_->shared_info_frame);
  }
  [[nodiscard]] sim::Memory& memory() { return machine_.memory(); }

  // A frame of the guest's RAM, and its bytes as the guest sees them.
  static constexpr Gfn ram(std::uint64_t number) { return Gfn(kRam.value() + number); }
  template <typename T>
  T& at(Gfn frame, std::size_t offset = 0) {
    return *reinterpret_cast<T*>(machine_.memory().frame(Mfn(frame.value())) + offset);
  }
  static constexpr std::uint64_t address(Gfn frame, std::size_t offset = 0) {
    return Ipa(frame).value() + offset;
  }

  [[nodiscard]] sim::Mmu& mmu() { return mmu_; }
  // No CPU believes anything about the guest's memory that is not so any more.
  void expect_settled() { mmu_.expect_settled(); }

  // Whether the vCPU was told to look at its event line, since the last time this was asked.
  bool was_notified(unsigned number = 0) {
    const auto bit = static_cast<std::uint32_t>(Work::kEvent);
    return (vcpus_[number]->pending_work.fetch_and(~bit) & bit) != 0;
  }

 private:
  void build_memory() {
    Domain& domain = *domain_;
    domain.table_pool.set_quota(FrameCount(4096));
    const stage2::AddressSpace::Config config{
        .tables = stage2::TableSource(domain.table_pool), .vmids = &vmids_, .ipa_bits = 40};
    domain.address_space.init(config).value();
    const MfnRange frames(kRam, kRam + kRamFrames);
    mem::assign(frames, domain.id, mem::Contents::kAsFound).value();
    domain.address_space.map(GfnRange(ram(0), ram(kRamFrames.value())), kRam, policy::domain_ram())
        .value();
    const GfnRange device(kDevice, kDevice + FrameCount(1));
    domain.address_space
        .map(device, Mfn(kDevice.value()), policy::on_demand(policy::DomainKind::kHardware))
        .value();
    domain.permitted_mmio = PermittedMmio(kPermitted);
    domain.ram_frames = kRamFrames.value();
    domain.max_ram_frames = kRamFrames.value();
    domain.shared_info_frame = mem::allocate(kOrder4K).value();
  }

  mem::TestMachine machine_{FrameCount(0x8000)};
  sim::Mmu mmu_{machine_.memory()};
  stage2::VmidAllocator vmids_;
  std::unique_ptr<Domain> domain_;
  std::vector<std::unique_ptr<Vcpu>> vcpus_;
  std::vector<Vcpu*> pointers_;
};

}  // namespace socle::guest
