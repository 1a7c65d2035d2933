// SPDX-License-Identifier: Apache-2.0
#pragma once

// Numbers of hypercalls and the structures that no room of their own have. Source: xen/xen.h,
// xen/arch-arm.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

// HVC immediate.
inline constexpr std::uint32_t kHypercallTag = XEN_HYPERCALL_TAG;
static_assert(kHypercallTag == 0xea1);
// All numbers are below.
inline constexpr unsigned kHypercallNumbers = 64;
inline constexpr unsigned kHypercallArguments = 5;

struct MulticallEntry {
  std::uint64_t op;
  std::uint64_t result;
  std::uint64_t args[6];
};
static_assert(sizeof(MulticallEntry) == sizeof(::multicall_entry) && sizeof(MulticallEntry) == 64);

// The first words of sysctl, domctl and platform_op, in this order.
struct VersionedHeader {
  std::uint32_t command;
  std::uint32_t interface_version;
};
static_assert(sizeof(VersionedHeader) == 8);

// Xen 4.17's. A mismatch must be answered with -EACCES.
inline constexpr std::uint32_t kDomctlVersion = 0x15;
inline constexpr std::uint32_t kSysctlVersion = 0x15;

}  // namespace socle::abi
