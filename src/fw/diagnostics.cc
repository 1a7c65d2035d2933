// SPDX-License-Identifier: Apache-2.0
#include "fw/diagnostics.h"

#include <algorithm>
#include <array>

namespace socle::fw {
namespace {

// The last ones are for errors: who refuses says why, whatever was said before.
constexpr std::size_t kForErrors = 8;

bool has_room(std::size_t lines, LogLevel level) {
  constexpr std::size_t kMost = Diagnostics::kMaxLines;
  return lines < (level == LogLevel::kError ? kMost : kMost - kForErrors);
}

}  // namespace

void Diagnostics::add(LogLevel level, std::string_view text) {
  if (has_room(lines_.size(), level)) {
    const auto kept = arena_->copy(text);
    if (kept && lines_.push_back({level, *kept})) return;
  }
  ++dropped_;
}

void Diagnostics::add_formatted(LogLevel level, std::string_view format,
                                std::initializer_list<FormatArg> args) {
  // A broken table repeats itself millions of times.
  if (!has_room(lines_.size(), level)) {
    ++dropped_;
    return;
  }
  std::array<char, kMaxLength> line;
  const std::size_t wanted = format_args(line, format, {args.begin(), args.size()});
  add(level, std::string_view(line.data(), std::min(wanted, line.size())));
}

bool Diagnostics::mentions(std::string_view part) const {
  for (const Line& line : lines_)
    if (line.text.find(part) != std::string_view::npos) return true;
  return false;
}

std::size_t Diagnostics::log(std::size_t first) const {
  for (std::size_t i = first; i < lines_.size(); ++i)
    log_write(lines_[i].level, lines_[i].text);
  return lines_.size();
}

}  // namespace socle::fw
