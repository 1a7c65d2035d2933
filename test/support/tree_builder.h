// SPDX-License-Identifier: Apache-2.0
#pragma once

// Writes small device trees in tests, in the order of a .dts:
//   TreeBuilder b;
//   b.begin("soc").cells("#address-cells", {1}).flag("ranges").end();
//   Opened t(b);   // arena, notes, tree

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <libfdt.h>
#include <string>
#include <string_view>
#include <vector>

#include "fw/dt/big_endian.h"
#include "fw/dt/tree.h"

namespace socle::test {

class TreeBuilder {
 public:
  TreeBuilder() : memory_(kSize / 8) { fdt_create(data(), static_cast<int>(kSize)); }
  // Before the first node.
  TreeBuilder& reserve(std::uint64_t begin, std::uint64_t size) {
    fdt_add_reservemap_entry(data(), begin, size);
    return *this;
  }
  TreeBuilder& begin(const char* name) {
    start();
    fdt_begin_node(data(), name);
    return *this;
  }
  TreeBuilder& end() {
    fdt_end_node(data());
    return *this;
  }
  TreeBuilder& cells(const char* name, std::initializer_list<std::uint32_t> values) {
    return cells(name, std::vector<std::uint32_t>(values));
  }
  TreeBuilder& cells(const char* name, const std::vector<std::uint32_t>& values) {
    std::vector<std::byte> bytes(values.size() * 4);
    for (std::size_t i = 0; i < values.size(); ++i)
      fw::dt::store_be32(bytes.data() + 4 * i, values[i]);
    return raw(name, bytes);
  }
  // Each value in two cells.
  TreeBuilder& wide(const char* name, std::initializer_list<std::uint64_t> values) {
    std::vector<std::uint32_t> halves;
    for (const std::uint64_t value : values) {
      halves.push_back(static_cast<std::uint32_t>(value >> 32));
      halves.push_back(static_cast<std::uint32_t>(value));
    }
    return cells(name, halves);
  }
  TreeBuilder& text(const char* name, std::string_view value) { return texts(name, {value}); }
  TreeBuilder& texts(const char* name, std::initializer_list<std::string_view> values) {
    std::string all;
    for (const std::string_view value : values)
      all.append(value).push_back('\0');
    return raw(name, std::as_bytes(std::span(all)));
  }
  TreeBuilder& flag(const char* name) { return raw(name, {}); }
  TreeBuilder& raw(const char* name, std::span<const std::byte> bytes) {
    start();
    fdt_property(data(), name, bytes.data(), static_cast<int>(bytes.size()));
    return *this;
  }

  // Ends the root and the tree. May be called again.
  std::span<const std::byte> blob() {
    if (!finished_) {
      start();
      fdt_end_node(data());
      fdt_finish(data());
      finished_ = true;
    }
    return std::as_bytes(std::span(memory_)).first(fdt_totalsize(data()));
  }

 private:
  static constexpr std::size_t kSize = 1024 * 1024;
  void* data() { return memory_.data(); }
  void start() {
    if (started_) return;
    started_ = true;
    fdt_finish_reservemap(data());
    fdt_begin_node(data(), "");
  }

  std::vector<std::uint64_t> memory_;
  bool started_ = false;
  bool finished_ = false;
};

// A tree with the arena and the notes it needs.
struct Opened {
  explicit Opened(std::span<const std::byte> bytes, std::size_t arena_size = 256 * kKiB)
      : blob((bytes.size() + 7) / 8), memory(arena_size) {
    if (!bytes.empty()) std::memcpy(blob.data(), bytes.data(), bytes.size());
    result = fw::dt::Tree::open(std::as_bytes(std::span(blob)).first(bytes.size()), arena, notes);
  }
  explicit Opened(TreeBuilder& builder) : Opened(builder.blob()) {}

  const fw::dt::Tree& tree() const { return **result; }
  fw::dt::Node node(std::string_view path) const { return tree().find(path); }
  bool said(std::string_view part) const { return notes.mentions(part); }

  std::vector<std::uint64_t> blob;
  std::vector<std::byte> memory;
  fw::Arena arena{std::span(memory)};
  fw::Diagnostics notes{arena};
  Result<const fw::dt::Tree*> result = fail(Error::kNotFound);
};

}  // namespace socle::test
