// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading a flattened device tree. The blob comes from outside and may be anything: open() checks
// all of it once; afterwards every reader is bounded and answers with Result. Reading is linear:
// open() makes an index (parents, cells, phandles) in the caller's arena, so that no question walks
// the whole tree again.
//
// A Tree refers to the blob and to the arena's memory; both outlive it and everything read from it
// (names, strings, properties are views into the blob). Read-only after open(); any CPU.
//
// Errors: kNotFound = there is no such property (no line); everything else adds one line to the
// Diagnostics that names node and property: an error if the tree is unusable as a whole (open(),
// the budget), else a warning, since whether it matters is the caller's to say. Work that a hostile
// tree could make quadratic (translation through huge `ranges`, long interrupt maps) is charged to
// a budget proportional to the blob; when it is used up, readers answer kTooLarge.
//
// Source: Devicetree Specification v0.4, chapters 2 and 5; Open Firmware PCI binding 2.1.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/format.h"
#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"

namespace socle::fw::dt {

// Number of a node: 0 is the root, then in the order of the blob (parents before children).
enum class NodeId : std::uint32_t {};
inline constexpr NodeId kRoot{0};
inline constexpr NodeId kNoNode{0xffff'ffff};
constexpr std::uint32_t index_of(NodeId id) {
  return static_cast<std::uint32_t>(id);
}

inline constexpr unsigned kMaxDepth = 64;
inline constexpr std::size_t kMaxNameLength = 255;
inline constexpr std::size_t kMaxBlobSize = 16 * kMiB;

// The path of a node, for messages; a very long one loses its middle.
using Path = Text<160>;

// The value of a property: big-endian cells, strings, or bytes.
class Property {
 public:
  constexpr Property() = default;
  constexpr Property(std::string_view name, std::span<const std::byte> bytes)
      : name_(name), bytes_(bytes) {}

  [[nodiscard]] std::string_view name() const { return name_; }
  // The same for C: a name of a tree ends in NUL.
  [[nodiscard]] const char* c_name() const { return name_.data(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // Whole cells of 32 bits; a rest of 1 to 3 bytes is not counted.
  [[nodiscard]] std::size_t cell_count() const { return bytes_.size() / 4; }
  // The cell at `index`, or nothing past the end.
  [[nodiscard]] std::optional<std::uint32_t> cell(std::size_t index) const;
  // `cells` (0 to 2) cells from `index` as one number.
  [[nodiscard]] std::optional<std::uint64_t> number(std::size_t index, unsigned cells) const;
  // A property of exactly one cell.
  [[nodiscard]] std::optional<std::uint32_t> as_cell() const;
  // A property of one or two cells, as a number.
  [[nodiscard]] std::optional<std::uint64_t> as_number() const;
  // One NUL-terminated string and nothing behind it.
  [[nodiscard]] std::optional<std::string_view> as_string() const;
  // The string at `index` of a list; nothing past the end or without terminator.
  [[nodiscard]] std::optional<std::string_view> string_at(std::size_t index) const;
  // Is `text` one of the strings?
  [[nodiscard]] bool contains(std::string_view text) const;

 private:
  std::string_view name_;
  std::span<const std::byte> bytes_;
};

class Tree;
class Node;

// The children of a node, in order: `for (Node child : node.children())`.
class Children {
 public:
  class Iterator {
   public:
    Iterator(const Tree* tree, NodeId id) : tree_(tree), id_(id) {}
    Node operator*() const;
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return id_ == other.id_; }

   private:
    const Tree* tree_;
    NodeId id_;
  };
  Children(const Tree* tree, NodeId first) : tree_(tree), first_(first) {}
  [[nodiscard]] Iterator begin() const { return {tree_, first_}; }
  [[nodiscard]] Iterator end() const { return {tree_, kNoNode}; }

 private:
  const Tree* tree_;
  NodeId first_;
};

// The properties of a node, in order.
class Properties {
 public:
  class Iterator {
   public:
    Iterator(const Tree* tree, int offset) : tree_(tree), offset_(offset) {}
    Property operator*() const;
    Iterator& operator++();
    bool operator==(const Iterator& other) const { return offset_ == other.offset_; }

   private:
    const Tree* tree_;
    int offset_;
  };
  Properties(const Tree* tree, int first) : tree_(tree), first_(first) {}
  [[nodiscard]] Iterator begin() const { return {tree_, first_}; }
  [[nodiscard]] Iterator end() const { return {tree_, -1}; }

 private:
  const Tree* tree_;
  int first_;
};

class Node {
 public:
  Node() = default;
  Node(const Tree* tree, NodeId id) : tree_(tree), id_(id) {}

  [[nodiscard]] explicit operator bool() const { return tree_ != nullptr && id_ != kNoNode; }
  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] const Tree& tree() const { return *tree_; }
  bool operator==(const Node& other) const { return id_ == other.id_; }

  [[nodiscard]] std::string_view name() const;       // "pl011@9000000"
  [[nodiscard]] const char* c_name() const;          // the same, ending in NUL
  [[nodiscard]] std::string_view base_name() const;  // "pl011"
  [[nodiscard]] Path path() const;
  [[nodiscard]] Node parent() const;  // none for the root
  [[nodiscard]] unsigned depth() const;
  [[nodiscard]] Children children() const;
  [[nodiscard]] Node first_child() const;
  [[nodiscard]] Node next_sibling() const;
  [[nodiscard]] Node child(std::string_view name) const;  // by full name, or by base name if unique
  [[nodiscard]] Properties properties() const;
  [[nodiscard]] std::optional<Property> property(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return property(name).has_value(); }
  // The property as one string; nothing (and a warning) if it is not one.
  [[nodiscard]] std::optional<std::string_view> string(std::string_view name) const;
  [[nodiscard]] std::optional<std::uint32_t> cell(std::string_view name) const;

  [[nodiscard]] bool is_compatible(std::string_view compatible) const;
  // Own status: absent, "okay" or "ok".
  [[nodiscard]] bool is_available() const;
  // The node and all its parents are available.
  [[nodiscard]] bool is_enabled() const;
  [[nodiscard]] std::optional<std::uint32_t> phandle() const;
  // What this node says about its *children's* addresses (absent: 2 and 1, as the specification).
  [[nodiscard]] unsigned address_cells() const;
  [[nodiscard]] unsigned size_cells() const;
  // What an interrupt-map that leads to this node writes as unit address (absent: nothing).
  [[nodiscard]] unsigned unit_address_cells() const;
  [[nodiscard]] bool states_address_cells() const;
  [[nodiscard]] bool is_pci_bus() const;
  [[nodiscard]] bool is_interrupt_controller() const;
  [[nodiscard]] bool has_interrupt_map() const;
  // #interrupt-cells; nothing if absent.
  [[nodiscard]] std::optional<unsigned> interrupt_cells() const;
  // The node that gives this node's `interrupts` their meaning: by interrupt-parent or the next
  // parent with #interrupt-cells. None at the end of the interrupt tree.
  [[nodiscard]] Node interrupt_parent() const;

 private:
  const Tree* tree_ = nullptr;
  NodeId id_ = kNoNode;
};

class Tree {
 public:
  // Checks the blob and indexes it. `readable` is the memory at the blob that may be read: the
  // header's size must fit in it. The blob must lie at an address that is a multiple of 8, in
  // memory that is mapped Normal.
  static Result<const Tree*> open(std::span<const std::byte> readable, Arena& arena,
                                  Diagnostics& notes);
  // The size that the header claims, if the first bytes are a tree's header; otherwise an error.
  // Needs 8 readable bytes (for the caller who must map the rest).
  static Result<std::size_t> claimed_size(std::span<const std::byte> header);

  [[nodiscard]] std::span<const std::byte> blob() const { return blob_; }
  // Bytes of the blob that are in use (a blob may carry room for edits).
  [[nodiscard]] std::size_t used_size() const { return used_size_; }
  [[nodiscard]] std::size_t strings_size() const { return strings_size_; }
  [[nodiscard]] std::size_t property_count() const { return property_count_; }
  [[nodiscard]] std::size_t node_count() const { return nodes_.size(); }
  [[nodiscard]] Node root() const { return Node(this, kRoot); }
  [[nodiscard]] Node node(NodeId id) const;
  // By path ("/soc/uart@0"); each part may leave out its unit address if that is not ambiguous. An
  // alias may stand at the front ("serial0", "serial0/child"). Nothing if there is no such node.
  [[nodiscard]] Node find(std::string_view path) const;
  [[nodiscard]] Node find_phandle(std::uint32_t phandle) const;
  [[nodiscard]] Node find_alias(std::string_view name) const;
  [[nodiscard]] std::span<const PaRange> memory_reservations() const { return reservations_; }
  [[nodiscard]] std::uint32_t boot_cpu() const { return boot_cpu_; }
  // The largest phandle in use, 0 if there is none.
  [[nodiscard]] std::uint32_t largest_phandle() const { return largest_phandle_; }
  [[nodiscard]] Diagnostics& notes() const { return *notes_; }

  // Takes `steps` from the budget of work; kTooLarge (with a line, once) when it is used up.
  Result<> charge(std::size_t steps) const;

 private:
  friend class Node;
  friend class Children;
  friend class Properties;
  friend class Indexer;

  static constexpr std::uint8_t kNoCells = 0xff;
  struct Record {
    std::int32_t offset = 0;
    NodeId parent = kNoNode;
    NodeId first_child = kNoNode;
    NodeId next_sibling = kNoNode;
    std::uint32_t phandle = 0;
    NodeId interrupt_parent = kNoNode;  // resolved, inherited
    std::uint8_t depth = 0;
    std::uint8_t address_cells = 2;
    std::uint8_t size_cells = 1;
    std::uint8_t interrupt_cells = kNoCells;
    bool available : 1 = true;
    bool enabled : 1 = true;
    bool pci_bus : 1 = false;
    bool interrupt_controller : 1 = false;
    bool interrupt_map : 1 = false;
    bool states_address_cells : 1 = false;
  };
  Result<> read_reservations(std::size_t at, Arena& arena);

  struct PhandleEntry {
    std::uint32_t phandle;
    NodeId node;
  };

 public:
  Tree() = default;  // for Arena::make only; use open()
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

 private:
  std::span<const std::byte> blob_;
  std::span<Record> nodes_;
  std::span<PhandleEntry> phandles_;
  std::span<PaRange> reservations_;
  std::size_t used_size_ = 0;
  std::size_t strings_size_ = 0;
  std::size_t property_count_ = 0;
  std::uint32_t boot_cpu_ = 0;
  std::uint32_t largest_phandle_ = 0;
  mutable std::uint64_t budget_ = 0;
  Diagnostics* notes_ = nullptr;
};

}  // namespace socle::fw::dt
