// SPDX-License-Identifier: Apache-2.0
#pragma once

// Proof-reading a plan: the invariants of plan.h, said again in other words and checked against the
// platform. For tests, the fuzzer and `socle plan --check`; it costs O(n log n).

#include "hwdom/plan.h"

namespace socle::hwdom {

// True if every invariant holds. Otherwise one error line in `notes` for each that does not.
Result<bool> proofread(const PlanInput& input, const DomainPlan& plan, fw::Arena& arena,
                       fw::Diagnostics& notes);

}  // namespace socle::hwdom
