// SPDX-License-Identifier: Apache-2.0

// How interrupts travel: from wires, software and other vCPUs to the guest, and back to rest.

#include "base/test.h"
#include "guest/vdev/vgic_machine_for_tests.h"
#include "hw/gic.h"
#include "port/cpu.h"

namespace socle::guest {
namespace {

namespace gicd = hw::gicd;

GicMachine::Options with(std::vector<std::uint32_t> hardware, unsigned cpus = 1,
                         unsigned list_registers = 4) {
  GicMachine::Options options;
  options.gic.cpus = cpus;
  options.gic.list_registers = list_registers;
  options.hardware = std::move(hardware);
  return options;
}

TEST(Vgic, AnInterruptOfTheMachineReachesTheGuestAndItsEndReachesTheMachine) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.enable(0, 40);
  machine.wire(40, true);
  ASSERT_TRUE(machine.interrupted(0));
  EXPECT_EQ(machine.acknowledge(0), 40u);
  EXPECT_TRUE(machine.gic().interrupt(0, 40).active);
  machine.wire(40, false);
  machine.take_exits();
  machine.end(0, 40);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).active);
  EXPECT_EQ(machine.take_exits(), 0u);
}

TEST(Vgic, ALevelThatStaysHighComesAgainAfterItsEnd) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.enable(0, 40);
  machine.wire(40, true);
  for (unsigned n = 0; n < 5; ++n) {
    ASSERT_EQ(machine.acknowledge(0), 40u);
    EXPECT_FALSE(machine.interrupted(0));
    machine.end(0, 40);
  }
  EXPECT_TRUE(machine.interrupted(0));
}

TEST(Vgic, AnEdgeWhileActiveIsTakenOnceMore) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.set_edge(40, true);
  machine.enable(0, 40);
  machine.wire(40, true);
  ASSERT_EQ(machine.acknowledge(0), 40u);
  machine.wire(40, false);
  machine.wire(40, true);
  machine.wire(40, false);
  machine.wire(40, true);
  EXPECT_FALSE(machine.interrupted(0));
  machine.end(0, 40);
  EXPECT_EQ(machine.acknowledge(0), 40u);
  machine.end(0, 40);
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, WhatIsNotEnabledStaysInTheMachine) {
  GicMachine machine(with({40, 41}));
  machine.open(0);
  machine.set_edge(41, true);
  machine.wire(40, true);
  machine.wire(41, true);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_FALSE(machine.gic().interrupt(0, 40).active);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISPENDR + 4)) & 0x300u, 0x300u);
  machine.wire(40, false);
  machine.wire(41, false);
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISPENDR + 4)) & 0x300u, 0x200u);
  machine.enable(0, 40);
  EXPECT_FALSE(machine.interrupted(0));
  machine.enable(0, 41);
  EXPECT_EQ(machine.acknowledge(0), 41u);
}

TEST(Vgic, AnInterruptThatIsDisabledBeforeItIsTakenWaitsUntilItIsEnabledAgain) {
  for (const bool hardware : {true, false}) {
    GicMachine machine(
        with(hardware ? std::vector<std::uint32_t>{40} : std::vector<std::uint32_t>{}));
    machine.open(0);
    machine.set_edge(40, true);
    machine.enable(0, 40);
    if (hardware)
      machine.wire(40, true);
    else
      machine.as(0, [&] { vgic::pulse_spi(machine.domain(), IntId(40)); });
    machine.settle();
    ASSERT_TRUE(machine.interrupted(0));
    machine.write(0, machine.distributor(gicd::kICENABLER + 4), 0x100);
    EXPECT_FALSE(machine.interrupted(0));
    EXPECT_EQ(machine.read(0, machine.distributor(gicd::kISPENDR + 4)), 0x100u);
    machine.write(0, machine.distributor(gicd::kISENABLER + 4), 0x100);
    EXPECT_EQ(machine.acknowledge(0), 40u);
    machine.end(0, 40);
    EXPECT_FALSE(machine.interrupted(0));
  }
}

TEST(Vgic, TheTimerReachesTheVcpuOfItsCpu) {
  GicMachine machine(with({}, 3));
  for (unsigned n = 0; n < 3; ++n) {
    machine.open(n);
    machine.enable(n, kTimerPpi);
  }
  machine.wire(2, kTimerPpi, true);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_FALSE(machine.interrupted(1));
  EXPECT_EQ(machine.acknowledge(2), kTimerPpi);
  machine.wire(2, kTimerPpi, false);
  machine.take_exits();
  machine.end(2, kTimerPpi);
  EXPECT_EQ(machine.take_exits(), 0u);
  EXPECT_FALSE(machine.gic().interrupt(2, kTimerPpi).active);
}

TEST(Vgic, ATimerThatIsDisabledWhilePendingIsGoneWhenItsLineIs) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kTimerPpi);
  machine.wire(kTimerPpi, true);
  ASSERT_TRUE(machine.interrupted(0));
  machine.write(0, machine.sgi_frame(0, gicd::kICENABLER), 1u << kTimerPpi);
  EXPECT_FALSE(machine.interrupted(0));
  machine.wire(kTimerPpi, false);
  machine.write(0, machine.sgi_frame(0, gicd::kISENABLER), 1u << kTimerPpi);
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, ASoftwareLineThatFallsBeforeItIsTakenIsNotDelivered) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kLinePpi);
  machine.as(0, [&] { vgic::set_line(machine.vcpu(0), IntId(kLinePpi), true); });
  EXPECT_TRUE(machine.interrupted(0));
  machine.as(0, [&] { vgic::set_line(machine.vcpu(0), IntId(kLinePpi), false); });
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, ASoftwareLineThatFallsWhileActiveCostsNoExitAtItsEnd) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kLinePpi);
  machine.as(0, [&] { vgic::set_line(machine.vcpu(0), IntId(kLinePpi), true); });
  ASSERT_EQ(machine.acknowledge(0), kLinePpi);
  machine.as(0, [&] { vgic::set_line(machine.vcpu(0), IntId(kLinePpi), false); });
  machine.take_exits();
  machine.end(0, kLinePpi);
  EXPECT_EQ(machine.take_exits(), 0u);
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, ASoftwareLineThatStaysHighComesAgainAfterItsEnd) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kLinePpi);
  machine.as(0, [&] { vgic::set_line(machine.vcpu(0), IntId(kLinePpi), true); });
  for (unsigned n = 0; n < 3; ++n) {
    ASSERT_EQ(machine.acknowledge(0), kLinePpi);
    EXPECT_FALSE(machine.interrupted(0));
    machine.end(0, kLinePpi);
  }
  EXPECT_TRUE(machine.interrupted(0));
}

TEST(Vgic, AnEventThatTheGuestClearsSilentlyCostsNoExitAtItsEndAndDoesNotComeAgain) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kEventPpi);
  machine.event(0, true);
  ASSERT_EQ(machine.acknowledge(0), kEventPpi);
  machine.quietly_clear_event(0);
  machine.take_exits();
  machine.end(0, kEventPpi);
  EXPECT_EQ(machine.take_exits(), 0u);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_TRUE(machine.as(0, [&] { return vgic::needs_line_check(machine.vcpu(0)); }));
}

TEST(Vgic, AnEventThatComesWhileTheLastIsActiveIsTakenAfterItsEnd) {
  GicMachine machine;
  machine.open(0);
  machine.enable(0, kEventPpi);
  machine.event(0, true);
  ASSERT_EQ(machine.acknowledge(0), kEventPpi);
  machine.quietly_clear_event(0);
  machine.event(0, true);
  EXPECT_FALSE(machine.interrupted(0));
  machine.end(0, kEventPpi);
  EXPECT_EQ(machine.acknowledge(0), kEventPpi);
}

TEST(Vgic, AnEventThatTheGuestLeavesPendingComesAgainWithTheNextInterrupt) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.enable(0, kEventPpi, 0x80);
  machine.enable(0, 40, 0xa0);
  machine.event(0, true);
  ASSERT_EQ(machine.acknowledge(0), kEventPpi);
  machine.end(0, kEventPpi);
  EXPECT_FALSE(machine.interrupted(0));
  machine.wire(40, true);
  EXPECT_EQ(machine.acknowledge(0), kEventPpi);
}

TEST(Vgic, AnEventClearedBeforeItIsTakenIsDroppedAtTheNextInterrupt) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.enable(0, kEventPpi, 0x80);
  machine.enable(0, 40, 0xa0);
  machine.event(0, true);
  machine.quietly_clear_event(0);
  machine.wire(40, true);
  EXPECT_EQ(machine.acknowledge(0), 40u);
}

TEST(Vgic, AnSgiReachesThoseThatItNames) {
  GicMachine machine(with({}, 4));
  for (unsigned n = 0; n < 4; ++n) {
    machine.open(n);
    machine.enable(n, 5);
  }
  machine.send_sgi(1, 5u << 24 | 0b1010);  // itself and vCPU 3
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_TRUE(machine.interrupted(1));
  EXPECT_FALSE(machine.interrupted(2));
  EXPECT_TRUE(machine.interrupted(3));
  EXPECT_EQ(machine.acknowledge(3), 5u);
  machine.end(3, 5);
  EXPECT_FALSE(machine.interrupted(3));
}

TEST(Vgic, AnSgiToAllButSelfReachesAllButSelf) {
  GicMachine machine(with({}, 3));
  for (unsigned n = 0; n < 3; ++n) {
    machine.open(n);
    machine.enable(n, 0);
  }
  machine.send_sgi(1, std::uint64_t{1} << 40);
  EXPECT_TRUE(machine.interrupted(0));
  EXPECT_FALSE(machine.interrupted(1));
  EXPECT_TRUE(machine.interrupted(2));
}

TEST(Vgic, AnSgiToAnAffinityThatNobodyHasReachesNobody) {
  GicMachine machine(with({}, 2));
  for (unsigned n = 0; n < 2; ++n) {
    machine.open(n);
    machine.enable(n, 0);
  }
  for (const std::uint64_t value :
       {std::uint64_t{1} << 16 | 3, std::uint64_t{1} << 32 | 3, std::uint64_t{1} << 48 | 3,
        std::uint64_t{1} << 44 | 3, std::uint64_t{0xfffc}}) {
    machine.send_sgi(0, value);
    EXPECT_FALSE(machine.interrupted(0));
    EXPECT_FALSE(machine.interrupted(1));
  }
}

TEST(Vgic, SgisOfGroup0AreSentByEitherRegisterAndThoseOfGroup1ByOne) {
  GicMachine machine(with({}, 2));
  machine.open(1);
  machine.enable(1, 3);
  machine.as(0, [&] { vgic::send_group0_sgi(machine.vcpu(0), 3u << 24 | 2); });
  machine.settle();
  EXPECT_FALSE(machine.interrupted(1));
  machine.write(1, machine.sgi_frame(1, gicd::kIGROUPR), 0);
  machine.as(0, [&] { vgic::send_group0_sgi(machine.vcpu(0), 3u << 24 | 2); });
  machine.settle();
  EXPECT_TRUE(machine.interrupted(1, 0));
  EXPECT_EQ(machine.acknowledge(1, 0), 3u);
  machine.end(1, 3, 0);
  machine.send_sgi(0, 3u << 24 | 2);
  EXPECT_TRUE(machine.interrupted(1, 0));
}

TEST(Vgic, TwoSgisOfOneNumberBeforeTheFirstIsTakenAreOne) {
  GicMachine machine(with({}, 2));
  machine.open(1);
  machine.enable(1, 3);
  machine.send_sgi(0, 3u << 24 | 2);
  machine.send_sgi(0, 3u << 24 | 2);
  EXPECT_EQ(machine.acknowledge(1), 3u);
  machine.end(1, 3);
  EXPECT_FALSE(machine.interrupted(1));
}

TEST(Vgic, AnSpiGoesWhereItIsRouted) {
  GicMachine machine(with({40}, 3));
  for (unsigned n = 0; n < 3; ++n)
    machine.open(n);
  machine.enable(0, 40);
  machine.route(40, 2);
  machine.wire(40, true);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_TRUE(machine.interrupted(2));
  EXPECT_EQ(machine.gic().interrupt(0, 40).route, sim::Gicv3::affinity_of(2));
}

TEST(Vgic, AnSpiThatIsRoutedElsewhereBeforeItIsTakenGoesThere) {
  for (const bool hardware : {true, false}) {
    GicMachine machine(
        with(hardware ? std::vector<std::uint32_t>{40} : std::vector<std::uint32_t>{}, 2));
    machine.open(0);
    machine.open(1);
    machine.enable(0, 40);
    if (hardware)
      machine.wire(40, true);
    else
      machine.as(0, [&] { vgic::set_spi_line(machine.domain(), IntId(40), true); });
    machine.settle();
    ASSERT_TRUE(machine.interrupted(0));
    machine.route(40, 1);
    EXPECT_FALSE(machine.interrupted(0));
    EXPECT_EQ(machine.acknowledge(1), 40u);
  }
}

TEST(Vgic, AnSpiRoutedToNobodyWaitsForARoute) {
  GicMachine machine(with({40}, 2));
  machine.open(0);
  machine.open(1);
  machine.enable(0, 40);
  machine.route(40, 9);
  machine.wire(40, true);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_EQ(machine.read(0, machine.distributor(gicd::kIROUTER + 40 * 8), 8), 9u);
  machine.route(40, 1);
  EXPECT_EQ(machine.acknowledge(1), 40u);
}

TEST(Vgic, MoreInterruptsThanListRegistersComeInTheOrderOfTheirPriorities) {
  std::vector<std::uint32_t> spis;
  for (std::uint32_t n = 40; n < 60; ++n)
    spis.push_back(n);
  GicMachine machine(with(spis, 1, 2));
  machine.open(0);
  for (const std::uint32_t n : spis)
    machine.enable(0, n, static_cast<std::uint8_t>(0xe0 - (n - 40) * 8));
  for (const std::uint32_t n : spis)
    machine.wire(n, true);
  for (std::uint32_t n = 59; n >= 40; --n) {
    ASSERT_EQ(machine.acknowledge(0), n);
    machine.wire(n, false);
    machine.end(0, n);
  }
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, WithoutOverflowThereIsNoMaintenance) {
  GicMachine machine(with({40, 41, 42}));
  machine.open(0);
  for (std::uint32_t n = 40; n < 43; ++n)
    machine.enable(0, n);
  for (std::uint32_t n = 40; n < 43; ++n)
    machine.wire(n, true);
  EXPECT_EQ(machine.gic().control(0), hw::ich::hcr::En::kMask);
}

TEST(Vgic, NestedActiveInterruptsBeyondTheListRegistersAreAllEnded) {
  for (const bool split : {false, true}) {
    std::vector<std::uint32_t> spis;
    for (std::uint32_t n = 40; n < 50; ++n)
      spis.push_back(n);
    GicMachine machine(with(spis, 1, 2));
    machine.open(0);
    machine.set_eoi_mode(0, split);
    for (const std::uint32_t n : spis)
      machine.enable(0, n, static_cast<std::uint8_t>(0xe0 - (n - 40) * 8));
    for (const std::uint32_t n : spis) {
      machine.wire(n, true);
      ASSERT_EQ(machine.acknowledge(0), n);
      machine.wire(n, false);
    }
    for (std::uint32_t n = 49; n >= 40; --n) {
      EXPECT_TRUE(machine.gic().interrupt(0, n).active);
      machine.end(0, n);
      if (split) machine.deactivate(0, n);
      EXPECT_FALSE(machine.gic().interrupt(0, n).active);
    }
    EXPECT_EQ(machine.gic().control(0), hw::ich::hcr::En::kMask);
  }
}

TEST(Vgic, ActiveInterruptsThatAreEndedInAnyOrderAreAllEnded) {
  std::vector<std::uint32_t> spis;
  for (std::uint32_t n = 40; n < 48; ++n)
    spis.push_back(n);
  GicMachine machine(with(spis, 1, 2));
  machine.open(0);
  machine.set_eoi_mode(0, true);
  for (const std::uint32_t n : spis)
    machine.enable(0, n);
  for (const std::uint32_t n : spis) {
    machine.wire(n, true);
    ASSERT_EQ(machine.acknowledge(0), n);
    machine.wire(n, false);
    machine.end(0, n);  // priority drop: the next may come
  }
  for (const std::uint32_t n : {43u, 40u, 47u, 41u, 46u, 42u, 45u, 44u}) {
    EXPECT_TRUE(machine.gic().interrupt(0, n).active);
    machine.deactivate(0, n);
    EXPECT_FALSE(machine.gic().interrupt(0, n).active);
  }
}

TEST(Vgic, WithoutATrapOfDeactivationSplitModeStillDeliversEverything) {
  GicMachine::Options options = with({40, 41, 42, 43}, 1, 2);
  options.gic.can_trap_deactivation = false;
  GicMachine machine(options);
  machine.open(0);
  machine.set_eoi_mode(0, true);
  for (std::uint32_t n = 40; n < 44; ++n)
    machine.enable(0, n);
  for (std::uint32_t n = 40; n < 44; ++n)
    machine.wire(n, true);
  for (unsigned n = 0; n < 4; ++n) {
    const std::uint32_t interrupt = machine.acknowledge(0);
    ASSERT_NE(interrupt, kSpurious);
    machine.wire(interrupt, false);
    machine.end(0, interrupt);
    machine.deactivate(0, interrupt);
  }
  EXPECT_FALSE(machine.interrupted(0));
}

TEST(Vgic, AnUrgentInterruptTakesTheListRegisterOfALessUrgentOne) {
  GicMachine machine(with({40, 41, 42}, 1, 2));
  machine.open(0);
  machine.enable(0, 40, 0xa0);
  machine.enable(0, 41, 0xb0);
  machine.enable(0, 42, 0x20);
  machine.wire(40, true);
  machine.wire(41, true);
  machine.wire(42, true);
  EXPECT_EQ(machine.acknowledge(0), 42u);
}

TEST(Vgic, InterruptsOfAGroupThatIsOffAtTheCpuInterfaceDoNotBlockTheOthers) {
  GicMachine machine(with({40, 41, 42, 43}, 1, 2));
  machine.open(0);
  for (std::uint32_t n = 40; n < 44; ++n)
    machine.enable(0, n, n < 42 ? 0x20 : 0xa0);
  // 40 and 41, more urgent, in Group 0.
  machine.write(0, machine.distributor(gicd::kIGROUPR + 4), 0xc00);
  for (std::uint32_t n = 40; n < 44; ++n)
    machine.wire(n, true);
  ASSERT_TRUE(machine.interrupted(0, 0));
  machine.enable_groups(0, false, true);
  EXPECT_TRUE(machine.interrupted(0));
  machine.enable_groups(0, true, true);
  EXPECT_TRUE(machine.interrupted(0, 0));
}

TEST(Vgic, DisablingAGroupInTheDistributorHoldsItsInterruptsBack) {
  GicMachine machine(with({40}, 2));
  machine.open(0);
  machine.open(1);
  machine.enable(0, 40);
  machine.enable(1, 7);
  machine.wire(40, true);
  machine.send_sgi(0, 7u << 24 | 2);
  ASSERT_TRUE(machine.interrupted(0));
  ASSERT_TRUE(machine.interrupted(1));
  machine.write(0, machine.distributor(gicd::kCTLR), 1);
  EXPECT_FALSE(machine.interrupted(0));
  EXPECT_FALSE(machine.interrupted(1));
  machine.write(0, machine.distributor(gicd::kCTLR), 3);
  EXPECT_EQ(machine.acknowledge(0), 40u);
  EXPECT_EQ(machine.acknowledge(1), 7u);
}

TEST(Vgic, AVcpuThatIsSwitchedOutTakesItsInterruptsAlong) {
  GicMachine machine(with({40, 41}));
  machine.open(0);
  machine.enable(0, 40, 0xa0);
  machine.enable(0, 41, 0x80);
  machine.enable(0, kTimerPpi, 0x60);
  machine.wire(40, true);
  ASSERT_EQ(machine.acknowledge(0), 40u);
  machine.wire(kTimerPpi, true);
  ASSERT_EQ(machine.acknowledge(0), kTimerPpi);
  machine.as(0, [&] { vgic::save(machine.vcpu(0)); });
  EXPECT_FALSE(machine.gic().interrupt(0, kTimerPpi).active);
  EXPECT_FALSE(machine.gic().interrupt(0, kTimerPpi).enabled);
  EXPECT_EQ(machine.gic().control(0), 0u);
  machine.wire(41, true);  // arrives while it is out
  machine.as(0, [&] { vgic::load(machine.vcpu(0)); });
  EXPECT_TRUE(machine.gic().interrupt(0, kTimerPpi).active);
  machine.wire(kTimerPpi, false);
  machine.end(0, kTimerPpi);
  EXPECT_EQ(machine.acknowledge(0), 41u);
  machine.wire(41, false);
  machine.end(0, 41);
  machine.wire(40, false);
  machine.end(0, 40);
  EXPECT_FALSE(machine.gic().interrupt(0, 40).active);
  EXPECT_FALSE(machine.gic().interrupt(0, kTimerPpi).active);
}

TEST(Vgic, AVcpuThatIsNotLoadedAnswersForItself) {
  GicMachine::Options options = with({40}, 2);
  GicMachine machine(options);
  machine.open(0);
  machine.open(1);
  machine.enable(1, 4);
  machine.as(1, [&] { vgic::save(machine.vcpu(1)); });
  machine.send_sgi(0, 4u << 24 | 2);
  EXPECT_EQ(machine.read(0, machine.sgi_frame(1, gicd::kISPENDR)), 0x10u);
  machine.write(0, machine.sgi_frame(1, gicd::kICPENDR), 0x10);
  EXPECT_EQ(machine.read(0, machine.sgi_frame(1, gicd::kISPENDR)), 0u);
  machine.as(1, [&] { vgic::load(machine.vcpu(1)); });
  EXPECT_FALSE(machine.interrupted(1));
}

TEST(Vgic, AWaitingVcpuIsWokenByWhatItWouldTakeAndByNothingElse) {
  GicMachine machine(with({40}));
  machine.open(0);
  machine.enable(0, 40, 0xa0);
  const auto wakes = [&] {
    return machine.as(0, [&] { return vgic::has_deliverable(machine.vcpu(0)); });
  };
  EXPECT_FALSE(wakes());
  machine.wire(40, true);
  EXPECT_TRUE(wakes());
  machine.set_priority_mask(0, 0xa0);
  EXPECT_FALSE(wakes());
  machine.set_priority_mask(0, 0xf8);
  machine.enable_groups(0, true, false);
  EXPECT_FALSE(wakes());
  machine.enable_groups(0, true, true);
  ASSERT_EQ(machine.acknowledge(0), 40u);
  EXPECT_FALSE(wakes());
}

TEST(Vgic, AnSgiToAVcpuThatHasOneAlreadyKicksNobody) {
  GicMachine machine(with({}, 2));
  machine.open(1);
  machine.enable(1, 3);
  port::host_kicks = 0;
  machine.as(0, [&] {
    vgic::send_sgi(machine.vcpu(0), 3u << 24 | 2);
    vgic::send_sgi(machine.vcpu(0), 3u << 24 | 2);
    vgic::send_sgi(machine.vcpu(0), 4u << 24 | 2);
  });
  EXPECT_EQ(port::host_kicks.load(), 1u);
}

TEST(Vgic, TheHardwareIsNotTouchedWhereThereIsNothingToDo) {
  GicMachine machine;
  machine.open(0);
  const std::uint64_t before = machine.gic().hypervisor_accesses();
  (void)machine.read(0, machine.distributor(gicd::kTYPER));
  (void)machine.read(0, machine.distributor(gicd::kISENABLER + 4));
  machine.as(0, [&] { vgic::entry_work(machine.vcpu(0), 0); });
  EXPECT_EQ(machine.gic().hypervisor_accesses(), before);
}

// One refill of the list registers for all of them, not one each.
TEST(Vgic, HundredsThatBecomeDeliverableAtOnceAreSortedOnce) {
  GicMachine::Options options = with({});
  options.lines = 992;
  GicMachine machine(options);
  machine.open(0);
  machine.write(0, machine.distributor(gicd::kCTLR), 0);
  for (std::uint32_t n = 32; n < options.lines; ++n) {
    machine.enable(0, n);
    machine.write(0, machine.distributor(gicd::kISPENDR + n / 32 * 4), 1u << n % 32);
  }
  const std::uint64_t before = machine.gic().hypervisor_accesses();
  machine.write(0, machine.distributor(gicd::kCTLR), gicd::ctlr::EnableGrp1::kMask);
  EXPECT_LT(machine.gic().hypervisor_accesses() - before, options.lines);
  std::uint32_t last = 0;
  for (std::uint32_t n = 32; n < options.lines; ++n) {
    const std::uint32_t taken = machine.acknowledge(0);
    ASSERT_NE(taken, kSpurious);
    EXPECT_NE(taken, last);
    last = taken;
    machine.end(0, taken);
  }
  EXPECT_FALSE(machine.interrupted(0));
}

}  // namespace
}  // namespace socle::guest
