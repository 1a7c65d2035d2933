// SPDX-License-Identifier: Apache-2.0
#include "plan/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <utility>

namespace socle::plan {

namespace {

struct Flags {
  std::array<bool, 4> formats{};
  static constexpr std::array<std::pair<const char*, Format>, 4> kNames = {
      {{"--text", Format::kText},
       {"--json", Format::kJson},
       {"--svg", Format::kSvg},
       {"--html", Format::kHtml}}};
};

void choose_format(const Flags& flags, Arguments& out) {
  if (!out.tree.empty() || !out.diff.empty() || out.check_only) out.format = Format::kNone;
  for (std::size_t i = 0; i < flags.formats.size(); ++i)
    if (flags.formats[i]) out.format = Flags::kNames[i].second;
}

}  // namespace

std::expected<Arguments, std::string> parse_arguments(int count, const char* const* words) {
  Arguments out;
  Flags flags;
  CLI::App app;
  app.set_help_flag();
  app.add_flag("-h,--help", out.help);
  app.add_option("FILE", out.file);
  auto* command_line = app.add_option("--cmdline", out.command_line);
  command_line->expected(1);
  app.add_option("--memory-map", out.memory_map);
  auto* modes = app.add_option_group("modes");
  modes->require_option(0, 1);
  for (std::size_t i = 0; i < flags.formats.size(); ++i)
    modes->add_flag(Flags::kNames[i].first, flags.formats[i]);
  modes->add_option("--diff", out.diff);
  modes->add_flag("--check", out.check_only);
  auto* tree = app.add_option("--tree", out.tree);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (out.help) return out;
    const std::string text = error.what();
    return std::unexpected(text.substr(0, text.find('\n')));
  }
  if (out.help) return out;
  if (out.file.empty()) return std::unexpected("FILE is missing");
  if (tree->count() != 0 && (!out.diff.empty() || out.check_only))
    return std::unexpected("--tree goes with none of --diff and --check");
  if (std::ranges::count(std::array{out.file, out.diff, out.memory_map}, "-") > 1)
    return std::unexpected("standard input ('-') can be read once only");
  choose_format(flags, out);
  return out;
}

}  // namespace socle::plan
