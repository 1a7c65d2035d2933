// SPDX-License-Identifier: Apache-2.0
#pragma once

// Identification registers: what a CPU says it can do. A field is four bits wide unless it says
// otherwise; reserved registers of the ID space read as zero.
// Source: Arm ARM DDI 0487, D19.2 (ID_*) and D18.3.1 (the ID space: op0 = 3, op1 = 0, CRn = 0).

#include <cstdint>

#include "base/field.h"
#include "hw/sysreg.h"

namespace socle::hw {

template <unsigned Low>
using IdField = Field<Low + 3, Low>;

struct ID_AA64PFR0_EL1 : PlainRegister<3, 0, 0, 4, 0> {
  using EL0 = IdField<0>;
  using EL1 = IdField<4>;
  using EL2 = IdField<8>;
  using EL3 = IdField<12>;
  using FP = IdField<16>;
  using AdvSIMD = IdField<20>;
  using GIC = IdField<24>;
  using RAS = IdField<28>;
  using SVE = IdField<32>;
  using SEL2 = IdField<36>;
  using MPAM = IdField<40>;
  using AMU = IdField<44>;
  using DIT = IdField<48>;
  using RME = IdField<52>;
  using CSV2 = IdField<56>;
  using CSV3 = IdField<60>;
  static constexpr std::uint64_t kAArch32Too = 2;  // EL0, EL1
};
struct ID_AA64PFR1_EL1 : PlainRegister<3, 0, 0, 4, 1> {
  using BT = IdField<0>;
  using SSBS = IdField<4>;
  using MTE = IdField<8>;
  using RAS_frac = IdField<12>;
  using MPAM_frac = IdField<16>;
  using SME = IdField<24>;
  using CSV2_frac = IdField<32>;
  using NMI = IdField<36>;
  using MTE_frac = IdField<40>;
  using GCS = IdField<44>;
};
struct ID_AA64PFR2_EL1 : PlainRegister<3, 0, 0, 4, 2> {};
struct ID_AA64ZFR0_EL1 : PlainRegister<3, 0, 0, 4, 4> {};
struct ID_AA64SMFR0_EL1 : PlainRegister<3, 0, 0, 4, 5> {};

struct ID_AA64DFR0_EL1 : PlainRegister<3, 0, 0, 5, 0> {
  using DebugVer = IdField<0>;
  using TraceVer = IdField<4>;
  using PMUVer = IdField<8>;
  using BRPs = IdField<12>;
  using WRPs = IdField<20>;
  using CTX_CMPs = IdField<28>;
  using PMSVer = IdField<32>;
  using DoubleLock = IdField<36>;
  using TraceFilt = IdField<40>;
  using TraceBuffer = IdField<44>;
  using BRBE = IdField<52>;
  static constexpr std::uint64_t kPmuNotStandard = 0xf;
  static constexpr std::uint64_t kNoDoubleLock = 0xf;
};
struct ID_AA64DFR1_EL1 : PlainRegister<3, 0, 0, 5, 1> {};

struct ID_AA64ISAR0_EL1 : PlainRegister<3, 0, 0, 6, 0> {
  using AES = IdField<4>;
  using SHA1 = IdField<8>;
  using SHA2 = IdField<12>;
  using CRC32 = IdField<16>;
  using Atomic = IdField<20>;
  using TME = IdField<24>;
  using RDM = IdField<28>;
  using SHA3 = IdField<32>;
  using SM3 = IdField<36>;
  using SM4 = IdField<40>;
  using DP = IdField<44>;
  using FHM = IdField<48>;
  using TS = IdField<52>;
  using TLB = IdField<56>;
  using RNDR = IdField<60>;
};
struct ID_AA64ISAR1_EL1 : PlainRegister<3, 0, 0, 6, 1> {
  using DPB = IdField<0>;
  using APA = IdField<4>;
  using API = IdField<8>;
  using JSCVT = IdField<12>;
  using FCMA = IdField<16>;
  using LRCPC = IdField<20>;
  using GPA = IdField<24>;
  using GPI = IdField<28>;
  using FRINTTS = IdField<32>;
  using SB = IdField<36>;
  using SPECRES = IdField<40>;
  using BF16 = IdField<44>;
  using DGH = IdField<48>;
  using I8MM = IdField<52>;
  using XS = IdField<56>;
  using LS64 = IdField<60>;
};
struct ID_AA64ISAR2_EL1 : PlainRegister<3, 0, 0, 6, 2> {
  using WFxT = IdField<0>;
  using RPRES = IdField<4>;
  using GPA3 = IdField<8>;
  using APA3 = IdField<12>;
  using MOPS = IdField<16>;
  using BC = IdField<20>;
  using PAC_frac = IdField<24>;
  using CLRBHB = IdField<28>;
  using RPRFM = IdField<48>;
  using CSSC = IdField<52>;
};

struct ID_AA64MMFR0_EL1 : PlainRegister<3, 0, 0, 7, 0> {
  using PARange = IdField<0>;
  using ASIDBits = IdField<4>;
  using BigEnd = IdField<8>;
  using SNSMem = IdField<12>;
  using BigEndEL0 = IdField<16>;
  using TGran16 = IdField<20>;
  using TGran64 = IdField<24>;
  using TGran4 = IdField<28>;
  using TGran16_2 = IdField<32>;
  using TGran64_2 = IdField<36>;
  using TGran4_2 = IdField<40>;
  using ExS = IdField<44>;
  using FGT = IdField<56>;
  using ECV = IdField<60>;
};
struct ID_AA64MMFR1_EL1 : PlainRegister<3, 0, 0, 7, 1> {
  using HAFDBS = IdField<0>;
  using VMIDBits = IdField<4>;
  using VH = IdField<8>;
  using HPDS = IdField<12>;
  using LO = IdField<16>;
  using PAN = IdField<20>;
  using SpecSEI = IdField<24>;
  using XNX = IdField<28>;
  using TWED = IdField<32>;
  using ETS = IdField<36>;
  using HCX = IdField<40>;
  using AFP = IdField<44>;
  using nTLBPA = IdField<48>;
  using TIDCP1 = IdField<52>;
  using CMOW = IdField<56>;
  using ECBHB = IdField<60>;
};
struct ID_AA64MMFR2_EL1 : PlainRegister<3, 0, 0, 7, 2> {
  using CnP = IdField<0>;
  using UAO = IdField<4>;
  using LSM = IdField<8>;
  using IESB = IdField<12>;
  using VARange = IdField<16>;
  using CCIDX = IdField<20>;
  using NV = IdField<24>;
  using ST = IdField<28>;
  using AT = IdField<32>;
  using IDS = IdField<36>;
  using FWB = IdField<40>;
  using TTL = IdField<48>;
  using BBM = IdField<52>;
  using EVT = IdField<56>;
  using E0PD = IdField<60>;
};
struct ID_AA64MMFR3_EL1 : PlainRegister<3, 0, 0, 7, 3> {
  using Spec_FPACC = IdField<60>;
};

// AArch32 views. Meaningful only where EL0 can use AArch32; unknown otherwise.
struct ID_PFR0_EL1 : PlainRegister<3, 0, 0, 1, 0> {
  using State0 = IdField<0>;
  using State1 = IdField<4>;
  using State2 = IdField<8>;
  using State3 = IdField<12>;
  using CSV2 = IdField<16>;
  using AMU = IdField<20>;
  using DIT = IdField<24>;
  using RAS = IdField<28>;
};
struct ID_PFR1_EL1 : PlainRegister<3, 0, 0, 1, 1> {
  using ProgMod = IdField<0>;
  using Security = IdField<4>;
  using MProgMod = IdField<8>;
  using Virtualization = IdField<12>;
  using GenTimer = IdField<16>;
  using GIC = IdField<28>;
};
struct ID_DFR0_EL1 : PlainRegister<3, 0, 0, 1, 2> {
  using CopDbg = IdField<0>;
  using PerfMon = IdField<24>;
};
struct ID_MMFR0_EL1 : PlainRegister<3, 0, 0, 1, 4> {};
struct ID_MMFR1_EL1 : PlainRegister<3, 0, 0, 1, 5> {};
struct ID_MMFR2_EL1 : PlainRegister<3, 0, 0, 1, 6> {};
struct ID_MMFR3_EL1 : PlainRegister<3, 0, 0, 1, 7> {};
struct ID_ISAR0_EL1 : PlainRegister<3, 0, 0, 2, 0> {};
struct ID_ISAR1_EL1 : PlainRegister<3, 0, 0, 2, 1> {};
struct ID_ISAR2_EL1 : PlainRegister<3, 0, 0, 2, 2> {};
struct ID_ISAR3_EL1 : PlainRegister<3, 0, 0, 2, 3> {};
struct ID_ISAR4_EL1 : PlainRegister<3, 0, 0, 2, 4> {};
struct ID_ISAR5_EL1 : PlainRegister<3, 0, 0, 2, 5> {};
struct ID_MMFR4_EL1 : PlainRegister<3, 0, 0, 2, 6> {};
struct ID_ISAR6_EL1 : PlainRegister<3, 0, 0, 2, 7> {};
struct MVFR0_EL1 : PlainRegister<3, 0, 0, 3, 0> {};
struct MVFR1_EL1 : PlainRegister<3, 0, 0, 3, 1> {};
struct MVFR2_EL1 : PlainRegister<3, 0, 0, 3, 2> {};
struct ID_PFR2_EL1 : PlainRegister<3, 0, 0, 3, 4> {
  using CSV3 = IdField<0>;
  using SSBS = IdField<4>;
  using RAS_frac = IdField<8>;
};
struct ID_MMFR5_EL1 : PlainRegister<3, 0, 0, 3, 6> {};

}  // namespace socle::hw
