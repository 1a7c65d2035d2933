// SPDX-License-Identifier: Apache-2.0
#pragma once

// What went wrong with a file, for people.

#include <expected>
#include <string>

namespace socle::plan {

struct Failure {
  std::string message;
};
template <typename T>
using Outcome = std::expected<T, Failure>;

// The whole file ("-": standard input), at most 64 MiB of it.
Outcome<std::string> read_file(const std::string& name);

}  // namespace socle::plan
