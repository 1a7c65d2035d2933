// SPDX-License-Identifier: Apache-2.0
#pragma once

// Where a board comes from: a file or standard input ("-"), told apart by what is in it.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

namespace socle::plan {

// A tree's bytes, aligned as fw::dt wants them, with room behind for give_ram().
class Blob {
 public:
  explicit Blob(std::string_view bytes);
  [[nodiscard]] std::span<const std::byte> bytes() const;  // the tree
  [[nodiscard]] std::span<std::byte> whole();              // with the room behind it

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_;
};

enum class Kind { kTree, kTreeSource, kAcpi, kUnknown };
Kind kind_of(std::string_view contents);

// What is wrong, for people.
struct Failure {
  std::string message;
};
template <typename T>
using Outcome = std::expected<T, Failure>;

// The whole file, at most 64 MiB of it.
Outcome<std::string> read_file(const std::string& name);

// The tree in a file; source text is compiled with dtc.
Outcome<Blob> load_tree(const std::string& name);
Outcome<Blob> tree_of(const std::string& name, const std::string& contents);

}  // namespace socle::plan
