// SPDX-License-Identifier: Apache-2.0
#pragma once

// Adds to /chosen of a device tree: properties, and nodes for modules. Not libfdt's editor: this
// one needs no SIMD registers and is small.
//
// The tree is rewritten into another place in one pass; a property of /chosen that is set here
// loses its old value; /chosen is made where there is none. Pure. Nothing is read beyond the blob
// or written beyond `out`, whatever the blob is.
//
// Source: Devicetree Specification 0.4, chapter 5.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "fw/arena.h"

namespace socle::efi {

// A tree with nothing in it.
std::span<const std::byte> empty_tree();

class ChosenEdit {
 public:
  // What is added is kept in `arena` until write(). When that is full, write() says so.
  explicit ChosenEdit(fw::Arena& arena)
      : properties_(arena), nodes_(arena), strings_(arena), to_(&properties_) {}

  // Names and text without NUL.
  void set(std::string_view name, std::span<const std::byte> value,
           std::span<const std::byte> end = {});
  void set_text(std::string_view name, std::string_view text);
  void set_cell(std::string_view name, std::uint32_t value);
  void set_number(std::string_view name, std::uint64_t value);  // two cells
  // What is set between these two belongs to a node below /chosen.
  void begin_node(std::string_view name);
  void end_node();

  // An upper bound of what write() writes for this tree.
  [[nodiscard]] std::size_t size_bound(std::span<const std::byte> tree) const;
  // The edited tree's size. kCorrupt: `tree` contradicts itself (fw::dt::Tree::open() would have
  // said so); kTooLarge: `out` is too small, or the arena was.
  [[nodiscard]] Result<std::size_t> write(std::span<const std::byte> tree,
                                          std::span<std::byte> out) const;

 private:
  using Bytes = fw::ArenaVector<std::byte>;
  void append(Bytes& to, std::span<const std::byte> bytes);
  void append_cell(Bytes& to, std::uint32_t value);
  void pad(Bytes& to);
  [[nodiscard]] bool sets(std::string_view name) const;

  Bytes properties_;  // tokens, whose names count from the start of strings_
  Bytes nodes_;
  Bytes strings_;
  Bytes* to_;
  bool is_full_ = false;
};

}  // namespace socle::efi
