// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report for people at a terminal: aligned columns, lines of at most 100 characters (a path that
// is too long loses its middle; notes are folded).

#include <string>

#include "plan/report.h"

namespace socle::plan {

struct TextOptions {
  bool with_colour = false;  // titles and the verdict
};
std::string to_text(const Report& report, const TextOptions& options = {});

// `text` in at most `width` (>= 8) characters: the middle gives way to "...".
std::string shortened(std::string_view text, std::size_t width);

}  // namespace socle::plan
