// SPDX-License-Identifier: Apache-2.0

// event_channel_op, vcpu_op and sched_op, as calls. What the channels do is tested in guest/.

#include "abi/event_channel.h"
#include "abi/sched.h"
#include "abi/vcpu.h"
#include "hypercall/test_caller.h"
#include "port/clock.h"

namespace socle::hypercall {
namespace {

constexpr unsigned kEventChannelOp = 32;
constexpr unsigned kVcpuOp = 24;
constexpr unsigned kSchedOp = 29;

std::int64_t alloc_unbound(TestCaller& guest, std::uint16_t domid, std::uint16_t remote) {
  abi::EventAllocUnbound request{.dom = domid, .remote_dom = remote, .port = 0};
  const std::int64_t result = guest.call_with(kEventChannelOp, EVTCHNOP_alloc_unbound, request);
  return result != 0 ? result : request.port;
}

TEST(EventChannelOp, BadPointersAreFaults) {
  TestCaller guest;
  for (std::uint64_t operation = 0; operation < 15; ++operation)
    EXPECT_EQ(guest.call(kEventChannelOp, {operation, TestCaller::kBadAddress}), -XEN_EFAULT);
  for (std::uint64_t operation = 15; operation < 20; ++operation)
    EXPECT_EQ(guest.call(kEventChannelOp, {operation, TestCaller::kBadAddress}), -XEN_ENOSYS);
}

TEST(EventChannelOp, DomainsThatDoNotExistAreNotFound) {
  TestCaller guest;
  EXPECT_EQ(alloc_unbound(guest, DOMID_SELF, kNobody), -XEN_ESRCH);
  EXPECT_EQ(alloc_unbound(guest, kNobody, 0), -XEN_ESRCH);
  abi::EventBindInterdomain bind{.remote_dom = kNobody, .remote_port = 1, .local_port = 0};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_bind_interdomain, bind), -XEN_ESRCH);
  abi::EventStatus status{};
  status.dom = kNobody;
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_status, status), -XEN_ESRCH);
  abi::EventReset reset{.dom = kNobody};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_reset, reset), -XEN_ESRCH);
}

TEST(EventChannelOp, AChannelToOneselfWorksFromEndToEnd) {
  TestCaller guest;
  EXPECT_EQ(alloc_unbound(guest, DOMID_SELF, DOMID_SELF), 1);
  EXPECT_EQ(alloc_unbound(guest, 0, 0), 2);
  abi::EventBindInterdomain bind{.remote_dom = DOMID_SELF, .remote_port = 1, .local_port = 0};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_bind_interdomain, bind), 0);
  EXPECT_EQ(bind.local_port, 3u);
  abi::EventSend send{.port = 3};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_send, send), 0);
  EXPECT_EQ(guest.shared_info().evtchn_pending[0] & 2, 2u);
  abi::EventStatus status{};
  status.dom = DOMID_SELF;
  status.port = 3;
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_status, status), 0);
  EXPECT_EQ(status.status, std::uint32_t{EVTCHNSTAT_interdomain});
  EXPECT_EQ(status.u.interdomain.dom, 0);
  EXPECT_EQ(status.u.interdomain.port, 1u);
}

TEST(EventChannelOp, InterruptsOfTheMachineAreNotChannels) {
  TestCaller guest;
  abi::EventBindPirq bind{.pirq = 5, .flags = 0, .port = 0};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_bind_pirq, bind), -XEN_EINVAL);
}

TEST(EventChannelOp, InitControlTellsHowManyPortsThereMayBe) {
  TestCaller guest;
  abi::EventInitControl init{};
  init.control_gfn = TestCaller::ram(3).value();
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_init_control, init), 0);
  EXPECT_EQ(init.link_bits, 17);
  abi::EventExpandArray expand{.array_gfn = TestCaller::ram(4).value()};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_expand_array, expand), 0);
}

TEST(EventChannelOp, AResetOfManyPortsContinues) {
  TestCaller guest;
  for (int i = 1; i < 4096; ++i)
    ASSERT_EQ(alloc_unbound(guest, DOMID_SELF, DOMID_SELF), i);
  abi::EventReset reset{.dom = DOMID_SELF};
  EXPECT_EQ(guest.call_with(kEventChannelOp, EVTCHNOP_reset, reset), 0);
  EXPECT_GT(guest.continuations, 0u);
  EXPECT_EQ(alloc_unbound(guest, DOMID_SELF, DOMID_SELF), 1);
}

TEST(VcpuOp, TheOperationsOfArmAreTwo) {
  TestCaller guest;
  for (std::uint64_t operation = 0; operation < 20; ++operation) {
    const bool exists = operation == 5 || operation == 10;
    EXPECT_EQ(guest.call(kVcpuOp, {operation, 0, TestCaller::kBadAddress}),
              exists ? -XEN_EFAULT : -XEN_EINVAL);
    EXPECT_EQ(guest.call(kVcpuOp, {operation, 2, TestCaller::kBadAddress}), -XEN_ENOENT);
  }
}

std::int64_t register_info(TestCaller& guest, std::uint64_t vcpu, std::uint64_t page,
                           std::uint32_t offset) {
  const abi::RegisterVcpuInfo request{
      .mfn = TestCaller::ram(page).value(), .offset = offset, .rsvd = 0};
  return guest.call(kVcpuOp, {VCPUOP_register_vcpu_info, vcpu, guest.put(request)});
}

TEST(VcpuOp, RegistersVcpuInfoOfOneselfAndOfThoseThatAreOff) {
  TestCaller guest;
  EXPECT_EQ(register_info(guest, 0, 7, 4), -XEN_ENXIO);
  EXPECT_EQ(register_info(guest, 0, 7, 0x580), 0);
  EXPECT_EQ(register_info(guest, 0, 7, 0x580), -XEN_EINVAL);
  EXPECT_EQ(register_info(guest, 1, 8, 0x580), 0);
}

TEST(VcpuOp, AVcpuThatRunsRegistersItsOwn) {
  TestCaller guest;
  guest.vcpu(1).power.state = guest::PowerState::State::kOn;
  EXPECT_EQ(register_info(guest, 1, 8, 0x580), -XEN_EINVAL);
  guest.caller = 1;
  EXPECT_EQ(register_info(guest, 1, 8, 0x580), 0);
}

TEST(VcpuOp, TheRunstateAreaIsWrittenAtOnce) {
  TestCaller guest;
  guest::set_run_state(guest.vcpu(), guest::RunState::kRunning);
  guest.at<std::uint64_t>(TestCaller::ram(9)) = 0x5555;
  const std::uint64_t area = TestCaller::address(TestCaller::ram(9));
  EXPECT_EQ(guest.call(kVcpuOp, {VCPUOP_register_runstate_memory_area, 0, guest.put(area)}), 0);
  EXPECT_EQ(guest.at<std::int32_t>(TestCaller::ram(9)), RUNSTATE_running);
  const std::uint64_t bad = TestCaller::kBadAddress;
  EXPECT_EQ(guest.call(kVcpuOp, {VCPUOP_register_runstate_memory_area, 0, guest.put(bad)}), 0);
  const std::uint64_t none = 0;
  EXPECT_EQ(guest.call(kVcpuOp, {VCPUOP_register_runstate_memory_area, 0, guest.put(none)}), 0);
  EXPECT_EQ(guest.vcpu().runstate.guest_area.load(), 0u);
}

TEST(SchedOp, YieldAndBlock) {
  TestCaller guest;
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_yield, 0}), 0);
  EXPECT_EQ(test_waiting().blocks, 0u);
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_block, 0}), 0);
  EXPECT_EQ(test_waiting().blocks, 1u);
}

std::int64_t poll(TestCaller& guest, std::vector<abi::Port> ports, std::uint64_t timeout) {
  for (std::size_t i = 0; i < ports.size(); ++i)
    guest.at<abi::Port>(TestCaller::ram(0x101), i * 4) = ports[i];
  abi::SchedPoll request{};
  request.ports.q = TestCaller::address(TestCaller::ram(0x101));
  request.nr_ports = static_cast<unsigned>(ports.size());
  request.timeout = timeout;
  return guest.call(kSchedOp, {SCHEDOP_poll, guest.put(request)});
}

TEST(SchedOp, PollReturnsAtOnceIfAPortIsPending) {
  TestCaller guest;
  const abi::Port a = guest.channels().bind_ipi(0).value();
  const abi::Port b = guest.channels().bind_ipi(0).value();
  ASSERT_TRUE(guest.channels().send(b).has_value());
  EXPECT_EQ(poll(guest, {a, b}, 0), 0);
  EXPECT_EQ(test_waiting().blocks, 0u);
}

TEST(SchedOp, PollEndsWhenAPortBecomesPending) {
  TestCaller guest;
  const abi::Port port = guest.channels().bind_ipi(1).value();
  guest.shared_info().evtchn_mask[0] = ~std::uint64_t{0};
  test_waiting().meanwhile = [&] { EXPECT_TRUE(guest.channels().send(port).has_value()); };
  EXPECT_EQ(poll(guest, {port}, 0), 0);
  EXPECT_TRUE(test_waiting().was_woken);
  EXPECT_FALSE(guest.vcpu().events.polling.load());
}

TEST(SchedOp, PollWaitsUntilItsDeadline) {
  TestCaller guest;
  const abi::Port port = guest.channels().bind_ipi(0).value();
  port::host_counter = 1000;
  EXPECT_EQ(poll(guest, {port}, 0), 0);
  EXPECT_EQ(test_waiting().deadline, ~std::uint64_t{0});
  EXPECT_EQ(poll(guest, {port}, 5000), 0);
  EXPECT_EQ(test_waiting().deadline, 5000u);
  EXPECT_EQ(poll(guest, {port}, 1), 0);
  EXPECT_EQ(test_waiting().deadline, 1000u);
  EXPECT_EQ(poll(guest, {port}, ~std::uint64_t{0}), 0);
  EXPECT_EQ(test_waiting().deadline, ~std::uint64_t{0});
}

TEST(SchedOp, PollIsBounded) {
  TestCaller guest;
  EXPECT_EQ(poll(guest, std::vector<abi::Port>(129, 1), 1), -XEN_EINVAL);
  EXPECT_EQ(poll(guest, {99999}, 1), -XEN_EINVAL);
  abi::SchedPoll request{};
  request.ports.q = TestCaller::kBadAddress;
  request.nr_ports = 1;
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_poll, guest.put(request)}), -XEN_EFAULT);
  request.nr_ports = 0xffffffff;
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_poll, guest.put(request)}), -XEN_EINVAL);
}

TEST(SchedOp, ShutdownEndsTheDomainWithItsReason) {
  for (const unsigned reason : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 0xffffffffu}) {
    TestCaller guest;
    EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_shutdown, guest.put(reason)}), 0);
    EXPECT_TRUE(guest.domain().is_shut_down.load());
    EXPECT_EQ(guest.domain().shutdown_code.load(), reason <= 5 ? reason : 3u);
  }
}

TEST(SchedOp, OtherDomainsAreShutDownByPrivilegedOnesOnly) {
  {
    TestCaller guest;
    const abi::SchedRemoteShutdown request{.domain_id = kNobody, .reason = 0};
    EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_remote_shutdown, guest.put(request)}), -XEN_ESRCH);
  }
  TestCaller guest({.properties = {}});
  const abi::SchedRemoteShutdown request{.domain_id = 0, .reason = 0};
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_remote_shutdown, guest.put(request)}), -XEN_EPERM);
}

TEST(SchedOp, AShutdownCodeCanBeLeftBehind) {
  TestCaller guest;
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_shutdown_code, guest.put(unsigned{3})}), 0);
  EXPECT_EQ(guest.domain().shutdown_code.load(), 3);
  guest.domain().is_shut_down = true;
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_shutdown_code, guest.put(unsigned{1})}), -XEN_EBUSY);
}

TEST(SchedOp, VcpusStayWhereTheyAre) {
  TestCaller guest;
  guest.caller = 1;
  const auto pin = [&](std::int32_t cpu) {
    return guest.call(kSchedOp, {SCHEDOP_pin_override, guest.put(cpu)});
  };
  EXPECT_EQ(pin(-1), 0);
  EXPECT_EQ(pin(1), 0);
  EXPECT_EQ(pin(0), -XEN_EINVAL);
  EXPECT_EQ(pin(1000), -XEN_EINVAL);
}

TEST(SchedOp, WhatIsNotThereAnswersEnosysAndBadPointersAreFaults) {
  TestCaller guest;
  for (std::uint64_t operation = 2; operation < 8; ++operation)
    EXPECT_EQ(guest.call(kSchedOp, {operation, TestCaller::kBadAddress}), -XEN_EFAULT);
  EXPECT_EQ(guest.call(kSchedOp, {8, TestCaller::kBadAddress}), -XEN_ENOSYS);
  EXPECT_EQ(guest.call(kSchedOp, {SCHEDOP_watchdog, guest.put(std::uint64_t{0})}), -XEN_ENOSYS);
}

}  // namespace
}  // namespace socle::hypercall
