// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report for programs. docs/design/plan.md describes the schema; kJsonVersion grows when a field
// changes its meaning or goes away, not when one is added.

#include <string>

#include "plan/report.h"

namespace socle::plan {

inline constexpr int kJsonVersion = 1;

std::string to_json(const Report& report);

}  // namespace socle::plan
