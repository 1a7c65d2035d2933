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

}  // namespace socle::port
