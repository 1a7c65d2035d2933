// SPDX-License-Identifier: Apache-2.0
#pragma once

// What plan.h promises, asked page by page of the tree itself: with libfdt and with sets, not with
// the planner's own lists. plan_check.h asks the same of the platform; a fault that both the reader
// and the planner have is seen here only.

#include <string>
#include <vector>

#include "test/support/plan_whole.h"

namespace socle::test {

// One line for each promise that does not hold. Only with a plan and dom0's tree.
std::vector<std::string> broken_promises(const Whole& whole);

}  // namespace socle::test
