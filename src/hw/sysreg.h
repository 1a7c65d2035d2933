// SPDX-License-Identifier: Apache-2.0
#pragma once

// System registers as facts: where each is encoded and how its fields lie. A register is a type
// with a member kRegister; port/sysreg.h reads and writes it. Names are the architecture's own.
// Source: Arm ARM DDI 0487, D19 (registers), D18.3 (encodings). ID registers: hw/id_registers.h.

#include <compare>
#include <cstdint>

#include "base/field.h"

namespace socle::hw {

// The five numbers of MRS and MSR.
struct SystemRegister {
  std::uint8_t op0 = 0;
  std::uint8_t op1 = 0;
  std::uint8_t crn = 0;
  std::uint8_t crm = 0;
  std::uint8_t op2 = 0;

  constexpr auto operator<=>(const SystemRegister&) const = default;
  // One number per register, dense in 16 bits.
  [[nodiscard]] constexpr std::uint16_t code() const {
    return static_cast<std::uint16_t>((op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2);
  }
};

// A register without fields that we name.
template <unsigned Op0, unsigned Op1, unsigned Crn, unsigned Crm, unsigned Op2>
struct PlainRegister {
  static_assert(Op0 < 4 && Op1 < 8 && Crn < 16 && Crm < 16 && Op2 < 8);
  static constexpr SystemRegister kRegister{Op0, Op1, Crn, Crm, Op2};
};

// --- EL2: what a guest runs under ---

struct HCR_EL2 : PlainRegister<3, 4, 1, 1, 0> {
  using VM = Flag<0>;    // stage 2 on
  using SWIO = Flag<1>;  // set/way invalidate also cleans
  using PTW = Flag<2>;   // stage-1 walk into device memory faults
  using FMO = Flag<3>;   // FIQ to EL2, virtual FIQ on
  using IMO = Flag<4>;   // IRQ to EL2, virtual IRQ on
  using AMO = Flag<5>;   // SError to EL2, virtual SError on
  using VSE = Flag<8>;   // virtual SError pending
  using FB = Flag<9>;    // local TLB maintenance is broadcast
  using BSU = Field<11, 10>;
  using TWI = Flag<13>;
  using TWE = Flag<14>;
  using TID0 = Flag<15>;
  using TID1 = Flag<16>;
  using TID2 = Flag<17>;
  using TID3 = Flag<18>;
  using TSC = Flag<19>;
  using TIDCP = Flag<20>;
  using TACR = Flag<21>;
  using TSW = Flag<22>;
  using TGE = Flag<27>;
  using HCD = Flag<29>;
  using RW = Flag<31>;
  using E2H = Flag<34>;
  using TLOR = Flag<35>;
  using TERR = Flag<36>;
  using TEA = Flag<37>;
  using APK = Flag<40>;
  using API = Flag<41>;
  using FWB = Flag<46>;
  using EnSCXT = Flag<53>;
  using ATA = Flag<56>;
  using TID5 = Flag<58>;
};

struct HCRX_EL2 : PlainRegister<3, 4, 1, 2, 2> {
  using MSCEn = Flag<11>;  // memory copy and set instructions do not trap
};

struct CPTR_EL2 : PlainRegister<3, 4, 1, 1, 2> {  // E2H = 0
  using TZ = Flag<8>;                             // SVE traps
  using TFP = Flag<10>;                           // FP and SIMD trap
  using TSM = Flag<12>;                           // SME traps
  using TTA = Flag<20>;                           // trace registers trap
  using TAM = Flag<30>;                           // activity monitors trap
  using TCPAC = Flag<31>;                         // CPACR_EL1 traps
  static constexpr std::uint64_t kReservedOnes = 0x22ff;
};

struct MDCR_EL2 : PlainRegister<3, 4, 1, 1, 1> {
  using HPMN = Field<4, 0>;
  using TPMCR = Flag<5>;
  using TPM = Flag<6>;
  using TDE = Flag<8>;
  using TDA = Flag<9>;
  using TDOSA = Flag<10>;
  using TDRA = Flag<11>;
  using E2PB = Field<13, 12>;
  using TPMS = Flag<14>;
  using HPMD = Flag<17>;
  using TTRF = Flag<19>;
  using HCCD = Flag<23>;
  using E2TB = Field<25, 24>;
  using TDCC = Flag<27>;
};

struct CNTHCTL_EL2 : PlainRegister<3, 4, 14, 1, 0> {  // E2H = 0
  using EL1PCTEN = Flag<0>;                           // EL1 may read the physical counter
  using EL1PCEN = Flag<1>;                            // EL1 may use the physical timer
};

struct HPFAR_EL2 : PlainRegister<3, 4, 6, 0, 4> {
  using FIPA = Field<43, 4>;  // IPA bits [51:12]
};

struct HSTR_EL2 : PlainRegister<3, 4, 1, 1, 3> {};
struct HACR_EL2 : PlainRegister<3, 4, 1, 1, 7> {};
struct VPIDR_EL2 : PlainRegister<3, 4, 0, 0, 0> {};
struct VMPIDR_EL2 : PlainRegister<3, 4, 0, 0, 5> {};
struct VTTBR_EL2 : PlainRegister<3, 4, 2, 1, 0> {};
struct VTCR_EL2 : PlainRegister<3, 4, 2, 1, 2> {};
struct ESR_EL2 : PlainRegister<3, 4, 5, 2, 0> {};
struct FAR_EL2 : PlainRegister<3, 4, 6, 0, 0> {};
struct VSESR_EL2 : PlainRegister<3, 4, 5, 2, 3> {};
struct CNTVOFF_EL2 : PlainRegister<3, 4, 14, 0, 3> {};
struct HFGRTR_EL2 : PlainRegister<3, 4, 1, 1, 4> {};
struct HFGWTR_EL2 : PlainRegister<3, 4, 1, 1, 5> {};
struct HFGITR_EL2 : PlainRegister<3, 4, 1, 1, 6> {};
struct HDFGRTR_EL2 : PlainRegister<3, 4, 3, 1, 4> {};
struct HDFGWTR_EL2 : PlainRegister<3, 4, 3, 1, 5> {};
struct HAFGRTR_EL2 : PlainRegister<3, 4, 3, 1, 6> {};
struct HFGRTR2_EL2 : PlainRegister<3, 4, 3, 1, 2> {};
struct HFGWTR2_EL2 : PlainRegister<3, 4, 3, 1, 3> {};
struct HFGITR2_EL2 : PlainRegister<3, 4, 3, 1, 7> {};
struct HDFGRTR2_EL2 : PlainRegister<3, 4, 3, 1, 0> {};
struct HDFGWTR2_EL2 : PlainRegister<3, 4, 3, 1, 1> {};
struct SP_EL1 : PlainRegister<3, 4, 4, 1, 0> {};

// --- EL1 and EL0: the guest's ---

struct SCTLR_EL1 : PlainRegister<3, 0, 1, 0, 0> {
  using M = Flag<0>;
  using SPAN = Flag<23>;   // 0: an exception to EL1 sets PSTATE.PAN
  using E0E = Flag<24>;    // EL0 data is big-endian
  using EE = Flag<25>;     // EL1 data is big-endian
  using DSSBS = Flag<44>;  // PSTATE.SSBS at an exception to EL1
  // What a warm reset leaves: the bits that are RES1 on some CPU (29, 28, 23, 22, 20, 11), WFI and
  // WFE not trapped (18, 16), CP15 barriers on (5), stack alignment checks (4, 3); all else off.
  static constexpr std::uint64_t kReset = 0x30d5'0838;
};
struct ACTLR_EL1 : PlainRegister<3, 0, 1, 0, 1> {};
struct CPACR_EL1 : PlainRegister<3, 0, 1, 0, 2> {};
struct TTBR0_EL1 : PlainRegister<3, 0, 2, 0, 0> {};
struct TTBR1_EL1 : PlainRegister<3, 0, 2, 0, 1> {};
struct TCR_EL1 : PlainRegister<3, 0, 2, 0, 2> {};
struct SPSR_EL1 : PlainRegister<3, 0, 4, 0, 0> {};
struct ELR_EL1 : PlainRegister<3, 0, 4, 0, 1> {};
struct SP_EL0 : PlainRegister<3, 0, 4, 1, 0> {};
struct AFSR0_EL1 : PlainRegister<3, 0, 5, 1, 0> {};
struct AFSR1_EL1 : PlainRegister<3, 0, 5, 1, 1> {};
struct ESR_EL1 : PlainRegister<3, 0, 5, 2, 0> {};
struct FAR_EL1 : PlainRegister<3, 0, 6, 0, 0> {};
struct PAR_EL1 : PlainRegister<3, 0, 7, 4, 0> {};
struct MAIR_EL1 : PlainRegister<3, 0, 10, 2, 0> {};
struct AMAIR_EL1 : PlainRegister<3, 0, 10, 3, 0> {};
struct VBAR_EL1 : PlainRegister<3, 0, 12, 0, 0> {};
struct CONTEXTIDR_EL1 : PlainRegister<3, 0, 13, 0, 1> {};
struct TPIDR_EL1 : PlainRegister<3, 0, 13, 0, 4> {};
struct CNTKCTL_EL1 : PlainRegister<3, 0, 14, 1, 0> {};
struct CSSELR_EL1 : PlainRegister<3, 2, 0, 0, 0> {};
struct TPIDR_EL0 : PlainRegister<3, 3, 13, 0, 2> {};
struct TPIDRRO_EL0 : PlainRegister<3, 3, 13, 0, 3> {};
struct FPCR : PlainRegister<3, 3, 4, 4, 0> {};
struct FPSR : PlainRegister<3, 3, 4, 4, 1> {};

struct MIDR_EL1 : PlainRegister<3, 0, 0, 0, 0> {};
struct MPIDR_EL1 : PlainRegister<3, 0, 0, 0, 5> {
  using Aff0 = Field<7, 0>;
  using Aff1 = Field<15, 8>;
  using Aff2 = Field<23, 16>;
  using U = Flag<30>;
  using Aff3 = Field<39, 32>;
  static constexpr std::uint64_t kReservedOne = std::uint64_t{1} << 31;
  static constexpr std::uint64_t kAffinityMask =
      Aff0::kMask | Aff1::kMask | Aff2::kMask | Aff3::kMask;
};

// Pointer authentication keys: A then B, instruction then data, then generic; low then high.
struct APIAKeyLo_EL1 : PlainRegister<3, 0, 2, 1, 0> {};
struct APIAKeyHi_EL1 : PlainRegister<3, 0, 2, 1, 1> {};
struct APIBKeyLo_EL1 : PlainRegister<3, 0, 2, 1, 2> {};
struct APIBKeyHi_EL1 : PlainRegister<3, 0, 2, 1, 3> {};
struct APDAKeyLo_EL1 : PlainRegister<3, 0, 2, 2, 0> {};
struct APDAKeyHi_EL1 : PlainRegister<3, 0, 2, 2, 1> {};
struct APDBKeyLo_EL1 : PlainRegister<3, 0, 2, 2, 2> {};
struct APDBKeyHi_EL1 : PlainRegister<3, 0, 2, 2, 3> {};
struct APGAKeyLo_EL1 : PlainRegister<3, 0, 2, 3, 0> {};
struct APGAKeyHi_EL1 : PlainRegister<3, 0, 2, 3, 1> {};

// Timers. CNTx_CTL have the same fields.
struct CNTV_CTL_EL0 : PlainRegister<3, 3, 14, 3, 1> {
  using ENABLE = Flag<0>;
  using IMASK = Flag<1>;
  using ISTATUS = Flag<2>;
};
struct CNTV_CVAL_EL0 : PlainRegister<3, 3, 14, 3, 2> {};
struct CNTP_TVAL_EL0 : PlainRegister<3, 3, 14, 2, 0> {};
struct CNTP_CTL_EL0 : PlainRegister<3, 3, 14, 2, 1> {
  using ENABLE = Flag<0>;
  using IMASK = Flag<1>;
  using ISTATUS = Flag<2>;
};
struct CNTP_CVAL_EL0 : PlainRegister<3, 3, 14, 2, 2> {};

// Debug and performance monitors: trapped, so only their names matter here.
struct MDSCR_EL1 : PlainRegister<2, 0, 0, 2, 2> {
  using SS = Flag<0>;     // software step
  using TDCC = Flag<12>;  // EL0 access to the debug communications channel traps to EL1
  using KDE = Flag<13>;   // debug exceptions from EL1 to EL1
  using MDE = Flag<15>;   // breakpoints and watchpoints on
};
struct MDRAR_EL1 : PlainRegister<2, 0, 1, 0, 0> {};
struct OSLAR_EL1 : PlainRegister<2, 0, 1, 0, 4> {};
struct OSLSR_EL1 : PlainRegister<2, 0, 1, 1, 4> {
  static constexpr std::uint64_t kLockImplemented = std::uint64_t{1} << 3;  // OSLM = 0b10
};
struct OSDLR_EL1 : PlainRegister<2, 0, 1, 3, 4> {};
struct DBGPRCR_EL1 : PlainRegister<2, 0, 1, 4, 4> {};
struct OSDTRRX_EL1 : PlainRegister<2, 0, 0, 0, 2> {};
struct MDCCINT_EL1 : PlainRegister<2, 0, 0, 2, 0> {};
struct OSDTRTX_EL1 : PlainRegister<2, 0, 0, 3, 2> {};
struct OSECCR_EL1 : PlainRegister<2, 0, 0, 6, 2> {};
struct DBGCLAIMSET_EL1 : PlainRegister<2, 0, 7, 8, 6> {};
struct DBGCLAIMCLR_EL1 : PlainRegister<2, 0, 7, 9, 6> {};
struct DBGAUTHSTATUS_EL1 : PlainRegister<2, 0, 7, 14, 6> {};
struct MDCCSR_EL0 : PlainRegister<2, 3, 0, 1, 0> {};
struct DBGDTR_EL0 : PlainRegister<2, 3, 0, 4, 0> {};
struct DBGDTRRX_EL0 : PlainRegister<2, 3, 0, 5, 0> {};  // written: DBGDTRTX_EL0
struct PMCR_EL0 : PlainRegister<3, 3, 9, 12, 0> {
  using N = Field<15, 11>;
};

// GIC CPU interface registers that trap.
struct ICC_SGI1R_EL1 : PlainRegister<3, 0, 12, 11, 5> {};
struct ICC_ASGI1R_EL1 : PlainRegister<3, 0, 12, 11, 6> {};
struct ICC_SGI0R_EL1 : PlainRegister<3, 0, 12, 11, 7> {};
struct ICC_DIR_EL1 : PlainRegister<3, 0, 12, 11, 1> {};
struct ICC_SRE_EL1 : PlainRegister<3, 0, 12, 12, 5> {
  static constexpr std::uint64_t kFixed = 7;  // system registers only, no bypass
};

// --- PSTATE as SPSR_ELx holds it ---

struct Pstate {
  using Mode = Field<4, 0>;
  using F = Flag<6>;
  using I = Flag<7>;
  using A = Flag<8>;
  using D = Flag<9>;
  using BTYPE = Field<11, 10>;
  using SSBS = Flag<12>;
  using ALLINT = Flag<13>;
  using IL = Flag<20>;
  using SS = Flag<21>;
  using PAN = Flag<22>;
  using UAO = Flag<23>;
  using DIT = Flag<24>;
  using TCO = Flag<25>;
  using NZCV = Field<31, 28>;
  // AArch32 only.
  using T = Flag<5>;
  using ItHigh = Field<15, 10>;  // IT[7:2]
  using ItLow = Field<26, 25>;   // IT[1:0]
  using AArch32 = Flag<4>;

  static constexpr std::uint64_t kDaif = D::kMask | A::kMask | I::kMask | F::kMask;
  static constexpr std::uint64_t kEl0t = 0;
  static constexpr std::uint64_t kEl1t = 4;
  static constexpr std::uint64_t kEl1h = 5;
};

}  // namespace socle::hw
