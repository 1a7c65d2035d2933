// SPDX-License-Identifier: Apache-2.0
#include "fault/mmio_decode.h"

#include <bit>

#include "guest/inject.h"
#include "hw/esr.h"
#include "hw/sysreg.h"

namespace socle::fault {

namespace {

using guest::CpuFrame;
using hw::DataAbort;
using hw::Pstate;

bool data_is_big_endian(const CpuFrame& frame, std::uint64_t sctlr_el1) {
  using Sctlr = hw::SCTLR_EL1;
  if ((sctlr_el1 & (Sctlr::EE::kMask | Sctlr::E0E::kMask)) == 0 &&
      Pstate::AArch32::get(frame.pstate) == 0) [[likely]] {
    return false;
  }
  if (Pstate::AArch32::get(frame.pstate) != 0) return Pstate::D::get(frame.pstate) != 0;  // E
  const bool at_el0 = (Pstate::Mode::get(frame.pstate) & 0xf) == Pstate::kEl0t;
  return at_el0 ? Sctlr::E0E::get(sctlr_el1) != 0 : Sctlr::EE::get(sctlr_el1) != 0;
}

constexpr std::uint64_t low_bytes(std::uint64_t value, unsigned bytes) {
  return bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

constexpr std::uint64_t swap_bytes(std::uint64_t value, unsigned bytes) {
  return std::byteswap(value) >> (64 - 8 * bytes);
}

constexpr std::uint64_t sign_extend(std::uint64_t value, unsigned bytes) {
  const unsigned shift = 64 - 8 * bytes;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << shift) >> shift);
}

}  // namespace

std::optional<MmioInstruction> decode_mmio(const CpuFrame& frame, std::uint64_t sctlr_el1) {
  const std::uint64_t esr = frame.esr;
  if (DataAbort::ISV::get(esr) == 0) return std::nullopt;
  return MmioInstruction{
      .bytes = 1u << DataAbort::SAS::get(esr),
      .general_register = static_cast<std::uint8_t>(DataAbort::SRT::get(esr)),
      .is_write = DataAbort::WnR::get(esr) != 0,
      .sign_extends = DataAbort::SSE::get(esr) != 0,
      .is_64bit = DataAbort::SF::get(esr) != 0,
      .is_big_endian = data_is_big_endian(frame, sctlr_el1),
  };
}

guest::MmioAccess begin_access(const CpuFrame& frame, const MmioInstruction& instruction,
                               Ipa address) {
  guest::MmioAccess access{
      .address = address, .bytes = instruction.bytes, .is_write = instruction.is_write, .value = 0};
  if (!instruction.is_write) return access;
  access.value = low_bytes(guest::read_general(frame, instruction.general_register), access.bytes);
  if (instruction.is_big_endian) access.value = swap_bytes(access.value, access.bytes);
  return access;
}

void finish_access(CpuFrame& frame, const MmioInstruction& instruction,
                   const guest::MmioAccess& access) {
  if (instruction.is_write) return;
  std::uint64_t value = low_bytes(access.value, instruction.bytes);
  if (instruction.is_big_endian) value = swap_bytes(value, instruction.bytes);
  if (instruction.sign_extends) value = sign_extend(value, instruction.bytes);
  if (!instruction.is_64bit) value &= 0xffff'ffff;
  guest::write_general(frame, instruction.general_register, value);
}

}  // namespace socle::fault
