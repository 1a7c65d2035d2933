// SPDX-License-Identifier: Apache-2.0
#include "plan/file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <memory>

#include "base/types.h"

namespace socle::plan {

namespace {

constexpr std::size_t kLargestFile = 64 * kMiB;

struct Close {
  void operator()(std::FILE* file) const {
    if (file != stdin) (void)std::fclose(file);
  }
};

}  // namespace

Outcome<std::string> read_file(const std::string& name) {
  const std::unique_ptr<std::FILE, Close> file(name == "-" ? stdin
                                                           : std::fopen(name.c_str(), "rb"));
  if (file == nullptr)
    return std::unexpected(Failure{fmt::format("{}: {}", name, std::strerror(errno))});
  std::string contents;
  std::array<char, 65536> piece;
  while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get())) {
    contents.append(piece.data(), got);
    if (contents.size() > kLargestFile)
      return std::unexpected(
          Failure{fmt::format("{}: too large for a device tree or for tables", name)});
  }
  if (std::ferror(file.get()) != 0)
    return std::unexpected(Failure{fmt::format("{}: cannot be read", name)});
  return contents;
}

}  // namespace socle::plan
