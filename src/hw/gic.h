// SPDX-License-Identifier: Apache-2.0
#pragma once

// Register layouts of the GICv3: facts only. Names as in Arm IHI 0069; section numbers of issue H:
// 12.9 distributor (GICD), 12.11 redistributor (GICR), 12.2 and 12.4 CPU interface (ICC) and
// hypervisor control (ICH).

#include <cstdint>

#include "base/field.h"

namespace socle::hw {

// ----- Distributor: byte offsets in its 64 KiB. -----
namespace gicd {

inline constexpr std::uint32_t kCTLR = 0x0000;
inline constexpr std::uint32_t kTYPER = 0x0004;
inline constexpr std::uint32_t kIIDR = 0x0008;
inline constexpr std::uint32_t kTYPER2 = 0x000c;
inline constexpr std::uint32_t kIGROUPR = 0x0080;     // one bit per interrupt, to 0x00fc
inline constexpr std::uint32_t kISENABLER = 0x0100;   // one bit
inline constexpr std::uint32_t kICENABLER = 0x0180;   // one bit
inline constexpr std::uint32_t kISPENDR = 0x0200;     // one bit
inline constexpr std::uint32_t kICPENDR = 0x0280;     // one bit
inline constexpr std::uint32_t kISACTIVER = 0x0300;   // one bit
inline constexpr std::uint32_t kICACTIVER = 0x0380;   // one bit
inline constexpr std::uint32_t kIPRIORITYR = 0x0400;  // eight bits, to 0x07fb
inline constexpr std::uint32_t kITARGETSR = 0x0800;   // eight bits; RAZ/WI with affinity routing
inline constexpr std::uint32_t kICFGR = 0x0c00;       // two bits, to 0x0cfc
inline constexpr std::uint32_t kIGRPMODR = 0x0d00;    // one bit; RAZ/WI with one security state
inline constexpr std::uint32_t kNSACR = 0x0e00;
inline constexpr std::uint32_t kIROUTER = 0x6000;  // 64 bits per interrupt; SPIs only
inline constexpr std::uint32_t kPIDR2 = 0xffe8;
inline constexpr std::uint64_t kSize = 0x1'0000;

namespace ctlr {
using EnableGrp0 = Flag<0, std::uint32_t>;   // one security state
using EnableGrp1 = Flag<1, std::uint32_t>;   // one security state
using EnableGrp1A = Flag<1, std::uint32_t>;  // the Non-secure view of two
using ARE = Flag<4, std::uint32_t>;          // ARE_NS in the Non-secure view
using DS = Flag<6, std::uint32_t>;
using RWP = Flag<31, std::uint32_t>;
}  // namespace ctlr

namespace typer {
using ITLinesNumber = Field<4, 0, std::uint32_t>;
using CPUNumber = Field<7, 5, std::uint32_t>;
using ESPI = Flag<8, std::uint32_t>;
using SecurityExtn = Flag<10, std::uint32_t>;
using LPIS = Flag<17, std::uint32_t>;
using IDbits = Field<23, 19, std::uint32_t>;
using A3V = Flag<24, std::uint32_t>;
using No1N = Flag<25, std::uint32_t>;
using RSS = Flag<26, std::uint32_t>;
}  // namespace typer

namespace irouter {
using Aff0 = Field<7, 0>;
using Aff1 = Field<15, 8>;
using Aff2 = Field<23, 16>;
using IRM = Flag<31>;
using Aff3 = Field<39, 32>;
}  // namespace irouter

}  // namespace gicd

// GICD_PIDR2 and GICR_PIDR2: ArchRev is 3 or 4 for what this page describes.
namespace gic_pidr2 {
using ArchRev = Field<7, 4, std::uint32_t>;
}

// ----- Redistributor: RD_base frame, and SGI_base 64 KiB above it. -----
namespace gicr {

inline constexpr std::uint32_t kCTLR = 0x0000;
inline constexpr std::uint32_t kIIDR = 0x0004;
inline constexpr std::uint32_t kTYPER = 0x0008;  // 64 bits
inline constexpr std::uint32_t kWAKER = 0x0014;
inline constexpr std::uint32_t kPIDR2 = 0xffe8;
inline constexpr std::uint64_t kFrameSize = 0x1'0000;
inline constexpr std::uint64_t kSizeV3 = 2 * kFrameSize;  // RD, SGI
inline constexpr std::uint64_t kSizeV4 = 4 * kFrameSize;  // and VLPI, reserved
// In SGI_base: the registers of one word of interrupts lie at the distributor's offsets.
inline constexpr std::uint32_t kSgiBase = 0x1'0000;

namespace ctlr {
using EnableLPIs = Flag<0, std::uint32_t>;
using RWP = Flag<3, std::uint32_t>;
}  // namespace ctlr

namespace typer {
using PLPIS = Flag<0>;
using VLPIS = Flag<1>;
using Last = Flag<4>;
using ProcessorNumber = Field<23, 8>;
using PPInum = Field<31, 27>;
using Affinity = Field<63, 32>;  // Aff3.Aff2.Aff1.Aff0
}  // namespace typer

namespace waker {
using ProcessorSleep = Flag<1, std::uint32_t>;
using ChildrenAsleep = Flag<2, std::uint32_t>;
}  // namespace waker

}  // namespace gicr

// ----- CPU interface: system registers. -----
namespace icc {

inline constexpr std::uint32_t kFirstSpecial = 1020;  // acknowledged: nothing to do
inline constexpr std::uint32_t kSpurious = 1023;

namespace ctlr {
using CBPR = Flag<0>;
using EOImode = Flag<1>;
using PRIbits = Field<10, 8>;  // minus one
}  // namespace ctlr

namespace sre {
using SRE = Flag<0>;
using DFB = Flag<1>;
using DIB = Flag<2>;
using Enable = Flag<3>;
}  // namespace sre

// ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1.
namespace sgir {
using TargetList = Field<15, 0>;
using Aff1 = Field<23, 16>;
using INTID = Field<27, 24>;
using Aff2 = Field<39, 32>;
using IRM = Flag<40>;  // all but the sender
using RS = Field<47, 44>;
using Aff3 = Field<55, 48>;
}  // namespace sgir

namespace dir {
using INTID = Field<23, 0>;
}

}  // namespace icc

// ----- Hypervisor control of the virtual CPU interface. -----
namespace ich {

enum class State : std::uint8_t { kInvalid = 0, kPending = 1, kActive = 2, kPendingActive = 3 };

namespace lr {
using VINTID = Field<31, 0>;
using PINTID = Field<44, 32>;  // HW = 1
using EOI = Flag<41>;          // HW = 0: maintenance interrupt when the guest deactivates it
using Priority = Field<55, 48>;
using Group = Flag<60>;
using HW = Flag<61>;
using StateField = Field<63, 62>;
inline constexpr std::uint64_t kPendingBit = std::uint64_t{1} << 62;
inline constexpr std::uint64_t kActiveBit = std::uint64_t{1} << 63;
}  // namespace lr

namespace hcr {
using En = Flag<0, std::uint32_t>;
using UIE = Flag<1, std::uint32_t>;
using LRENPIE = Flag<2, std::uint32_t>;
using NPIE = Flag<3, std::uint32_t>;
using VGrp0EIE = Flag<4, std::uint32_t>;
using VGrp0DIE = Flag<5, std::uint32_t>;
using VGrp1EIE = Flag<6, std::uint32_t>;
using VGrp1DIE = Flag<7, std::uint32_t>;
using TC = Flag<10, std::uint32_t>;
using TDIR = Flag<14, std::uint32_t>;
using EOIcount = Field<31, 27, std::uint32_t>;
}  // namespace hcr

namespace misr {
using EOI = Flag<0, std::uint32_t>;
using U = Flag<1, std::uint32_t>;
using LRENP = Flag<2, std::uint32_t>;
using NP = Flag<3, std::uint32_t>;
using VGrp0E = Flag<4, std::uint32_t>;
using VGrp0D = Flag<5, std::uint32_t>;
using VGrp1E = Flag<6, std::uint32_t>;
using VGrp1D = Flag<7, std::uint32_t>;
}  // namespace misr

namespace vmcr {
using VENG0 = Flag<0>;
using VENG1 = Flag<1>;
using VFIQEn = Flag<3>;
using VCBPR = Flag<4>;
using VEOIM = Flag<9>;
using VBPR1 = Field<20, 18>;
using VBPR0 = Field<23, 21>;
using VPMR = Field<31, 24>;
}  // namespace vmcr

namespace vtr {
using ListRegs = Field<4, 0>;  // minus one
using TDS = Flag<19>;          // ICH_HCR_EL2.TDIR is implemented
using A3V = Flag<21>;
using PREbits = Field<28, 26>;  // minus one
using PRIbits = Field<31, 29>;  // minus one
}  // namespace vtr

}  // namespace ich

}  // namespace socle::hw
