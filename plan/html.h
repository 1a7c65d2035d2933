// SPDX-License-Identifier: Apache-2.0
#pragma once

// The picture and all tables as one page that needs nothing else: no network, no other file. Its
// policy (Content-Security-Policy) forbids the rest.

#include <string>

#include "plan/report.h"

namespace socle::plan {

std::string to_html(const Report& report);

}  // namespace socle::plan
