// SPDX-License-Identifier: Apache-2.0

// What the registers say, to which access, and that no access does harm.

#include <random>

#include "base/test.h"
#include "guest/vdev/vgic_machine_for_tests.h"
#include "hw/gic.h"

namespace socle::guest {
namespace {

namespace gicd = hw::gicd;
namespace gicr = hw::gicr;

GicMachine::Options with_cpus(unsigned cpus) {
  GicMachine::Options options;
  options.gic.cpus = cpus;
  options.hardware = {32, 40, 41, 95};
  return options;
}

TEST(VgicRegisters, TheDistributorSaysWhatItIs) {
  GicMachine machine(with_cpus(3));
  const auto type = static_cast<std::uint32_t>(machine.read(0, machine.distributor(gicd::kTYPER)));
  EXPECT_EQ(gicd::typer::ITLinesNumber::get(type), 2u);
  EXPECT_EQ(gicd::typer::CPUNumber::get(type), 2u);
  EXPECT_EQ(gicd::typer::IDbits::get(type), 9u);
  EXPECT_EQ(gicd::typer::LPIS::get(type), 0u);
  EXPECT_EQ(gicd::typer::SecurityExtn::get(type), 0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kTYPER2)), 0u);
  EXPECT_NE(machine.read(0, machine.distributor(gicd::kIIDR)), 0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kPIDR2)) >> 4, 3u);
}

TEST(VgicRegisters, AffinityRoutingAndOneSecurityStateAreForEver) {
  GicMachine machine;
  machine.write(0, machine.distributor(gicd::kCTLR), 0);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kCTLR)), 0x50u);
  machine.write(0, machine.distributor(gicd::kCTLR), ~0u);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kCTLR)), 0x53u);
}

TEST(VgicRegisters, ARedistributorHasItsAffinityAndTheLastSaysSo) {
  GicMachine machine(with_cpus(3));
  for (unsigned n = 0; n < 3; ++n) {
    const std::uint64_t type = machine.read(0, machine.redistributor(n, gicr::kTYPER), 8);
    EXPECT_EQ(gicr::typer::Affinity::get(type), std::uint64_t{n});
    EXPECT_EQ(gicr::typer::ProcessorNumber::get(type), std::uint64_t{n});
    EXPECT_EQ(gicr::typer::Last::get(type), n == 2 ? 1u : 0u);
    EXPECT_EQ(machine.read(0, machine.redistributor(n, gicr::kTYPER + 4)), type >> 32);
    EXPECT_EQ(machine.read(0, machine.redistributor(n, gicr::kPIDR2)) >> 4, 3u);
  }
}

TEST(VgicRegisters, SixteenVcpusMakeACluster) {
  GicMachine machine(with_cpus(16));
  const std::uint64_t type = machine.read(0, machine.redistributor(15, gicr::kTYPER), 8);
  EXPECT_EQ(gicr::typer::Affinity::get(type), 15u);
}

TEST(VgicRegisters, ARedistributorWakesWhenItIsTold) {
  GicMachine machine;
  const std::uint64_t waker = machine.redistributor(0, gicr::kWAKER);
  EXPECT_EQ(machine.read(0, waker), 6u);
  machine.write(0, waker, 0);
  EXPECT_EQ(machine.read(0, waker), 0u);
  machine.write(0, waker, 2);
  EXPECT_EQ(machine.read(0, waker), 6u);
}

TEST(VgicRegisters, PrioritiesAreBytesWithTheBitsThatExist) {
  GicMachine machine;
  const std::uint64_t at = machine.distributor(gicd::kIPRIORITYR + 40);
  machine.write(0, at, 0xffffffff);
  EXPECT_EQ(machine.read(0, at), 0xf8f8f8f8u);
  machine.write(0, at + 1, 0x20, 1);
  EXPECT_EQ(machine.read(0, at), 0xf8f820f8u);
  machine.write(0, at + 2, 0x4050, 2);
  EXPECT_EQ(machine.read(0, at), 0x405020f8u);
  EXPECT_EQ(machine.read(0, at + 3, 1), 0x40u);
  machine.write(0, at, 0x0102030405060708, 8);
  EXPECT_EQ(machine.read(0, at, 8), 0x0000000000000008u);
  machine.write(0, at, 0x8090a0b0c0d0e0f0, 8);
  EXPECT_EQ(machine.read(0, at, 8), 0x8090a0b0c0d0e0f0u);
}

TEST(VgicRegisters, RoutesAreSixtyFourBitsInOneOrTwoAccesses) {
  GicMachine machine(with_cpus(2));
  const std::uint64_t at = machine.distributor(gicd::kIROUTER + 40 * 8);
  machine.write(0, at, 0xff'8000'0001, 8);
  EXPECT_EQ(machine.read(0, at, 8), 0xff'0000'0001u);
  machine.write(0, at + 4, 0);
  EXPECT_EQ(machine.read(0, at, 8), 1u);
  EXPECT_EQ(machine.gic().interrupt(0, 40).route, sim::Gicv3::affinity_of(1));
  machine.write(0, at, 0);
  EXPECT_EQ(machine.read(0, at + 4), 0u);
  EXPECT_EQ(machine.gic().interrupt(0, 40).route, sim::Gicv3::affinity_of(0));
}

TEST(VgicRegisters, TriggersReachTheMachineForItsInterruptsOnly) {
  GicMachine machine;
  machine.set_edge(40, true);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).edge);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kICFGR + 8)), 0x20000u);
}

TEST(VgicRegisters, TriggersOfTheMachinesInterruptsReachIt) {
  GicMachine machine(with_cpus(1));
  machine.set_edge(40, true);
  EXPECT_TRUE(machine.gic().interrupt(0, 40).edge);
  machine.set_edge(40, false);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).edge);
}

TEST(VgicRegisters, SgisAreEdgesForEver) {
  GicMachine machine;
  machine.write(0, machine.sgi_frame(0, gicd::kICFGR), 0);
  EXPECT_EQ(machine.read(0, machine.sgi_frame(0, gicd::kICFGR)), 0xaaaaaaaau);
}

TEST(VgicRegisters, EnablesReachTheMachineForItsInterruptsOnly) {
  GicMachine machine(with_cpus(1));
  machine.write(0, machine.distributor(gicd::kISENABLER + 4), 0x700);
  EXPECT_TRUE(machine.gic().interrupt(0, 40).enabled);
  EXPECT_TRUE(machine.gic().interrupt(0, 41).enabled);
  EXPECT_FALSE(machine.gic().interrupt(0, 42).enabled);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kICENABLER + 4)), 0x700u);
  machine.write(0, machine.distributor(gicd::kICENABLER + 5), 0x1, 1);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISENABLER + 4)), 0x600u);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).enabled);
}

TEST(VgicRegisters, AGuestNeverReachesInterruptsThatAreNotItsOwn) {
  GicMachine machine(with_cpus(1));
  for (unsigned word = 0; word < 32; ++word) {
    machine.write(0, machine.distributor(gicd::kISENABLER + word * 4), ~0u);
    machine.write(0, machine.distributor(gicd::kISPENDR + word * 4), ~0u);
  }
  machine.write(0, machine.sgi_frame(0, gicd::kISENABLER), ~0u);
  for (std::uint32_t n = 0; n < 96; ++n) {
    if (n == kTimerPpi || n == 32 || n == 40 || n == 41 || n == 95) continue;
    if (n == 0 || n == 25) continue;  // Socle's kick and maintenance, enabled by Socle
    EXPECT_FALSE(machine.gic().interrupt(0, n).enabled);
    EXPECT_FALSE(machine.gic().interrupt(0, n).latched);
  }
}

TEST(VgicRegisters, WordZeroOfTheDistributorIsReservedWithAffinityRouting) {
  GicMachine machine;
  for (const std::uint32_t offset :
       {gicd::kIGROUPR, gicd::kISENABLER, gicd::kISPENDR, gicd::kISACTIVER, gicd::kIPRIORITYR,
        gicd::kICFGR, gicd::kITARGETSR, gicd::kIGRPMODR, gicd::kNSACR}) {
    machine.write(0, machine.distributor(offset), ~0u);
    EXPECT_EQ(machine.read(0, machine.distributor(offset)), 0u);
  }
}

TEST(VgicRegisters, WhatLiesBeyondTheLinesReadsAsZero) {
  GicMachine machine;
  for (const std::uint32_t offset :
       {gicd::kIGROUPR + 12, gicd::kISENABLER + 12, gicd::kISPENDR + 0x7c, gicd::kISACTIVER + 12,
        gicd::kIPRIORITYR + 96, gicd::kICFGR + 24, gicd::kIROUTER + 96 * 8}) {
    machine.write(0, machine.distributor(offset), ~0u);
    EXPECT_EQ(machine.read(0, machine.distributor(offset)), 0u);
  }
}

TEST(VgicRegisters, AnAddressThatIsNeitherIsNotAnswered) {
  GicMachine machine;
  MmioAccess access{.address = Ipa(0x1000), .bytes = 4, .is_write = false, .value = 0};
  EXPECT_FALSE(machine.as(0, [&] { return vgic::emulate_mmio(machine.vcpu(0), access); }));
}

TEST(VgicRegisters, AVcpuMayProgramAnothersRedistributor) {
  GicMachine machine(with_cpus(2));
  machine.open(0);
  machine.open(1);
  machine.write(0, machine.sgi_frame(1, gicd::kIGROUPR), ~0u);
  machine.write(0, machine.sgi_frame(1, gicd::kISENABLER), 1u << 9);
  machine.write(0, machine.sgi_frame(1, gicd::kISPENDR), 1u << 9);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_EQ(machine.acknowledge(1), 9u);
  EXPECT_EQ(machine.read(0, machine.sgi_frame(1, gicd::kISACTIVER)), 1u << 9);
  machine.write(0, machine.sgi_frame(1, gicd::kICACTIVER), 1u << 9);
  EXPECT_EQ(machine.read(1, machine.sgi_frame(1, gicd::kISACTIVER)), 0u);
}

TEST(VgicRegisters, ABadDescriptionOfTheDomainIsRefused) {
  GicMachine machine(with_cpus(2));
  const Range<Ipa> one(Ipa(0x10'0000), Ipa(0x12'0000));
  const Range<Ipa> two(Ipa(0x10'0000), Ipa(0x14'0000));
  const auto init = [&](std::uint64_t base, const Range<Ipa>& region, unsigned lines) {
    return machine.as(0, [&] {
      return vgic::init_domain(
          machine.domain(),
          {.distributor = Ipa(base), .redistributors = std::span(&region, 1), .lines = lines});
    });
  };
  EXPECT_TRUE(init(0x1000, two, 96).error() == Error::kInvalid);
  EXPECT_TRUE(init(0x1'0000, two, 33).error() == Error::kInvalid);
  EXPECT_TRUE(init(0x1'0000, two, 2048).error() == Error::kInvalid);
  EXPECT_TRUE(init(0x1'0000, one, 96).error() == Error::kTooLarge);
  EXPECT_TRUE(init(0x1'0000, two, 96).has_value());
}

// A random value of which a quarter of the bits is set.
std::uint64_t few_bits(std::mt19937_64& random) {
  const std::uint64_t one = random();
  const std::uint64_t other = random();
  return one & other;
}

TEST(VgicRegisters, NoAccessDoesHarm) {
  for (const unsigned lines : {32u, 96u, 1024u}) {
    GicMachine::Options options = with_cpus(3);
    options.gic.lines = lines < 96 ? 96 : lines;
    options.gic.list_registers = 2;
    options.lines = lines;
    if (lines < 96) options.hardware.clear();
    GicMachine machine(options);
    std::mt19937_64 random(lines);
    for (unsigned n = 0; n < 3; ++n)
      machine.open(n);
    for (unsigned step = 0; step < 6000; ++step) {
      const auto vcpu = static_cast<unsigned>(random() % 3);
      std::uint64_t address =
          random() % 2 == 0
              ? machine.distributor(static_cast<std::uint32_t>(random() % 0x1'0000))
              : machine.redistributor(0, static_cast<std::uint32_t>(random() % 0x6'0000));
      if (random() % 2 == 0)  // where registers are dense
        address = machine.distributor(static_cast<std::uint32_t>(random() % 0x1000));
      const unsigned bytes = 1u << random() % 4;
      if (random() % 4 != 0) address &= ~std::uint64_t{bytes - 1};
      if (random() % 2 == 0)
        (void)machine.read(vcpu, address, bytes);
      else
        machine.write(vcpu, address, few_bits(random), bytes);
      if (step % 7 == 0) {
        const std::uint32_t taken = machine.acknowledge(vcpu, random() % 2);
        if (taken != kSpurious) machine.end(vcpu, taken, random() % 2);
      }
    }
  }
}

}  // namespace
}  // namespace socle::guest
