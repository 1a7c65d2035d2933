// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a host program provides where the hypervisor has el2/: the end of the road for a failed
// CHECK (a message and abort(), so that GoogleTest death tests and debuggers see it) and a sink for
// log lines (standard error, or a LogCapture of the running test).

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"

namespace socle::sim {

// While one exists, this thread's log lines are kept here instead of being printed. Captures nest;
// the innermost one receives.
class LogCapture {
 public:
  LogCapture();
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;

  struct Line {
    LogLevel level;
    std::string text;
  };
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
  // Whether some captured line contains `text`.
  [[nodiscard]] bool contains(std::string_view text) const;

 private:
  friend void write_log_line(LogLevel level, std::string_view line);

  LogCapture* outer_;
  std::vector<Line> lines_;
};

// Lines below this importance are not printed (they are always captured). Default: kWarning, so
// that a passing test is silent.
void set_printed_log_level(LogLevel level);

}  // namespace socle::sim
