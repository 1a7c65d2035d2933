// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/vtimer.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "port/clock.h"

namespace socle::guest {

namespace {
constexpr std::uint64_t kEnable = 1;
constexpr std::uint64_t kMask = 2;
constexpr std::uint64_t kStatus = 4;
constexpr std::uint32_t kPhysicalTimer = 30;
using vtimer::Register;
}  // namespace

TEST(Vtimer, VirtualCountersOfADomainStartTogether) {
  TestGuest guest(3);
  port::host_counter = 12345;
  vtimer::start_counter(guest.domain());
  for (unsigned i = 0; i < 3; ++i)
    EXPECT_EQ(guest.vcpu(i).timers.offset, 12345u);
  vtimer::load(guest.vcpu(0));
  EXPECT_EQ(get_register<hw::CNTVOFF_EL2>(), 12345u);
}

TEST(Vtimer, VirtualTimerIsSwitchedOffWhileItsVcpuIsAway) {
  TestGuest guest;
  set_register<hw::CNTV_CTL_EL0>(kEnable);
  set_register<hw::CNTV_CVAL_EL0>(999);
  vtimer::save(guest.vcpu());
  EXPECT_EQ(get_register<hw::CNTV_CTL_EL0>(), 0u);
  set_register<hw::CNTV_CVAL_EL0>(0);
  vtimer::load(guest.vcpu());
  EXPECT_EQ(get_register<hw::CNTV_CTL_EL0>(), kEnable);
  EXPECT_EQ(get_register<hw::CNTV_CVAL_EL0>(), 999u);
}

TEST(Vtimer, PhysicalTimerRaisesAndLowersItsLine) {
  TestGuest guest;
  Vcpu& vcpu = guest.vcpu();
  port::host_counter = 100;
  vtimer::write(vcpu, Register::kCompare, 200);
  vtimer::write(vcpu, Register::kControl, kEnable);
  EXPECT_EQ(doubles().lines.count(kPhysicalTimer), 0u);
  EXPECT_EQ(port::host_wakeup, 200u);
  port::host_counter = 200;
  vtimer::hypervisor_timer_fired();
  EXPECT_EQ(port::host_wakeup, ~std::uint64_t{0});
  EXPECT_EQ(vcpu.pending_work.load(), static_cast<std::uint32_t>(Work::kTimer));
  vtimer::update(vcpu);
  EXPECT_TRUE(doubles().lines.at(kPhysicalTimer));
  EXPECT_EQ(port::host_wakeup, ~std::uint64_t{0});  // no storm: the condition stays true
  EXPECT_EQ(vtimer::read(vcpu, Register::kControl), kEnable | kStatus);
  vtimer::write(vcpu, Register::kCompare, 300);
  EXPECT_FALSE(doubles().lines.at(kPhysicalTimer));
  EXPECT_EQ(port::host_wakeup, 300u);
}

TEST(Vtimer, MaskedTimerShowsItsStatusButStaysSilent) {
  TestGuest guest;
  Vcpu& vcpu = guest.vcpu();
  port::host_counter = 100;
  vtimer::write(vcpu, Register::kControl, kEnable | kMask);
  EXPECT_EQ(vtimer::read(vcpu, Register::kControl), kEnable | kMask | kStatus);
  EXPECT_EQ(doubles().lines.count(kPhysicalTimer), 0u);
  EXPECT_EQ(port::host_wakeup, ~std::uint64_t{0});
  vtimer::write(vcpu, Register::kControl, kEnable);
  EXPECT_TRUE(doubles().lines.at(kPhysicalTimer));
}

TEST(Vtimer, DisabledTimerHasNoStatus) {
  TestGuest guest;
  port::host_counter = 100;
  EXPECT_EQ(vtimer::read(guest.vcpu(), Register::kControl), 0u);
  vtimer::write(guest.vcpu(), Register::kControl, ~std::uint64_t{0} & ~kEnable);
  EXPECT_EQ(vtimer::read(guest.vcpu(), Register::kControl), kMask);
}

TEST(Vtimer, TimerValueIsSignedAndRelative) {
  TestGuest guest;
  Vcpu& vcpu = guest.vcpu();
  port::host_counter = 1000;
  vtimer::write(vcpu, Register::kValue, 50);
  EXPECT_EQ(vtimer::read(vcpu, Register::kCompare), 1050u);
  vtimer::write(vcpu, Register::kValue, 0xffff'fff6);  // -10
  EXPECT_EQ(vtimer::read(vcpu, Register::kCompare), 990u);
  EXPECT_EQ(vtimer::read(vcpu, Register::kValue), 0xffff'fff6u);
}

}  // namespace socle::guest
