// SPDX-License-Identifier: Apache-2.0
#pragma once

// Diagnostics: what firmware got wrong and what was decided about it, as values, one line each, in
// the order found. Boot prints them to the log, `socle plan` shows them, tests read them. A
// function that fails with an Error has added an error line that names the node (or table) and the
// property first.
//
// At most kMaxLines are kept (a broken tree repeats itself); the rest is counted. When the arena is
// full, lines are counted only.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/format.h"
#include "base/log.h"
#include "base/result.h"
#include "fw/arena.h"

namespace socle::fw {

class Diagnostics {
 public:
  struct Line {
    LogLevel level;
    std::string_view text;
  };
  static constexpr std::size_t kMaxLines = 512;
  static constexpr std::size_t kMaxLength = kLogLineLength;

  explicit Diagnostics(Arena& arena) : arena_(&arena), lines_(arena) {}
  Diagnostics(const Diagnostics&) = delete;
  Diagnostics& operator=(const Diagnostics&) = delete;

  template <typename... Args>
  void warning(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
    add_formatted(LogLevel::kWarning, format.text(), {FormatArg(args)...});
  }
  template <typename... Args>
  void info(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
    add_formatted(LogLevel::kInfo, format.text(), {FormatArg(args)...});
  }
  // Adds an error line and returns the error to return: `return notes.error(Error::kCorrupt, ...)`.
  template <typename... Args>
  std::unexpected<Error> error(Error error, FormatString<std::type_identity_t<Args>...> format,
                               const Args&... args) {
    add_formatted(LogLevel::kError, format.text(), {FormatArg(args)...});
    return fail(error);
  }
  // The same for what may not matter: the line is a warning, the caller decides about the error.
  template <typename... Args>
  std::unexpected<Error> problem(Error error, FormatString<std::type_identity_t<Args>...> format,
                                 const Args&... args) {
    add_formatted(LogLevel::kWarning, format.text(), {FormatArg(args)...});
    return fail(error);
  }

  void add(LogLevel level, std::string_view text);

  [[nodiscard]] std::span<const Line> lines() const { return lines_.span(); }
  [[nodiscard]] std::size_t dropped() const { return dropped_; }
  // Is there a line that contains `part`? (tests)
  [[nodiscard]] bool mentions(std::string_view part) const;
  // Writes the lines from number `first` on to the log (log_write); returns the next `first`.
  std::size_t log(std::size_t first = 0) const;

 private:
  // One copy of the code for all kinds of arguments.
  void add_formatted(LogLevel level, std::string_view format,
                     std::initializer_list<FormatArg> args);

  Arena* arena_;
  ArenaVector<Line> lines_;
  std::size_t dropped_ = 0;
};

}  // namespace socle::fw
