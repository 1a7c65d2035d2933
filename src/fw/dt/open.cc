// SPDX-License-Identifier: Apache-2.0

// Checking a blob and indexing it: two passes over its structure block, both linear.

#include <algorithm>
#include <cstring>
#include <libfdt.h>

#include "fw/dt/big_endian.h"
#include "fw/dt/tree.h"

namespace socle::fw::dt {

namespace {

// Oldest format with a size for the structure block; all boot loaders write it (dtc since 2005).
constexpr std::uint32_t kFormatVersion = 17;
constexpr std::size_t kHeaderSize = 40;

struct Header {
  std::uint32_t total_size, structure, strings, reservations, version, last_compatible;
  std::uint32_t boot_cpu, strings_size, structure_size;
};

Header read_header(const std::byte* blob) {
  const auto word = [blob](unsigned index) { return load_be32(blob + std::size_t{4} * index); };
  return {.total_size = word(1),
          .structure = word(2),
          .strings = word(3),
          .reservations = word(4),
          .version = word(5),
          .last_compatible = word(6),
          .boot_cpu = word(7),
          .strings_size = word(8),
          .structure_size = word(9)};
}

bool fits(std::uint32_t offset, std::uint32_t size, std::uint32_t total) {
  return offset <= total && size <= total - offset;
}

bool is_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '/'; });
}

struct Token {
  std::uint32_t tag = FDT_END;
  std::uint32_t offset = 0;  // in the structure block
  std::string_view name;     // of the node or property
  std::span<const std::byte> value;
};

// Reads the structure block token by token and trusts nothing.
class Tokenizer {
 public:
  Tokenizer(std::span<const std::byte> blob, const Header& header, Diagnostics& notes)
      : structure_(blob.subspan(header.structure, header.structure_size)),
        strings_(blob.subspan(header.strings, header.strings_size)),
        notes_(notes) {}

  // Does not return FDT_NOP.
  Result<Token> next() {
    for (;;) {
      if (structure_.size() - at_ < 4 || at_ > structure_.size())
        return corrupt("the structure block has no end");
      Token token;
      token.offset = static_cast<std::uint32_t>(at_);
      token.tag = load_be32(structure_.data() + at_);
      at_ += 4;
      switch (token.tag) {
        case FDT_NOP:
          continue;
        case FDT_BEGIN_NODE:
          TRY(read_node_name(token));
          return token;
        case FDT_PROP:
          TRY(read_property(token));
          return token;
        case FDT_END_NODE:
        case FDT_END:
          return token;
        default:
          return corrupt("unknown token in the structure block");
      }
    }
  }

  std::unexpected<Error> corrupt(const char* what) {
    return notes_.error(Error::kCorrupt, "device tree: {} (at {#x})", what, at_);
  }

 private:
  Result<> read_node_name(Token& token) {
    const std::size_t left = std::min(structure_.size() - at_, kMaxNameLength + 1);
    const char* text = reinterpret_cast<const char*>(structure_.data() + at_);
    const void* nul = left == 0 ? nullptr : std::memchr(text, 0, left);
    if (nul == nullptr) return corrupt("a node's name has no end or is too long");
    token.name =
        std::string_view(text, static_cast<std::size_t>(static_cast<const char*>(nul) - text));
    if (!is_name(token.name)) return corrupt("a node's name has characters that no name may have");
    at_ += align_up<std::size_t>(token.name.size() + 1, 4);
    return {};
  }

  Result<> read_property(Token& token) {
    if (structure_.size() - at_ < 8) return corrupt("a property is cut off");
    const std::size_t size = load_be32(structure_.data() + at_);
    const std::size_t name_at = load_be32(structure_.data() + at_ + 4);
    at_ += 8;
    if (size > structure_.size() - at_) return corrupt("a property is longer than the tree");
    token.value = structure_.subspan(at_, size);
    at_ += align_up<std::size_t>(size, 4);
    if (name_at >= strings_.size()) return corrupt("a property's name lies outside the strings");
    const std::size_t left = std::min(strings_.size() - name_at, kMaxNameLength + 1);
    const char* text = reinterpret_cast<const char*>(strings_.data() + name_at);
    const void* nul = std::memchr(text, 0, left);
    if (nul == nullptr) return corrupt("a property's name has no end or is too long");
    token.name =
        std::string_view(text, static_cast<std::size_t>(static_cast<const char*>(nul) - text));
    if (token.name.empty() || !is_name(token.name))
      return corrupt("a property's name has characters that no name may have");
    return {};
  }

  std::span<const std::byte> structure_;
  std::span<const std::byte> strings_;
  Diagnostics& notes_;
  std::size_t at_ = 0;
};

struct Counts {
  std::size_t nodes = 0;
  std::size_t properties = 0;
  std::size_t phandles = 0;
};

bool is_phandle_name(std::string_view name) {
  return name == "phandle" || name == "linux,phandle";
}

// The first pass: is it a tree at all, and how large is its index?
Result<Counts> check_structure(Tokenizer tokens) {
  Counts counts;
  unsigned depth = 0;
  bool after_child[kMaxDepth + 1] = {};
  for (;;) {
    const Token token = TRY(tokens.next());
    if (token.tag == FDT_BEGIN_NODE) {
      if (depth == 0 && counts.nodes != 0) return tokens.corrupt("it has more than one root");
      if (depth != 0 && token.name.empty()) return tokens.corrupt("a node has no name");
      if (depth == kMaxDepth) return tokens.corrupt("nodes are nested too deeply");
      after_child[depth++] = true;
      after_child[depth] = false;
      ++counts.nodes;
    } else if (token.tag == FDT_PROP) {
      if (depth == 0) return tokens.corrupt("a property stands outside all nodes");
      if (after_child[depth]) return tokens.corrupt("a property stands behind a child node");
      ++counts.properties;
      if (is_phandle_name(token.name)) ++counts.phandles;
    } else if (token.tag == FDT_END_NODE) {
      if (depth-- == 0) return tokens.corrupt("a node ends that never began");
    } else {
      if (depth != 0) return tokens.corrupt("a node does not end");
      if (counts.nodes == 0) return tokens.corrupt("it has no root");
      return counts;
    }
  }
}

Result<Header> check_header(std::span<const std::byte> readable, Diagnostics& notes) {
  const auto size = Tree::claimed_size(readable);
  if (!size)
    return notes.error(size.error(), "device tree: there is none (no header with its magic)");
  if (readable.size() < kHeaderSize || *size < kHeaderSize || *size > readable.size())
    return notes.error(Error::kCorrupt, "device tree: cut off: it claims {} bytes, {} can be read",
                       *size, readable.size());
  if (*size > kMaxBlobSize)
    return notes.error(Error::kTooLarge, "device tree: {} bytes, more than the {} that are read",
                       *size, kMaxBlobSize);
  const Header header = read_header(readable.data());
  if (header.version < kFormatVersion || header.last_compatible > kFormatVersion)
    return notes.error(Error::kUnsupported, "device tree: format version {} (compatible with {})",
                       header.version, header.last_compatible);
  if (!fits(header.structure, header.structure_size, header.total_size) ||
      !fits(header.strings, header.strings_size, header.total_size) ||
      !fits(header.reservations, 16, header.total_size) || header.structure < kHeaderSize ||
      header.strings < kHeaderSize || header.reservations < kHeaderSize ||
      header.structure % 4 != 0 || header.reservations % 8 != 0)
    return notes.error(Error::kCorrupt, "device tree: the header's offsets do not fit its size");
  if (reinterpret_cast<std::uintptr_t>(readable.data()) % 8 != 0)
    return notes.error(Error::kInvalid, "device tree: not at a multiple of 8");
  return header;
}

}  // namespace

// The second pass fills the records; then what needs all records is resolved.
class Indexer {
 public:
  Indexer(Tree& tree, Arena& arena, Diagnostics& notes)
      : tree_(tree), arena_(arena), notes_(notes) {}

  Result<> run(Tokenizer tokens, const Counts& counts) {
    tree_.nodes_ = TRY(arena_.allocate<Tree::Record>(counts.nodes));
    tree_.phandles_ = TRY(arena_.allocate<Tree::PhandleEntry>(counts.phandles));
    tree_.property_count_ = counts.properties;
    interrupt_phandles_ = TRY(arena_.allocate<std::uint32_t>(counts.nodes, 0));
    TRY(fill(tokens));
    sort_phandles();
    resolve_interrupt_parents();
    return {};
  }

 private:
  Result<> fill(Tokenizer& tokens) {
    NodeId current = kNoNode;
    NodeId last_child[kMaxDepth + 1] = {};
    std::uint32_t count = 0;
    for (;;) {
      const Token token = TRY(tokens.next());
      if (token.tag == FDT_END) return {};
      if (token.tag == FDT_END_NODE) {
        current = record(current).parent;
      } else if (token.tag == FDT_PROP) {
        note_property(current, token);
      } else {
        const NodeId id{count++};
        begin_node(id, current, token, last_child);
        current = id;
      }
    }
  }

  void begin_node(NodeId id, NodeId parent, const Token& token, NodeId* last_child) {
    Tree::Record& node = record(id);
    node.offset = static_cast<std::int32_t>(token.offset);
    node.parent = parent;
    if (parent != kNoNode) {
      Tree::Record& above = record(parent);
      node.depth = static_cast<std::uint8_t>(above.depth + 1);
      node.enabled = above.enabled;
      if (above.first_child == kNoNode)
        above.first_child = id;
      else
        record(last_child[node.depth]).next_sibling = id;
    }
    last_child[node.depth] = id;
    const std::string_view base = token.name.substr(0, token.name.find('@'));
    node.pci_bus = base == "pcie";
  }

  void note_property(NodeId id, const Token& token) {
    Tree::Record& node = record(id);
    const Property property(token.name, token.value);
    const auto cells = [&](std::uint8_t& to) {
      const auto value = property.as_cell();
      to = value && *value < Tree::kNoCells ? static_cast<std::uint8_t>(*value)
                                            : static_cast<std::uint8_t>(Tree::kNoCells - 1);
    };
    if (is_phandle_name(token.name)) {
      note_phandle(id, property);
    } else if (token.name == "#address-cells") {
      cells(node.address_cells);
      node.states_address_cells = true;
    } else if (token.name == "#size-cells") {
      cells(node.size_cells);
    } else if (token.name == "#interrupt-cells") {
      cells(node.interrupt_cells);
    } else if (token.name == "status") {
      const auto status = property.string_at(0);
      node.available = status && (*status == "okay" || *status == "ok");
      node.enabled = node.enabled && node.available;
    } else if (token.name == "interrupt-parent") {
      interrupt_phandles_[index_of(id)] = property.as_cell().value_or(0);
    } else if (token.name == "interrupt-controller") {
      node.interrupt_controller = true;
    } else if (token.name == "interrupt-map") {
      node.interrupt_map = true;
    } else if (token.name == "device_type") {
      const auto type = property.string_at(0);
      node.pci_bus = node.pci_bus || (type && (*type == "pci" || *type == "pciex"));
    }
  }

  // A node may say it twice, under the old name and the new.
  void note_phandle(NodeId id, const Property& property) {
    const std::uint32_t value = property.as_cell().value_or(0);
    Tree::Record& node = record(id);
    if (value == 0 || value == 0xffff'ffff) {
      notes_.warning("{}: {} is no phandle, ignored", tree_.node(id).path().view(),
                     property.name());
      return;
    }
    if (node.phandle == value) return;
    if (node.phandle == 0) node.phandle = value;
    tree_.phandles_[phandle_count_++] = {value, id};
    tree_.largest_phandle_ = std::max(tree_.largest_phandle_, value);
  }

  void sort_phandles() {
    tree_.phandles_ = tree_.phandles_.first(phandle_count_);
    std::ranges::sort(tree_.phandles_, [](const auto& a, const auto& b) {
      return a.phandle != b.phandle ? a.phandle < b.phandle : a.node < b.node;
    });
    for (std::size_t i = 1; i < phandle_count_; ++i) {
      const auto& first = tree_.phandles_[i - 1];
      const auto& second = tree_.phandles_[i];
      if (first.phandle == second.phandle)
        notes_.warning("{}: phandle {#x} belongs to {} already",
                       tree_.node(second.node).path().view(), second.phandle,
                       tree_.node(first.node).path().view());
    }
  }

  // Parents come before children, so a parent's answer is there when a child asks. Only a reference
  // to a node that is no controller itself must be followed further, and that chain may be a loop.
  void resolve_interrupt_parents() {
    for (std::uint32_t i = 0; i < tree_.nodes_.size(); ++i) {
      NodeId at{i};
      for (unsigned steps = 0; steps < kMaxDepth; ++steps) {
        at = next_towards_controller(at);
        if (at == kNoNode || record(at).interrupt_cells != Tree::kNoCells) break;
        if (index_of(at) < i) {
          at = record(at).interrupt_parent;
          break;
        }
      }
      if (at != kNoNode && record(at).interrupt_cells == Tree::kNoCells) at = kNoNode;
      record(NodeId{i}).interrupt_parent = at;
    }
  }

  NodeId next_towards_controller(NodeId id) {
    const std::uint32_t phandle = interrupt_phandles_[index_of(id)];
    if (phandle == 0) return record(id).parent;
    return tree_.find_phandle(phandle).id();
  }

  Tree::Record& record(NodeId id) { return tree_.nodes_[index_of(id)]; }

  Tree& tree_;
  Arena& arena_;
  Diagnostics& notes_;
  std::span<std::uint32_t> interrupt_phandles_;
  std::size_t phandle_count_ = 0;
};

Result<std::size_t> Tree::claimed_size(std::span<const std::byte> header) {
  if (header.size() < 8 || load_be32(header.data()) != FDT_MAGIC) return fail(Error::kNotFound);
  return load_be32(header.data() + 4);
}

Result<const Tree*> Tree::open(std::span<const std::byte> readable, Arena& arena,
                               Diagnostics& notes) {
  const Header header = TRY(check_header(readable, notes));
  const std::span<const std::byte> blob = readable.first(header.total_size);
  const Tokenizer tokens(blob, header, notes);
  const Counts counts = TRY(check_structure(tokens));
  // The library's own opinion, since it reads the properties later.
  if (fdt_check_full(blob.data(), blob.size()) != 0)
    return notes.error(Error::kCorrupt, "device tree: it does not pass libfdt's check");

  Tree* tree = TRY(arena.make<Tree>());
  tree->blob_ = blob;
  tree->notes_ = &notes;
  tree->boot_cpu_ = header.boot_cpu;
  tree->strings_size_ = header.strings_size;
  tree->used_size_ =
      std::max(header.structure + header.structure_size, header.strings + header.strings_size);
  tree->budget_ = std::uint64_t{blob.size()} * 8 + kMiB;

  Indexer indexer(*tree, arena, notes);
  TRY(indexer.run(tokens, counts));
  TRY(tree->read_reservations(header.reservations, arena));
  return tree;
}

Result<> Tree::read_reservations(std::size_t at, Arena& arena) {
  ArenaVector<PaRange> list(arena);
  for (;; at += 16) {
    if (blob_.size() - at < 16)
      return notes_->error(Error::kCorrupt, "/memreserve/: the list has no end");
    const std::uint64_t begin = load_be64(blob_.data() + at);
    const std::uint64_t size = load_be64(blob_.data() + at + 8);
    if (begin == 0 && size == 0) break;
    const auto range = PaRange::from_size(Pa(begin), size);
    if (!range)
      return notes_->error(Error::kOutOfRange, "/memreserve/: {#x} + {#x} passes 64 bits", begin,
                           size);
    if (!range->empty()) TRY(list.push_back(*range));
  }
  reservations_ = list.span();
  return {};
}

}  // namespace socle::fw::dt
