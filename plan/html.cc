// SPDX-License-Identifier: Apache-2.0
#include "plan/html.h"

#include <fmt/format.h>

#include "plan/escape.h"
#include "plan/sections.h"
#include "plan/svg.h"

namespace socle::plan {

namespace {

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1100px; padding: 0 1rem; color: #111 }
h1 { font-size: 1.4rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem }
svg { max-width: 100%; height: auto; border: 1px solid #ccc }
.search { position: sticky; top: 0; background: #fff; padding: .5rem 0 } input { font: inherit; width: 24rem; max-width: 100% }
table { border-collapse: collapse; font: 12px/1.4 ui-monospace, monospace } td, th { padding: .1rem .8rem .1rem 0; text-align: left; vertical-align: top }
th { border-bottom: 1px solid #888 } .r { text-align: right } td:last-child { overflow-wrap: anywhere }
dl div { display: flex; gap: 1rem } dl div[hidden] { display: none } dt { color: #555; flex: 0 0 9rem } dd { margin: 0 }
@media print { .search { display: none } }
</style>
)";

// Rows whose text has every word stay, and the sections that have any. A number is found in the
// ranges that it lies in, too.
constexpr const char* kScript = R"(<script>
"use strict";
function lies_in(row, word) {
  const head = row.closest("table")?.tHead?.rows[0].cells;
  if (!head || head[0].textContent !== "begin" || !/^(0x)?[0-9a-f]{4,16}$/.test(word)) return false;
  const [at, begin, end] = [word.replace("0x", ""), row.cells[0].textContent, row.cells[1].textContent]
    .map(function (digits) { return BigInt("0x" + digits); });
  return begin <= at && at < end;
}
document.getElementById("search").addEventListener("input", function () {
  const words = this.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of document.querySelectorAll("section")) {
    let here = 0;
    for (const row of section.querySelectorAll("tbody tr, dl div")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) { return text.includes(word) || lies_in(row, word); });
      if (!row.hidden) ++here;
    }
    section.hidden = words.length !== 0 && here === 0;
    found += here;
  }
  document.getElementById("found").textContent = words.length === 0 ? "" : found + " found";
});
</script>
)";

std::string facts(const Section& section) {
  if (section.facts.empty()) return "";
  std::string out = "<dl>\n";
  for (const auto& [name, value] : section.facts)
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escaped(name), escaped(value));
  return out + "</dl>\n";
}

std::string row_of(const Section& section, const std::vector<std::string>& cells) {
  std::string out = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i)
    out += fmt::format("<td{}>{}</td>", section.columns[i].is_right_aligned ? " class=\"r\"" : "",
                       escaped(cells[i]));
  return out + "</tr>\n";
}

std::string table(const Section& section) {
  if (section.columns.empty()) return "";
  if (section.rows.empty()) return "<p>none</p>\n";
  std::string out = "<table>\n<thead><tr>";
  for (const Column& column : section.columns)
    out += fmt::format("<th{}>{}</th>", column.is_right_aligned ? " class=\"r\"" : "",
                       escaped(column.title));
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : section.rows)
    out += row_of(section, row);
  return out + "</tbody>\n</table>\n";
}

}  // namespace

std::string to_html(const Report& report) {
  const std::string name = escaped(report.source);
  std::string out = kHead;
  out +=
      fmt::format("<title>{0}: Socle's plan</title>\n</head>\n<body>\n<h1>{0}</h1>\n<p>{1}</p>\n",
                  name, escaped(verdict_line(report)));
  out += to_svg(report);
  out +=
      "<p class=\"search\"><input id=\"search\" type=\"search\" aria-label=\"Search the tables\" "
      "placeholder=\"Search the tables: uart, DMA, 0x9000018...\"> <output id=\"found\" "
      "for=\"search\"></output></p>\n";
  for (const Section& section : sections(report))
    out += fmt::format("<section>\n<h2>{}</h2>\n{}{}</section>\n", escaped(section.title),
                       facts(section), table(section));
  return out + kScript + "</body>\n</html>\n";
}

}  // namespace socle::plan
