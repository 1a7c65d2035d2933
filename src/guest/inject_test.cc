// SPDX-License-Identifier: Apache-2.0
#include "guest/inject.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "hw/id_registers.h"

namespace socle::guest {

namespace {

using hw::Esr;
using hw::ExceptionClass;
using hw::Pstate;

constexpr std::uint64_t kVectors = 0xffff'8000'1000'0800;

// Thumb IT state in PSTATE.
std::uint64_t with_it(std::uint64_t pstate, std::uint64_t it) {
  return Pstate::ItLow::set(Pstate::ItHigh::set(pstate, it >> 2), it & 3);
}
std::uint64_t it_of(std::uint64_t pstate) {
  return (Pstate::ItHigh::get(pstate) << 2) | Pstate::ItLow::get(pstate);
}

CpuFrame& fresh(TestGuest& guest, std::uint64_t pstate) {
  set_register<hw::VBAR_EL1>(kVectors);
  set_register<hw::SCTLR_EL1>(hw::SCTLR_EL1::kReset);
  guest.frame().pstate = pstate;
  return guest.frame();
}

}  // namespace

TEST(Inject, UndefinedAtEl1GoesToTheVectorOfTheCurrentStackPointer) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::kEl1h);
  inject_undefined(frame);
  EXPECT_EQ(frame.pc, kVectors + 0x200);
  EXPECT_EQ(get_register<hw::ELR_EL1>(), 0x8'0000u);
  EXPECT_EQ(get_register<hw::SPSR_EL1>(), Pstate::kEl1h);
  EXPECT_EQ(get_register<hw::ESR_EL1>(), Esr::IL::kMask);

  fresh(guest, Pstate::kEl1t);
  inject_undefined(frame);
  EXPECT_EQ(frame.pc, kVectors + 0x000);
}

TEST(Inject, ExceptionsFromEl0GoToTheLowerElVectors) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::kEl0t);
  inject_undefined(frame);
  EXPECT_EQ(frame.pc, kVectors + 0x400);
  fresh(guest, Pstate::AArch32::kMask);
  inject_undefined(frame, false);
  EXPECT_EQ(frame.pc, kVectors + 0x600);
  EXPECT_EQ(get_register<hw::ESR_EL1>(), 0u);  // a 16-bit instruction
}

TEST(Inject, EntryMasksInterruptsAndKeepsOnlyWhatTheArchitectureKeeps) {
  TestGuest guest;
  const std::uint64_t everything = Pstate::NZCV::kMask | Pstate::DIT::kMask | Pstate::PAN::kMask |
                                   Pstate::UAO::kMask | Pstate::SS::kMask | Pstate::IL::kMask |
                                   Pstate::BTYPE::kMask | Pstate::SSBS::kMask | Pstate::kEl0t;
  CpuFrame& frame = fresh(guest, everything);
  inject_undefined(frame);
  EXPECT_EQ(frame.pstate, Pstate::kEl1h | Pstate::kDaif | Pstate::NZCV::kMask | Pstate::DIT::kMask |
                              Pstate::PAN::kMask);
  EXPECT_EQ(get_register<hw::SPSR_EL1>(), everything);
}

TEST(Inject, PanAndSsbsFollowSctlrWhereTheCpuHasThem) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::kEl1h);
  set_register<hw::SCTLR_EL1>(hw::SCTLR_EL1::DSSBS::kMask);  // SPAN = 0
  inject_undefined(frame);
  EXPECT_EQ(frame.pstate, Pstate::kEl1h | Pstate::kDaif);

  set_register<hw::ID_AA64MMFR1_EL1>(hw::ID_AA64MMFR1_EL1::PAN::make(1));
  set_register<hw::ID_AA64PFR1_EL1>(hw::ID_AA64PFR1_EL1::SSBS::make(2));
  frame.pstate = Pstate::kEl1h;
  inject_undefined(frame);
  EXPECT_EQ(frame.pstate, Pstate::kEl1h | Pstate::kDaif | Pstate::PAN::kMask | Pstate::SSBS::kMask);
}

TEST(Inject, DataAbortKeepsDirectionAndReportsAnExternalAbort) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::kEl1h);
  const std::uint64_t esr = Esr::make(ExceptionClass::kDataAbortLower, true,
                                      hw::DataAbort::ISV::kMask | hw::DataAbort::WnR::kMask | 0x7);
  inject_data_abort(frame, esr, 0xffff'0000'1234'5678);
  EXPECT_EQ(get_register<hw::FAR_EL1>(), 0xffff'0000'1234'5678u);
  EXPECT_EQ(get_register<hw::ESR_EL1>(),
            Esr::make(ExceptionClass::kDataAbortSame, true, hw::DataAbort::WnR::kMask | 0x10));
  fresh(guest, Pstate::kEl0t);
  inject_data_abort(frame, esr, 0);
  EXPECT_EQ(Esr::exception_class(get_register<hw::ESR_EL1>()), ExceptionClass::kDataAbortLower);
}

// An unaligned access, or an atomic one, to what stage 2 says is Device memory.
TEST(Inject, AnAccessThatTheMemoryTypeDoesNotTakeIsReportedAsThat) {
  TestGuest guest;
  for (const std::uint64_t status : {0x21u, 0x35u}) {
    CpuFrame& frame = fresh(guest, Pstate::kEl1h);
    const std::uint64_t iss = hw::DataAbort::WnR::kMask | status;
    inject_data_abort(frame, Esr::make(ExceptionClass::kDataAbortLower, true, iss), 0x1234);
    EXPECT_EQ(get_register<hw::ESR_EL1>(), Esr::make(ExceptionClass::kDataAbortSame, true, iss));
    EXPECT_EQ(get_register<hw::FAR_EL1>(), 0x1234u);
  }
}

TEST(Inject, AbortOfATableWalkIsReportedAsOne) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::kEl1h);
  inject_data_abort(
      frame, Esr::make(ExceptionClass::kDataAbortLower, true, hw::DataAbort::S1PTW::kMask | 0x7),
      0);
  EXPECT_EQ(hw::DataAbort::DFSC::get(get_register<hw::ESR_EL1>()), 0x17u);
  inject_instruction_abort(frame,
                           Esr::make(ExceptionClass::kInstructionAbortLower, true,
                                     hw::InstructionAbort::S1PTW::kMask | 0x7),
                           0);
  EXPECT_EQ(hw::InstructionAbort::IFSC::get(get_register<hw::ESR_EL1>()), 0x17u);
}

TEST(Inject, InstructionAbortIsAlwaysOfAFullInstruction) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, Pstate::AArch32::kMask);
  inject_instruction_abort(frame, Esr::make(ExceptionClass::kInstructionAbortLower, false, 7), 4);
  EXPECT_EQ(get_register<hw::ESR_EL1>(),
            Esr::make(ExceptionClass::kInstructionAbortLower, true, 0x10));
  EXPECT_EQ(get_register<hw::FAR_EL1>(), 4u);
}

TEST(Inject, SerrorPendsInHcrAndCarriesASyndromeWhereThereIsRas) {
  TestGuest guest;
  inject_serror(guest.vcpu(), 0x123);
  EXPECT_EQ(hw::HCR_EL2::VSE::get(get_register<hw::HCR_EL2>()), 1u);
  EXPECT_EQ(get_register<hw::VSESR_EL2>(), 0u);
  set_register<hw::ID_AA64PFR0_EL1>(hw::ID_AA64PFR0_EL1::RAS::make(1));
  inject_serror(guest.vcpu(), 0x123);
  EXPECT_EQ(get_register<hw::VSESR_EL2>(), 0x123u);
}

TEST(Inject, AdvancingEndsASoftwareStepAndABranchTarget) {
  TestGuest guest;
  CpuFrame& frame =
      fresh(guest, Pstate::kEl1h | Pstate::SS::kMask | Pstate::BTYPE::kMask | Pstate::NZCV::kMask);
  advance_pc(frame);
  EXPECT_EQ(frame.pc, 0x8'0004u);
  EXPECT_EQ(frame.pstate, Pstate::kEl1h | Pstate::NZCV::kMask);
}

TEST(Inject, AdvancingThumbMovesTheItBlockOn) {
  TestGuest guest;
  // ITTE EQ: 0b0000'0110 (first condition EQ, then T, then E).
  CpuFrame& frame = fresh(guest, with_it(Pstate::AArch32::kMask | Pstate::T::kMask, 0x06));
  frame.esr = 0;  // 16-bit instruction
  advance_pc(frame);
  EXPECT_EQ(frame.pc, 0x8'0002u);
  EXPECT_EQ(it_of(frame.pstate), 0x0cu);
  frame.esr = Esr::IL::kMask;
  advance_pc(frame);
  EXPECT_EQ(frame.pc, 0x8'0006u);
  EXPECT_EQ(it_of(frame.pstate), 0x18u);
  advance_pc(frame);
  EXPECT_EQ(it_of(frame.pstate), 0u);
}

TEST(Inject, ConditionsAreTestedForAArch32Only) {
  TestGuest guest;
  const std::uint64_t z = std::uint64_t{1} << 30;
  CpuFrame& frame = fresh(guest, Pstate::AArch32::kMask | z);
  frame.esr = Esr::CV::kMask | Esr::COND::make(0);  // EQ
  EXPECT_TRUE(condition_holds(frame));
  frame.esr = Esr::CV::kMask | Esr::COND::make(1);  // NE
  EXPECT_FALSE(condition_holds(frame));
  frame.esr = Esr::CV::kMask | Esr::COND::make(14);
  EXPECT_TRUE(condition_holds(frame));
  frame.pstate = Pstate::kEl0t;
  frame.esr = Esr::CV::kMask | Esr::COND::make(1);
  EXPECT_TRUE(condition_holds(frame));
}

TEST(Inject, EveryConditionMeansWhatTheManualSays) {
  TestGuest guest;
  for (std::uint64_t flags = 0; flags < 16; ++flags) {
    const bool n = (flags & 8) != 0;
    const bool z = (flags & 4) != 0;
    const bool c = (flags & 2) != 0;
    const bool v = (flags & 1) != 0;
    const bool expected[] = {z,    !z,      c,       !c,     n,      !n,           v,
                             !v,   c && !z, !c || z, n == v, n != v, !z && n == v, z || n != v,
                             true, true};
    for (std::uint64_t condition = 0; condition < 16; ++condition) {
      CpuFrame& frame = fresh(guest, Pstate::AArch32::kMask | Pstate::NZCV::make(flags));
      frame.esr = Esr::CV::kMask | Esr::COND::make(condition);
      EXPECT_EQ(condition_holds(frame), expected[condition]);
    }
  }
}

TEST(Inject, ThumbWithoutReportedConditionUsesTheItBlock) {
  TestGuest guest;
  CpuFrame& frame = fresh(guest, with_it(Pstate::AArch32::kMask | Pstate::T::kMask, 0x08));  // EQ
  frame.esr = 0;
  EXPECT_FALSE(condition_holds(frame));
  frame.pstate = with_it(Pstate::AArch32::kMask | Pstate::T::kMask, 0x18);  // NE
  EXPECT_TRUE(condition_holds(frame));
  frame.pstate = Pstate::AArch32::kMask | Pstate::T::kMask;
  EXPECT_TRUE(condition_holds(frame));
}

TEST(Inject, RegisterThirtyOneIsZeroAndSwallowsWrites) {
  TestGuest guest;
  CpuFrame& frame = guest.frame();
  frame.x[30] = 7;
  write_general(frame, 31, 99);
  EXPECT_EQ(read_general(frame, 31), 0u);
  EXPECT_EQ(read_general(frame, 30), 7u);
}

}  // namespace socle::guest
