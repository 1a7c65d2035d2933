// SPDX-License-Identifier: Apache-2.0
#pragma once

// ESR_EL2 and ESR_EL1: exception class and the syndromes that Socle decodes or makes.
// Source: Arm ARM DDI 0487, D19.2.37 (ESR_EL1), D19.2.38 (ESR_EL2).

#include <cstdint>

#include "base/field.h"
#include "hw/sysreg.h"

namespace socle::hw {

enum class ExceptionClass : std::uint8_t {
  kUnknown = 0x00,
  kWfx = 0x01,
  kCp15Mcr = 0x03,   // AArch32 MCR/MRC, coprocessor 15
  kCp15Mcrr = 0x04,  // AArch32 MCRR/MRRC, coprocessor 15
  kCp14Mcr = 0x05,
  kCp14Ldc = 0x06,
  kFloatingPoint = 0x07,
  kPointerAuthentication = 0x09,
  kCp14Mrrc = 0x0c,
  kIllegalState = 0x0e,
  kHvc32 = 0x12,
  kSmc32 = 0x13,
  kSvc64 = 0x15,
  kHvc64 = 0x16,
  kSmc64 = 0x17,
  kSystemRegister = 0x18,
  kSve = 0x19,
  kEret = 0x1a,
  kSme = 0x1d,
  kInstructionAbortLower = 0x20,
  kInstructionAbortSame = 0x21,
  kPcAlignment = 0x22,
  kDataAbortLower = 0x24,
  kDataAbortSame = 0x25,
  kSpAlignment = 0x26,
  kMemoryCopy = 0x27,
  kSerror = 0x2f,
  kBrk64 = 0x3c,
};

struct Esr {
  using EC = Field<31, 26>;
  using IL = Flag<25>;
  using ISS = Field<24, 0>;

  static constexpr ExceptionClass exception_class(std::uint64_t esr) {
    return static_cast<ExceptionClass>(EC::get(esr));
  }
  static constexpr std::uint64_t make(ExceptionClass ec, bool is_32bit, std::uint64_t iss) {
    return EC::make(static_cast<std::uint64_t>(ec)) | IL::make(is_32bit ? 1 : 0) | ISS::make(iss);
  }
  // HVC, SMC, SVC, BRK from AArch64.
  using Immediate = Field<15, 0>;
  // AArch32 traps: the condition under which the instruction executes.
  using CV = Flag<24>;
  using COND = Field<23, 20>;
  // WFI and WFE.
  using WfxKind = Field<1, 0>;
  static constexpr std::uint64_t kWfi = 0;
  static constexpr std::uint64_t kWfe = 1;
  static constexpr std::uint64_t kWfit = 2;
  static constexpr std::uint64_t kWfet = 3;
};

// A trapped MSR, MRS or system instruction.
struct SystemRegisterSyndrome {
  using Op0 = Field<21, 20>;
  using Op2 = Field<19, 17>;
  using Op1 = Field<16, 14>;
  using CRn = Field<13, 10>;
  using Rt = Field<9, 5>;
  using CRm = Field<4, 1>;
  using IsRead = Flag<0>;
  static constexpr std::uint64_t kRegisterMask =
      Op0::kMask | Op2::kMask | Op1::kMask | CRn::kMask | CRm::kMask;

  static constexpr SystemRegister register_of(std::uint64_t iss) {
    return SystemRegister{
        static_cast<std::uint8_t>(Op0::get(iss)), static_cast<std::uint8_t>(Op1::get(iss)),
        static_cast<std::uint8_t>(CRn::get(iss)), static_cast<std::uint8_t>(CRm::get(iss)),
        static_cast<std::uint8_t>(Op2::get(iss))};
  }
  // The bits of kRegisterMask for `reg`: comparing in place is cheaper than decoding.
  static constexpr std::uint64_t pattern(SystemRegister reg) {
    return Op0::make(reg.op0) | Op2::make(reg.op2) | Op1::make(reg.op1) | CRn::make(reg.crn) |
           CRm::make(reg.crm);
  }
};

// A trapped AArch32 MCR/MRC (and, with other fields, MCRR/MRRC).
struct Cp15Syndrome {
  using Opc2 = Field<19, 17>;
  using Opc1 = Field<16, 14>;
  using CRn = Field<13, 10>;
  using Rt = Field<9, 5>;
  using CRm = Field<4, 1>;
  using IsRead = Flag<0>;
  // MCRR/MRRC
  using WideOpc1 = Field<19, 16>;
  using Rt2 = Field<14, 10>;
};

// Fault status codes of aborts (DFSC and IFSC).
struct FaultStatus {
  using Code = Field<5, 0>;
  using Level = Field<1, 0>;
  enum class Kind : std::uint8_t {
    kAddressSize,
    kTranslation,
    kAccessFlag,
    kPermission,
    kExternal,        // synchronous external abort, not on a walk
    kExternalOnWalk,  // ... on a walk
    kParity,          // of memory or cache, on a walk or not
    kAlignment,
    kTlbConflict,
    kUnsupportedAtomic,
    kOther,
  };
  static constexpr std::uint64_t kExternalAbort = 0x10;
  static constexpr std::uint64_t kExternalAbortOnWalk = 0x14;  // | level

  static constexpr Kind kind(std::uint64_t iss) {
    const std::uint64_t code = Code::get(iss);
    if (code < 0x10) {
      constexpr Kind kByGroup[] = {Kind::kAddressSize, Kind::kTranslation, Kind::kAccessFlag,
                                   Kind::kPermission};
      return kByGroup[code >> 2];
    }
    if (code == 0x10) return Kind::kExternal;
    if (code >= 0x13 && code <= 0x17) return Kind::kExternalOnWalk;
    if (code == 0x18 || (code >= 0x1b && code <= 0x1f)) return Kind::kParity;
    if (code == 0x21) return Kind::kAlignment;
    if (code == 0x30) return Kind::kTlbConflict;
    if (code == 0x35) return Kind::kUnsupportedAtomic;
    if (code == 0x29) return Kind::kAddressSize;
    if (code == 0x2b) return Kind::kTranslation;
    return Kind::kOther;
  }
};

// Data abort syndrome.
struct DataAbort {
  using ISV = Flag<24>;  // SAS, SSE, SRT, SF, AR are valid
  using SAS = Field<23, 22>;
  using SSE = Flag<21>;
  using SRT = Field<20, 16>;
  using SF = Flag<15>;
  using AR = Flag<14>;
  using FnV = Flag<10>;  // FAR is not valid (external aborts)
  using EA = Flag<9>;
  using CM = Flag<8>;  // cache maintenance
  using S1PTW = Flag<7>;
  using WnR = Flag<6>;
  using DFSC = Field<5, 0>;
};
struct InstructionAbort {
  using FnV = Flag<10>;
  using EA = Flag<9>;
  using S1PTW = Flag<7>;
  using IFSC = Field<5, 0>;
};

// SError.
struct SErrorSyndrome {
  using IDS = Flag<24>;  // implementation defined
};

}  // namespace socle::hw
