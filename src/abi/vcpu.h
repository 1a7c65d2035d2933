// SPDX-License-Identifier: Apache-2.0
#pragma once

// vcpu_op. Source: xen/vcpu.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using RunstateInfo = ::vcpu_runstate_info;
using RegisterRunstateArea = ::vcpu_register_runstate_memory_area;
using RegisterVcpuInfo = ::vcpu_register_vcpu_info;
static_assert(sizeof(RunstateInfo) == 48 && offsetof(RunstateInfo, state_entry_time) == 8);
static_assert(offsetof(RunstateInfo, time) == 16);
static_assert(sizeof(RegisterRunstateArea) == 8);
static_assert(sizeof(RegisterVcpuInfo) == 16 && offsetof(RegisterVcpuInfo, offset) == 8);

inline constexpr std::uint64_t kRunstateUpdate = XEN_RUNSTATE_UPDATE;

}  // namespace socle::abi
