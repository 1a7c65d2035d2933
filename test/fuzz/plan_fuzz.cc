// SPDX-License-Identifier: Apache-2.0

// libFuzzer target: any bytes as a device tree, through `socle plan` to all its outputs. Nothing
// may crash, stall or grow without bound; what is printed is printable; the JSON can be read; a
// plan does not differ from itself. Seeds are real trees; tree_mutator.cc changes them.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "plan/diff.h"
#include "plan/html.h"
#include "plan/json.h"
#include "plan/svg.h"
#include "plan/text.h"

namespace {

using socle::plan::Board;
using socle::plan::Report;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "plan_fuzz: %s\n", what);
  std::abort();
}

bool is_printable(const std::string& text) {
  for (const char c : text)
    if (c != '\n' && (c < ' ' || c > '~')) return false;
  return true;
}

void check_outputs(const Report& report) {
  // Of what a tree of 300 KB can say.
  constexpr std::size_t kMostBytes = 64 * socle::kMiB;
  for (const std::string& text : {to_text(report), to_svg(report), to_html(report)}) {
    expect(is_printable(text), "an output has control bytes");
    expect(text.size() < kMostBytes, "an output is too long");
  }
  expect(!nlohmann::json::parse(to_json(report), nullptr, false).is_discarded(), "no JSON");
  expect(differences(report, report).empty(), "a plan differs from itself");
}

}  // namespace

// NOLINTBEGIN(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::vector<std::byte> memory(4 * socle::kMiB);
  std::vector<std::uint64_t> words((size + socle::plan::kRoomForRam) / 8 + 8);
  std::memcpy(words.data(), data, size);
  (void)socle::plan::give_ram(std::as_writable_bytes(std::span(words)));
  Board board(memory);
  const auto done = plan_board(board, std::as_bytes(std::span(words)), {});
  const Report report = make_report(board, done, "fuzz");
  expect(report.verdict == socle::plan::Verdict::kReady || !report.reason.empty(), "no reason");
  check_outputs(report);
  return 0;
}
// NOLINTEND(readability-identifier-naming)
