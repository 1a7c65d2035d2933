// SPDX-License-Identifier: Apache-2.0
#pragma once

// platform_op. Source: xen/platform.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using PlatformOp = ::xen_platform_op;
static_assert(offsetof(PlatformOp, u) == 8 && sizeof(PlatformOp) == 136);
inline constexpr std::uint32_t kPlatformVersion = XENPF_INTERFACE_VERSION;

}  // namespace socle::abi
