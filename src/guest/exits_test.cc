// SPDX-License-Identifier: Apache-2.0
#include "guest/exits.h"

#include <random>

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "hw/esr.h"
#include "port/clock.h"
#include "sim/host_seams.h"

namespace socle::guest {

namespace {

using hw::Esr;
using hw::ExceptionClass;
using hw::Pstate;

constexpr std::uint64_t kVectors = 0xffff'8000'1000'0800;
constexpr std::uint64_t kPc = 0x8'0000;

void exit_with(TestGuest& guest, ExceptionClass ec, std::uint64_t iss, bool is_32bit = true) {
  set_register<hw::VBAR_EL1>(kVectors);
  guest.frame().pc = kPc;
  guest.frame().esr = Esr::make(ec, is_32bit, iss);
  socle_guest_sync_exit(&guest.frame());
}

bool is_undefined_at(TestGuest& guest, std::uint64_t pc) {
  return guest.frame().pc == kVectors + 0x200 && get_register<hw::ELR_EL1>() == pc &&
         Esr::exception_class(get_register<hw::ESR_EL1>()) == ExceptionClass::kUnknown;
}

}  // namespace

TEST(Exits, XensHypercallNumberGoesToTheHypercalls) {
  TestGuest guest;
  exit_with(guest, ExceptionClass::kHvc64, 0xea1);
  EXPECT_EQ(doubles().hypercalls, 1u);
  EXPECT_EQ(guest.frame().pc, kPc);  // HVC returns behind itself without help
}

TEST(Exits, HvcZeroIsTheCallingConvention) {
  TestGuest guest;
  guest.frame().x[0] = 0x8000'0000;
  exit_with(guest, ExceptionClass::kHvc64, 0);
  EXPECT_EQ(guest.frame().x[0], 0x1'0001u);
  EXPECT_EQ(guest.frame().pc, kPc);
}

TEST(Exits, SmcIsServedLikeHvcButSteppedOver) {
  TestGuest guest;
  guest.frame().x[0] = 0x8000'0000;
  exit_with(guest, ExceptionClass::kSmc64, 0);
  EXPECT_EQ(guest.frame().x[0], 0x1'0001u);
  EXPECT_EQ(guest.frame().pc, kPc + 4);
}

TEST(Exits, OtherImmediatesAreUndefinedAtTheInstruction) {
  TestGuest guest;
  exit_with(guest, ExceptionClass::kHvc64, 0xea2);
  EXPECT_TRUE(is_undefined_at(guest, kPc - 4));  // HVC reports the address behind it
  exit_with(guest, ExceptionClass::kSmc64, 1);
  EXPECT_TRUE(is_undefined_at(guest, kPc));
}

TEST(Exits, WfiBlocksAndWfeDoesNot) {
  TestGuest guest;
  doubles().on_sleep = [] { doubles().deliverable = true; };
  exit_with(guest, ExceptionClass::kWfx, Esr::kWfi);
  EXPECT_EQ(doubles().sleeps, 1u);
  EXPECT_EQ(guest.frame().pc, kPc + 4);
  doubles().deliverable = false;
  for (const std::uint64_t kind : {Esr::kWfe, Esr::kWfit, Esr::kWfet}) {
    exit_with(guest, ExceptionClass::kWfx, kind);
    EXPECT_EQ(guest.frame().pc, kPc + 4);
  }
  EXPECT_EQ(doubles().sleeps, 1u);
}

TEST(Exits, AbortsGoToTheFaultRoom) {
  TestGuest guest;
  exit_with(guest, ExceptionClass::kDataAbortLower, 7);
  exit_with(guest, ExceptionClass::kInstructionAbortLower, 7);
  EXPECT_EQ(doubles().aborts, 2u);
}

TEST(Exits, HiddenExtensionsAreUndefined) {
  TestGuest guest;
  for (const ExceptionClass ec :
       {ExceptionClass::kSve, ExceptionClass::kSme, ExceptionClass::kPointerAuthentication,
        ExceptionClass::kFloatingPoint, ExceptionClass::kCp14Mcr, ExceptionClass::kEret}) {
    guest.frame().pstate = Pstate::kEl1h;
    exit_with(guest, ec, 0);
    EXPECT_TRUE(is_undefined_at(guest, kPc));
  }
}

TEST(Exits, InterruptsAreDispatchedAndWorkServedBeforeEntry) {
  TestGuest guest;
  socle_guest_irq_exit(&guest.frame());
  EXPECT_EQ(doubles().sleeps, 1u);  // the double counts dispatches
  post_work(guest.vcpu(), Work::kVgic);
  post_work(guest.vcpu(), Work::kEvent);
  socle_guest_entry_work(&guest.frame());
  EXPECT_EQ(doubles().event_checks, 1u);
  EXPECT_EQ(guest.vcpu().pending_work.load(), 0u);
}

TEST(Exits, SerrorIsPassedOnAndNeverStopsSocle) {
  TestGuest guest;
  sim::LogCapture log;
  guest.frame().esr = Esr::make(ExceptionClass::kSerror, true, 0x11);
  for (unsigned i = 0; i < 1000; ++i)
    socle_guest_serror_exit(&guest.frame());
  EXPECT_EQ(hw::HCR_EL2::VSE::get(get_register<hw::HCR_EL2>()), 1u);
  EXPECT_TRUE(log.contains("SError while vCPU 0"));
  EXPECT_LE(log.lines().size(), 10u);
}

TEST(Exits, NoSyndromeStopsTheGuestOrSocle) {
  TestGuest guest;
  sim::LogCapture log;
  set_register<hw::VBAR_EL1>(kVectors);
  std::mt19937_64 random(3);  // NOLINT: reproducible
  doubles().deliverable = true;
  for (unsigned i = 0; i < 200'000; ++i) {
    CpuFrame& frame = guest.frame();
    for (std::uint64_t& x : frame.x)
      x = random();
    if ((frame.x[0] & 0xff) < 0x20) frame.x[0] |= 0x20;  // not SYSTEM_OFF and the like
    const bool aarch32 = (random() & 3) == 0;
    frame.pstate = aarch32 ? Pstate::AArch32::kMask | (random() & Pstate::T::kMask)
                           : ((random() & 1) != 0 ? Pstate::kEl1h : Pstate::kEl0t);
    frame.pc = kPc;
    frame.esr = random() & 0xffff'ffff;
    socle_guest_sync_exit(&frame);
    const std::uint64_t pc = frame.pc;
    const bool at_vector =
        pc == kVectors + 0x200 || pc == kVectors + 0x400 || pc == kVectors + 0x600;
    ASSERT_TRUE(at_vector || pc == kPc || pc == kPc + 2 || pc == kPc + 4);
  }
  EXPECT_LE(log.lines().size(), 10u);
}

}  // namespace socle::guest
