// SPDX-License-Identifier: Apache-2.0
#pragma once

// The load or store behind a data abort with a valid syndrome, and the two halves of doing it:
// taking the data of a store out of the frame, putting the data of a load into it (size, sign,
// register width, byte order, zero register). No effects but on the frame.
// Source: Arm ARM DDI 0487, D19.2.38, ISS of data aborts (SAS, SSE, SRT, SF); B2.6.2 (endianness).

#include <cstdint>
#include <optional>

#include "guest/frame.h"
#include "guest/mmio_access.h"

namespace socle::fault {

struct MmioInstruction {
  unsigned bytes = 4;
  std::uint8_t general_register = 31;
  bool is_write = false;
  bool sign_extends = false;
  bool is_64bit = false;  // the register's width; else the upper half becomes zero
  bool is_big_endian = false;
};

// Nothing if the syndrome does not describe the instruction (ISV = 0: pairs, writeback, SIMD, ...).
std::optional<MmioInstruction> decode_mmio(const guest::CpuFrame& frame, std::uint64_t sctlr_el1);

guest::MmioAccess begin_access(const guest::CpuFrame& frame, const MmioInstruction& instruction,
                               Ipa address);
void finish_access(guest::CpuFrame& frame, const MmioInstruction& instruction,
                   const guest::MmioAccess& access);

}  // namespace socle::fault
