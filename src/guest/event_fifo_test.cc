// SPDX-License-Identifier: Apache-2.0

// The FIFO flavour, with a guest that consumes as Linux does, and with guests that do not.

#include "guest/event_fifo.h"

#include <atomic>
#include <random>
#include <thread>

#include "guest/guest_word.h"
#include "guest/test_domain.h"

namespace socle::guest {
namespace {

using abi::Errno;
using abi::Port;

constexpr DomainId kSelf{0};

// The consuming side, after Linux's drivers/xen/events/events_fifo.c: one CPU of the guest.
class Consumer {
 public:
  Consumer(TestDomain& test, unsigned vcpu, Gfn control, Gfn info, Gfn array)
      : control_(test.at<abi::FifoControlBlock>(control)),
        info_(test.at<abi::VcpuInfo>(info)),
        words_(&test.at<std::uint32_t>(array)) {
    EXPECT_TRUE(test.channels().init_control(vcpu, control, 0).has_value());
    EXPECT_TRUE(test.channels().register_vcpu_info(test.vcpu(vcpu), info, 0).has_value());
  }

  // Takes everything there is off the queues. Returns what it handled, in order.
  std::vector<Port> consume() {
    std::vector<Port> handled;
    while (write_guest_exchange(info_.evtchn_upcall_pending) != 0) {
      std::uint32_t ready = take_ready();
      while (ready != 0) {
        const auto priority = static_cast<unsigned>(__builtin_ctz(ready));
        take_one(priority, ready, handled);
        ready |= take_ready();
      }
    }
    return handled;
  }

 private:
  static std::uint8_t write_guest_exchange(std::uint8_t& byte) {
    return std::atomic_ref<std::uint8_t>(byte).exchange(0);
  }
  std::uint32_t take_ready() { return std::atomic_ref<std::uint32_t>(control_.ready).exchange(0); }

  void take_one(unsigned priority, std::uint32_t& ready, std::vector<Port>& handled) {
    Port port = head_[priority];
    if (port == 0) port = read_guest_word(control_.head[priority]);
    const std::uint32_t before =
        *clear_guest_bits(words_[port], abi::kFifoLinked | abi::kFifoLinkMask);
    head_[priority] = before & abi::kFifoLinkMask;
    if (head_[priority] == 0) ready &= ~(1u << priority);
    const std::uint32_t now = read_guest_word(words_[port]);
    if ((now & abi::kFifoPending) != 0 && (now & abi::kFifoMasked) == 0) {
      (void)clear_guest_bits(words_[port], abi::kFifoPending);
      handled.push_back(port);
    }
  }

  abi::FifoControlBlock& control_;
  abi::VcpuInfo& info_;
  std::uint32_t* words_;
  std::array<Port, abi::kFifoPriorities> head_{};
};

constexpr Gfn kControl = TestDomain::ram(1);
constexpr Gfn kInfo = TestDomain::ram(2);
constexpr Gfn kArray = TestDomain::ram(3);

struct FifoTest {
  TestDomain test;
  Consumer guest{test, 0, kControl, kInfo, kArray};

  FifoTest() {
    EXPECT_TRUE(test.channels().expand_array(kArray).has_value());
    (void)guest.consume();
  }
  std::uint32_t& word(Port port) { return test.at<std::uint32_t>(kArray, port * 4); }
  Port open(unsigned vcpu = 0) { return test.channels().bind_ipi(vcpu).value(); }
  void send(Port port) { EXPECT_TRUE(test.channels().send(port).has_value()); }
};

TEST(Fifo, EventsArriveInTheOrderInWhichTheyWereSent) {
  FifoTest fifo;
  for (int i = 0; i < 5; ++i)
    (void)fifo.open();
  for (const Port port : {3u, 1u, 5u, 2u, 4u})
    fifo.send(port);
  EXPECT_EQ(fifo.guest.consume(), (std::vector<Port>{3, 1, 5, 2, 4}));
  EXPECT_TRUE(fifo.guest.consume().empty());
}

TEST(Fifo, HigherPrioritiesComeFirst) {
  FifoTest fifo;
  for (int i = 0; i < 3; ++i)
    (void)fifo.open();
  ASSERT_TRUE(fifo.test.channels().set_priority(2, 15).has_value());
  ASSERT_TRUE(fifo.test.channels().set_priority(3, 0).has_value());
  for (const Port port : {2u, 1u, 3u})
    fifo.send(port);
  EXPECT_EQ(fifo.guest.consume(), (std::vector<Port>{3, 1, 2}));
}

TEST(Fifo, OneNotificationForAWholeQueue) {
  FifoTest fifo;
  for (int i = 0; i < 3; ++i)
    (void)fifo.open();
  (void)fifo.test.was_notified();
  fifo.send(1);
  EXPECT_TRUE(fifo.test.was_notified());
  fifo.send(2);
  fifo.send(3);
  EXPECT_FALSE(fifo.test.was_notified());
}

TEST(Fifo, AMaskedEventIsPendingButOnNoQueue) {
  FifoTest fifo;
  const Port port = fifo.open();
  fifo.word(port) |= abi::kFifoMasked;
  (void)fifo.test.was_notified();
  fifo.send(port);
  EXPECT_EQ(fifo.word(port), abi::kFifoPending | abi::kFifoMasked);
  EXPECT_FALSE(fifo.test.was_notified());
  ASSERT_TRUE(fifo.test.channels().unmask(port).has_value());
  EXPECT_TRUE(fifo.test.was_notified());
  EXPECT_EQ(fifo.guest.consume(), (std::vector<Port>{port}));
}

TEST(Fifo, EventsBeyondTheArrayArriveWhenItGrows) {
  TestDomain test;
  Consumer guest(test, 0, kControl, kInfo, kArray);
  (void)guest.consume();
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_TRUE(test.channels().is_pending(port).value());
  EXPECT_TRUE(guest.consume().empty());
  ASSERT_TRUE(test.channels().expand_array(kArray).has_value());
  EXPECT_EQ(guest.consume(), (std::vector<Port>{port}));
}

TEST(Fifo, WhatWasPendingBeforeTheFlavourChangedIsNotLost) {
  TestDomain test;
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  Consumer guest(test, 0, kControl, kInfo, kArray);
  ASSERT_TRUE(test.channels().expand_array(kArray).has_value());
  EXPECT_EQ(guest.consume(), (std::vector<Port>{port}));
}

TEST(Fifo, AnEventForAVcpuWithoutQueuesIsDropped) {
  FifoTest fifo;
  const Port port = fifo.open(1);
  fifo.send(port);
  EXPECT_EQ(fifo.word(port), abi::kFifoPending);
}

TEST(Fifo, AnEventThatMovesToAnotherVcpuLeavesTheOldQueueIntact) {
  TestDomain test;
  Consumer first(test, 0, kControl, kInfo, kArray);
  Consumer second(test, 1, TestDomain::ram(4), TestDomain::ram(5), kArray);
  ASSERT_TRUE(test.channels().expand_array(kArray).has_value());
  const Port a = test.channels().alloc_unbound(kSelf).value();
  const Port moving = test.channels().bind_interdomain(kSelf, a).value();
  const Port fixed = test.channels().bind_ipi(0).value();
  (void)first.consume();
  (void)second.consume();
  // The tail of the first queue, consumed, then sent to the second.
  ASSERT_TRUE(test.channels().send(a).has_value());
  EXPECT_EQ(first.consume(), (std::vector<Port>{moving}));
  ASSERT_TRUE(test.channels().bind_vcpu(moving, 1).has_value());
  ASSERT_TRUE(test.channels().send(a).has_value());
  // Must not be appended to `moving`, which is on the second queue now.
  ASSERT_TRUE(test.channels().send(fixed).has_value());
  EXPECT_EQ(first.consume(), (std::vector<Port>{fixed}));
  EXPECT_EQ(second.consume(), (std::vector<Port>{moving}));
}

TEST(Fifo, APortStillOnAQueueIsNotGivenOutAgain) {
  FifoTest fifo;
  const Port port = fifo.open();
  fifo.send(port);
  ASSERT_TRUE(fifo.test.channels().close(port).has_value());
  EXPECT_EQ(fifo.word(port) & abi::kFifoPending, 0u);
  EXPECT_EQ(fifo.open(), port + 1);
  EXPECT_TRUE(fifo.guest.consume().empty());
  EXPECT_EQ(fifo.open(), port);
}

TEST(Fifo, TheNewLifeOfAPortMayStillBeTheTailOfItsOldQueue) {
  TestDomain test;
  Consumer first(test, 0, kControl, kInfo, kArray);
  Consumer second(test, 1, TestDomain::ram(4), TestDomain::ram(5), kArray);
  ASSERT_TRUE(test.channels().expand_array(kArray).has_value());
  const Port port = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  EXPECT_EQ(first.consume(), (std::vector<Port>{port}));
  (void)second.consume();
  ASSERT_TRUE(test.channels().close(port).has_value());
  ASSERT_EQ(test.channels().bind_ipi(1).value(), port);
  const Port other = test.channels().bind_ipi(0).value();
  ASSERT_TRUE(test.channels().send(port).has_value());
  ASSERT_TRUE(test.channels().send(other).has_value());
  EXPECT_EQ(first.consume(), (std::vector<Port>{other}));
  EXPECT_EQ(second.consume(), (std::vector<Port>{port}));
}

TEST(Fifo, SetUpIsCheckedFieldByField) {
  TestDomain test;
  const auto error = [&](unsigned vcpu, Gfn frame, std::uint32_t offset) {
    const auto status = test.channels().init_control(vcpu, frame, offset);
    return status.has_value() ? Errno{} : status.error();
  };
  EXPECT_EQ(test.channels().expand_array(kArray).error(), Errno::kEOPNOTSUPP);
  EXPECT_EQ(error(2, kControl, 0), Errno::kENOENT);
  EXPECT_EQ(error(0, kControl, 4), Errno::kEINVAL);
  EXPECT_EQ(error(0, kControl, 4032), Errno::kEINVAL);
  EXPECT_EQ(error(0, kControl, 0xfffffff8), Errno::kEINVAL);
  EXPECT_EQ(error(0, TestDomain::kDevice, 0), Errno::kEINVAL);
  EXPECT_EQ(error(0, Gfn(~std::uint64_t{0}), 0), Errno::kEINVAL);
  test.memory().fail_maps(1);
  EXPECT_EQ(error(0, kControl, 0), Errno::kENOMEM);
  EXPECT_EQ(test.memory().persistent_maps(), 0u);
  // Still in the 2-level flavour.
  EXPECT_EQ(test.channels().expand_array(kArray).error(), Errno::kEOPNOTSUPP);
  EXPECT_EQ(error(0, kControl, 4024), Errno{});
  EXPECT_EQ(error(0, kControl, 0), Errno::kEINVAL);
  EXPECT_EQ(test.channels().expand_array(Gfn(0x1)).error(), Errno::kEINVAL);
}

TEST(Fifo, TheArrayEndsAt128Pages) {
  TestDomain test;
  ASSERT_TRUE(test.channels().init_control(0, kControl, 0).has_value());
  for (std::uint64_t page = 0; page < 128; ++page)
    ASSERT_TRUE(test.channels().expand_array(TestDomain::ram(10 + page)).has_value());
  EXPECT_EQ(test.channels().expand_array(TestDomain::ram(200)).error(), Errno::kENOSPC);
}

TEST(Fifo, PrioritiesAreCheckedLikeXenDoes) {
  FifoTest fifo;
  const Port port = fifo.open();
  EXPECT_EQ(fifo.test.channels().set_priority(port, 16).error(), Errno::kEINVAL);
  EXPECT_EQ(fifo.test.channels().set_priority(60, 16).error(), Errno::kEACCES);
  EXPECT_EQ(fifo.test.channels().set_priority(0xffffffff, 3).error(), Errno::kEINVAL);
}

TEST(Fifo, ResetGoesBackToTwoLevelsAndGivesThePagesBack) {
  FifoTest fifo;
  fifo.send(fifo.open());
  const std::size_t maps = fifo.test.memory().persistent_maps();
  while (!fifo.test.channels().reset().value()) {
  }
  EXPECT_EQ(fifo.test.memory().persistent_maps(), maps - 2);
  EXPECT_EQ(fifo.test.channels().expand_array(kArray).error(), Errno::kEOPNOTSUPP);
  ASSERT_TRUE(fifo.test.channels().init_control(0, kControl, 0).has_value());
}

TEST(Fifo, AllPortsCanBeUsed) {
  TestDomain test;
  ASSERT_TRUE(test.channels().init_control(0, kControl, 0).has_value());
  for (std::uint64_t page = 0; page < 128; ++page)
    ASSERT_TRUE(test.channels().expand_array(TestDomain::ram(10 + page)).has_value());
  for (Port port = 1; port < abi::kFifoPorts; ++port)
    ASSERT_EQ(test.channels().alloc_unbound(kSelf).value(), port);
  EXPECT_EQ(test.channels().alloc_unbound(kSelf).error(), Errno::kENOSPC);
}

// Random histories: what was sent and not masked is handled, once for each time that it became
// pending, whatever happened in between.
TEST(Fifo, RandomHistoriesLoseNothing) {
  FifoTest fifo;
  std::minstd_rand random(20240229);
  constexpr Port kPorts = 40;
  for (Port port = 1; port <= kPorts; ++port)
    (void)fifo.open();
  std::array<bool, kPorts + 1> owed{};
  for (int step = 0; step < 20000; ++step) {
    const Port port = 1 + random() % kPorts;
    switch (random() % 8) {
      case 0:
      case 1:
      case 2:
        fifo.send(port);
        owed[port] = true;
        break;
      case 3:
        (void)set_guest_bits(fifo.word(port), abi::kFifoMasked);
        break;
      case 4:
        ASSERT_TRUE(fifo.test.channels().unmask(port).has_value());
        break;
      case 5:
        ASSERT_TRUE(fifo.test.channels().set_priority(port, random() % 16).has_value());
        break;
      default:
        for (const Port handled : fifo.guest.consume()) {
          ASSERT_TRUE(owed[handled]);
          owed[handled] = false;
        }
        break;
    }
  }
  for (Port port = 1; port <= kPorts; ++port)
    ASSERT_TRUE(fifo.test.channels().unmask(port).has_value());
  for (const Port handled : fifo.guest.consume())
    owed[handled] = false;
  for (Port port = 1; port <= kPorts; ++port)
    EXPECT_FALSE(owed[port]);
}

// The guest consumes on one CPU while another sends.
TEST(Fifo, ASenderAndAConsumerAtTheSameTimeLoseNothing) {
  FifoTest fifo;
  constexpr Port kPorts = 8;
  for (Port port = 1; port <= kPorts; ++port)
    (void)fifo.open();
  std::atomic<bool> done{false};
  std::thread sender([&] {
    port::host_current_cpu = CpuIndex{1};
    std::minstd_rand random(1);
    for (int i = 0; i < 200000; ++i)
      (void)fifo.test.channels().send(1 + random() % kPorts);
    done = true;
  });
  std::size_t handled = 0;
  while (!done)
    handled += fifo.guest.consume().size();
  sender.join();
  handled += fifo.guest.consume().size();
  EXPECT_GT(handled, 0u);
  for (Port port = 1; port <= kPorts; ++port)
    EXPECT_EQ(fifo.word(port) & (abi::kFifoPending | abi::kFifoLinked | abi::kFifoBusy), 0u);
}

// --- Guests that do not play by the rules: Socle goes on --------------------------------------

TEST(HostileFifo, GarbageInWordsAndControlBlockDoesNotStopSocle) {
  FifoTest fifo;
  std::minstd_rand random(7);
  constexpr Port kPorts = 20;
  for (Port port = 1; port <= kPorts; ++port)
    (void)fifo.open();
  for (int step = 0; step < 20000; ++step) {
    fifo.word(random() % 1024) = static_cast<std::uint32_t>(random());
    fifo.test.at<std::uint32_t>(kControl, 4 * (random() % 18)) =
        static_cast<std::uint32_t>(random());
    (void)fifo.test.channels().send(random() % 30);
    (void)fifo.test.channels().unmask(random() % 1100);
    (void)fifo.test.channels().close(random() % 30);
    (void)fifo.test.channels().bind_ipi(random() % 3);
  }
}

TEST(HostileFifo, AWordThatNeverStopsChangingCostsTheGuestItsEvent) {
  FifoTest fifo;
  for (int i = 0; i < 3; ++i)
    (void)fifo.open();
  std::atomic<bool> done{false};
  std::thread hostile([&] {
    std::uint32_t value = 0;
    while (!done) {
      // LINKED stays, so that Socle wants to link behind it.
      write_guest_word(fifo.word(1), abi::kFifoLinked | (++value & abi::kFifoLinkMask));
    }
  });
  for (int i = 0; i < 20000; ++i) {
    (void)fifo.test.channels().send(1);
    (void)fifo.test.channels().send(2);
    (void)clear_guest_bits(fifo.word(2), abi::kFifoLinked | abi::kFifoPending);
  }
  done = true;
  hostile.join();
}

TEST(HostileFifo, PretendingThatAllPortsAreBusyIsAnsweredInBoundedTime) {
  FifoTest fifo;
  for (Port port = 1; port < 1024; ++port)
    fifo.word(port) = abi::kFifoLinked;
  // The first port beyond the words of the array, or none: never an endless search.
  EXPECT_EQ(fifo.test.channels().alloc_unbound(kSelf).value(), 1024u);
  ASSERT_TRUE(fifo.test.channels().expand_array(TestDomain::ram(20)).has_value());
  for (Port port = 0; port < 1024; ++port)
    fifo.test.at<std::uint32_t>(TestDomain::ram(20), port * 4) = abi::kFifoLinked;
  EXPECT_EQ(fifo.test.channels().alloc_unbound(kSelf).error(), Errno::kENOSPC);
}

TEST(LinkToTail, LinksBehindATailThatIsOnTheQueue) {
  std::uint32_t tail = abi::kFifoLinked | abi::kFifoPending | 5;
  EXPECT_EQ(link_to_tail(tail, 9), TailLink::kLinked);
  EXPECT_EQ(tail, abi::kFifoLinked | abi::kFifoPending | 9);
}

TEST(LinkToTail, LeavesATailAloneThatIsNotOnTheQueue) {
  std::uint32_t tail = abi::kFifoPending | abi::kFifoMasked;
  EXPECT_EQ(link_to_tail(tail, 9), TailLink::kNotOnQueue);
  EXPECT_EQ(tail, abi::kFifoPending | abi::kFifoMasked);
}

TEST(GuestWord, ChangesAreWholeOrNotAtAll) {
  std::uint64_t word = 6;
  EXPECT_EQ(set_guest_bits(word, std::uint64_t{9}), std::optional<std::uint64_t>(6));
  EXPECT_EQ(word, 15u);
  EXPECT_EQ(clear_guest_bits(word, std::uint64_t{3}), std::optional<std::uint64_t>(15));
  EXPECT_EQ(word, 12u);
}

}  // namespace
}  // namespace socle::guest
