// SPDX-License-Identifier: Apache-2.0
#pragma once

// Register layouts of the GICv2 where they differ from the GICv3's (hw/gic.h): facts only. Names
// as in Arm IHI 0048; sections of issue B.b: 4.3 distributor (GICD), 4.4 CPU interface (GICC), 5.3
// hypervisor control (GICH). The registers of enables, groups, pending and active state,
// priorities and triggers have the GICv3's offsets; word 0 of each is banked by CPU.

#include <cstdint>

#include "base/field.h"

namespace socle::hw {

inline constexpr unsigned kGicv2MaxCpus = 8;

namespace gicd2 {

inline constexpr std::uint64_t kSize = 0x1000;
inline constexpr std::uint32_t kSGIR = 0x0f00;
inline constexpr std::uint32_t kCPENDSGIR = 0x0f10;  // eight bits (sources) per SGI
inline constexpr std::uint32_t kSPENDSGIR = 0x0f20;
inline constexpr std::uint32_t kIdentification = 0x0fd0;  // PIDR4 .. CIDR3
inline constexpr std::uint32_t kPIDR2 = 0x0fe8;

namespace ctlr {
// Group 1 in the Non-secure view; Group 0 without Security Extensions.
using Enable = Flag<0, std::uint32_t>;
}  // namespace ctlr

namespace sgir {
using SGIINTID = Field<3, 0, std::uint32_t>;
using CPUTargetList = Field<23, 16, std::uint32_t>;
using TargetListFilter = Field<25, 24, std::uint32_t>;
inline constexpr std::uint32_t kList = 0;
inline constexpr std::uint32_t kAllOthers = 1;
inline constexpr std::uint32_t kSelf = 2;
}  // namespace sgir

}  // namespace gicd2

namespace gicc {

inline constexpr std::uint32_t kCTLR = 0x0000;
inline constexpr std::uint32_t kPMR = 0x0004;
inline constexpr std::uint32_t kBPR = 0x0008;
inline constexpr std::uint32_t kIAR = 0x000c;
inline constexpr std::uint32_t kEOIR = 0x0010;
inline constexpr std::uint32_t kHPPIR = 0x0018;
inline constexpr std::uint32_t kAPR = 0x00d0;  // four
inline constexpr std::uint32_t kIIDR = 0x00fc;
inline constexpr std::uint32_t kDIR = 0x1000;  // in the second frame
inline constexpr std::uint64_t kSize = 0x2000;
// Where frames are 64 KiB apart, a GIC-400's 4 KiB frame shows sixteen times in each (its address
// lines 12 to 15 are not connected).
inline constexpr std::uint64_t kWideFrame = 0x1'0000;
inline constexpr std::uint32_t kAliasOfIIDR = 0xf0fc;

namespace ctlr {
using Enable = Flag<0, std::uint32_t>;
using EOImode = Flag<9, std::uint32_t>;  // EOImodeNS in the Non-secure view
}  // namespace ctlr

// GICC_IAR, GICC_EOIR, GICC_DIR.
namespace iar {
using InterruptID = Field<9, 0, std::uint32_t>;
using CPUID = Field<12, 10, std::uint32_t>;
}  // namespace iar

}  // namespace gicc

namespace gich {

inline constexpr std::uint32_t kHCR = 0x0000;
inline constexpr std::uint32_t kVTR = 0x0004;
inline constexpr std::uint32_t kVMCR = 0x0008;
inline constexpr std::uint32_t kMISR = 0x0010;
inline constexpr std::uint32_t kEISR = 0x0020;
inline constexpr std::uint32_t kELRSR = 0x0030;
inline constexpr std::uint32_t kAPR = 0x00f0;
inline constexpr std::uint32_t kLR = 0x0100;
inline constexpr std::uint64_t kSize = 0x0200;

namespace vtr {
using ListRegs = Field<5, 0, std::uint32_t>;  // minus one
using PREbits = Field<28, 26, std::uint32_t>;
using PRIbits = Field<31, 29, std::uint32_t>;
}  // namespace vtr

namespace lr {
using VirtualID = Field<9, 0, std::uint32_t>;
using PhysicalID = Field<19, 10, std::uint32_t>;  // HW = 1
using CPUID = Field<12, 10, std::uint32_t>;       // HW = 0, SGIs: whose they are
using EOI = Flag<19, std::uint32_t>;              // HW = 0
using Priority = Field<27, 23, std::uint32_t>;    // its upper five bits
using StateField = Field<29, 28, std::uint32_t>;
using Grp1 = Flag<30, std::uint32_t>;
using HW = Flag<31, std::uint32_t>;
}  // namespace lr

}  // namespace gich

// In a list register of the GICv3's layout, for a guest with a memory-mapped CPU interface: the
// source of an SGI, above its number (Arm IHI 0069, ICH_LR<n>_EL2.vINTID).
namespace ich::lr {
using Source = Field<12, 10>;
}

}  // namespace socle::hw
