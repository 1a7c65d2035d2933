// SPDX-License-Identifier: Apache-2.0

// Plans every tree it is given and checks the invariants of each plan and of each domain's tree
// (hwdom/plan_check.h, and again, in other words, properties.h).
//   socle_plan_boards [-v] [--cmdline TEXT] [--tree OUT.dtb] [--every N] [--seeds FOLDER]
//     [--golden FOLDER [--update]] [--generated N] TREE...
// TREE is a file, or a folder with .dtb files in it (--every N: every Nth of them). --tree writes
// the domain's tree, --seeds the trees as they were planned (for the fuzzer). Trees of kernel
// packages name RAM of size zero, for the boot loader to fill in: such trees are filled in as a
// boot loader would do (1 GiB where the memory node stands). --generated: the machines with seeds
// below N (generate.h). Exits 1 if any plan is wrong. A
// refusal is no failure, but it is counted and shown.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <libfdt.h>
#include <map>
#include <string>

#include "plan/report.h"
#include "plan/text.h"

#include "test/boards/generate.h"
#include "test/boards/properties.h"
#include "test/support/plan_whole.h"

namespace {

using socle::test::Whole;

std::vector<std::uint64_t> read_file(const std::filesystem::path& path, std::size_t& size) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  size = bytes.size();
  std::vector<std::uint64_t> aligned((size + socle::plan::kRoomForRam) / 8 + 16);
  std::memcpy(aligned.data(), bytes.data(), size);
  return aligned;
}

struct Totals {
  unsigned planned = 0;
  unsigned refused = 0;
  unsigned wrong = 0;
  std::size_t largest_arena = 0;
  double slowest = 0;
  std::string slowest_name;
  std::map<std::string, unsigned> refusals;
};

struct Choices {
  std::string command_line;
  std::string write_to;
  std::filesystem::path seeds;
  std::filesystem::path golden;
  bool update = false;
  std::size_t every = 1;
  bool verbose = false;
};

// What `socle plan` says of it: what golden files hold and -v shows.
std::string plan_text(const Whole& whole, const std::filesystem::path& path) {
  const socle::Result<> done =
      whole.plan != nullptr ? socle::Result<>() : socle::fail(socle::Error::kUnsupported);
  return to_text(make_report(whole, done, path.filename().string()));
}

void write_file(const std::filesystem::path& path, const void* bytes, std::size_t size) {
  std::ofstream out(path, std::ios::binary);
  out.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
}

// Against the golden plan of that board: a change of plan must be meant.
void compare(const std::string& text, const std::filesystem::path& golden, const Choices& choices,
             Totals& totals) {
  if (choices.update) return write_file(golden, text.data(), text.size());
  std::ifstream file(golden, std::ios::binary);
  const std::string expected((std::istreambuf_iterator<char>(file)),
                             std::istreambuf_iterator<char>());
  if (expected == text) return;
  ++totals.wrong;
  const auto differs = std::ranges::mismatch(expected, text);
  const auto begin = static_cast<std::size_t>(differs.in2 - text.begin());
  const std::size_t from = text.rfind('\n', begin) + 1;
  std::printf("%s: another plan, from here on:\n%s\n", golden.c_str(),
              text.substr(from, text.find('\n', begin) - from).c_str());
}

void plan_tree(const std::filesystem::path& path, std::span<const std::byte> bytes,
               const Choices& choices, Totals& totals) {
  static std::vector<std::byte> memory(8 * socle::kMiB);
  Whole whole(memory);
  const auto start = std::chrono::steady_clock::now();
  const auto verdict =
      socle::test::plan_whole(whole, bytes, {.command_line = choices.command_line});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  if (took.count() > totals.slowest) {
    totals.slowest = took.count();
    totals.slowest_name = path.filename();
  }
  totals.largest_arena = std::max(totals.largest_arena, whole.arena_used);
  const char* words[] = {"planned", "refused", "WRONG"};
  if (verdict == Whole::Verdict::kPlanned) {
    ++totals.planned;
    for (const std::string& promise : socle::test::broken_promises(whole)) {
      ++totals.wrong;
      std::printf("%s: BROKEN %s\n", path.c_str(), promise.c_str());
    }
  }
  if (verdict == Whole::Verdict::kRefused) ++totals.refused;
  if (verdict == Whole::Verdict::kWrong) ++totals.wrong;
  std::string reason;
  for (const auto& line : whole.notes.lines())
    if (line.level == socle::LogLevel::kError) reason = line.text;
  if (verdict != Whole::Verdict::kPlanned) ++totals.refusals[reason];
  if (choices.verbose || verdict != Whole::Verdict::kPlanned)
    std::printf("%s: %s %s\n", path.c_str(), words[static_cast<int>(verdict)], reason.c_str());
  if (choices.verbose) {
    std::printf("%s", plan_text(whole, path).c_str());
  }
  if (!choices.write_to.empty() && verdict == Whole::Verdict::kPlanned) {
    write_file(choices.write_to, whole.written.data(), whole.written_size);
  }
  if (!choices.golden.empty())
    compare(plan_text(whole, path), choices.golden / (path.stem().string() + ".plan"), choices,
            totals);
}

void plan_file(const std::filesystem::path& path, const Choices& choices, Totals& totals) {
  std::size_t size = 0;
  std::vector<std::uint64_t> file = read_file(path, size);
  (void)socle::plan::give_ram(std::as_writable_bytes(std::span(file)));
  plan_tree(path, std::as_bytes(std::span(file)), choices, totals);
  if (!choices.seeds.empty()) {
    fdt_pack(file.data());
    write_file(choices.seeds / path.filename(), file.data(), fdt_totalsize(file.data()));
  }
}

void plan_generated(unsigned count, Choices choices, Totals& totals) {
  for (unsigned seed = 0; seed < count; ++seed) {
    socle::test::GeneratedMachine machine;
    generate_machine(seed, machine);
    choices.command_line = machine.command_line;
    plan_tree("generated-" + std::to_string(seed), machine.tree.blob(), choices, totals);
  }
}

void plan_all(const std::filesystem::path& path, const Choices& choices, Totals& totals) {
  if (!std::filesystem::is_directory(path)) return plan_file(path, choices, totals);
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.path().extension() == ".dtb") files.push_back(entry.path());
  std::ranges::sort(files);
  for (std::size_t i = 0; i < files.size(); i += choices.every)
    plan_file(files[i], choices, totals);
}

}  // namespace

int main(int argc, char** argv) {
  Choices choices;
  Totals totals;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "-v")
      choices.verbose = true;
    else if (argument == "--cmdline" && i + 1 < argc)
      choices.command_line = argv[++i];
    else if (argument == "--tree" && i + 1 < argc)
      choices.write_to = argv[++i];
    else if (argument == "--every" && i + 1 < argc)
      choices.every = std::max(1ul, std::strtoul(argv[++i], nullptr, 10));
    else if (argument == "--golden" && i + 1 < argc)
      choices.golden = argv[++i];
    else if (argument == "--generated" && i + 1 < argc)
      plan_generated(static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10)), choices, totals);
    else if (argument == "--update")
      choices.update = true;
    else if (argument == "--seeds" && i + 1 < argc)
      std::filesystem::create_directories(choices.seeds = argv[++i]);
    else
      plan_all(argument, choices, totals);
  }
  std::printf("%u planned, %u refused, %u wrong; slowest %.3f s (%s); largest arena %zu KiB\n",
              totals.planned, totals.refused, totals.wrong, totals.slowest,
              totals.slowest_name.c_str(), totals.largest_arena / 1024);
  for (const auto& [reason, count] : totals.refusals)
    std::printf("  %4u  %s\n", count, reason.c_str());
  return totals.wrong == 0 && totals.planned + totals.refused != 0 ? 0 : 1;
}
