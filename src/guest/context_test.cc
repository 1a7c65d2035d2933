// SPDX-License-Identifier: Apache-2.0
#include "guest/context.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "hw/id_registers.h"

namespace socle::guest {

namespace {

// Every register that belongs to a vCPU alone, independent of the list in context.cc.
constexpr hw::SystemRegister kOwned[] = {
    hw::SCTLR_EL1::kRegister,   hw::CPACR_EL1::kRegister,      hw::TTBR0_EL1::kRegister,
    hw::TTBR1_EL1::kRegister,   hw::TCR_EL1::kRegister,        hw::MAIR_EL1::kRegister,
    hw::AMAIR_EL1::kRegister,   hw::CONTEXTIDR_EL1::kRegister, hw::CSSELR_EL1::kRegister,
    hw::PAR_EL1::kRegister,     hw::VBAR_EL1::kRegister,       hw::ESR_EL1::kRegister,
    hw::FAR_EL1::kRegister,     hw::AFSR0_EL1::kRegister,      hw::AFSR1_EL1::kRegister,
    hw::ELR_EL1::kRegister,     hw::SPSR_EL1::kRegister,       hw::SP_EL0::kRegister,
    hw::SP_EL1::kRegister,      hw::TPIDR_EL0::kRegister,      hw::TPIDRRO_EL0::kRegister,
    hw::TPIDR_EL1::kRegister,   hw::CNTKCTL_EL1::kRegister,    hw::CNTV_CVAL_EL0::kRegister,
    hw::CNTV_CTL_EL0::kRegister};
constexpr hw::SystemRegister kKeys[] = {hw::APIAKeyLo_EL1::kRegister, hw::APIAKeyHi_EL1::kRegister,
                                        hw::APIBKeyLo_EL1::kRegister, hw::APIBKeyHi_EL1::kRegister,
                                        hw::APDAKeyLo_EL1::kRegister, hw::APDAKeyHi_EL1::kRegister,
                                        hw::APDBKeyLo_EL1::kRegister, hw::APDBKeyHi_EL1::kRegister,
                                        hw::APGAKeyLo_EL1::kRegister, hw::APGAKeyHi_EL1::kRegister};

bool has(std::uint64_t value, std::uint64_t bits) {
  return (value & bits) == bits;
}

}  // namespace

TEST(Context, EveryRegisterOfAVcpuSurvivesASwitch) {
  TestGuest guest(2);
  set_register<hw::ID_AA64ISAR1_EL1>(hw::ID_AA64ISAR1_EL1::APA::make(1));
  auto& registers = port::host_registers();
  std::uint64_t value = 1000;
  for (const auto& reg : kOwned)
    registers[reg.code()] = value++;
  for (const auto& reg : kKeys)
    registers[reg.code()] = value++;
  save_context(guest.vcpu(0));
  load_context(guest.vcpu(1));
  for (const auto& reg : kOwned)
    EXPECT_EQ(registers[reg.code()], 0u);
  for (const auto& reg : kOwned)
    registers[reg.code()] = 77;
  load_context(guest.vcpu(0));
  value = 1000;
  for (const auto& reg : kOwned)
    EXPECT_EQ(registers[reg.code()], value++);
  for (const auto& reg : kKeys)
    EXPECT_EQ(registers[reg.code()], value++);
}

TEST(Context, PointerKeysAreLeftAloneOnACpuWithoutThem) {
  TestGuest guest;
  load_context(guest.vcpu());
  for (const auto& reg : kKeys)
    EXPECT_EQ(port::host_registers().count(reg.code()), 0u);
}

TEST(Context, LoadingBringsTheVcpusOwnControlsAndStage2) {
  TestGuest guest(20);
  guest.vcpu(17).system.hcr_el2 = 0x1234;
  guest.vcpu(17).system.vmpidr_el2 = virtual_mpidr(17);
  load_context(guest.vcpu(17));
  EXPECT_EQ(get_register<hw::HCR_EL2>(), 0x1234u);
  EXPECT_EQ(get_register<hw::VMPIDR_EL2>(), 0x8000'0101u);
  EXPECT_EQ(get_register<hw::VTTBR_EL2>(), 0x1'0000'4000'0000u);
}

TEST(Context, AffinityGrowsIntoAff1AfterSixteen) {
  EXPECT_EQ(virtual_mpidr(0), 0x8000'0000u);
  EXPECT_EQ(virtual_mpidr(15), 0x8000'000fu);
  EXPECT_EQ(virtual_mpidr(16), 0x8000'0100u);
  EXPECT_EQ(virtual_mpidr(127), 0x8000'070fu);
}

TEST(Context, GuestsRunUnderStage2WithEverythingTrappedThatMustBe) {
  TestGuest guest;
  using Hcr = hw::HCR_EL2;
  const std::uint64_t hcr = guest_hcr(false);
  EXPECT_TRUE(has(hcr, Hcr::VM::kMask | Hcr::IMO::kMask | Hcr::FMO::kMask | Hcr::AMO::kMask));
  EXPECT_TRUE(has(hcr, Hcr::TWI::kMask | Hcr::TID3::kMask | Hcr::TSC::kMask | Hcr::TIDCP::kMask |
                           Hcr::TACR::kMask | Hcr::RW::kMask));
  EXPECT_EQ(hcr & (Hcr::TWE::kMask | Hcr::TGE::kMask | Hcr::E2H::kMask | Hcr::HCD::kMask |
                   Hcr::ATA::kMask | Hcr::EnSCXT::kMask | Hcr::FWB::kMask | Hcr::API::kMask),
            0u);
  EXPECT_TRUE(has(guest_hcr(true), Hcr::FWB::kMask));
}

TEST(Context, TrapsOfOptionalFeaturesFollowTheCpu) {
  TestGuest guest;
  using Hcr = hw::HCR_EL2;
  set_register<hw::ID_AA64MMFR1_EL1>(hw::ID_AA64MMFR1_EL1::LO::make(1));
  set_register<hw::ID_AA64PFR0_EL1>(hw::ID_AA64PFR0_EL1::RAS::make(1));
  set_register<hw::ID_AA64PFR1_EL1>(hw::ID_AA64PFR1_EL1::MTE::make(2));
  set_register<hw::ID_AA64ISAR2_EL1>(hw::ID_AA64ISAR2_EL1::APA3::make(1));
  EXPECT_TRUE(has(guest_hcr(false), Hcr::TLOR::kMask | Hcr::TERR::kMask | Hcr::TID5::kMask |
                                        Hcr::API::kMask | Hcr::APK::kMask));
}

TEST(Context, DebugPmuAndVectorExtensionsTrapButNotFloatingPoint) {
  TestGuest guest;
  set_register<hw::ID_AA64DFR0_EL1>(hw::ID_AA64DFR0_EL1::PMUVer::make(4));
  set_register<hw::PMCR_EL0>(hw::PMCR_EL0::N::make(6));
  set_register<hw::MIDR_EL1>(0x410f'd083);
  load_guest_controls();
  const std::uint64_t mdcr = get_register<hw::MDCR_EL2>();
  EXPECT_TRUE(has(mdcr, hw::MDCR_EL2::TDA::kMask | hw::MDCR_EL2::TDOSA::kMask |
                            hw::MDCR_EL2::TDRA::kMask | hw::MDCR_EL2::TPM::kMask));
  EXPECT_EQ(hw::MDCR_EL2::HPMN::get(mdcr), 6u);
  EXPECT_EQ(hw::MDCR_EL2::TDE::get(mdcr), 0u);
  const std::uint64_t cptr = get_register<hw::CPTR_EL2>();
  EXPECT_TRUE(has(cptr, hw::CPTR_EL2::TZ::kMask | hw::CPTR_EL2::TSM::kMask));
  EXPECT_EQ(cptr & (hw::CPTR_EL2::TFP::kMask | hw::CPTR_EL2::TCPAC::kMask), 0u);
  EXPECT_EQ(get_register<hw::CNTHCTL_EL2>(), 1u);
  EXPECT_EQ(get_register<hw::VPIDR_EL2>(), 0x410f'd083u);
}

TEST(Context, RegistersOfAbsentExtensionsAreNotTouched) {
  TestGuest guest;
  load_guest_controls();
  EXPECT_EQ(port::host_registers().count(hw::HCRX_EL2::kRegister.code()), 0u);
  EXPECT_EQ(port::host_registers().count(hw::HFGRTR_EL2::kRegister.code()), 0u);
  set_register<hw::HFGRTR_EL2>(99);
  set_register<hw::ID_AA64MMFR0_EL1>(hw::ID_AA64MMFR0_EL1::FGT::make(1));
  set_register<hw::ID_AA64MMFR1_EL1>(hw::ID_AA64MMFR1_EL1::HCX::make(1));
  load_guest_controls();
  EXPECT_EQ(get_register<hw::HFGRTR_EL2>(), 0u);
  EXPECT_EQ(port::host_registers().count(hw::HCRX_EL2::kRegister.code()), 1u);
  EXPECT_EQ(port::host_registers().count(hw::HFGRTR2_EL2::kRegister.code()), 0u);
}

TEST(Context, ResetKeepsWhatTheVcpuIsAndForgetsWhatItDid) {
  SystemContext context;
  context.hcr_el2 = 5;
  context.vmpidr_el2 = 6;
  context.sctlr_el1 = 7;
  context.vbar_el1 = 8;
  context.mdscr_el1 = 9;
  context.fp.v[3] = 10;
  reset_context(context);
  EXPECT_EQ(context.hcr_el2, 5u);
  EXPECT_EQ(context.vmpidr_el2, 6u);
  EXPECT_EQ(context.sctlr_el1 & (hw::SCTLR_EL1::M::kMask | hw::SCTLR_EL1::EE::kMask), 0u);
  EXPECT_EQ(context.vbar_el1, 0u);
  EXPECT_EQ(context.mdscr_el1, 0u);
  EXPECT_EQ(context.fp.v[3], 0u);
}

}  // namespace socle::guest
