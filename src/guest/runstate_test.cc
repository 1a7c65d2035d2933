// SPDX-License-Identifier: Apache-2.0
#include "guest/runstate.h"

#include "guest/test_domain.h"
#include "port/clock.h"

namespace socle::guest {
namespace {

TEST(Runstate, TimeGoesToTheStateThatWas) {
  TestDomain test;
  port::host_counter = 100;
  set_run_state(test.vcpu(), RunState::kRunning);
  port::host_counter = 130;
  set_run_state(test.vcpu(), RunState::kBlocked);
  port::host_counter = 1000;
  set_run_state(test.vcpu(), RunState::kRunning);
  port::host_counter = 1005;
  const abi::RunstateInfo info = read_runstate(test.vcpu());
  EXPECT_EQ(info.state, RUNSTATE_running);
  EXPECT_EQ(info.state_entry_time, 1000u);
  EXPECT_EQ(info.time[RUNSTATE_offline], 0u);
  EXPECT_EQ(info.time[RUNSTATE_running], 35u);
  EXPECT_EQ(info.time[RUNSTATE_blocked], 870u);
  EXPECT_EQ(info.time[RUNSTATE_runnable], 0u);
}

TEST(Runstate, TimeBeforeTheFirstRunIsNobodys) {
  TestDomain test;
  port::host_counter = 700;
  EXPECT_EQ(read_runstate(test.vcpu()).time[RUNSTATE_offline], 0u);
  set_run_state(test.vcpu(), RunState::kRunning);
  EXPECT_EQ(read_runstate(test.vcpu()).time[RUNSTATE_offline], 0u);
  port::host_counter = 800;
  set_run_state(test.vcpu(), RunState::kOffline);
  port::host_counter = 950;
  set_run_state(test.vcpu(), RunState::kRunning);
  EXPECT_EQ(read_runstate(test.vcpu()).time[RUNSTATE_offline], 150u);
}

TEST(Runstate, TheSumDoesNotDriftFromSystemTime) {
  TestDomain test;
  port::host_counter = 100;
  set_run_state(test.vcpu(), RunState::kRunning);
  for (unsigned i = 0; i < 50; ++i) {
    port::host_counter += i * 13;
    set_run_state(test.vcpu(), static_cast<RunState>(i % 4));
  }
  const abi::RunstateInfo info = read_runstate(test.vcpu());
  EXPECT_EQ(info.time[0] + info.time[1] + info.time[2] + info.time[3], port::host_counter - 100);
}

TEST(Runstate, TheGuestsCopyIsWritten) {
  TestDomain test;
  port::host_counter = 5000;
  set_run_state(test.vcpu(), RunState::kRunning);
  test.vcpu().runstate.guest_area = TestDomain::address(TestDomain::ram(4), 64);
  update_runstate_area(test.vcpu());
  const auto& copy = test.at<abi::RunstateInfo>(TestDomain::ram(4), 64);
  EXPECT_EQ(copy.state, RUNSTATE_running);
  EXPECT_EQ(copy.state_entry_time, 5000u);
  EXPECT_EQ(copy.time[RUNSTATE_offline], 0u);
}

TEST(Runstate, TheUpdateFlagIsClearInTheEnd) {
  TestDomain test;
  test.domain().vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
  port::host_counter = 5000;
  set_run_state(test.vcpu(), RunState::kRunning);
  test.vcpu().runstate.guest_area = TestDomain::address(TestDomain::ram(4));
  update_runstate_area(test.vcpu());
  const auto& copy = test.at<abi::RunstateInfo>(TestDomain::ram(4));
  EXPECT_EQ(copy.state_entry_time, 5000u);
}

TEST(Runstate, AnAreaThatIsNoMemoryIsLeftAlone) {
  TestDomain test;
  test.vcpu().runstate.guest_area = TestDomain::address(TestDomain::kDevice);
  update_runstate_area(test.vcpu());
  test.domain().vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
  test.vcpu().runstate.guest_area = ~std::uint64_t{0} - 3;
  update_runstate_area(test.vcpu());
}

}  // namespace
}  // namespace socle::guest
