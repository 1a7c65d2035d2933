// SPDX-License-Identifier: Apache-2.0
#pragma once

// The picture as SVG: 1000 units wide, in two columns, for a screen and for A4 upright; owners
// differ in pattern and letter as well as in colour, so that black and white is enough.

#include <string>

#include "plan/report.h"

namespace socle::plan {

std::string to_svg(const Report& report);

}  // namespace socle::plan
