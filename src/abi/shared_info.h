// SPDX-License-Identifier: Apache-2.0
#pragma once

// The pages that Socle and a guest share: shared_info (one per domain) and vcpu_info (one per
// vCPU).
//
// These two are declared here instead of taken from xen/xen.h: arch_vcpu_info and arch_shared_info
// are empty structs there, and an empty struct has size 0 in C (which guests are written in) but
// size 1 in C++. The C++ reading of the header puts evtchn_pending at 56; guests have it at 48.
//
// Every field may change at any moment under a hostile guest: access through std::atomic_ref,
// once per decision.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

inline constexpr unsigned kTwoLevelWords = 64;
inline constexpr std::uint32_t kTwoLevelPorts = kTwoLevelWords * 64;
static_assert(kTwoLevelPorts == EVTCHN_2L_NR_CHANNELS);

struct VcpuInfo {
  std::uint8_t evtchn_upcall_pending;
  std::uint8_t pad0[7];
  std::uint64_t evtchn_pending_sel;
  ::vcpu_time_info time;  // unused on Arm
};
static_assert(offsetof(VcpuInfo, evtchn_pending_sel) == 8);
static_assert(sizeof(VcpuInfo) == 48 && alignof(VcpuInfo) == 8);

struct SharedInfo {
  VcpuInfo vcpu_info[XEN_LEGACY_MAX_VCPUS];
  std::uint64_t evtchn_pending[kTwoLevelWords];
  std::uint64_t evtchn_mask[kTwoLevelWords];
  std::uint32_t wc_version;
  std::uint32_t wc_sec;
  std::uint32_t wc_nsec;
  std::uint32_t wc_sec_hi;
};
static_assert(offsetof(SharedInfo, evtchn_pending) == 48);
static_assert(offsetof(SharedInfo, evtchn_mask) == 560);
static_assert(offsetof(SharedInfo, wc_version) == 1072);
static_assert(sizeof(SharedInfo) == 1088);

}  // namespace socle::abi
