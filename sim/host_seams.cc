// SPDX-License-Identifier: Apache-2.0
#include "sim/host_seams.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "base/check.h"
#include "base/log.h"

namespace socle::sim {
namespace {

thread_local LogCapture* current_capture = nullptr;
std::atomic<LogLevel> printed_level{LogLevel::kWarning};

const char* prefix_of(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error: ";
    case LogLevel::kWarning:
      return "warning: ";
    case LogLevel::kInfo:
      return "";
    case LogLevel::kDebug:
      return "debug: ";
  }
  return "";
}

}  // namespace

LogCapture::LogCapture() : outer_(current_capture) {
  current_capture = this;
}

LogCapture::~LogCapture() {
  current_capture = outer_;
}

bool LogCapture::contains(std::string_view text) const {
  for (const Line& line : lines_) {
    if (line.text.find(text) != std::string::npos) return true;
  }
  return false;
}

void set_printed_log_level(LogLevel level) {
  printed_level.store(level, std::memory_order_relaxed);
}

void write_log_line(LogLevel level, std::string_view line) {
  if (current_capture != nullptr) {
    current_capture->lines_.push_back({level, std::string(line)});
  } else if (level <= printed_level.load(std::memory_order_relaxed)) {
    std::fprintf(stderr, "%s%.*s\n", prefix_of(level), static_cast<int>(line.size()), line.data());
  }
}

}  // namespace socle::sim

namespace socle {

void check_failed(const char* expression, SourcePlace where) {
  std::fprintf(stderr, "%s:%u: CHECK(%s) failed\n", where.file, where.line, expression);
  std::abort();
}

void log_write(LogLevel level, std::string_view line) {
  sim::write_log_line(level, line);
}

}  // namespace socle
