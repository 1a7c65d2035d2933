// SPDX-License-Identifier: Apache-2.0
#include "guest/sysreg_traps.h"

#include <random>

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "guest/vdev/vtimer.h"
#include "hw/esr.h"
#include "hw/id_registers.h"
#include "port/clock.h"

namespace socle::guest {

namespace {

using hw::Esr;
using hw::ExceptionClass;
using hw::Pstate;
using Syndrome = hw::SystemRegisterSyndrome;

constexpr std::uint64_t kVectors = 0xffff'8000'1000'0800;
constexpr std::uint64_t kPc = 0x8'0000;

class Trap {
 public:
  Trap() { set_register<hw::VBAR_EL1>(kVectors); }

  TestGuest guest;

  template <typename Register>
  void read(unsigned rt = 3) {
    run(Register::kRegister, rt, true);
  }
  template <typename Register>
  void write(std::uint64_t value, unsigned rt = 3) {
    if (rt < 31) guest.frame().x[rt] = value;
    run(Register::kRegister, rt, false);
  }
  void run(hw::SystemRegister reg, unsigned rt, bool is_read) {
    guest.frame().pc = kPc;
    guest.frame().esr = Esr::make(
        ExceptionClass::kSystemRegister, true,
        Syndrome::pattern(reg) | Syndrome::Rt::make(rt) | Syndrome::IsRead::make(is_read ? 1 : 0));
    emulate_system_register(guest.vcpu(), guest.frame());
  }
  [[nodiscard]] bool was_done() { return guest.frame().pc == kPc + 4; }
  [[nodiscard]] bool was_undefined() {
    return guest.frame().pc == kVectors + 0x200 || guest.frame().pc == kVectors + 0x400;
  }
  [[nodiscard]] std::uint64_t result() { return guest.frame().x[3]; }
};

}  // namespace

TEST(SysregTraps, EverySgiWriteReachesTheVirtualGic) {
  Trap trap;
  trap.write<hw::ICC_SGI1R_EL1>(0x0100'0000'0001);
  EXPECT_TRUE(trap.was_done());
  trap.write<hw::ICC_SGI1R_EL1>(0, 31);
  EXPECT_EQ(doubles().sgis, (std::vector<std::uint64_t>{0x0100'0000'0001, 0}));
  EXPECT_TRUE(trap.was_done());
}

TEST(SysregTraps, Group0SgisAndDeactivationReachTheVirtualGic) {
  Trap trap;
  trap.write<hw::ICC_SGI0R_EL1>(1);
  trap.write<hw::ICC_ASGI1R_EL1>(2);
  trap.write<hw::ICC_DIR_EL1>(27);
  EXPECT_EQ(doubles().group0_sgis, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(doubles().deactivated, (std::vector<std::uint64_t>{27}));
  EXPECT_TRUE(doubles().sgis.empty());
  EXPECT_TRUE(trap.was_done());
}

TEST(SysregTraps, ReadingAWriteOnlyRegisterIsUndefined) {
  Trap trap;
  trap.read<hw::ICC_SGI1R_EL1>();
  EXPECT_TRUE(trap.was_undefined());
  trap.read<hw::ICC_DIR_EL1>();
  EXPECT_TRUE(trap.was_undefined());
  trap.read<hw::OSLAR_EL1>();
  EXPECT_TRUE(trap.was_undefined());
}

TEST(SysregTraps, IdRegistersReadWhatTheDomainWasGivenAndReservedOnesZero) {
  Trap trap;
  set_register<hw::ID_AA64PFR0_EL1>(0x1111'1111'1111'1112);
  trap.guest.domain().id_registers = IdRegisters::from_this_cpu(40);
  trap.read<hw::ID_AA64PFR0_EL1>();
  EXPECT_TRUE(trap.was_done());
  EXPECT_EQ(trap.result(), trap.guest.domain().id_registers.read<hw::ID_AA64PFR0_EL1>());
  EXPECT_NE(trap.result(), 0u);
  for (std::uint8_t crm = 1; crm < 8; ++crm) {
    for (std::uint8_t op2 = 0; op2 < 8; ++op2) {
      trap.run(hw::SystemRegister{3, 0, 0, crm, op2}, 3, true);
      EXPECT_TRUE(trap.was_done());
    }
  }
  trap.run(hw::SystemRegister{3, 0, 0, 7, 7}, 3, true);
  EXPECT_EQ(trap.result(), 0u);
}

TEST(SysregTraps, WritingAnIdRegisterIsUndefined) {
  Trap trap;
  trap.write<hw::ID_AA64PFR0_EL1>(1);
  EXPECT_TRUE(trap.was_undefined());
}

TEST(SysregTraps, DebugRegistersReadZeroAndIgnoreWrites) {
  Trap trap;
  for (std::uint8_t n = 0; n < 16; ++n) {
    for (std::uint8_t op2 = 4; op2 < 8; ++op2) {
      const hw::SystemRegister reg{2, 0, 0, n, op2};
      trap.guest.frame().x[3] = ~std::uint64_t{0};
      trap.run(reg, 3, false);
      EXPECT_TRUE(trap.was_done());
      trap.run(reg, 3, true);
      EXPECT_TRUE(trap.was_done());
      EXPECT_EQ(trap.result(), 0u);
    }
  }
  trap.write<hw::OSLAR_EL1>(1);
  EXPECT_TRUE(trap.was_done());
  trap.read<hw::OSLSR_EL1>();
  EXPECT_EQ(trap.result(), 8u);
  trap.write<hw::OSDLR_EL1>(1);
  trap.read<hw::OSDLR_EL1>();
  EXPECT_EQ(trap.result(), 0u);
}

TEST(SysregTraps, SoftwareStepWorksThroughMdscr) {
  Trap trap;
  trap.write<hw::MDSCR_EL1>(0xa001);  // MDE, KDE, SS
  EXPECT_TRUE(trap.was_done());
  EXPECT_EQ(get_register<hw::MDSCR_EL1>(), 0x2001u);  // no breakpoints in the hardware
  trap.read<hw::MDSCR_EL1>();
  EXPECT_EQ(trap.result(), 0xa001u);
}

TEST(SysregTraps, PerformanceMonitorsAreZeroAtEl1AndUndefinedAtEl0) {
  Trap trap;
  constexpr hw::SystemRegister kPmuserenr{3, 3, 9, 14, 0};
  constexpr hw::SystemRegister kPmevcntr5{3, 3, 14, 8, 5};
  constexpr hw::SystemRegister kPmintenset{3, 0, 9, 14, 1};
  for (const hw::SystemRegister reg : {kPmuserenr, kPmevcntr5, kPmintenset}) {
    trap.guest.frame().pstate = Pstate::kEl1h;
    trap.run(reg, 3, false);
    EXPECT_TRUE(trap.was_done());
    trap.guest.frame().x[3] = 55;
    trap.run(reg, 3, true);
    EXPECT_EQ(trap.result(), 0u);
    trap.guest.frame().pstate = Pstate::kEl0t;
    trap.run(reg, 3, true);
    EXPECT_TRUE(trap.was_undefined());
  }
}

TEST(SysregTraps, UnknownAndHiddenRegistersAreUndefined) {
  Trap trap;
  const hw::SystemRegister hidden[] = {
      {3, 0, 10, 4, 3},  // LORC_EL1
      {3, 0, 5, 3, 1},   // ERRSELR_EL1
      {3, 0, 1, 2, 0},   // ZCR_EL1
      {3, 3, 13, 3, 0},  // AMCFGR_EL0
      {3, 0, 9, 9, 0},   // PMSCR_EL1
      {3, 0, 1, 0, 6},   // GCR_EL1
      {3, 3, 13, 0, 7},  // SCXTNUM_EL0
      {3, 1, 15, 2, 0},  // implementation defined (CPUACTLR)
      {3, 0, 11, 0, 0},  // implementation defined
      {2, 1, 0, 1, 0},   // trace
  };
  for (const hw::SystemRegister reg : hidden) {
    trap.guest.frame().pstate = Pstate::kEl1h;
    trap.run(reg, 3, true);
    EXPECT_TRUE(trap.was_undefined());
    EXPECT_EQ(get_register<hw::ESR_EL1>(), Esr::IL::kMask);
    EXPECT_EQ(get_register<hw::ELR_EL1>(), kPc);
  }
}

TEST(SysregTraps, ActlrAndSreAreHarmless) {
  Trap trap;
  trap.write<hw::ACTLR_EL1>(~std::uint64_t{0});
  trap.read<hw::ACTLR_EL1>();
  EXPECT_EQ(trap.result(), 0u);
  trap.write<hw::ICC_SRE_EL1>(0);
  trap.read<hw::ICC_SRE_EL1>();
  EXPECT_EQ(trap.result(), 7u);
}

TEST(SysregTraps, PhysicalTimerIsEmulated) {
  Trap trap;
  port::host_counter = 1000;
  trap.write<hw::CNTP_CVAL_EL0>(1500);
  trap.write<hw::CNTP_CTL_EL0>(1);
  EXPECT_EQ(port::host_wakeup, 1500u);
  trap.read<hw::CNTP_TVAL_EL0>();
  EXPECT_EQ(trap.result(), 500u);
  port::host_counter = 1501;
  trap.read<hw::CNTP_CTL_EL0>();
  EXPECT_EQ(trap.result(), 5u);
}

TEST(SysregTraps, PhysicalTimerWorksFromAArch32User) {
  Trap trap;
  CpuFrame& frame = trap.guest.frame();
  port::host_counter = 1000;
  frame.pstate = Pstate::AArch32::kMask;
  frame.x[2] = 300;
  const auto mcr = [&](std::uint64_t crm, std::uint64_t opc2, std::uint64_t read) {
    frame.pc = kPc;
    frame.esr =
        Esr::make(ExceptionClass::kCp15Mcr, true,
                  Esr::CV::kMask | Esr::COND::make(14) | hw::Cp15Syndrome::CRn::make(14) |
                      hw::Cp15Syndrome::CRm::make(crm) | hw::Cp15Syndrome::Opc2::make(opc2) |
                      hw::Cp15Syndrome::Rt::make(2) | read);
    emulate_cp15(trap.guest.vcpu(), frame);
  };
  mcr(2, 0, 0);
  EXPECT_EQ(trap.guest.vcpu().timers.physical_compare, 1300u);
  EXPECT_EQ(frame.pc, kPc + 4);
  // CNTP_CVAL by MRRC.
  frame.esr = Esr::make(ExceptionClass::kCp15Mcrr, true,
                        Esr::CV::kMask | Esr::COND::make(14) | hw::Cp15Syndrome::CRm::make(14) |
                            hw::Cp15Syndrome::WideOpc1::make(2) | hw::Cp15Syndrome::Rt::make(4) |
                            hw::Cp15Syndrome::Rt2::make(5) | 1);
  trap.guest.vcpu().timers.physical_compare = 0x1'2345'6789;
  emulate_cp15_wide(trap.guest.vcpu(), frame);
  EXPECT_EQ(frame.x[4], 0x2345'6789u);
  EXPECT_EQ(frame.x[5], 1u);
  // Anything else is undefined.
  frame.pstate = Pstate::AArch32::kMask;
  mcr(7, 0, 1);
  EXPECT_EQ(frame.pc, kVectors + 0x600);
}

TEST(SysregTraps, FailedConditionIsSteppedOver) {
  Trap trap;
  CpuFrame& frame = trap.guest.frame();
  frame.pstate = Pstate::AArch32::kMask;
  frame.pc = kPc;
  frame.esr = Esr::make(ExceptionClass::kCp15Mcr, true, Esr::CV::kMask | Esr::COND::make(0));
  emulate_cp15(trap.guest.vcpu(), frame);
  EXPECT_EQ(frame.pc, kPc + 4);
}

// Whatever the syndrome says, the guest goes on behind the instruction or at its vector, and only
// the named register changes.
TEST(SysregTraps, ArbitrarySyndromesLeaveTheGuestRunning) {
  Trap trap;
  std::mt19937_64 random(1);  // NOLINT: reproducible
  for (unsigned i = 0; i < 200'000; ++i) {
    CpuFrame& frame = trap.guest.frame();
    for (std::uint64_t& x : frame.x)
      x = random();
    const std::uint64_t iss = random() & Esr::ISS::kMask;
    frame.pstate = (random() & 1) != 0 ? Pstate::kEl1h : Pstate::kEl0t;
    frame.pc = kPc;
    frame.esr = Esr::make(ExceptionClass::kSystemRegister, true, iss);
    const CpuFrame before = frame;
    emulate_system_register(trap.guest.vcpu(), frame);
    ASSERT_TRUE(trap.was_done() || trap.was_undefined());
    for (unsigned n = 0; n < 31; ++n) {
      const bool may_change =
          trap.was_done() && Syndrome::IsRead::get(iss) != 0 && n == Syndrome::Rt::get(iss);
      ASSERT_TRUE(may_change || frame.x[n] == before.x[n]);
    }
  }
}

}  // namespace socle::guest
