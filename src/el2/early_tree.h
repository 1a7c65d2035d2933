// SPDX-License-Identifier: Apache-2.0
#pragma once

// Finds the console in a device tree before anything else works: with the MMU off, at a wrong
// exception level, in a tree that may be damaged. Hence not libfdt (fw/dt): no unaligned access, no
// SIMD, no thread-local data, no writing, no stack to speak of; every read is bounds-checked and
// the work is bounded by the size of the tree.
// Source: Devicetree Specification 0.4, chapter 5 (flattened format), 2.3.6-2.3.8 (addresses).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/range.h"
#include "base/result.h"

namespace socle::el2 {

class EarlyTree {
 public:
  // Largest tree the boot protocol allows.
  static constexpr std::size_t kMaxSize = 2 * kMiB;
  static constexpr std::uint32_t kHeaderBytes = 40;

  // The size that the header at `blob` claims, if it is a header: magic, version, and a size of at
  // most kMaxSize. Reads 40 bytes. kNotFound: no tree; kCorrupt; kTooLarge.
  static Result<std::size_t> claimed_size(const void* blob);
  // A tree of `bytes` readable bytes.
  static Result<EarlyTree> open(const void* blob, std::size_t bytes);

  // A node, by the offset of its begin token. The root's is 0.
  struct Node {
    std::uint32_t offset = 0;
  };
  static constexpr unsigned kMaxDepth = 16;
  // A node and its ancestors, root first.
  struct Path {
    Node nodes[kMaxDepth];
    unsigned length = 0;
    [[nodiscard]] Node node() const { return nodes[length - 1]; }
  };

  // "/soc/serial@9000000", or an alias ("serial0"), or either followed by ":options", which are
  // cut. A unit address may be left out.
  [[nodiscard]] std::optional<Path> find(std::string_view path) const;
  // The first node in tree order for which `wanted` says yes.
  template <typename Predicate>
  [[nodiscard]] std::optional<Path> find_if(Predicate wanted) const {
    Path path = root();
    for (;;) {
      if (wanted(path)) return path;
      if (!step(path)) return std::nullopt;
    }
  }
  // The bytes of a property; a present, empty one is an empty view.
  [[nodiscard]] std::optional<std::string_view> property(Node node, std::string_view name) const;
  // A property's text up to the first NUL.
  [[nodiscard]] std::optional<std::string_view> text(Node node, std::string_view name) const;
  [[nodiscard]] std::optional<std::uint32_t> number(Node node, std::string_view name) const;
  // True unless `status` says that the node is not to be used.
  [[nodiscard]] bool is_enabled(Node node) const;
  // The first entry of `reg` as machine addresses, through all `ranges` on the way.
  [[nodiscard]] std::optional<PaRange> registers(const Path& path) const;

 private:
  EarlyTree() = default;
  struct Token {
    std::uint32_t kind = 0;
    std::uint32_t next = 0;  // offset of what follows
    std::string_view name;
    std::string_view value;
  };
  static Path root();
  [[nodiscard]] std::optional<Token> token_at(std::uint32_t offset) const;
  [[nodiscard]] std::optional<Node> child(Node parent, std::string_view name) const;
  // Moves to the node that follows in tree order; false at the end.
  bool step(Path& path) const;

  const unsigned char* structure_ = nullptr;
  std::uint32_t structure_bytes_ = 0;
  const char* strings_ = nullptr;
  std::uint32_t strings_bytes_ = 0;
};

}  // namespace socle::el2
