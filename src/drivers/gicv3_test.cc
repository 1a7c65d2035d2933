// SPDX-License-Identifier: Apache-2.0
#include "drivers/gicv3.h"

#include <vector>

#include "base/test.h"
#include "drivers/gic.h"
#include "hw/gic.h"
#include "port/cpu.h"
#include "port/icc.h"
#include "port/irq.h"
#include "port/mmio.h"
#include "sim/gicv3.h"
#include "sim/host_seams.h"

namespace socle {

// Also gicv2_test.cc's.
extern std::vector<std::uint32_t> taken_by_guest;
std::vector<std::uint32_t> taken_by_guest;

namespace {
std::vector<std::uint32_t> taken_by_socle;
unsigned maintenance_calls = 0;
}  // namespace

namespace port {
void irq_for_guest(IntId interrupt) {
  taken_by_guest.push_back(interrupt.value());
}
void irq_for_guest_in_memory(IntId interrupt) {
  taken_by_guest.push_back(interrupt.value());
}
void irq_maintenance() {
  ++maintenance_calls;
}
}  // namespace port

namespace {

using port::IrqState;

platform::Gic describe(const sim::Gicv3& gic) {
  platform::Gic description;
  description.version = platform::Gic::Version::kV3;
  description.distributor =
      PaRange(Pa(gic.options().distributor), Pa(gic.options().distributor + hw::gicd::kSize));
  for (const PaRange& region : gic.regions())
    (void)description.redistributors.push_back(region);
  description.maintenance = platform::Interrupt{.id = IntId(gic.options().maintenance)};
  return description;
}

void be(unsigned cpu) {
  port::host_current_cpu = CpuIndex{static_cast<std::uint16_t>(cpu)};
}

// A GIC that Socle has taken over, on all its CPUs.
struct Running {
  explicit Running(const sim::Gicv3::Options& options = {}) : gic(options) {
    taken_by_guest.clear();
    taken_by_socle.clear();
    maintenance_calls = 0;
    be(0);
    good = gic::init_distributor(describe(gic)).has_value();
    for (unsigned cpu = 0; cpu < options.cpus && good; ++cpu) {
      be(cpu);
      good = gic::init_cpu().has_value();
    }
    be(0);
  }
  ~Running() {
    be(0);
    port::set_kick_sender(nullptr);
  }
  sim::Gicv3 gic;
  bool good = false;
};

void enable(std::uint32_t number) {
  port::irq_change(IrqState::kEnabled, port::current_cpu(), number / 32, 1u << (number % 32), true);
}

TEST(Gicv3, EveryCpuFindsItsRedistributorInWhicheverRegionItIs) {
  for (const unsigned per_region : {1u, 3u, 16u}) {
    Running running({.cpus = 7, .per_region = per_region});
    ASSERT_TRUE(running.good);
    for (unsigned cpu = 0; cpu < 7; ++cpu) {
      port::irq_change(IrqState::kPending, CpuIndex{static_cast<std::uint16_t>(cpu)}, 0, 1u << 20,
                       true);
      EXPECT_TRUE(running.gic.interrupt(cpu, 20).latched);
    }
  }
}

TEST(Gicv3, RedistributorsWithFramesForVirtualLpisAreFurtherApart) {
  Running running({.cpus = 4, .stride = 0x4'0000, .with_vlpis = true});
  EXPECT_TRUE(running.good);
}

TEST(Gicv3, AStatedStrideIsObeyed) {
  sim::Gicv3 gic({.cpus = 3, .stride = 0x8'0000});
  platform::Gic description = describe(gic);
  description.redistributor_stride = 0x8'0000;
  be(0);
  ASSERT_TRUE(gic::init_distributor(description).has_value());
  be(2);
  EXPECT_TRUE(gic::init_cpu().has_value());
  be(0);
}

TEST(Gicv3, ACpuWithoutRedistributorIsAnErrorThatNamesItsAffinity) {
  Running running({.cpus = 2});
  sim::LogCapture log;
  be(6);
  const Result<> done = gic::init_cpu();
  be(0);
  ASSERT_FALSE(done.has_value());
  EXPECT_TRUE(done.error() == Error::kNotFound);
  EXPECT_TRUE(log.contains("0x102"));
}

TEST(Gicv3, WhatIsNoGicv3IsRefusedWithAReason) {
  sim::LogCapture log;
  {
    sim::Gicv3 gic({.revision = 2});
    EXPECT_TRUE(gic::init_distributor(describe(gic)).error() == Error::kUnsupported);
    EXPECT_TRUE(log.contains("no GICv3 distributor"));
  }
  sim::Gicv3 gic({});
  platform::Gic none;
  EXPECT_TRUE(gic::init_distributor(none).error() == Error::kUnsupported);
  EXPECT_TRUE(log.contains("no interrupt controller"));
}

TEST(Gicv3, ImpossibleRegionsAreRefused) {
  sim::LogCapture log;
  sim::Gicv3 gic({});
  platform::Gic small = describe(gic);
  small.distributor = PaRange(small.distributor.begin(), small.distributor.begin() + 0x1000);
  EXPECT_TRUE(gic::init_distributor(small).error() == Error::kInvalid);
  platform::Gic without = describe(gic);
  without.redistributors.clear();
  EXPECT_TRUE(gic::init_distributor(without).error() == Error::kInvalid);
  platform::Gic narrow = describe(gic);
  narrow.redistributor_stride = 0x1000;
  EXPECT_TRUE(gic::init_distributor(narrow).error() == Error::kInvalid);
}

TEST(Gicv3, WhatFirmwareLeftBehindIsCleared) {
  sim::Gicv3 gic({});
  port::mmio_write32(gic.options().distributor + hw::gicd::kISENABLER + 4, 0xff);
  port::mmio_write32(gic.options().distributor + hw::gicd::kISPENDR + 4, 0xff);
  port::mmio_write32(gic.options().distributor + hw::gicd::kISACTIVER + 4, 0xff);
  be(0);
  ASSERT_TRUE(gic::init_distributor(describe(gic)).has_value());
  for (std::uint32_t n = 32; n < 40; ++n) {
    EXPECT_FALSE(gic.interrupt(0, n).enabled);
    EXPECT_FALSE(gic.interrupt(0, n).pending());
    EXPECT_FALSE(gic.interrupt(0, n).active);
    EXPECT_TRUE(gic.interrupt(0, n).group1);
  }
}

TEST(Gicv3, AHandlerRunsAndItsInterruptMayComeAgain) {
  Running running;
  ASSERT_TRUE(gic::set_handler(
                  IntId(40), [](IntId id) { taken_by_socle.push_back(id.value()); }, true)
                  .has_value());
  for (unsigned n = 1; n <= 3; ++n) {
    running.gic.set_line(0, 40, true);
    running.gic.set_line(0, 40, false);
    gic::dispatch_physical();
    EXPECT_EQ(taken_by_socle.size(), std::size_t{n});
    EXPECT_FALSE(running.gic.interrupt(0, 40).active);
  }
}

TEST(Gicv3, OneInterruptCanBeTheOnlyOneThatIsSignalled) {
  Running running({.cpus = 2});
  const auto handler = [](IntId id) { taken_by_socle.push_back(id.value()); };
  ASSERT_TRUE(gic::set_handler(IntId(26), handler, false).has_value());
  ASSERT_TRUE(gic::set_handler(IntId(40), handler, true).has_value());
  gic::mask_all_but(IntId(26));
  port::irq_change(IrqState::kPending, CpuIndex{0}, 1, 1u << 8, true);
  EXPECT_FALSE(port::icc_is_interrupt_pending());
  port::irq_change(IrqState::kPending, CpuIndex{0}, 0, 1u << 26, true);
  EXPECT_TRUE(port::icc_is_interrupt_pending());
  gic::dispatch_physical();
  EXPECT_TRUE((taken_by_socle == std::vector<std::uint32_t>{26}));
  EXPECT_EQ(running.gic.interrupt(0, 27).priority, 0xa0);
  EXPECT_EQ(running.gic.interrupt(1, 26).priority, 0xa0);
  gic::unmask_all();
  gic::dispatch_physical();
  EXPECT_TRUE((taken_by_socle == std::vector<std::uint32_t>{26, 40}));
}

TEST(Gicv3, AGuestsInterruptStaysActiveUntilItIsDeactivated) {
  Running running;
  ASSERT_TRUE(port::irq_give_to_guest(IntId(50)).has_value());
  enable(50);
  running.gic.set_line(0, 50, true);
  gic::dispatch_physical();
  gic::dispatch_physical();
  EXPECT_EQ(taken_by_guest.size(), std::size_t{1});
  EXPECT_TRUE(running.gic.interrupt(0, 50).active);
  port::irq_deactivate(IntId(50));
  gic::dispatch_physical();
  EXPECT_EQ(taken_by_guest.size(), std::size_t{2});
}

TEST(Gicv3, AnInterruptThatNobodyWantsIsSilencedWithALine) {
  Running running;
  sim::LogCapture log;
  enable(60);
  running.gic.set_line(0, 60, true);
  gic::dispatch_physical();
  EXPECT_FALSE(running.gic.interrupt(0, 60).enabled);
  EXPECT_FALSE(running.gic.interrupt(0, 60).active);
  EXPECT_TRUE(log.contains("60"));
}

TEST(Gicv3, NothingPendingIsNothingDone) {
  Running running;
  gic::dispatch_physical();
  EXPECT_TRUE(taken_by_guest.empty());
  EXPECT_EQ(gic::acknowledge().value(), 1023u);
}

TEST(Gicv3, AnInterruptThatNeverStopsDoesNotKeepTheCpu) {
  Running running;
  ASSERT_TRUE(gic::set_handler(
                  IntId(40), [](IntId id) { taken_by_socle.push_back(id.value()); }, false)
                  .has_value());
  running.gic.set_line(0, 40, true);
  gic::dispatch_physical();
  EXPECT_GT(taken_by_socle.size(), std::size_t{0});
  EXPECT_LT(taken_by_socle.size(), std::size_t{1000});
}

TEST(Gicv3, AnInterruptHasOneOwner) {
  Running running;
  const auto handler = [](IntId) {};
  ASSERT_TRUE(gic::set_handler(IntId(40), handler, false).has_value());
  EXPECT_TRUE(gic::set_handler(IntId(40), handler, false).error() == Error::kBusy);
  EXPECT_TRUE(port::irq_give_to_guest(IntId(40)).error() == Error::kBusy);
  ASSERT_TRUE(port::irq_give_to_guest(IntId(41)).has_value());
  EXPECT_TRUE(gic::set_handler(IntId(41), handler, false).error() == Error::kBusy);
}

TEST(Gicv3, NumbersThatDoNotExistAreRefusedAndHarmless) {
  Running running({.lines = 64});
  EXPECT_TRUE(gic::set_handler(IntId(64), [](IntId) {}, false).error() == Error::kOutOfRange);
  EXPECT_TRUE(port::irq_give_to_guest(IntId(1019)).error() == Error::kOutOfRange);
  EXPECT_TRUE(port::irq_give_to_guest(IntId(20)).error() == Error::kOutOfRange);
  EXPECT_TRUE(port::irq_give_ppi_to_guest(IntId(3)).error() == Error::kOutOfRange);
  for (unsigned word = 2; word < 40; ++word) {
    port::irq_change(IrqState::kEnabled, CpuIndex{0}, word, ~0u, true);
    EXPECT_EQ(port::irq_read(IrqState::kEnabled, CpuIndex{0}, word), 0u);
    port::irq_set_edges(CpuIndex{0}, word, ~0u, ~0u);
    EXPECT_EQ(port::irq_edges(CpuIndex{0}, word), 0u);
  }
  port::irq_set_target(IntId(1000), CpuIndex{0});
}

TEST(Gicv3, PrivateInterruptsOfACpuThatIsNotUpAreHarmless) {
  Running running({.cpus = 1});
  port::irq_change(IrqState::kEnabled, CpuIndex{90}, 0, ~0u, true);
  EXPECT_EQ(port::irq_read(IrqState::kEnabled, CpuIndex{90}, 0), 0u);
}

TEST(Gicv3, AKickReachesTheCpuThatIsMeantAndNoOther) {
  Running running({.cpus = 6});
  port::kick_cpu(CpuIndex{5});
  for (unsigned cpu = 0; cpu < 6; ++cpu)
    EXPECT_EQ(running.gic.physical_pending(cpu), cpu == 5);
  be(5);
  gic::dispatch_physical();
  EXPECT_FALSE(running.gic.physical_pending(5));
  EXPECT_FALSE(running.gic.interrupt(5, 0).active);
}

TEST(Gicv3, AKickOfACpuThatIsNotUpGoesNowhere) {
  Running running({.cpus = 2});
  port::kick_cpu(CpuIndex{77});
  EXPECT_FALSE(running.gic.physical_pending(0));
  EXPECT_FALSE(running.gic.physical_pending(1));
}

TEST(Gicv3, TheMaintenanceInterruptIsPassedOnOnEveryCpu) {
  Running running({.cpus = 2});
  be(1);
  running.gic.set_control(1, hw::ich::hcr::En::kMask | hw::ich::hcr::NPIE::kMask);
  ASSERT_TRUE(running.gic.physical_pending(1));
  running.gic.set_control(1, 0);
  running.gic.set_line(1, 25, true);
  gic::dispatch_physical();
  EXPECT_GT(maintenance_calls, 0u);
}

TEST(Gicv3, TriggersOfOthersInTheSameRegisterStay) {
  Running running;
  port::irq_set_edges(CpuIndex{0}, 1, 0x0000'0100, ~0u);
  port::irq_set_edges(CpuIndex{0}, 1, 0x8000'0000, ~0u);
  EXPECT_EQ(port::irq_edges(CpuIndex{0}, 1), 0x8000'0100u);
  port::irq_set_edges(CpuIndex{0}, 1, 0x0000'0100, 0);
  EXPECT_EQ(port::irq_edges(CpuIndex{0}, 1), 0x8000'0000u);
}

TEST(Gicv3, AnSpiGoesToTheCpuThatItIsSentTo) {
  Running running({.cpus = 6});
  ASSERT_TRUE(port::irq_give_to_guest(IntId(45)).has_value());
  enable(45);
  port::irq_set_target(IntId(45), CpuIndex{4});
  running.gic.set_line(0, 45, true);
  EXPECT_TRUE(running.gic.physical_pending(4));
  EXPECT_FALSE(running.gic.physical_pending(0));
}

}  // namespace
}  // namespace socle
