// SPDX-License-Identifier: Apache-2.0
#include "plan/text.h"

#include <algorithm>
#include <fmt/format.h>

#include "plan/sections.h"

namespace socle::plan {

namespace {

constexpr std::size_t kIndent = 2;
// After a number one blank is enough.
constexpr std::size_t gap_after(const Column& column) {
  return column.is_right_aligned ? 1 : 2;
}
// Columns but the last are not wider than this, so that something is left for the last.
constexpr std::size_t kWidestColumn = 40;
constexpr std::size_t kNarrowestLast = 10;

class Writer {
 public:
  explicit Writer(const TextOptions& options) : options_(options) {}

  void title(std::string_view text) { line(emphasised(text)); }

  void line(std::string_view text) {
    const std::size_t end = text.find_last_not_of(' ');
    out_.append(text.substr(0, end == std::string_view::npos ? 0 : end + 1)).push_back('\n');
  }

  // In pieces that fit; all but the first are moved in by `hang`.
  void folded(const std::string& head, std::string_view text) {
    const std::size_t room = options_.width - head.size();
    std::string lead = head;
    while (text.size() > room) {
      const std::size_t blank = text.rfind(' ', room);
      const std::size_t cut = blank == std::string_view::npos || blank == 0 ? room : blank;
      line(lead + std::string(text.substr(0, cut)));
      text.remove_prefix(cut);
      text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
      lead.assign(head.size(), ' ');
    }
    line(lead + std::string(text));
  }

  [[nodiscard]] std::string emphasised(std::string_view text) const {
    return options_.with_colour ? fmt::format("\x1b[1m{}\x1b[0m", text) : std::string(text);
  }

  [[nodiscard]] std::size_t width() const { return options_.width; }
  std::string take() { return std::move(out_); }

 private:
  TextOptions options_;
  std::string out_;
};

std::vector<std::size_t> widths_of(const Section& section, std::size_t most) {
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < section.columns.size(); ++column) {
    std::size_t width = section.columns[column].title.size();
    for (const auto& row : section.rows)
      width = std::max(width, row[column].size());
    widths.push_back(std::min(width, kWidestColumn * most / kWidestText));
  }
  std::size_t used = kIndent;
  for (std::size_t column = 0; column + 1 < widths.size(); ++column)
    used += widths[column] + gap_after(section.columns[column]);
  widths.back() = most - std::min(used, most - kNarrowestLast);
  return widths;
}

void write_table(Writer& writer, const Section& section) {
  const std::vector<std::size_t> widths = widths_of(section, writer.width());
  const auto write = [&](const auto& cell_text) {
    std::string line(kIndent, ' ');
    for (std::size_t column = 0; column < widths.size(); ++column) {
      const std::string text = shortened(cell_text(column), widths[column]);
      if (column + 1 == widths.size())
        line += text;
      else if (section.columns[column].is_right_aligned)
        line += fmt::format("{:>{}} ", text, widths[column]);
      else
        line += fmt::format("{:<{}}  ", text, widths[column]);
    }
    writer.line(line);
  };
  write([&](std::size_t column) -> const std::string& { return section.columns[column].title; });
  for (const auto& row : section.rows)
    write([&](std::size_t column) -> const std::string& { return row[column]; });
}

// Notes are sentences: folded, not cut.
void write_notes(Writer& writer, const Report& report) {
  for (const Note& note : report.notes)
    writer.folded(fmt::format("{:{}}{:<9}", "", kIndent, note.level), note.text);
}

void write_section(Writer& writer, const Section& section) {
  constexpr std::size_t kFactWidth = 17;
  for (const auto& [name, value] : section.facts)
    writer.folded(fmt::format("{:{}}{:<{}}", "", kIndent, name, kFactWidth), value);
  if (section.columns.empty()) return;
  if (section.rows.empty())
    writer.line("  none");
  else
    write_table(writer, section);
}

}  // namespace

std::string shortened(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string(text);
  const std::size_t head = (width - 3) / 3;
  const std::size_t tail = width - 3 - head;
  return fmt::format("{}...{}", text.substr(0, head), text.substr(text.size() - tail));
}

std::string to_text(const Report& report, const TextOptions& options) {
  Writer writer(options);
  writer.title(report.source);
  writer.folded("  ", verdict_line(report));
  for (const Section& section : sections(report)) {
    writer.line("");
    writer.title(section.title);
    if (section.title == "Notes" && !report.notes.empty())
      write_notes(writer, report);
    else
      write_section(writer, section);
  }
  return writer.take();
}

}  // namespace socle::plan
