// SPDX-License-Identifier: Apache-2.0
#include "plan/report.h"

#include <fmt/format.h>

#include "base/log.h"
#include "plan/report_parts.h"
#include "platform/requirements.h"

namespace socle::plan {

namespace {

const char* level_name(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "";
}

std::vector<Note> read_notes(const fw::Diagnostics& notes) {
  std::vector<Note> out;
  for (const auto& line : notes.lines())
    out.push_back({level_name(line.level), printable(line.text)});
  if (notes.dropped() != 0)
    out.push_back({"warning", fmt::format("{} more lines were dropped", notes.dropped())});
  return out;
}

// The last error is the one that ended it; those before it led there.
std::string refusal(const fw::Diagnostics& notes, Error error) {
  std::string reason;
  for (const auto& line : notes.lines())
    if (line.level == LogLevel::kError) reason = printable(line.text);
  return reason.empty() ? fmt::format("too much for Socle ({})", to_string(error)) : reason;
}

}  // namespace

std::string path_of(const Board& board, fw::dt::NodeId id) {
  return id == fw::dt::kNoNode ? std::string() : printable(board.tree->node(id).path().view());
}

std::string place_of(const Board& board, fw::dt::NodeId id, std::string_view name) {
  return id == fw::dt::kNoNode ? printable(name) : path_of(board, id);
}

const char* trigger_name(platform::Trigger trigger) {
  switch (trigger) {
    case platform::Trigger::kUnknown:
      return "";
    case platform::Trigger::kEdgeRising:
      return "rising edge";
    case platform::Trigger::kEdgeFalling:
      return "falling edge";
    case platform::Trigger::kLevelHigh:
      return "level high";
    case platform::Trigger::kLevelLow:
      return "level low";
  }
  return "";
}

Report make_report(const Board& board, const Result<>& done, std::string_view source) {
  Report report;
  report.source = printable(source);
  report.command_line = printable(board.command_line);
  report.ipa_bits = board.input.ipa_bits;
  if (board.platform != nullptr) report.platform = read_platform_facts(board);
  if (board.plan != nullptr) report.domain = read_domain_facts(board);
  report.notes = read_notes(board.notes);
  if (!done) {
    report.reason = refusal(board.notes, done.error());
  } else if (const auto missing = platform::find_missing(*board.platform); missing) {
    report.verdict = board.plan != nullptr ? Verdict::kPlanned : Verdict::kRefused;
    report.reason = missing->text;
  } else if (board.plan == nullptr) {
    report.verdict = Verdict::kDescribed;
    report.reason = "the tables do not tell what is RAM; --memory-map does (/proc/iomem, as root)";
  } else {
    report.verdict = Verdict::kReady;
  }
  return report;
}

}  // namespace socle::plan
