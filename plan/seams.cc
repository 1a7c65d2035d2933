// SPDX-License-Identifier: Apache-2.0

// What the libraries leave to each program: where log lines go, and how a broken invariant ends.

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"

namespace socle {

void log_write(LogLevel level, std::string_view line) {
  if (level <= LogLevel::kWarning)
    (void)std::fputs(fmt::format("socle plan: {}\n", line).c_str(), stderr);
}

[[noreturn]] void check_failed(const char* expression, SourcePlace where) {
  (void)std::fputs(
      fmt::format("socle plan: CHECK failed: {} ({}:{})\n", expression, where.file, where.line)
          .c_str(),
      stderr);
  std::abort();
}

}  // namespace socle
