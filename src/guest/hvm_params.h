// SPDX-License-Identifier: Apache-2.0
#pragma once

// HvmParams: the numbered values that a toolstack leaves for a guest (HVMOP_set_param, get_param):
// ports and frames of the console and xenstore, the event interrupt. Shared; each value is read and
// written whole, and no two of them must change together.
// Source: xen/hvm/params.h.

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/hvm.h"

namespace socle::guest {

struct HvmParams {
  std::array<std::atomic<std::uint64_t>, abi::kHvmParamCount> values{};
};

}  // namespace socle::guest
