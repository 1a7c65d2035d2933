// SPDX-License-Identifier: Apache-2.0

// Threads that are CPUs: what the mailboxes and requests between them promise must hold when they
// really run at once.

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "base/test.h"
#include "drivers/gicv3.h"
#include "guest/vdev/vgic_machine_for_tests.h"
#include "hw/gic.h"
#include "port/cpu.h"

namespace socle::guest {
namespace {

namespace gicd = hw::gicd;

constexpr unsigned kCpus = 4;
constexpr std::uint32_t kSgi = 6;

GicMachine::Options four_cpus() {
  GicMachine::Options options;
  options.gic.cpus = kCpus;
  options.hardware = {40, 41, 42};
  return options;
}

// Few rounds: where there are fewer processors than threads, each wait costs a time slice.
constexpr unsigned kRounds = 2000;
constexpr unsigned kTurns = 1000;

// One CPU's life: exits while interrupts are pending, then its guest, then `body`.
template <typename Body>
void run_cpu(GicMachine& machine, unsigned n, const std::atomic<bool>& stop, Body body) {
  port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(n)};
  Vcpu& vcpu = machine.vcpu(n);
  set_current_vcpu(&vcpu);
  while (!stop.load(std::memory_order_relaxed)) {
    if (machine.gic().physical_pending(n)) gic::dispatch_physical();
    const std::uint32_t work = vcpu.pending_work.exchange(0);
    if (work != 0) vgic::entry_work(vcpu, work);
    body(vcpu);
    std::this_thread::yield();
  }
}

TEST(VgicThreads, EverySgiThatIsWaitedForArrives) {
  GicMachine machine(four_cpus());
  for (unsigned n = 0; n < kCpus; ++n) {
    machine.open(n);
    machine.enable(n, kSgi);
  }
  port::host_after_kick = nullptr;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> rounds{0};
  // A token that goes round: whoever takes the SGI passes it on. One lost and it stops.
  std::vector<std::thread> cpus;
  for (unsigned n = 0; n < kCpus; ++n) {
    cpus.emplace_back([&, n] {
      run_cpu(machine, n, stop, [&](Vcpu& vcpu) {
        const std::uint32_t taken = machine.gic().guest_acknowledge(n);
        if (taken != kSgi) return;
        machine.gic().guest_end(n, taken);
        if (rounds.fetch_add(1) >= kRounds)
          stop = true;
        else
          vgic::send_sgi(vcpu, std::uint64_t{kSgi} << 24 | 1u << (n + 1) % kCpus);
      });
    });
  }
  vgic::pulse(machine.vcpu(0), IntId(kSgi));
  for (std::thread& cpu : cpus)
    cpu.join();
  EXPECT_GE(rounds.load(), kRounds);
}

TEST(VgicThreads, VcpusThatAskEachOtherAllGetTheirAnswers) {
  GicMachine machine(four_cpus());
  for (unsigned n = 0; n < kCpus; ++n)
    machine.open(n);
  for (std::uint32_t spi = 40; spi < 43; ++spi)
    machine.enable(0, spi);
  port::host_after_kick = nullptr;
  std::atomic<bool> stop{false};
  std::atomic<unsigned> done{0};
  std::array<unsigned, kCpus> turns{};
  std::vector<std::thread> cpus;
  for (unsigned n = 0; n < kCpus; ++n) {
    cpus.emplace_back([&, n] {
      run_cpu(machine, n, stop, [&](Vcpu& vcpu) {
        // Done with its own, a CPU still answers the others: it stops when nobody asks any more.
        if (turns[n] == kTurns) {
          if (done.load() == kCpus) stop = true;
          return;
        }
        const unsigned turn = turns[n]++;
        const auto access = [&](std::uint64_t address, std::uint64_t value, bool write) {
          MmioAccess it{.address = Ipa(address), .bytes = 4, .is_write = write, .value = value};
          (void)vgic::emulate_mmio(vcpu, it);
        };
        const unsigned other = (n + 1 + turn % (kCpus - 1)) % kCpus;
        // Each asks the next, whose list registers it may not touch, and is asked meanwhile.
        access(machine.sgi_frame(other, gicd::kISACTIVER), 0, false);
        access(machine.sgi_frame(other, gicd::kICPENDR), 0xffff, true);
        const std::uint32_t spi = 40 + turn % 3;
        access(machine.distributor(gicd::kISPENDR + 4), 1u << spi % 32, true);
        access(machine.distributor(gicd::kIROUTER + spi * 8), other, true);
        const std::uint32_t taken = machine.gic().guest_acknowledge(n);
        if (taken != kSpurious) machine.gic().guest_end(n, taken);
        if (turns[n] == kTurns) done.fetch_add(1);
      });
    });
  }
  for (std::thread& cpu : cpus)
    cpu.join();
  EXPECT_EQ(done.load(), kCpus);
}

}  // namespace
}  // namespace socle::guest
