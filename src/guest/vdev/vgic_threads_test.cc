// SPDX-License-Identifier: Apache-2.0

// Threads that are CPUs: what the mailboxes and requests between them promise must hold when they
// really run at once.

#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "base/test.h"
#include "drivers/gic.h"
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
  cpus.reserve(kCpus);
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
  cpus.reserve(kCpus);
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

// Devices that raise their lines when they please and lower them while they are handled, and guests
// that move, disable and nest their interrupts meanwhile. Each rise is taken once: one taken more
// is what Linux calls "nobody cared".
class Levels {
 public:
  static constexpr std::uint32_t kFirst = 40;
  static constexpr unsigned kCount = 3;

  explicit Levels(unsigned list_registers) : machine_(options(list_registers)) {
    for (unsigned n = 0; n < kCpus; ++n) {
      machine_.open(n);
      machine_.enable(n, kSgi, 0x10);
    }
    for (unsigned n = 0; n < kCount; ++n)
      machine_.enable(0, kFirst + n, static_cast<std::uint8_t>(0x20 * (n + 1)));  // they nest
  }

  void run() {
    port::host_after_kick = nullptr;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::vector<std::thread> cpus;
    cpus.reserve(kCpus);
    for (unsigned n = 0; n < kCpus; ++n) {
      cpus.emplace_back([&, n] {
        std::mt19937 random(n);
        run_cpu(machine_, n, stop_, [&](Vcpu& vcpu) {
          guest(n, random() % 3 == 0);
          if (std::chrono::steady_clock::now() > end) stop_ = true;
          if (rises_.load() >= kRounds) {
            if (is_quiet()) stop_ = true;
            return;
          }
          if (n < kCount) raise(kFirst + n);
          change(vcpu, random);
        });
      });
    }
    for (std::thread& cpu : cpus)
      cpu.join();
    EXPECT_EQ(for_nothing_.load(), 0u);
    EXPECT_EQ(taken_.load(), rises_.load());
    EXPECT_GE(rises_.load(), kRounds);
  }

 private:
  static GicMachine::Options options(unsigned list_registers) {
    GicMachine::Options options = four_cpus();
    options.gic.list_registers = list_registers;
    return options;
  }
  bool is_high(std::uint32_t spi) { return machine_.gic().interrupt(0, spi).line; }
  // All rises have been taken; one that is taken again comes at once.
  bool is_quiet() { return taken_.load() + for_nothing_.load() >= rises_.load(); }

  void raise(std::uint32_t spi) {
    if (is_high(spi)) return;
    rises_.fetch_add(1);
    machine_.gic().set_line(0, spi, true);
  }

  // Takes an interrupt, or ends the one that was taken last.
  void guest(unsigned n, bool take) {
    std::vector<std::uint32_t>& running = running_[n];
    if (!take) {
      if (running.empty()) return;
      machine_.gic().guest_end(n, running.back());
      running.pop_back();
      return;
    }
    const std::uint32_t taken = machine_.gic().guest_acknowledge(n);
    if (taken == kSpurious) return;
    running.push_back(taken);
    if (taken < kFirst) return;
    const bool was_high = is_high(taken);
    machine_.gic().set_line(0, taken, false);
    (was_high ? taken_ : for_nothing_).fetch_add(1);
  }

  void change(Vcpu& vcpu, std::mt19937& random) {
    const auto write = [&](std::uint32_t offset, std::uint64_t value) {
      MmioAccess it{.address = Ipa(machine_.distributor(offset)),
                    .bytes = 4,
                    .is_write = true,
                    .value = value};
      EXPECT_TRUE(vgic::emulate_mmio(vcpu, it));
    };
    const auto spi = static_cast<std::uint32_t>(kFirst + random() % kCount);
    switch (random() % 4) {
      case 0:
        return write(gicd::kIROUTER + spi * 8, random() % kCpus);
      case 1:
        write(gicd::kICENABLER + 4, 1u << spi % 32);
        return write(gicd::kISENABLER + 4, 1u << spi % 32);
      case 2:
        return vgic::send_sgi(vcpu, std::uint64_t{kSgi} << 24 | random() % (1u << kCpus));
      default:
        return;
    }
  }

  GicMachine machine_;
  std::array<std::vector<std::uint32_t>, kCpus> running_;
  std::atomic<bool> stop_{false};
  std::atomic<unsigned> rises_{0};
  std::atomic<unsigned> taken_{0};
  std::atomic<unsigned> for_nothing_{0};
};

TEST(VgicThreads, EachRiseOfALevelIsTakenOnceWithFourListRegisters) {
  Levels(4).run();
}
TEST(VgicThreads, EachRiseOfALevelIsTakenOnceWithOneListRegister) {
  Levels(1).run();
}

}  // namespace
}  // namespace socle::guest
