// SPDX-License-Identifier: Apache-2.0
#include "guest/id_registers.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "hw/id_registers.h"

namespace socle::guest {

namespace {

using Pfr0 = hw::ID_AA64PFR0_EL1;
using Pfr1 = hw::ID_AA64PFR1_EL1;
using Dfr0 = hw::ID_AA64DFR0_EL1;
using Isar1 = hw::ID_AA64ISAR1_EL1;
using Mmfr0 = hw::ID_AA64MMFR0_EL1;
using Mmfr1 = hw::ID_AA64MMFR1_EL1;

// A CPU that says yes to everything.
void say_yes_to_everything() {
  for (std::uint8_t crm = 1; crm < 8; ++crm) {
    for (std::uint8_t op2 = 0; op2 < 8; ++op2) {
      port::host_registers()[hw::SystemRegister{3, 0, 0, crm, op2}.code()] = 0x2222'2222'2222'2222;
    }
  }
}

}  // namespace

TEST(IdRegisters, FeaturesWhoseStateIsNotSwitchedAreHidden) {
  TestGuest guest;
  say_yes_to_everything();
  const IdRegisters ids = IdRegisters::from_this_cpu(48);
  const std::uint64_t pfr0 = ids.read<Pfr0>();
  EXPECT_EQ(Pfr0::SVE::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::RAS::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::AMU::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::MPAM::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::EL2::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::EL3::get(pfr0), 0u);
  EXPECT_EQ(Pfr0::RME::get(pfr0), 0u);
  const std::uint64_t pfr1 = ids.read<Pfr1>();
  EXPECT_EQ(Pfr1::MTE::get(pfr1), 0u);
  EXPECT_EQ(Pfr1::SME::get(pfr1), 0u);
  EXPECT_EQ(Pfr1::NMI::get(pfr1), 0u);
  EXPECT_EQ(Pfr1::GCS::get(pfr1), 0u);
  const std::uint64_t dfr0 = ids.read<Dfr0>();
  EXPECT_EQ(Dfr0::PMUVer::get(dfr0), 0u);
  EXPECT_EQ(Dfr0::PMSVer::get(dfr0), 0u);
  EXPECT_EQ(Dfr0::TraceBuffer::get(dfr0), 0u);
  EXPECT_EQ(Dfr0::TraceVer::get(dfr0), 0u);
  EXPECT_EQ(hw::ID_AA64ISAR0_EL1::TME::get(ids.read<hw::ID_AA64ISAR0_EL1>()), 0u);
  EXPECT_EQ(Isar1::LS64::get(ids.read<Isar1>()), 0u);
  EXPECT_EQ(Mmfr1::VH::get(ids.read<Mmfr1>()), 0u);
  EXPECT_EQ(Mmfr1::LO::get(ids.read<Mmfr1>()), 0u);
  EXPECT_EQ(hw::ID_AA64MMFR2_EL1::NV::get(ids.read<hw::ID_AA64MMFR2_EL1>()), 0u);
  EXPECT_EQ(hw::ID_AA64MMFR2_EL1::FWB::get(ids.read<hw::ID_AA64MMFR2_EL1>()), 0u);
  EXPECT_EQ(ids.read<hw::ID_AA64ZFR0_EL1>(), 0u);
  EXPECT_EQ(ids.read<hw::ID_AA64SMFR0_EL1>(), 0u);
  EXPECT_EQ(ids.read<hw::ID_AA64DFR1_EL1>(), 0u);
}

TEST(IdRegisters, OrdinaryInstructionsAreShownAsTheyAre) {
  TestGuest guest;
  say_yes_to_everything();
  const IdRegisters ids = IdRegisters::from_this_cpu(48);
  EXPECT_EQ(hw::ID_AA64ISAR0_EL1::Atomic::get(ids.read<hw::ID_AA64ISAR0_EL1>()), 2u);
  EXPECT_EQ(Isar1::APA::get(ids.read<Isar1>()), 2u);
  EXPECT_EQ(Pfr0::AdvSIMD::get(ids.read<Pfr0>()), 2u);
  EXPECT_EQ(Pfr1::BT::get(ids.read<Pfr1>()), 2u);
  EXPECT_EQ(hw::ID_AA64MMFR2_EL1::CnP::get(ids.read<hw::ID_AA64MMFR2_EL1>()), 2u);
}

TEST(IdRegisters, GicInterfaceAndSpeculationFieldsAreCut) {
  TestGuest guest;
  set_register<Pfr0>(Pfr0::GIC::make(3) | Pfr0::CSV2::make(3) | Pfr0::CSV3::make(1));
  IdRegisters ids = IdRegisters::from_this_cpu(48);
  EXPECT_EQ(Pfr0::GIC::get(ids.read<Pfr0>()), 1u);
  EXPECT_EQ(Pfr0::CSV2::get(ids.read<Pfr0>()), 1u);
  EXPECT_EQ(Pfr0::CSV3::get(ids.read<Pfr0>()), 1u);
  set_register<Pfr0>(0);
  ids = IdRegisters::from_this_cpu(48);
  EXPECT_EQ(Pfr0::GIC::get(ids.read<Pfr0>()), 0u);
  EXPECT_EQ(Pfr0::CSV2::get(ids.read<Pfr0>()), 0u);
  EXPECT_EQ(Pfr0::EL1::get(ids.read<Pfr0>()), 1u);
}

TEST(IdRegisters, AbsentFloatingPointStaysAbsent) {
  TestGuest guest;
  set_register<Pfr0>(Pfr0::FP::make(0xf) | Pfr0::AdvSIMD::make(0xf));
  const IdRegisters ids = IdRegisters::from_this_cpu(48);
  EXPECT_EQ(Pfr0::FP::get(ids.read<Pfr0>()), 0xfu);
  EXPECT_EQ(Pfr0::AdvSIMD::get(ids.read<Pfr0>()), 0xfu);
}

TEST(IdRegisters, MinimumOfDebugResourcesIsPromised) {
  TestGuest guest;
  set_register<Dfr0>(Dfr0::DebugVer::make(6) | Dfr0::BRPs::make(5) | Dfr0::WRPs::make(3) |
                     Dfr0::CTX_CMPs::make(1) | Dfr0::PMUVer::make(4));
  const std::uint64_t dfr0 = IdRegisters::from_this_cpu(48).read<Dfr0>();
  EXPECT_EQ(dfr0, Dfr0::DebugVer::make(6) | Dfr0::BRPs::make(1) | Dfr0::WRPs::make(1) |
                      Dfr0::DoubleLock::make(0xf));
}

TEST(IdRegisters, PhysicalAddressesAreNotPromisedBeyondTheGuestsSpace) {
  TestGuest guest;
  set_register<Mmfr0>(Mmfr0::PARange::make(5));  // 48 bits
  const auto shown = [](unsigned ipa_bits) {
    return Mmfr0::PARange::get(IdRegisters::from_this_cpu(ipa_bits).read<Mmfr0>());
  };
  EXPECT_EQ(shown(48), 5u);
  EXPECT_EQ(shown(44), 4u);
  EXPECT_EQ(shown(43), 3u);
  EXPECT_EQ(shown(40), 2u);
  EXPECT_EQ(shown(32), 0u);
  set_register<Mmfr0>(Mmfr0::PARange::make(2));
  EXPECT_EQ(shown(48), 2u);
}

TEST(IdRegisters, AArch32ViewsAreZeroOnACpuWithoutAArch32) {
  TestGuest guest;
  say_yes_to_everything();
  IdRegisters ids = IdRegisters::from_this_cpu(48);
  EXPECT_NE(ids.read<hw::ID_ISAR0_EL1>(), 0u);
  EXPECT_EQ(hw::ID_DFR0_EL1::PerfMon::get(ids.read<hw::ID_DFR0_EL1>()), 0u);
  EXPECT_EQ(hw::ID_PFR0_EL1::RAS::get(ids.read<hw::ID_PFR0_EL1>()), 0u);
  EXPECT_EQ(hw::ID_PFR1_EL1::Virtualization::get(ids.read<hw::ID_PFR1_EL1>()), 0u);
  set_register<Pfr0>(Pfr0::EL0::make(1) | Pfr0::EL1::make(1));
  ids = IdRegisters::from_this_cpu(48);
  for (std::uint8_t crm = 1; crm < 4; ++crm) {
    for (std::uint8_t op2 = 0; op2 < 8; ++op2) {
      EXPECT_EQ(ids.read(hw::SystemRegister{3, 0, 0, crm, op2}), 0u);
    }
  }
}

TEST(IdRegisters, OnlyTheTrappedSpaceIsCovered) {
  EXPECT_TRUE(IdRegisters::covers(hw::SystemRegister{3, 0, 0, 1, 0}));
  EXPECT_TRUE(IdRegisters::covers(hw::SystemRegister{3, 0, 0, 7, 7}));
  EXPECT_FALSE(IdRegisters::covers(hw::SystemRegister{3, 0, 0, 0, 0}));  // MIDR_EL1
  EXPECT_FALSE(IdRegisters::covers(hw::SystemRegister{3, 0, 0, 8, 0}));
  EXPECT_FALSE(IdRegisters::covers(hw::SystemRegister{3, 1, 0, 1, 0}));
  EXPECT_FALSE(IdRegisters::covers(hw::SystemRegister{2, 0, 0, 1, 0}));
}

}  // namespace socle::guest
