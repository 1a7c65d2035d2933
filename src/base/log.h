// SPDX-License-Identifier: Apache-2.0
#pragma once

// Log lines. log_info("cpu {} is up", cpu): one call, one line, no newline needed.
// Callable from anywhere at any time, with any lock held (the sink's own lock ranks last).
// Lines of more than kLogLineLength characters are cut and marked.
//
// Where lines go is decided at link time: el2/ writes the log ring and the console, host programs
// write standard error, tests may capture them (sim/).

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/format.h"

namespace socle {

// As in Xen's loglvl: a level shows itself and all lower numbers.
enum class LogLevel : std::uint8_t { kError = 0, kWarning = 1, kInfo = 2, kDebug = 3 };

inline constexpr std::size_t kLogLineLength = 240;

// The seam: one whole line without newline. Defined by el2/ or the host program.
void log_write(LogLevel level, std::string_view line);

template <typename... Args>
void log_line(LogLevel level, FormatString<std::type_identity_t<Args>...> format,
              const Args&... args) {
  Text<kLogLineLength> line(format, args...);
  line.mark_if_cut();
  log_write(level, line.view());
}
template <typename... Args>
void log_error(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  log_line<Args...>(LogLevel::kError, format, args...);
}
template <typename... Args>
void log_warning(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  log_line<Args...>(LogLevel::kWarning, format, args...);
}
template <typename... Args>
void log_info(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  log_line<Args...>(LogLevel::kInfo, format, args...);
}
template <typename... Args>
void log_debug(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  log_line<Args...>(LogLevel::kDebug, format, args...);
}

}  // namespace socle
