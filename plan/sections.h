// SPDX-License-Identifier: Apache-2.0
#pragma once

// A report as titled tables: what the text and the page show, in the same words and order.

#include <string>
#include <vector>

#include "plan/report.h"

namespace socle::plan {

struct Column {
  std::string title;
  bool is_right_aligned = false;
};

// Facts first ("name: value"), then a table; either may be empty. The last column may be long.
struct Section {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

std::vector<Section> sections(const Report& report);

// One line: what becomes of the board.
std::string verdict_line(const Report& report);

// "[begin, end)" as two hexadecimal numbers of at least nine digits.
std::string begin_of(const PaRange& range);
std::string end_of(const PaRange& range);

}  // namespace socle::plan
