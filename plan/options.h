// SPDX-License-Identifier: Apache-2.0
#pragma once

// The command line of `socle plan`.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace socle::plan {

enum class Format : std::uint8_t { kNone, kText, kJson, kSvg, kHtml };

struct Arguments {
  std::string file;
  std::optional<std::string> command_line;
  Format format = Format::kText;
  std::string memory_map;  // a file; empty: none
  std::string tree;        // where dom0's tree goes; empty: nowhere
  std::string diff;        // the other board; empty: none
  bool check_only = false;
  bool help = false;
};

// An error is one line about wrong use.
std::expected<Arguments, std::string> parse_arguments(int count, const char* const* words);

}  // namespace socle::plan
