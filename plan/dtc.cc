// SPDX-License-Identifier: Apache-2.0
#include "plan/dtc.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace socle::plan {

namespace {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(); }

  void open(int number) {
    close();
    number_ = number;
  }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool is_open() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

struct Pipe {
  Descriptor from;
  Descriptor to;
  bool make() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    from.open(ends[0]);
    to.open(ends[1]);
    return true;
  }
};

struct Pipes {
  Pipe input;
  Pipe output;
  Pipe errors;
  bool make() { return input.make() && output.make() && errors.make(); }
};

struct Spoken {
  std::string output;
  std::string errors;
};

// Reads what is there; closes at the end.
void read_some(Descriptor& from, std::string& into) {
  std::array<char, 65536> piece;
  const ssize_t got = read(from.number(), piece.data(), piece.size());
  if (got > 0)
    into.append(piece.data(), static_cast<std::size_t>(got));
  else if (got == 0 || errno != EINTR)
    from.close();
}

// Writes what goes in; closes when all is written or nobody reads.
void write_some(Descriptor& to, std::string_view& text) {
  const ssize_t sent = write(to.number(), text.data(), text.size());
  if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
  if (text.empty() || (sent < 0 && errno != EAGAIN && errno != EINTR)) to.close();
}

using Clock = std::chrono::steady_clock;
// dtc is quadratic in the number of a node's children: a tree made for it would keep it for hours.
constexpr std::chrono::seconds kPatience(20);

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
}

// Both directions at once: neither side waits for the other with a full pipe. Nothing if dtc takes
// too long.
std::optional<Spoken> talk(Pipes& pipes, std::string_view text) {
  Spoken spoken;
  const Clock::time_point end = Clock::now() + kPatience;
  (void)fcntl(pipes.input.to.number(), F_SETFL, O_NONBLOCK);
  while (pipes.output.from.is_open() || pipes.errors.from.is_open()) {
    std::array<pollfd, 3> waiting = {{{pipes.output.from.number(), POLLIN, 0},
                                      {pipes.errors.from.number(), POLLIN, 0},
                                      {pipes.input.to.number(), POLLOUT, 0}}};
    const int ready = poll(waiting.data(), waiting.size(), milliseconds_until(end));
    if (ready == 0) return std::nullopt;
    if (ready < 0) {
      if (errno == EINTR) continue;
      return std::nullopt;
    }
    if (waiting[0].revents != 0) read_some(pipes.output.from, spoken.output);
    if (waiting[1].revents != 0) read_some(pipes.errors.from, spoken.errors);
    if (waiting[2].revents != 0) write_some(pipes.input.to, text);
  }
  return spoken;
}

// Starts dtc with the pipes' other ends; 0, or an error number.
int start(Pipes& pipes, std::vector<std::string> words, pid_t& child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes.input.from.number(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes.output.to.number(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes.errors.to.number(), STDERR_FILENO);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int error = posix_spawnp(&child, "dtc", &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  pipes.input.from.close();
  pipes.output.to.close();
  pipes.errors.to.close();
  return error;
}

Outcome<std::string> run_dtc(const std::vector<std::string>& words, std::string_view text) {
  Pipes pipes;
  pid_t child = 0;
  if (!pipes.make()) return std::unexpected(Failure{std::strerror(errno)});
  if (const int error = start(pipes, words, child); error != 0)
    return std::unexpected(Failure{
        error == ENOENT ? "dtc is needed for this (package device-tree-compiler), and is not there"
                        : fmt::format("dtc cannot be started: {}", std::strerror(error))});
  std::optional<Spoken> spoken = talk(pipes, text);
  pipes.input.to.close();
  if (!spoken) (void)kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!spoken)
    return std::unexpected(
        Failure{fmt::format("dtc did not end within {} seconds", kPatience.count())});
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    while (spoken->errors.ends_with('\n'))
      spoken->errors.pop_back();
    return std::unexpected(Failure{fmt::format("dtc does not accept it:\n{}", spoken->errors)});
  }
  return std::move(spoken->output);
}

}  // namespace

Outcome<std::string> compile_tree(std::string_view source, const std::string& folder) {
  std::vector<std::string> words = {"dtc", "-q", "-I", "dts", "-O", "dtb", "-"};
  if (!folder.empty()) words.insert(words.begin() + 1, {"-i", folder});
  return run_dtc(words, source);
}

Outcome<std::string> compile_folder(const std::string& folder) {
  // With "./" no name is an option.
  const std::string name = folder.starts_with('/') ? folder : "./" + folder;
  return run_dtc({"dtc", "-q", "-I", "fs", "-O", "dtb", name}, "");
}

Outcome<std::string> decompile_tree(std::string_view blob) {
  return run_dtc({"dtc", "-q", "-I", "dtb", "-O", "dts", "-"}, blob);
}

}  // namespace socle::plan
