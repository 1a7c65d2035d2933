// SPDX-License-Identifier: Apache-2.0
// On the host the guest has no FP registers.
#include "guest/fp_context.h"

void socle_fp_load(const socle::guest::FpContext*) {}
void socle_fp_save(socle::guest::FpContext*) {}
