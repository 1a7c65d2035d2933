// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report for people at a terminal: aligned columns, lines of at most so many characters (a path
// that is too long loses its middle; notes are folded).

#include <cstddef>
#include <string>
#include <string_view>

#include "plan/report.h"

namespace socle::plan {

inline constexpr std::size_t kNarrowestText = 80;
inline constexpr std::size_t kWidestText = 100;

struct TextOptions {
  bool with_colour = false;         // titles
  std::size_t width = kWidestText;  // kNarrowestText or more
};
std::string to_text(const Report& report, const TextOptions& options = {});

// `text` in at most `width` (>= 8) characters: the middle gives way to "...".
std::string shortened(std::string_view text, std::size_t width);

}  // namespace socle::plan
