// SPDX-License-Identifier: Apache-2.0

// The host command `socle plan`. Exit status: 0, 1 (refused, or different), 2 (wrong use, no tree).

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <sys/ioctl.h>
#include <unistd.h>

#include "plan/diff.h"
#include "plan/dtc.h"
#include "plan/html.h"
#include "plan/json.h"
#include "plan/options.h"
#include "plan/source.h"
#include "plan/svg.h"
#include "plan/text.h"
#include "plan/usage.h"

namespace socle::plan {
namespace {

constexpr int kGood = 0;
constexpr int kRefusedOrDifferent = 1;
constexpr int kWrongUse = 2;
constexpr std::size_t kLongestCommandLine = 4096;
// Memory is touched only as far as a tree needs it; at EL2 an arena of 2 MiB has to do.
constexpr std::size_t kArena = 64 * kMiB;

// Nobody may listen: that is no reason to end otherwise.
int complain(std::string_view message, int status) {
  (void)std::fputs(fmt::format("socle plan: error: {}\n", message).c_str(), stderr);
  return status;
}

int cannot_write(std::string_view name) {
  return complain(fmt::format("{}: {}", name, std::strerror(errno)), kWrongUse);
}

// A reader that has gone away (head, a pager) wants nothing more: no complaint.
int print(std::string_view text, int status) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if ((written && std::fflush(stdout) == 0) || errno == EPIPE) return status;
  return cannot_write("standard output");
}

// A tree or tables, the plan and what there is to tell about it.
struct Planned {
  explicit Planned(Source from)
      : source(std::move(from)),
        memory(std::make_unique_for_overwrite<std::byte[]>(kArena)),
        board(std::span(memory.get(), kArena)) {}

  void run(const std::string& name, const std::optional<std::string>& command_line) {
    BoardOptions options{.command_line = command_line};
    if (const auto& map = source.memory_map) {
      board.notes.info("memory map: {} ({})", std::string_view(printable(map->file)),
                       to_string(map->kind));
      if (!map->doubt.empty()) board.notes.info("{}", std::string_view(map->doubt));
      options.efi_memory = map->bytes();
    }
    auto* blob = std::get_if<Blob>(&source.description);
    const Result<> done = blob != nullptr
                              ? plan_tree(*blob, options)
                              : plan_tables(std::get<TableSet>(source.description), options);
    report = make_report(board, done, name);
  }

  Result<> plan_tree(Blob& blob, const BoardOptions& options) {
    if (options.efi_memory) return plan_board(board, blob.bytes(), options);
    Blob with_ram = blob;
    const auto given = give_ram(with_ram.whole());
    if (!given) return plan_board(board, blob.bytes(), options);
    board.notes.info("assumed: {} of RAM, as the boot loader fills in; the tree names no size",
                     *given);
    blob = std::move(with_ram);
    return plan_board(board, std::as_bytes(blob.whole()), options);
  }

  Result<> plan_tables(TableSet& tables, const BoardOptions& options) {
    return plan_acpi_board(board, tables.addresses(), tables, options);
  }

  Source source;
  std::unique_ptr<std::byte[]> memory;
  Board board;
  Report report;
};

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// As the terminal is, if it is one: narrower than usual, or without emphasis
// (https://no-color.org).
TextOptions text_options() {
  TextOptions options;
  if (isatty(STDOUT_FILENO) == 0) return options;
  const char* terminal = std::getenv("TERM");
  const bool is_dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  options.with_colour = !is_dumb && !is_set("NO_COLOR");
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0)
    options.width = std::clamp<std::size_t>(size.ws_col, kNarrowestText, kWidestText);
  return options;
}

std::string formatted(const Report& report, Format format) {
  switch (format) {
    case Format::kNone:
      return "";
    case Format::kText:
      return to_text(report, text_options());
    case Format::kJson:
      return to_json(report);
    case Format::kSvg:
      return to_svg(report);
    case Format::kHtml:
      return to_html(report);
  }
  return "";
}

int write_file(const std::string& name, std::string_view text) {
  std::FILE* file = std::fopen(name.c_str(), "wb");
  if (file == nullptr) return cannot_write(name);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) == 0 && written) return kGood;
  return cannot_write(name);
}

int write_tree(Planned& planned, const std::string& name) {
  if (planned.board.is_acpi())
    return complain("with ACPI dom0 gets tables, and a tree with nothing but pointers to them",
                    kRefusedOrDifferent);
  if (planned.board.plan == nullptr) return complain(planned.report.reason, kRefusedOrDifferent);
  if (!write_domain_tree(planned.board))
    return complain("dom0's tree cannot be written", kRefusedOrDifferent);
  const auto bytes = planned.board.domain_tree();
  const auto source = decompile_tree({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!source) return complain(source.error().message, kWrongUse);
  return name == "-" ? print(*source, kGood) : write_file(name, *source);
}

std::unique_ptr<Planned> run_other(const Arguments& arguments, Source source,
                                   const std::optional<std::string>& command_line) {
  auto other = std::make_unique<Planned>(std::move(source));
  other->run(arguments.diff, command_line);
  return other;
}

// The other side of --diff: a tree or tables, or another memory map or command line for the same. A
// machine without a memory map of its own has the first one's.
Outcome<std::unique_ptr<Planned>> load_other(const Arguments& arguments, const Source& first) {
  std::error_code ignored;
  if (std::filesystem::is_directory(arguments.diff, ignored)) {
    auto folder = load_source(arguments.diff);
    if (!folder) return std::unexpected(folder.error());
    if (!folder->memory_map) folder->memory_map = first.memory_map;
    return run_other(arguments, std::move(*folder), arguments.command_line);
  }
  auto contents = read_file(arguments.diff);
  if (!contents) return std::unexpected(contents.error());
  if (kind_of_map(*contents)) {
    auto map = memory_map_of(arguments.diff, *contents);
    if (!map) return std::unexpected(map.error());
    return run_other(arguments, {first.description, std::move(*map)}, arguments.command_line);
  }
  const bool is_text = contents->find('\0') == std::string::npos;
  if (kind_of(*contents) == Kind::kUnknown && is_text) {
    while (contents->ends_with('\n') || contents->ends_with('\r'))
      contents->pop_back();
    if (contents->size() > kLongestCommandLine || contents->find('\n') != std::string::npos)
      return std::unexpected(Failure{
          fmt::format("{}: no tree, no tables, no memory map, and a command line is one line",
                      arguments.diff)});
    return run_other(arguments, first, *contents);
  }
  auto source = source_of(arguments.diff, *contents);
  if (!source) return std::unexpected(source.error());
  source->memory_map = first.memory_map;
  return run_other(arguments, std::move(*source), arguments.command_line);
}

int show_differences(const Arguments& arguments, const Source& first, const Report& report) {
  const auto other = load_other(arguments, first);
  if (!other) return complain(other.error().message, kWrongUse);
  const std::string text = differences(report, (*other)->report);
  return print(text, text.empty() ? kGood : kRefusedOrDifferent);
}

int run(const Arguments& arguments) {
  auto source = load_source(arguments.file);
  if (!source) return complain(source.error().message, kWrongUse);
  if (!arguments.memory_map.empty()) {
    const auto contents = read_file(arguments.memory_map);
    if (!contents) return complain(contents.error().message, kWrongUse);
    auto map = memory_map_of(arguments.memory_map, *contents);
    if (!map) return complain(map.error().message, kWrongUse);
    source->memory_map = std::move(*map);
  }
  const Source untouched = *source;
  Planned planned(std::move(*source));
  planned.run(arguments.file, arguments.command_line);
  if (!arguments.diff.empty()) return show_differences(arguments, untouched, planned.report);
  if (!arguments.tree.empty())
    if (const int status = write_tree(planned, arguments.tree); status != kGood) return status;
  const int status = print(formatted(planned.report, arguments.format), kGood);
  if (status != kGood || planned.report.verdict == Verdict::kReady) return status;
  return complain(planned.report.reason, kRefusedOrDifferent);
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto arguments = parse_arguments(count, words);
  if (!arguments) {
    (void)complain(arguments.error(), kWrongUse);
    (void)std::fputs("Try: ./socle plan --help\n", stderr);
    return kWrongUse;
  }
  if (arguments->help) return print(kUsage, kGood);
  return run(*arguments);
}

}  // namespace socle::plan

int main(int count, char** words) {
  return socle::plan::main(count, words);
}
