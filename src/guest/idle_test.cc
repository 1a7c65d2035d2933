// SPDX-License-Identifier: Apache-2.0
#include "guest/idle.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "port/clock.h"
#include "port/cpu.h"

namespace socle::guest {

namespace {
constexpr std::uint32_t bit(Work work) {
  return static_cast<std::uint32_t>(work);
}
}  // namespace

TEST(Idle, ReadyVcpuDoesNotSleep) {
  TestGuest guest;
  doubles().deliverable = true;
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 0u);
  EXPECT_TRUE(doubles().run_states.empty());
}

TEST(Idle, SleepEndsWhenAnInterruptIsDeliverable) {
  TestGuest guest;
  doubles().on_sleep = [&guest] {
    EXPECT_TRUE(guest.vcpu().blocked.load());
    doubles().deliverable = doubles().sleeps == 2;
  };
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 2u);
  EXPECT_FALSE(guest.vcpu().blocked.load());
  EXPECT_TRUE(
      (doubles().run_states == std::vector<RunState>{RunState::kBlocked, RunState::kRunning}));
}

TEST(Idle, TheInterruptControllerLooksAtItsLinesBeforeEachSleep) {
  TestGuest guest;
  doubles().on_sleep = [] {
    EXPECT_EQ(doubles().looks_at_lines, doubles().sleeps);
    doubles().deliverable = doubles().sleeps == 2;
  };
  block(guest.vcpu());
  EXPECT_EQ(doubles().looks_at_lines, 2u);
}

TEST(Idle, WorkPostedWhileAsleepIsServedBeforeTheNextLook) {
  TestGuest guest;
  doubles().on_sleep = [&guest] {
    if (doubles().sleeps == 1) post_work(guest.vcpu(), Work::kVgicSync);
    if (doubles().sleeps == 2) post_work(guest.vcpu(), Work::kEvent);
    if (doubles().sleeps == 3) doubles().deliverable = true;
  };
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 3u);
  EXPECT_EQ(doubles().event_checks, 1u);
  EXPECT_FALSE(doubles().served_work.empty());
  EXPECT_EQ(doubles().served_work.front(), bit(Work::kVgicSync));
  EXPECT_EQ(guest.vcpu().pending_work.load(), 0u);
}

TEST(Idle, WorkThatWorkMakesIsServedToo) {
  TestGuest guest;
  doubles().on_event_check = [&guest] {
    if (doubles().event_checks == 1) post_work(guest.vcpu(), Work::kVgic);
  };
  post_work(guest.vcpu(), Work::kEvent);
  EXPECT_FALSE(serve_work(guest.vcpu()));
  EXPECT_TRUE((doubles().served_work == std::vector<std::uint32_t>{bit(Work::kVgic)}));
}

TEST(Idle, WorkAnnouncedBeforeTheSleepIsNotSleptOver) {
  TestGuest guest;
  doubles().on_event_check = [] { doubles().deliverable = true; };
  post_work(guest.vcpu(), Work::kEvent);
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 0u);
  EXPECT_EQ(doubles().event_checks, 1u);
}

TEST(Idle, PowerWorkEndsTheSleepAndStaysPending) {
  TestGuest guest;
  doubles().on_sleep = [&guest] { post_work(guest.vcpu(), Work::kPower); };
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 1u);
  EXPECT_EQ(guest.vcpu().pending_work.load(), bit(Work::kPower));
}

TEST(Idle, PowerWorkPostedBeforeIsNotSleptOver) {
  TestGuest guest;
  post_work(guest.vcpu(), Work::kPower);
  block(guest.vcpu());
  wait_once(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 0u);
}

TEST(Idle, SilentEventLineIsAskedForFirst) {
  TestGuest guest;
  doubles().needs_line_check = true;
  doubles().deliverable = true;
  block(guest.vcpu());
  EXPECT_EQ(doubles().event_checks, 1u);
}

TEST(Idle, VirtualSerrorKeepsTheVcpuAwake) {
  TestGuest guest;
  set_register<hw::HCR_EL2>(hw::HCR_EL2::VSE::kMask);
  block(guest.vcpu());
  EXPECT_EQ(doubles().sleeps, 0u);
}

TEST(Idle, DeadlineArmsTheTimerAndEndsTheSleep) {
  TestGuest guest;
  port::host_counter = 10;
  doubles().on_sleep = [] {
    EXPECT_EQ(port::host_wakeup, 50u);
    port::host_counter += 25;
  };
  block(guest.vcpu(), 50);
  EXPECT_EQ(doubles().sleeps, 2u);
  EXPECT_EQ(port::host_wakeup, ~std::uint64_t{0});
}

TEST(Idle, EarlierPhysicalTimerOfTheGuestWins) {
  TestGuest guest;
  guest.vcpu().timers.physical_control = 1;
  guest.vcpu().timers.physical_compare = 30;
  doubles().on_sleep = [] {
    if (doubles().sleeps == 1) EXPECT_EQ(port::host_wakeup, 30u);
    port::host_counter = 60;
  };
  block(guest.vcpu(), 50);
  EXPECT_EQ(doubles().sleeps, 1u);
}

TEST(Idle, WakeConditionEndsTheSleep) {
  TestGuest guest;
  block(guest.vcpu(), kNoDeadline, [](const Vcpu&) { return doubles().sleeps == 4; });
  EXPECT_EQ(doubles().sleeps, 4u);
}

TEST(Idle, PostingWorkKicksOtherCpusOnce) {
  TestGuest guest(2);
  post_work(guest.vcpu(0), Work::kVgic);
  EXPECT_EQ(port::host_kicks.load(), 0u);
  post_work(guest.vcpu(1), Work::kVgic);
  post_work(guest.vcpu(1), Work::kVgic);
  EXPECT_EQ(port::host_kicks.load(), 1u);
  post_work(guest.vcpu(1), Work::kEvent);
  EXPECT_EQ(port::host_kicks.load(), 2u);
}

}  // namespace socle::guest
