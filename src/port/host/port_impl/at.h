// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

// What a test puts here answers for the guest's stage 1. Without one it is off: the guest's
// virtual addresses are its physical ones, as on a CPU with SCTLR_EL1.M clear.
using HostStage1 = Result<Ipa> (*)(std::uint64_t address, bool is_write);
inline HostStage1 host_stage1 = nullptr;

inline Result<Ipa> translate_guest_read(std::uint64_t address) {
  return host_stage1 != nullptr ? host_stage1(address, false) : Result<Ipa>(Ipa(address));
}
inline Result<Ipa> translate_guest_write(std::uint64_t address) {
  return host_stage1 != nullptr ? host_stage1(address, true) : Result<Ipa>(Ipa(address));
}

// The host has no stage 2 of the CPU's own: an address is what it is, in memory of type Normal
// write-back (PAR_EL1.ATTR 0xff, SH inner). A fault of stage 1 is one of level 3.
inline std::uint64_t translate_guest_fully(std::uint64_t address, bool is_write) {
  const Result<Ipa> ipa = is_write ? translate_guest_write(address) : translate_guest_read(address);
  if (!ipa.has_value()) return 0x80f;
  return 0xff00'0000'0000'0b80 | Ipa(ipa->frame()).value();
}

}  // namespace socle::port
