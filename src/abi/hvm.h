// SPDX-License-Identifier: Apache-2.0
#pragma once

// hvm_op. Source: xen/hvm/hvm_op.h, xen/hvm/params.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using HvmParam = ::xen_hvm_param;
static_assert(sizeof(HvmParam) == 16 && offsetof(HvmParam, index) == 4 &&
              offsetof(HvmParam, value) == 8);
inline constexpr std::uint32_t kHvmParamCount = HVM_NR_PARAMS;

// HVM_PARAM_CALLBACK_IRQ on Arm: a PPI, with its trigger: [63:56] type, bit 8 edge, bit 9 active
// low, [7:0] the interrupt number.
constexpr std::uint64_t callback_irq_ppi(std::uint32_t interrupt) {
  return (std::uint64_t{HVM_PARAM_CALLBACK_TYPE_PPI} << 56) |
         (std::uint64_t{HVM_PARAM_CALLBACK_TYPE_PPI_FLAG_LOW_LEVEL} << 8) | (interrupt & 0xff);
}
static_assert(callback_irq_ppi(31) == 0x020000000000021f);

}  // namespace socle::abi
