// SPDX-License-Identifier: Apache-2.0
#include "el2/early_tree.h"

namespace socle::el2 {
namespace {

constexpr std::uint32_t kMagic = 0xd00dfeed;
constexpr std::uint32_t kOldestVersion = 16;
enum HeaderWord : unsigned {
  kMagicWord,
  kTotalSizeWord,
  kStructureWord,
  kStringsWord,
  kReserveWord,
  kVersionWord,
  kLastCompatibleWord,
  kBootCpuWord,
  kStringsBytesWord,
  kStructureBytesWord,
};

constexpr std::uint32_t kBeginNode = 1;
constexpr std::uint32_t kEndNode = 2;
constexpr std::uint32_t kProperty = 3;
constexpr std::uint32_t kNop = 4;

// Byte by byte: property values need not be aligned in a damaged tree.
std::uint32_t big_endian(const unsigned char* at) {
  return (std::uint32_t{at[0]} << 24) | (std::uint32_t{at[1]} << 16) | (std::uint32_t{at[2]} << 8) |
         at[3];
}

// `cells` 32-bit words, at most two of them significant.
std::optional<std::uint64_t> take_cells(std::string_view& bytes, std::uint32_t cells) {
  if (cells > 4 || bytes.size() < cells * 4) return std::nullopt;
  std::uint64_t value = 0;
  for (std::uint32_t i = 0; i < cells; ++i)
    value =
        (value << 32) | big_endian(reinterpret_cast<const unsigned char*>(bytes.data()) + 4 * i);
  bytes.remove_prefix(cells * 4);
  return value;
}

bool matches(std::string_view node, std::string_view wanted) {
  return node == wanted ||
         (wanted.find('@') == std::string_view::npos && node.substr(0, node.find('@')) == wanted);
}

constexpr std::uint32_t padded(std::uint32_t bytes) {
  return (bytes + 3) & ~std::uint32_t{3};
}

}  // namespace

Result<std::size_t> EarlyTree::claimed_size(const void* blob) {
  if (blob == nullptr || (reinterpret_cast<std::uintptr_t>(blob) & 7) != 0)
    return fail(Error::kNotFound);
  auto* const bytes = static_cast<const unsigned char*>(blob);
  const auto word = [bytes](HeaderWord index) {
    return big_endian(bytes + std::size_t{4} * index);
  };
  if (word(kMagicWord) != kMagic) return fail(Error::kNotFound);
  const std::uint32_t size = word(kTotalSizeWord);
  if (size < kHeaderBytes || word(kLastCompatibleWord) > 17 || word(kVersionWord) < kOldestVersion)
    return fail(Error::kCorrupt);
  if (size > kMaxSize) return fail(Error::kTooLarge);
  return size;
}

Result<EarlyTree> EarlyTree::open(const void* blob, std::size_t bytes) {
  const std::size_t size = TRY(claimed_size(blob));
  if (size > bytes) return fail(Error::kCorrupt);
  auto* const base = static_cast<const unsigned char*>(blob);
  const auto word = [base](HeaderWord index) { return big_endian(base + std::size_t{4} * index); };
  const std::uint32_t structure = word(kStructureWord);
  const std::uint32_t strings = word(kStringsWord);
  const std::uint32_t strings_bytes = word(kStringsBytesWord);
  if (structure > size || (structure & 3) != 0 || strings > size || strings_bytes > size - strings)
    return fail(Error::kCorrupt);
  EarlyTree tree;
  tree.structure_ = base + structure;
  tree.structure_bytes_ = static_cast<std::uint32_t>(size) - structure;
  // Version 16 does not say how long the structure is.
  if (word(kVersionWord) >= 17) {
    if (word(kStructureBytesWord) > tree.structure_bytes_) return fail(Error::kCorrupt);
    tree.structure_bytes_ = word(kStructureBytesWord);
  }
  tree.strings_ = reinterpret_cast<const char*>(base) + strings;
  tree.strings_bytes_ = strings_bytes;
  const std::optional<Token> first = tree.token_at(0);
  if (!first || first->kind != kBeginNode) return fail(Error::kCorrupt);
  return tree;
}

EarlyTree::Path EarlyTree::root() {
  Path path;
  path.nodes[0] = Node{0};
  path.length = 1;
  return path;
}

std::optional<EarlyTree::Token> EarlyTree::token_at(std::uint32_t offset) const {
  while (offset <= structure_bytes_ && structure_bytes_ - offset >= 4) {
    const std::uint32_t kind = big_endian(structure_ + offset);
    const std::uint32_t left = structure_bytes_ - offset - 4;
    const unsigned char* const rest = structure_ + offset + 4;
    if (kind == kNop) {
      offset += 4;
      continue;
    }
    if (kind == kEndNode) return Token{.kind = kind, .next = offset + 4, .name = {}, .value = {}};
    if (kind == kBeginNode) {
      const std::string_view all(reinterpret_cast<const char*>(rest), left);
      const std::size_t length = all.find('\0');
      if (length == std::string_view::npos) return std::nullopt;
      const auto skip = padded(static_cast<std::uint32_t>(length) + 1);
      return Token{
          .kind = kind, .next = offset + 4 + skip, .name = all.substr(0, length), .value = {}};
    }
    if (kind != kProperty || left < 8) return std::nullopt;
    const std::uint32_t length = big_endian(rest);
    const std::uint32_t name = big_endian(rest + 4);
    if (length > left - 8 || name >= strings_bytes_) return std::nullopt;
    const std::string_view names(strings_ + name, strings_bytes_ - name);
    return Token{.kind = kind,
                 .next = offset + 12 + padded(length),
                 .name = names.substr(0, names.find('\0')),
                 .value = std::string_view(reinterpret_cast<const char*>(rest) + 8, length)};
  }
  return std::nullopt;
}

std::optional<std::string_view> EarlyTree::property(Node node, std::string_view name) const {
  std::optional<Token> token = token_at(node.offset);
  while (token && (token = token_at(token->next)) && token->kind == kProperty) {
    if (token->name == name) return token->value;
  }
  return std::nullopt;
}

std::optional<std::string_view> EarlyTree::text(Node node, std::string_view name) const {
  const std::optional<std::string_view> value = property(node, name);
  if (!value) return std::nullopt;
  return value->substr(0, value->find('\0'));
}

std::optional<std::uint32_t> EarlyTree::number(Node node, std::string_view name) const {
  const std::optional<std::string_view> value = property(node, name);
  if (!value || value->size() != 4) return std::nullopt;
  return big_endian(reinterpret_cast<const unsigned char*>(value->data()));
}

bool EarlyTree::is_enabled(Node node) const {
  const std::optional<std::string_view> status = text(node, "status");
  return !status || *status == "okay" || *status == "ok";
}

bool EarlyTree::step(Path& path) const {
  std::optional<Token> token = token_at(path.node().offset);
  while (token) {
    const std::uint32_t offset = token->next;
    token = token_at(offset);
    if (!token) return false;
    if (token->kind == kBeginNode) {
      if (path.length == kMaxDepth) return false;
      path.nodes[path.length++] = Node{offset};
      return true;
    }
    if (token->kind == kEndNode && --path.length == 0) return false;
  }
  return false;
}

std::optional<EarlyTree::Node> EarlyTree::child(Node parent, std::string_view name) const {
  unsigned depth = 0;
  std::optional<Token> token = token_at(parent.offset);
  while (token) {
    const std::uint32_t offset = token->next;
    token = token_at(offset);
    if (!token) break;
    if (token->kind == kBeginNode && depth++ == 0 && matches(token->name, name))
      return Node{offset};
    if (token->kind == kEndNode && depth-- == 0) break;
  }
  return std::nullopt;
}

std::optional<EarlyTree::Path> EarlyTree::find(std::string_view path) const {
  path = path.substr(0, path.find(':'));
  std::string_view alias_rest;
  if (!path.starts_with('/')) {
    const std::size_t slash = path.find('/');
    const std::optional<Node> aliases = child(Node{0}, "aliases");
    const std::optional<std::string_view> target =
        aliases ? text(*aliases, path.substr(0, slash)) : std::nullopt;
    if (!target || !target->starts_with('/')) return std::nullopt;
    if (slash != std::string_view::npos) alias_rest = path.substr(slash);
    path = *target;
  }
  Path found = root();
  for (std::string_view rest : {path, alias_rest}) {
    while (!rest.empty()) {
      rest.remove_prefix(1);  // the slash
      const std::string_view name = rest.substr(0, rest.find('/'));
      rest.remove_prefix(name.size());
      if (name.empty()) continue;
      const std::optional<Node> next = child(found.node(), name);
      if (!next || found.length == kMaxDepth) return std::nullopt;
      found.nodes[found.length++] = *next;
    }
  }
  return found;
}

std::optional<PaRange> EarlyTree::registers(const Path& path) const {
  if (path.length < 2) return std::nullopt;
  const auto cells = [this](Node bus, std::string_view name, std::uint32_t otherwise) {
    return number(bus, name).value_or(otherwise);
  };
  Node bus = path.nodes[path.length - 2];
  std::optional<std::string_view> reg = property(path.node(), "reg");
  if (!reg) return std::nullopt;
  std::optional<std::uint64_t> address = take_cells(*reg, cells(bus, "#address-cells", 2));
  const std::optional<std::uint64_t> size = take_cells(*reg, cells(bus, "#size-cells", 1));
  if (!address || !size || *size == 0) return std::nullopt;
  for (unsigned i = path.length - 2; i > 0; --i) {
    const Node child_bus = path.nodes[i];
    const Node parent_bus = path.nodes[i - 1];
    std::optional<std::string_view> ranges = property(child_bus, "ranges");
    if (!ranges) return std::nullopt;  // not reachable from the CPU
    if (ranges->empty()) continue;     // one to one
    std::optional<std::uint64_t> translated;
    while (!translated && !ranges->empty()) {
      const auto child_base = take_cells(*ranges, cells(child_bus, "#address-cells", 2));
      const auto parent_base = take_cells(*ranges, cells(parent_bus, "#address-cells", 2));
      const auto length = take_cells(*ranges, cells(child_bus, "#size-cells", 1));
      if (!child_base || !parent_base || !length) return std::nullopt;
      if (*address >= *child_base && *address - *child_base < *length)
        translated = *address - *child_base + *parent_base;
    }
    if (!translated) return std::nullopt;
    address = translated;
  }
  return PaRange::from_size(Pa(*address), *size);
}

}  // namespace socle::el2
