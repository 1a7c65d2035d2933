// SPDX-License-Identifier: Apache-2.0
#pragma once

// FP and SIMD registers of this CPU to and from memory. Used by a switch of vCPUs and when a vCPU
// is reset, eagerly: with one vCPU per CPU there is nothing to be lazy about. fp_context.S; on the
// host there are no such registers.

#include "guest/system_context.h"

extern "C" {
void socle_fp_load(const socle::guest::FpContext* context);
void socle_fp_save(socle::guest::FpContext* context);
}

namespace socle::guest {

inline void load_fp_context(const FpContext& context) {
  socle_fp_load(&context);
}
inline void save_fp_context(FpContext& context) {
  socle_fp_save(&context);
}

}  // namespace socle::guest
