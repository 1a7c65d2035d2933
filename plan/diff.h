// SPDX-License-Identifier: Apache-2.0
#pragma once

// What differs between two plans, as lines: "-" only in the first, "+" only in the second, "~" in
// both, but otherwise. Empty if nothing does. Mappings are compared by address, however they are
// cut: a range that one plan maps in two pieces is no difference.

#include <string>

#include "plan/report.h"

namespace socle::plan {

std::string differences(const Report& before, const Report& after);

}  // namespace socle::plan
