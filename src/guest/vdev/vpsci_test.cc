// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vpsci.h"

#include <random>

#include "base/test.h"
#include "guest/context.h"
#include "guest/cpu_doubles_for_tests.h"
#include "guest/exits.h"
#include "guest/vdev/smccc.h"
#include "hw/attributes_for_tests.h"
#include "hw/esr.h"
#include "port/cpu.h"

namespace socle::guest {

namespace {

using State = PowerState::State;

constexpr std::uint64_t kEntry = 0x4008'0000;
constexpr std::uint64_t number(int status) {
  return static_cast<std::uint64_t>(std::int64_t{status});
}
constexpr std::uint64_t kInvalidParameters = number(-2);
constexpr std::uint64_t kAlreadyOn = number(-4);
constexpr std::uint64_t kOnPending = number(-5);
constexpr std::uint64_t kInvalidAddress = number(-9);

// Four vCPUs, vCPU 0 on; the frame of kEntry is executable RAM, the next is not executable.
class Machine {
 public:
  explicit Machine(unsigned count = 4) : guest(count) {
    guest.vcpu(0).power.state = State::kOn;
    const auto ram = [](Permissions permissions) {
      return stage2::Translation{
          .mfn = Mfn(1),
          .attributes = {.type = MemoryType::kNormalWriteBack, .permissions = permissions},
          .block = kOrder4K};
    };
    doubles().mapped[kEntry >> 12] = ram({.read = true, .write = true, .execute = true});
    doubles().mapped[(kEntry >> 12) + 1] = ram({.read = true, .write = true, .execute = false});
  }
  std::uint64_t call(std::uint64_t function, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                     std::uint64_t a3 = 0) {
    CpuFrame& frame = guest.frame();
    frame.x[0] = function;
    frame.x[1] = a1;
    frame.x[2] = a2;
    frame.x[3] = a3;
    smccc::call(guest.vcpu(), frame);
    return frame.x[0];
  }

  TestGuest guest;
};

}  // namespace

TEST(Vpsci, ReportsItsVersionAndThatNothingMigrates) {
  Machine machine;
  EXPECT_EQ(machine.call(0x8400'0000), 0x1'0001u);
  EXPECT_EQ(machine.call(0x8400'0006), 2u);
}

TEST(Vpsci, FeaturesNameWhatExists) {
  Machine machine;
  for (const std::uint64_t function :
       {0x8400'0000u, 0x8400'0001u, 0xc400'0001u, 0x8400'0002u, 0x8400'0003u, 0xc400'0003u,
        0x8400'0004u, 0xc400'0004u, 0x8400'0006u, 0x8400'0008u, 0x8400'0009u, 0x8400'000au,
        0x8400'0012u, 0xc400'0012u, 0x8000'0000u}) {
    EXPECT_EQ(machine.call(0x8400'000a, function), 0u);
  }
  for (const std::uint64_t function : {0x8400'0005u, 0x8400'0007u, 0x8400'000bu, 0x8400'000eu,
                                       0xc400'0002u, 0xc400'0000u, 0x1u, 0xffff'ffffu}) {
    EXPECT_EQ(machine.call(0x8400'000a, function), number(-1));
    EXPECT_EQ(machine.call(function == 1 ? 0x8400'0005 : function), number(-1));
  }
}

TEST(Vpsci, CpuOnPreparesTheTargetAndWakesItsCpu) {
  Machine machine;
  EXPECT_EQ(machine.call(0xc400'0003, 2, kEntry, 0x55), 0u);
  Vcpu& target = machine.guest.vcpu(2);
  EXPECT_TRUE(target.power.state == State::kOnPending);
  EXPECT_EQ(target.power.entry, kEntry);
  EXPECT_EQ(target.power.context, 0x55u);
  EXPECT_EQ(target.pending_work.load(), static_cast<std::uint32_t>(Work::kPower));
  EXPECT_EQ(port::host_kicks.load(), 1u);
  EXPECT_EQ(machine.call(0xc400'0003, 2, kEntry, 0), kOnPending);
  EXPECT_EQ(machine.call(0xc400'0003, 0, kEntry, 0), kAlreadyOn);
}

TEST(Vpsci, CpuOnKnowsTargetsByVirtualAffinityOnly) {
  Machine machine(18);
  EXPECT_EQ(machine.call(0xc400'0003, 0x101, kEntry), 0u);
  EXPECT_TRUE(machine.guest.vcpu(17).power.state == State::kOnPending);
  for (const std::uint64_t target :
       {std::uint64_t{0x102}, std::uint64_t{16}, std::uint64_t{0x1'0000}, std::uint64_t{1} << 32,
        std::uint64_t{1} << 24, std::uint64_t{1} << 31, std::uint64_t{1} << 63,
        ~std::uint64_t{0}}) {
    EXPECT_EQ(machine.call(0xc400'0003, target, kEntry), kInvalidParameters);
  }
}

TEST(Vpsci, CpuOnRefusesEntryPointsThatCannotBeExecuted) {
  Machine machine;
  EXPECT_EQ(machine.call(0xc400'0003, 1, kEntry + 2), kInvalidAddress);
  EXPECT_EQ(machine.call(0xc400'0003, 1, kEntry + 0x1000), kInvalidAddress);
  EXPECT_EQ(machine.call(0xc400'0003, 1, 0x1000), kInvalidAddress);
  EXPECT_EQ(machine.call(0xc400'0003, 1, ~std::uint64_t{3}), kInvalidAddress);
  EXPECT_TRUE(machine.guest.vcpu(1).power.state == State::kOff);
}

TEST(Vpsci, Narrow32BitCallsIgnoreUpperHalves) {
  Machine machine;
  const std::uint64_t junk = 0xdead'beef'0000'0000;
  EXPECT_EQ(machine.call(0x8400'0003 | junk, 1 | junk, kEntry | junk, 7 | junk), 0u);
  EXPECT_EQ(machine.guest.vcpu(1).power.entry, kEntry);
  EXPECT_EQ(machine.guest.vcpu(1).power.context, 7u);
}

TEST(Vpsci, OldFunctionNumbersOfXenWork) {
  Machine machine;
  EXPECT_EQ(machine.call(2, 3, kEntry, 9), 0u);
  EXPECT_TRUE(machine.guest.vcpu(3).power.state == State::kOnPending);
  EXPECT_EQ(machine.call(1), 0u);
  EXPECT_TRUE(machine.guest.vcpu(0).power.state == State::kOff);
}

TEST(Vpsci, CpuOffAndOnAgainAreSeenByAffinityInfo) {
  Machine machine;
  EXPECT_EQ(machine.call(0xc400'0004, 0, 0), 0u);
  EXPECT_EQ(machine.call(0xc400'0004, 1, 0), 1u);
  machine.guest.vcpu(1).power.state = State::kOnPending;
  EXPECT_EQ(machine.call(0xc400'0004, 1, 0), 2u);
  EXPECT_EQ(machine.call(0xc400'0004, 9, 0), kInvalidParameters);
  EXPECT_EQ(machine.call(0xc400'0004, 0, 4), kInvalidParameters);
  EXPECT_EQ(machine.call(0xc400'0004, 0, ~std::uint64_t{0}), kInvalidParameters);
  EXPECT_EQ(machine.call(0xc400'0004, 0x1'00, 0), kInvalidParameters);
}

TEST(Vpsci, AffinityInfoOfAClusterIsThatOfItsMostAwakeMember) {
  Machine machine(18);
  EXPECT_EQ(machine.call(0xc400'0004, 0, 1), 0u);
  EXPECT_EQ(machine.call(0xc400'0004, 0x100, 1), 1u);
  machine.guest.vcpu(17).power.state = State::kOnPending;
  EXPECT_EQ(machine.call(0xc400'0004, 0x100, 1), 2u);
  EXPECT_EQ(machine.call(0xc400'0004, 0x200, 1), kInvalidParameters);
  EXPECT_EQ(machine.call(0xc400'0004, 0, 3), 0u);
}

TEST(Vpsci, CpuSuspendWaitsForAnInterrupt) {
  Machine machine;
  doubles().on_sleep = [] { doubles().deliverable = doubles().sleeps == 3; };
  EXPECT_EQ(machine.call(0xc400'0001, 0x1'0000, kEntry, 1), 0u);
  EXPECT_EQ(doubles().sleeps, 3u);
}

TEST(Vpsci, SystemOffAndResetEndTheMachineOfTheHardwareDomain) {
  using How = MachineEnded::How;
  const auto end = [](std::uint64_t function, std::uint64_t a1) {
    Machine machine;
    try {
      machine.call(function, a1);
    } catch (const MachineEnded& ended) {
      return static_cast<int>(ended.how);
    }
    return -1;
  };
  EXPECT_EQ(end(0x8400'0008, 0), static_cast<int>(How::kPowerOff));
  EXPECT_EQ(end(0x8400'0009, 0), static_cast<int>(How::kReset));
  EXPECT_EQ(end(0x8400'0012, 0), static_cast<int>(How::kReset));
  EXPECT_EQ(end(0xc400'0012, 0x8000'0000), -1);
}

TEST(Vpsci, UnknownResetTypesAreInvalid) {
  Machine machine;
  EXPECT_EQ(machine.call(0xc400'0012, 1), kInvalidParameters);
  EXPECT_EQ(machine.call(0xc400'0012, 0x8000'0001), kInvalidParameters);
  EXPECT_FALSE(machine.guest.domain().is_shut_down);
}

TEST(Vpsci, ArbitraryCallsAnswerAndChangeNoOtherRegister) {
  Machine machine(20);
  std::mt19937_64 random(7);  // NOLINT: reproducible
  doubles().deliverable = true;
  for (unsigned i = 0; i < 100'000; ++i) {
    CpuFrame& frame = machine.guest.frame();
    for (std::uint64_t& x : frame.x)
      x = random();
    // Often something near a real function; never the end of the machine.
    if ((random() & 3) != 0) {
      frame.x[0] = (random() & 0x4000'0000) | 0x8400'0000 | (random() & 0x1f);
    }
    const auto narrow = static_cast<std::uint32_t>(frame.x[0]) & ~0x4000'0000u;
    if (narrow == 0x8400'0008 || narrow == 0x8400'0009 || narrow == 0x8400'0012) continue;
    if ((random() & 1) != 0) frame.x[1] &= 0x1ff;
    if ((random() & 1) != 0) frame.x[2] = kEntry;
    const CpuFrame before = frame;
    smccc::call(machine.guest.vcpu(), frame);
    for (unsigned n = 4; n < 31; ++n)
      ASSERT_EQ(frame.x[n], before.x[n]);
    ASSERT_EQ(frame.pc, before.pc);
    ASSERT_EQ(frame.pstate, before.pstate);
  }
}

}  // namespace socle::guest
