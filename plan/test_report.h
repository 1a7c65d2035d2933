// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report of a small machine, for tests of what is made from reports.

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "plan/report.h"

#include "test/support/virt_machine.h"

namespace socle::plan {

inline Report report_of(std::span<const std::byte> tree,
                        std::optional<std::string_view> command_line = std::nullopt) {
  std::vector<std::uint64_t> blob((tree.size() + 7) / 8);
  if (!tree.empty()) std::memcpy(blob.data(), tree.data(), tree.size());
  std::vector<std::byte> memory(kMiB);
  Board board(memory);
  const Result<> done = plan_board(board, std::as_bytes(std::span(blob)).first(tree.size()),
                                   {.command_line = command_line});
  return make_report(board, done, "test.dtb");
}

inline Report report_of(const test::VirtMachine& machine,
                        std::optional<std::string_view> command_line = std::nullopt) {
  test::TreeBuilder builder;
  machine.write(builder);
  return report_of(builder.blob(), command_line);
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

}  // namespace socle::plan
