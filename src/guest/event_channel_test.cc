// SPDX-License-Identifier: Apache-2.0

// Ports and what they are bound to, and delivery in the 2-level flavour.

#include "guest/event_channel.h"

#include "guest/test_domain.h"

namespace socle::guest {
namespace {

using abi::Errno;
using abi::Port;

constexpr DomainId kSelf{0};

std::uint64_t pending_word(TestDomain& test, Port port) {
  return test.shared_info().evtchn_pending[port / 64];
}
bool is_pending(TestDomain& test, Port port) {
  return (pending_word(test, port) >> (port % 64) & 1) != 0;
}
void mask(TestDomain& test, Port port) {
  test.shared_info().evtchn_mask[port / 64] |= std::uint64_t{1} << (port % 64);
}
std::uint32_t state_of(TestDomain& test, Port port) {
  abi::EventStatus status{};
  status.port = port;
  EXPECT_TRUE(test.channels().status(status).has_value());
  return status.status;
}
template <typename T>
Errno error_of(const abi::Status<T>& status) {
  return status.has_value() ? Errno{} : status.error();
}

TEST(EventChannels, PortsAreGivenOutFromOneUpwards) {
  TestDomain test;
  for (Port expected = 1; expected <= 600; ++expected) {
    ASSERT_EQ(test.channels().alloc_unbound(kSelf).value(), expected);
  }
}

TEST(EventChannels, TheLowestClosedPortIsReused) {
  TestDomain test;
  for (int i = 0; i < 10; ++i)
    (void)test.channels().alloc_unbound(kSelf);
  ASSERT_TRUE(test.channels().close(7).has_value());
  ASSERT_TRUE(test.channels().close(3).has_value());
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 3u);
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 7u);
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 11u);
}

TEST(EventChannels, TwoLevelEndsAtPort4095) {
  TestDomain test;
  for (Port port = 1; port < abi::kTwoLevelPorts; ++port)
    ASSERT_TRUE(test.channels().alloc_unbound(kSelf).has_value());
  EXPECT_EQ(error_of(test.channels().alloc_unbound(kSelf)), Errno::kENOSPC);
  ASSERT_TRUE(test.channels().close(4095).has_value());
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 4095u);
}

TEST(EventChannels, ADomainHasNoMorePortsThanItWasGiven) {
  TestDomain test({.max_port = 20});
  for (Port port = 1; port <= 20; ++port)
    ASSERT_TRUE(test.channels().alloc_unbound(kSelf).has_value());
  EXPECT_EQ(error_of(test.channels().alloc_unbound(kSelf)), Errno::kENOSPC);
}

TEST(EventChannels, WithoutMemoryNoPortIsOpened) {
  TestDomain test;
  std::vector<Mfn> taken;
  for (;;) {
    const auto frame = mem::allocate(kOrder4K);
    if (!frame.has_value()) break;
    taken.push_back(*frame);
  }
  EXPECT_EQ(error_of(test.channels().alloc_unbound(kSelf)), Errno::kENOMEM);
  for (const Mfn frame : taken)
    mem::free(frame, kOrder4K);
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 1u);
}

TEST(EventChannels, NumbersThatAreNoPortAreRefused) {
  TestDomain test;
  (void)test.channels().alloc_unbound(kSelf);
  for (const Port port : {0u, 2u, 255u, 256u, 4095u, 4096u, 131071u, 131072u, 0xffffffffu}) {
    EXPECT_EQ(error_of(test.channels().close(port)), Errno::kEINVAL);
    EXPECT_EQ(error_of(test.channels().send(port)), Errno::kEINVAL);
    EXPECT_EQ(error_of(test.channels().bind_vcpu(port, 0)), Errno::kEINVAL);
    EXPECT_EQ(error_of(test.channels().bind_interdomain(kSelf, port)), Errno::kEINVAL);
  }
  EXPECT_EQ(error_of(test.channels().unmask(4096)), Errno::kEINVAL);
  EXPECT_EQ(error_of(test.channels().unmask(0xffffffff)), Errno::kEINVAL);
  abi::EventStatus status{};
  status.port = 0xffffffff;
  EXPECT_EQ(error_of(test.channels().status(status)), Errno::kEINVAL);
}

TEST(EventChannels, UnmaskingAClosedPortDoesNothing) {
  TestDomain test;
  (void)test.channels().alloc_unbound(kSelf);
  EXPECT_TRUE(test.channels().unmask(0).has_value());
  EXPECT_TRUE(test.channels().unmask(2).has_value());
}

TEST(EventChannels, ALoopbackChannelConnectsBothWays) {
  TestDomain test;
  const Port a = test.channels().alloc_unbound(kSelf).value();
  EXPECT_EQ(state_of(test, a), EVTCHNSTAT_unbound);
  const Port b = test.channels().bind_interdomain(kSelf, a).value();
  EXPECT_EQ(state_of(test, a), EVTCHNSTAT_interdomain);
  EXPECT_EQ(state_of(test, b), EVTCHNSTAT_interdomain);
  // The binder is told to look, for what was sent before.
  EXPECT_TRUE(is_pending(test, b));
  ASSERT_TRUE(test.channels().send(b).has_value());
  EXPECT_TRUE(is_pending(test, a));
  EXPECT_EQ(error_of(test.channels().bind_interdomain(kSelf, a)), Errno::kEINVAL);
}

TEST(EventChannels, ClosingOneEndLeavesTheOtherUnbound) {
  TestDomain test;
  const Port a = test.channels().alloc_unbound(kSelf).value();
  const Port b = test.channels().bind_interdomain(kSelf, a).value();
  ASSERT_TRUE(test.channels().close(a).has_value());
  EXPECT_EQ(state_of(test, a), EVTCHNSTAT_closed);
  EXPECT_EQ(state_of(test, b), EVTCHNSTAT_unbound);
  EXPECT_EQ(test.channels().bind_interdomain(kSelf, b).value(), a);
}

TEST(EventChannels, AnotherDomainDoesNotExist) {
  TestDomain test;
  EXPECT_EQ(error_of(test.channels().bind_interdomain(DomainId{1}, 1)), Errno::kESRCH);
}

TEST(EventChannels, ClosingForgetsWhatWasPending) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  ASSERT_TRUE(is_pending(test, port));
  ASSERT_TRUE(test.channels().close(port).has_value());
  EXPECT_FALSE(is_pending(test, port));
}

TEST(EventChannels, GlobalVirqsAreBoundOnVcpuZeroAndMayMove) {
  TestDomain test;
  EXPECT_EQ(error_of(test.channels().bind_virq(VIRQ_CONSOLE, 1)), Errno::kEINVAL);
  const Port port = test.channels().bind_virq(VIRQ_CONSOLE, 0).value();
  EXPECT_EQ(error_of(test.channels().bind_virq(VIRQ_CONSOLE, 0)), Errno::kEEXIST);
  EXPECT_TRUE(test.channels().bind_vcpu(port, 1).has_value());
}

TEST(EventChannels, PerVcpuVirqsAndIpisStayWhereTheyWereBound) {
  TestDomain test;
  const Port timer = test.channels().bind_virq(VIRQ_TIMER, 1).value();
  const Port ipi = test.channels().bind_ipi(1).value();
  EXPECT_EQ(error_of(test.channels().bind_vcpu(timer, 0)), Errno::kEINVAL);
  EXPECT_EQ(error_of(test.channels().bind_vcpu(ipi, 0)), Errno::kEINVAL);
}

TEST(EventChannels, VirqsAndVcpusThatDoNotExistAreRefused) {
  TestDomain test;
  EXPECT_EQ(error_of(test.channels().bind_virq(24, 0)), Errno::kEINVAL);
  EXPECT_EQ(error_of(test.channels().bind_virq(0xffffffff, 0)), Errno::kEINVAL);
  EXPECT_EQ(error_of(test.channels().bind_virq(VIRQ_TIMER, 2)), Errno::kENOENT);
  EXPECT_EQ(error_of(test.channels().bind_ipi(0xffffffff)), Errno::kENOENT);
  const Port port = test.channels().alloc_unbound(kSelf).value();
  EXPECT_EQ(error_of(test.channels().bind_vcpu(port, 2)), Errno::kENOENT);
}

TEST(EventChannels, AVirqCanBeBoundAgainAfterItsPortWasClosed) {
  TestDomain test;
  const Port port = test.channels().bind_virq(VIRQ_CONSOLE, 0).value();
  ASSERT_TRUE(test.channels().close(port).has_value());
  raise_virq(test.domain(), abi::Virq::kConsole);  // nobody there
  EXPECT_FALSE(is_pending(test, port));
  EXPECT_TRUE(test.channels().bind_virq(VIRQ_CONSOLE, 0).has_value());
}

TEST(EventChannels, AVirqReachesItsPort) {
  TestDomain test;
  const Port port = test.channels().bind_virq(VIRQ_CONSOLE, 0).value();
  raise_virq(test.domain(), abi::Virq::kConsole);
  EXPECT_TRUE(is_pending(test, port));
  EXPECT_TRUE(test.was_notified(0));
  EXPECT_TRUE(event_line_is_high(test.vcpu(0)));
}

TEST(TwoLevel, AnEventSetsItsBitTheSelectorAndTheUpcall) {
  TestDomain test;
  for (int i = 0; i < 70; ++i)
    (void)test.channels().bind_ipi(0);
  ASSERT_TRUE(test.channels().send(70).has_value());
  EXPECT_EQ(pending_word(test, 70), std::uint64_t{1} << 6);
  EXPECT_EQ(test.shared_info().vcpu_info[0].evtchn_pending_sel, std::uint64_t{1} << 1);
  EXPECT_EQ(test.shared_info().vcpu_info[0].evtchn_upcall_pending, 1);
  EXPECT_TRUE(test.was_notified(0));
}

TEST(TwoLevel, AMaskedEventIsOnlyRemembered) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  mask(test, port);
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_TRUE(is_pending(test, port));
  EXPECT_FALSE(event_line_is_high(test.vcpu(0)));
  EXPECT_FALSE(test.was_notified(0));
  ASSERT_TRUE(test.channels().unmask(port).has_value());
  EXPECT_TRUE(event_line_is_high(test.vcpu(0)));
  EXPECT_TRUE(test.was_notified(0));
}

TEST(TwoLevel, AnEventThatIsPendingAlreadySaysNothingNew) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_TRUE(test.was_notified(0));
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_FALSE(test.was_notified(0));
}

TEST(TwoLevel, AVcpuWithoutItsPageIsNotifiedWhenItRegistersOne) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(1).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_TRUE(is_pending(test, port));
  EXPECT_FALSE(event_line_is_high(test.vcpu(1)));
  ASSERT_TRUE(test.channels().register_vcpu_info(test.vcpu(1), test.ram(5), 0x580).has_value());
  const auto& info = test.at<abi::VcpuInfo>(TestDomain::ram(5), 0x580);
  EXPECT_EQ(info.evtchn_upcall_pending, 1);
  EXPECT_EQ(info.evtchn_pending_sel, ~std::uint64_t{0});
  EXPECT_TRUE(test.was_notified(1));
  EXPECT_TRUE(event_line_is_high(test.vcpu(1)));
}

TEST(VcpuInfo, ItsPlaceMustFitAndBeAligned) {
  TestDomain test;
  for (const std::uint32_t offset : {4u, 1u, 4056u, 4096u, 0xfffffff8u}) {
    EXPECT_EQ(error_of(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), offset)),
              Errno::kENXIO);
  }
  EXPECT_TRUE(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), 4048).has_value());
}

TEST(VcpuInfo, ItMustBeRamOfTheDomain) {
  TestDomain test;
  for (const Gfn frame : {TestDomain::kDevice, Gfn(0x1), Gfn(~std::uint64_t{0}), Gfn(0x60000)}) {
    EXPECT_EQ(error_of(test.channels().register_vcpu_info(test.vcpu(), frame, 0)), Errno::kEINVAL);
  }
  EXPECT_EQ(test.memory().persistent_maps(), 0u);
}

TEST(VcpuInfo, ItIsRegisteredOnce) {
  TestDomain test;
  ASSERT_TRUE(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), 0).has_value());
  EXPECT_EQ(error_of(test.channels().register_vcpu_info(test.vcpu(), test.ram(6), 0)),
            Errno::kEINVAL);
}

TEST(VcpuInfo, IfItCannotBeMappedNothingHasChanged) {
  TestDomain test;
  test.memory().fail_maps(1);
  EXPECT_EQ(error_of(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), 0)),
            Errno::kENOMEM);
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_EQ(test.shared_info().vcpu_info[0].evtchn_upcall_pending, 1);
  EXPECT_TRUE(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), 0).has_value());
}

TEST(VcpuInfo, ItsFrameStaysEvenIfTheGuestUnmapsIt) {
  TestDomain test;
  ASSERT_TRUE(test.channels().register_vcpu_info(test.vcpu(), test.ram(5), 0).has_value());
  ASSERT_TRUE(test.domain().address_space.unmap(GfnRange(test.ram(5), test.ram(6))).has_value());
  const Mfn frame(TestDomain::ram(5).value());
  ASSERT_TRUE(mem::release(MfnRange(frame, frame + FrameCount(1)), kSelf).has_value());
  // Still nobody else's.
  EXPECT_FALSE(
      mem::assign(MfnRange(frame, frame + FrameCount(1)), DomainId{3}, mem::Contents::kScrubbed)
          .has_value());
  test.channels().destroy();
  EXPECT_TRUE(
      mem::assign(MfnRange(frame, frame + FrameCount(1)), DomainId{3}, mem::Contents::kScrubbed)
          .has_value());
}

TEST(EventLine, ItFollowsWhatTheGuestWrites) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_TRUE(event_line_is_high(test.vcpu()));
  test.shared_info().vcpu_info[0].evtchn_upcall_pending = 0;
  EXPECT_FALSE(event_line_is_high(test.vcpu()));
}

TEST(EventChannels, ResetClosesEverythingInPieces) {
  TestDomain test;
  for (Port port = 1; port < abi::kTwoLevelPorts; ++port)
    ASSERT_TRUE(test.channels().alloc_unbound(kSelf).has_value());
  unsigned pieces = 1;
  for (;; ++pieces) {
    const auto done = test.channels().reset();
    ASSERT_TRUE(done.has_value());
    if (*done) break;
  }
  EXPECT_GT(pieces, 1u);
  EXPECT_EQ(state_of(test, 1), EVTCHNSTAT_closed);
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).value(), 1u);
}

TEST(EventChannels, PortsOpenedDuringAResetMakeItFail) {
  TestDomain test;
  for (Port port = 1; port < abi::kTwoLevelPorts; ++port)
    ASSERT_TRUE(test.channels().alloc_unbound(kSelf).has_value());
  ASSERT_FALSE(test.channels().reset().value());
  ASSERT_EQ(test.channels().alloc_unbound(kSelf).value(), 1u);
  abi::Status<bool> done = false;
  while (done.has_value() && !*done)
    done = test.channels().reset();
  EXPECT_EQ(error_of(done), Errno::kEAGAIN);
}

TEST(EventChannels, APollerIsWokenByAnyNewEvent) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  test.channels().start_polling(test.vcpu(1));
  mask(test, port);
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_FALSE(test.vcpu(1).events.polling.load());
  EXPECT_TRUE(test.was_notified(1));
  test.channels().stop_polling(test.vcpu(1));
  EXPECT_TRUE(test.channels().is_pending(port).value());
  EXPECT_EQ(error_of(test.channels().is_pending(99999)), Errno::kEINVAL);
}

}  // namespace
}  // namespace socle::guest
