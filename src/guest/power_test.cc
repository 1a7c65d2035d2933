// SPDX-License-Identifier: Apache-2.0
#include "guest/power.h"

#include "base/test.h"
#include "guest/context.h"
#include "guest/cpu_doubles_for_tests.h"
#include "guest/exits.h"
#include "port/clock.h"
#include "sim/host_seams.h"

namespace socle::guest {

namespace {
using State = PowerState::State;
using How = MachineEnded::How;

// What happened to the machine, -1 if it still runs.
int shut_down_and_see(Domain& domain, ShutdownReason reason) {
  try {
    shut_down(domain, reason);
  } catch (const MachineEnded& ended) {
    return static_cast<int>(ended.how);
  }
  return -1;
}
}  // namespace

TEST(Power, RunEntersTheGuestOnItsFrameWithPowerToCheck) {
  TestGuest guest;
  bool entered = false;
  try {
    run(guest.vcpu());
  } catch (const GuestEntered&) {
    entered = true;
  }
  EXPECT_TRUE(entered);
  EXPECT_EQ(guest.frame().pending_work, &guest.vcpu().pending_work);
  EXPECT_EQ(guest.frame().vcpu, &guest.vcpu());
  EXPECT_EQ(guest.vcpu().pending_work.load(), static_cast<std::uint32_t>(Work::kPower));
  EXPECT_NE(get_register<hw::MDCR_EL2>(), 0u);
}

TEST(Power, VcpuWithAnEntryStartsInResetState) {
  TestGuest guest;
  ASSERT_TRUE(set_up_vcpus(guest.domain()).has_value());
  set_entry(guest.vcpu(), Ipa(0x4000'0000), 0x4800'0000);
  for (std::uint64_t& x : guest.frame().x)
    x = 99;
  guest.vcpu().system.ttbr0_el1 = 0x5678;  // of an earlier life
  guest.vcpu().timers.virtual_control = 1;
  set_register<hw::VBAR_EL1>(0x1234);
  set_register<hw::SCTLR_EL1>(~std::uint64_t{0});
  post_work(guest.vcpu(), Work::kPower);
  socle_guest_entry_work(&guest.frame());
  const CpuFrame& frame = guest.frame();
  EXPECT_EQ(frame.pc, 0x4000'0000u);
  EXPECT_EQ(frame.x[0], 0x4800'0000u);
  for (unsigned n = 1; n < 31; ++n)
    EXPECT_EQ(frame.x[n], 0u);
  EXPECT_EQ(frame.pstate, 0x3c5u);
  EXPECT_EQ(get_register<hw::VBAR_EL1>(), 0u);
  EXPECT_EQ(get_register<hw::TTBR0_EL1>(), 0u);
  EXPECT_EQ(get_register<hw::CNTV_CTL_EL0>(), 0u);
  EXPECT_EQ(get_register<hw::SCTLR_EL1>(), hw::SCTLR_EL1::kReset);
  EXPECT_EQ(hw::HCR_EL2::VM::get(get_register<hw::HCR_EL2>()), 1u);
  EXPECT_EQ(get_register<hw::VMPIDR_EL2>(), 0x8000'0000u);
  EXPECT_TRUE(guest.vcpu().power.state == State::kOn);
  EXPECT_EQ(guest.vcpu().pending_work.load(), 0u);
}

TEST(Power, VcpuThatIsOffWaitsUntilItIsSwitchedOn) {
  TestGuest guest;
  Vcpu& vcpu = guest.vcpu();
  doubles().on_sleep = [&vcpu] {
    EXPECT_TRUE(vcpu.power.state != State::kOn);
    if (doubles().sleeps == 1) vcpu.power.state = State::kTurningOn;  // not yet
    if (doubles().sleeps != 3) return;
    set_entry(vcpu, Ipa(0x1000), 0);
    post_work(vcpu, Work::kPower);
  };
  post_work(vcpu, Work::kPower);
  socle_guest_entry_work(&guest.frame());
  EXPECT_EQ(doubles().sleeps, 3u);
  EXPECT_EQ(guest.frame().pc, 0x1000u);
}

TEST(Power, SwitchingOffStopsTheTimersAndPowersDownAtTheNextEntry) {
  TestGuest guest;
  Vcpu& vcpu = guest.vcpu();
  vcpu.power.state = State::kOn;
  set_register<hw::CNTV_CTL_EL0>(1);
  vcpu.timers.physical_control = 1;
  switch_off(vcpu);
  EXPECT_EQ(get_register<hw::CNTV_CTL_EL0>(), 0u);
  EXPECT_EQ(port::host_wakeup, ~std::uint64_t{0});
  EXPECT_TRUE(vcpu.power.state == State::kOff);
  doubles().on_sleep = [&vcpu] { set_entry(vcpu, Ipa(0x2000), 1); };
  socle_guest_entry_work(&guest.frame());
  EXPECT_EQ(doubles().sleeps, 1u);
  EXPECT_EQ(guest.frame().pc, 0x2000u);
}

TEST(Power, SetUpFailsIfTheTimerInterruptIsSomebodyElses) {
  TestGuest guest;
  doubles().ppi_is_taken = true;
  EXPECT_TRUE(set_up_vcpus(guest.domain()).error() == Error::kBusy);
}

TEST(Power, SetUpGivesEveryVcpuItsNumber) {
  TestGuest guest(18);
  port::host_counter = 500;
  ASSERT_TRUE(set_up_vcpus(guest.domain()).has_value());
  EXPECT_EQ(guest.vcpu(17).system.vmpidr_el2, 0x8000'0101u);
  EXPECT_EQ(guest.vcpu(17).timers.offset, 500u);
  EXPECT_EQ(guest.vcpu(17).system.hcr_el2, guest_hcr(false));
}

TEST(Power, HardwareDomainsEndIsTheMachines) {
  sim::LogCapture log;
  {
    TestGuest guest;
    EXPECT_EQ(shut_down_and_see(guest.domain(), ShutdownReason::kPowerOff),
              static_cast<int>(How::kPowerOff));
    EXPECT_TRUE(log.contains("Hardware Dom0 halted"));
  }
  for (const ShutdownReason reason : {ShutdownReason::kReboot, ShutdownReason::kCrash,
                                      ShutdownReason::kWatchdog, ShutdownReason::kSoftReset}) {
    TestGuest guest;
    EXPECT_EQ(shut_down_and_see(guest.domain(), reason), static_cast<int>(How::kReset));
  }
}

TEST(Power, NoRebootStopsTheMachineInsteadOfRestartingIt) {
  sim::LogCapture log;
  TestGuest guest;
  set_no_reboot(true);
  EXPECT_EQ(shut_down_and_see(guest.domain(), ShutdownReason::kReboot),
            static_cast<int>(How::kHalt));
  TestGuest other;
  EXPECT_EQ(shut_down_and_see(other.domain(), ShutdownReason::kPowerOff),
            static_cast<int>(How::kPowerOff));
  set_no_reboot(false);
}

TEST(Power, OtherDomainsEndAlone) {
  TestGuest guest(2, false);
  EXPECT_EQ(shut_down_and_see(guest.domain(), ShutdownReason::kCrash), -1);
  EXPECT_EQ(guest.domain().shutdown_code.load(), 3u);
  EXPECT_EQ(guest.vcpu(1).pending_work.load(), static_cast<std::uint32_t>(Work::kPower));
  // The first reason stands.
  EXPECT_EQ(shut_down_and_see(guest.domain(), ShutdownReason::kPowerOff), -1);
  EXPECT_EQ(guest.domain().shutdown_code.load(), 3u);
  // It never comes back, whatever wakes it.
  guest.vcpu().power.state = State::kOn;
  bool still_asleep = false;
  try {
    socle_guest_entry_work(&guest.frame());
  } catch (const SleepsForever&) {
    still_asleep = true;
  }
  EXPECT_TRUE(still_asleep);
}

}  // namespace socle::guest
