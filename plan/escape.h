// SPDX-License-Identifier: Apache-2.0
#pragma once

// Text inside XML and HTML: elements' contents and quoted attributes. Strings of a report are
// printable ASCII already; this takes away the meaning of what is left.

#include <string>
#include <string_view>

namespace socle::plan {

std::string escaped(std::string_view text);

}  // namespace socle::plan
