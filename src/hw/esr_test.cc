// SPDX-License-Identifier: Apache-2.0
#include "hw/esr.h"

#include "base/test.h"

namespace socle::hw {

TEST(Esr, ClassAndSyndromeComeBackAsTheyWerePut) {
  const std::uint64_t esr = Esr::make(ExceptionClass::kHvc64, true, 0xea1);
  EXPECT_EQ(esr, 0x5a00'0ea1u);
  EXPECT_TRUE(Esr::exception_class(esr) == ExceptionClass::kHvc64);
  EXPECT_EQ(Esr::Immediate::get(esr), 0xea1u);
}

TEST(Esr, RegisterOfASyndromeIsTheOneItsPatternWasMadeOf) {
  for (unsigned code = 0; code < 0x10000; ++code) {
    const SystemRegister reg{
        static_cast<std::uint8_t>(code >> 14), static_cast<std::uint8_t>((code >> 11) & 7),
        static_cast<std::uint8_t>((code >> 7) & 15), static_cast<std::uint8_t>((code >> 3) & 15),
        static_cast<std::uint8_t>(code & 7)};
    ASSERT_EQ(reg.code(), code);
    ASSERT_TRUE(SystemRegisterSyndrome::register_of(SystemRegisterSyndrome::pattern(reg)) == reg);
  }
}

// Syndrome of "msr S3_0_C12_C11_5, x1" as a CPU reports it.
TEST(Esr, SgiWriteHasItsKnownPattern) {
  EXPECT_EQ(SystemRegisterSyndrome::pattern(ICC_SGI1R_EL1::kRegister), 0x3a'3016u);
}

TEST(Esr, FaultStatusCodesFallIntoTheirKinds) {
  using Kind = FaultStatus::Kind;
  EXPECT_TRUE(FaultStatus::kind(0x00) == Kind::kAddressSize);
  EXPECT_TRUE(FaultStatus::kind(0x05) == Kind::kTranslation);
  EXPECT_TRUE(FaultStatus::kind(0x09) == Kind::kAccessFlag);
  EXPECT_TRUE(FaultStatus::kind(0x0f) == Kind::kPermission);
  EXPECT_TRUE(FaultStatus::kind(0x10) == Kind::kExternal);
  EXPECT_TRUE(FaultStatus::kind(0x11) == Kind::kOther);
  EXPECT_TRUE(FaultStatus::kind(0x16) == Kind::kExternalOnWalk);
  EXPECT_TRUE(FaultStatus::kind(0x18) == Kind::kParity);
  EXPECT_TRUE(FaultStatus::kind(0x21) == Kind::kAlignment);
  EXPECT_TRUE(FaultStatus::kind(0x2b) == Kind::kTranslation);
  EXPECT_TRUE(FaultStatus::kind(0x30) == Kind::kTlbConflict);
  EXPECT_TRUE(FaultStatus::kind(0x35) == Kind::kUnsupportedAtomic);
}

TEST(Sysreg, CodesOfAFewWellKnownRegisters) {
  // As Linux numbers them: op0<<14 op1<<11 crn<<7 crm<<3 op2.
  EXPECT_EQ(SCTLR_EL1::kRegister.code(), 0xc080u);
  EXPECT_EQ(HCR_EL2::kRegister.code(), 0xe088u);
  EXPECT_EQ(CNTV_CTL_EL0::kRegister.code(), 0xdf19u);
  EXPECT_EQ(MDSCR_EL1::kRegister.code(), 0x8012u);
}

}  // namespace socle::hw
