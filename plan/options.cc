// SPDX-License-Identifier: Apache-2.0
#include "plan/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <fmt/format.h>
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

std::string words_of(const CLI::ParseError& error) {
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr)
    return text.substr(0, text.find('\n'));
  return fmt::format("{}: its value is missing, or it is given twice",
                     text.substr(0, text.find(':')));
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
  for (std::size_t i = 0; i < flags.formats.size(); ++i)
    app.add_flag(Flags::kNames[i].first, flags.formats[i]);
  app.add_option("--diff", out.diff);
  app.add_flag("--check", out.check_only);
  auto* tree = app.add_option("--tree", out.tree);
  app.allow_extras();
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    if (out.help) return out;
    return std::unexpected(words_of(error));
  }
  if (out.help) return out;
  for (const std::string& word : app.remaining())
    if (word != "--")
      return std::unexpected(word.size() > 1 && word.starts_with('-')
                                 ? fmt::format("no such option: {}", word)
                                 : fmt::format("one FILE only, not '{}', too", word));
  for (const CLI::Option* option : app.get_options())
    if (option->count() != 0 && option->results().back().empty() && option != command_line)
      return std::unexpected(fmt::format("{}: an empty name", option->get_name()));
  if (out.file.empty()) return std::unexpected("FILE is missing");
  if (std::ranges::count(flags.formats, true) + (out.diff.empty() ? 0 : 1) +
          (out.check_only ? 1 : 0) >
      1)
    return std::unexpected("only one of --text, --json, --svg, --html, --diff and --check");
  if (tree->count() != 0 && (!out.diff.empty() || out.check_only))
    return std::unexpected("--tree goes with none of --diff and --check");
  if (std::ranges::count(std::array{out.file, out.diff, out.memory_map}, "-") > 1)
    return std::unexpected("standard input ('-') can be read once only");
  choose_format(flags, out);
  return out;
}

}  // namespace socle::plan
