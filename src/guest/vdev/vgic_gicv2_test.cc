// SPDX-License-Identifier: Apache-2.0

// The virtual GICv2: its distributor, and SGIs that are told apart by sender.

#include <random>

#include "base/test.h"
#include "guest/vdev/vgic_machine_for_tests.h"
#include "hw/gic.h"
#include "hw/gicv2.h"

namespace socle::guest {
namespace {

namespace gicd = hw::gicd;
namespace gicd2 = hw::gicd2;

constexpr std::uint32_t kList = 0;
constexpr std::uint32_t kOthers = 1;
constexpr std::uint32_t kSelf = 2;

// A machine whose guests drive a GICv2, in Group 0, as they do without Security Extensions.
class Gicv2Machine : public GicMachine {
 public:
  explicit Gicv2Machine(unsigned cpus, unsigned list_registers = 4)
      : GicMachine(options(cpus, list_registers)) {
    write(0, distributor(gicd::kCTLR), 1);
    for (unsigned n = 0; n < cpus; ++n) {
      set_priority_mask(n, 0xf8);
      enable_groups(n, true, false);
    }
  }
  void send(unsigned n, std::uint32_t sgi, std::uint32_t targets, std::uint32_t filter = kList) {
    write(n, distributor(gicd2::kSGIR), sgi | targets << 16 | filter << 24);
  }
  std::uint32_t take(unsigned n) { return acknowledge(n, 0); }
  void finish(unsigned n, std::uint32_t taken) { end(n, taken, 0); }
  void enable_v2(unsigned n, std::uint32_t interrupt) {
    write(n, distributor(gicd::kISENABLER + interrupt / 32 * 4), 1u << (interrupt % 32));
  }
  // What an interrupt is to the guest that takes it.
  static std::uint32_t from(unsigned sender, std::uint32_t sgi) { return sender << 10 | sgi; }

 private:
  static Options options(unsigned cpus, unsigned list_registers) {
    Options options;
    options.gic.cpus = cpus;
    options.gic.list_registers = list_registers;
    options.gic.can_trap_deactivation = false;
    options.hardware = {40, 41};
    options.version = vgic::Version::kV2;
    return options;
  }
};

TEST(VgicV2Registers, TheDistributorSaysWhatItIs) {
  Gicv2Machine machine(3);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kTYPER)), 2u | 2u << 5);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kCTLR)), 1u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd2::kPIDR2)) >> 4, 2u);
  machine.write(0, machine.distributor(gicd::kCTLR), ~0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kCTLR)), 3u);
}

TEST(VgicV2Registers, TargetsArePrivateOrAListOfVcpus) {
  Gicv2Machine machine(3);
  for (unsigned n = 0; n < 3; ++n)
    EXPECT_EQ(machine.read(n, machine.distributor(gicd::kITARGETSR)), (1u << n) * 0x01010101u);
  const std::uint64_t at = machine.distributor(gicd::kITARGETSR + 40);
  EXPECT_EQ(machine.read(0, at), 0x01010101u);
  machine.write(0, at, 0xff06'0402);
  EXPECT_EQ(machine.read(0, at), 0x07060402u);
  machine.write(0, at, 4, 1);
  EXPECT_EQ(machine.read(0, at, 1), 4u);
  EXPECT_EQ(machine.gic().interrupt(0, 40).route, sim::Gicv3::affinity_of(2));
  EXPECT_EQ(machine.gic().interrupt(0, 41).route, sim::Gicv3::affinity_of(2));
}

TEST(VgicV2Registers, AnSpiWithoutTargetsIsDisabledInTheMachineUntilItHasOne) {
  Gicv2Machine machine(2);
  machine.enable_v2(0, 40);
  EXPECT_TRUE(machine.gic().interrupt(0, 40).enabled);
  machine.write(0, machine.distributor(gicd::kITARGETSR + 40), 0, 1);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).enabled);
  machine.write(0, machine.distributor(gicd::kITARGETSR + 40), 2, 1);
  EXPECT_TRUE(machine.gic().interrupt(0, 40).enabled);
}

TEST(VgicV2Registers, WithOneVcpuTargetsReadAsZero) {
  Gicv2Machine machine(1);
  machine.write(0, machine.distributor(gicd::kITARGETSR + 40), 0);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kITARGETSR)), 0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kITARGETSR + 40)), 0u);
  machine.enable_v2(0, 40);
  machine.wire(40, true);
  EXPECT_EQ(machine.take(0), 40u);
}

TEST(VgicV2Registers, WordZeroIsEachVcpusOwn) {
  Gicv2Machine machine(2);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISENABLER)), 0xffffu);
  machine.write(0, machine.distributor(gicd::kISENABLER), 1u << kTimerPpi);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISENABLER)), 0xffffu | 1u << kTimerPpi);
  EXPECT_EQ(machine.read(1, machine.distributor(gicd::kISENABLER)), 0xffffu);
  EXPECT_TRUE(machine.gic().interrupt(0, kTimerPpi).enabled);
  EXPECT_FALSE(machine.gic().interrupt(1, kTimerPpi).enabled);
  machine.write(1, machine.distributor(gicd::kICENABLER), ~0u);
  EXPECT_EQ(machine.read(1, machine.distributor(gicd::kISENABLER)), 0xffffu);
  machine.write(1, machine.distributor(gicd::kIPRIORITYR + 8), 0x40, 1);
  EXPECT_EQ(machine.read(1, machine.distributor(gicd::kIPRIORITYR + 8)), 0x40u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kIPRIORITYR + 8)), 0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kICFGR)), 0xaaaaaaaau);
}

TEST(VgicV2Registers, SpisOfTheMachineArriveAndAreEnded) {
  Gicv2Machine machine(2);
  machine.write(0, machine.distributor(gicd::kITARGETSR + 40), 2, 1);
  machine.enable_v2(0, 40);
  machine.wire(40, true);
  EXPECT_FALSE(machine.interrupted(0, 0));
  EXPECT_EQ(machine.take(1), 40u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISACTIVER + 4)), 1u << 8);
  machine.wire(40, false);
  machine.finish(1, 40);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).active);
}

TEST(VgicV2Sgi, ReachesItsTargetsWithItsSender) {
  Gicv2Machine machine(4);
  machine.send(2, 5, 0b1011);
  for (const unsigned n : {0u, 1u, 3u}) {
    EXPECT_EQ(machine.take(n), Gicv2Machine::from(2, 5));
    machine.finish(n, Gicv2Machine::from(2, 5));
  }
  EXPECT_FALSE(machine.interrupted(2, 0));
  machine.send(1, 6, 0xff, kOthers);
  EXPECT_FALSE(machine.interrupted(1, 0));
  EXPECT_EQ(machine.take(3), Gicv2Machine::from(1, 6));
  machine.send(0, 7, 0, kSelf);
  EXPECT_EQ(machine.take(0), Gicv2Machine::from(1, 6));
  machine.finish(0, Gicv2Machine::from(1, 6));
  EXPECT_EQ(machine.take(0), Gicv2Machine::from(0, 7));
  machine.send(0, 8, 0xf, 3);  // reserved
  machine.send(0, 8, 0xf0);    // nobody
  machine.finish(0, Gicv2Machine::from(0, 7));
  EXPECT_FALSE(machine.interrupted(0, 0));
}

TEST(VgicV2Sgi, OfTwoSendersIsTakenTwice) {
  for (const unsigned list_registers : {1u, 4u}) {
    Gicv2Machine machine(3, list_registers);
    machine.send(1, 4, 1);
    machine.send(2, 4, 1);
    machine.send(2, 4, 1);
    EXPECT_EQ(machine.take(0), Gicv2Machine::from(1, 4));
    machine.send(1, 4, 1);  // and once more, while it is active
    machine.finish(0, Gicv2Machine::from(1, 4));
    std::uint32_t senders = 0;
    for (unsigned n = 0; n < 2; ++n) {
      const std::uint32_t taken = machine.take(0);
      EXPECT_EQ(taken & 0x3ff, 4u);
      senders |= 1u << (taken >> 10);
      machine.finish(0, taken);
    }
    EXPECT_EQ(senders, 0b110u);
    EXPECT_EQ(machine.take(0), kSpurious);
  }
}

TEST(VgicV2Sgi, PendingSendersAreShownSetAndCleared) {
  Gicv2Machine machine(3);
  machine.set_priority_mask(0, 0);
  machine.send(1, 5, 1);
  machine.send(2, 5, 1);
  const std::uint64_t set = machine.distributor(gicd2::kSPENDSGIR + 4);
  const std::uint64_t clear = machine.distributor(gicd2::kCPENDSGIR + 4);
  EXPECT_EQ(machine.read(0, set), 0x0600u);
  EXPECT_EQ(machine.read(0, clear), 0x0600u);
  EXPECT_EQ(machine.read(1, set), 0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISPENDR)), 1u << 5);
  machine.write(0, clear + 1, 0x02, 1);
  EXPECT_EQ(machine.read(0, set), 0x0400u);
  machine.write(0, set, 0xff00'0001);
  EXPECT_EQ(machine.read(0, set), 0x0700'0401u);
  machine.write(0, clear, ~0u);
  EXPECT_EQ(machine.read(0, set), 0u);
  machine.set_priority_mask(0, 0xf8);
  EXPECT_EQ(machine.take(0), kSpurious);
}

TEST(VgicV2Sgi, OfAGroupThatIsOffWaits) {
  Gicv2Machine machine(2);
  machine.write(0, machine.distributor(gicd::kIGROUPR), 1u << 9);
  machine.send(1, 9, 1);
  EXPECT_EQ(machine.take(0), kSpurious);
  machine.write(0, machine.distributor(gicd::kIGROUPR), 0);
  EXPECT_EQ(machine.take(0), Gicv2Machine::from(1, 9));
}

TEST(VgicV2Sgi, ItsPriorityIsTheOneOfItsNumber) {
  Gicv2Machine machine(3);
  machine.write(0, machine.distributor(gicd::kIPRIORITYR + 3), 0x40, 1);
  machine.write(0, machine.distributor(gicd::kIPRIORITYR + 2), 0x80, 1);
  machine.send(1, 2, 1);
  machine.send(2, 3, 1);
  EXPECT_EQ(machine.take(0), Gicv2Machine::from(2, 3));
}

TEST(VgicV2Registers, ABadDescriptionOfTheDomainIsRefused) {
  Gicv2Machine machine(2);
  const auto init = [&](std::uint64_t base, unsigned lines) {
    return machine.as(0, [&] {
      return vgic::init_domain(machine.domain(), {.version = vgic::Version::kV2,
                                                  .distributor = Ipa(base),
                                                  .redistributors = {},
                                                  .lines = lines});
    });
  };
  EXPECT_TRUE(init(0x800, 96).error() == Error::kInvalid);
  EXPECT_TRUE(init(0x1000, 1024).error() == Error::kInvalid);
  EXPECT_TRUE(init(0x1000, vgic::kGicv2MaxLines).has_value());
}

TEST(VgicV2Registers, NoAccessDoesHarm) {
  for (const unsigned list_registers : {1u, 2u, 4u}) {
    Gicv2Machine machine(3, list_registers);
    std::mt19937_64 random(list_registers);
    for (unsigned step = 0; step < 6000; ++step) {
      const auto vcpu = static_cast<unsigned>(random() % 3);
      const unsigned bytes = 1u << random() % 4;
      auto offset = static_cast<std::uint32_t>(random() % 0x1000);
      if (random() % 4 != 0) offset &= ~(bytes - 1);
      const std::uint64_t some = random();
      if (random() % 4 == 0)
        machine.send(vcpu, random() % 16, random() % 8, static_cast<std::uint32_t>(random() % 4));
      else if (random() % 2 == 0)
        (void)machine.read(vcpu, machine.distributor(offset), bytes);
      else
        machine.write(vcpu, machine.distributor(offset), some & random(), bytes);
      const std::uint32_t taken = machine.take(vcpu);
      if (taken != kSpurious && step % 3 != 0) machine.finish(vcpu, taken);
    }
  }
}

}  // namespace
}  // namespace socle::guest
