// SPDX-License-Identifier: Apache-2.0
#include "efi/tree_edit.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "fw/dt/big_endian.h"

namespace socle::efi {

namespace {

using fw::dt::load_be32;
using fw::dt::store_be32;
using namespace std::string_view_literals;

enum TokenKind : std::uint32_t { kBeginNode = 1, kEndNode = 2, kProperty = 3, kNop = 4, kEnd = 9 };

// The header's words.
constexpr std::uint32_t kMagic = 0xd00dfeed;
enum HeaderWord : std::size_t {
  kMagicWord,
  kTotalSize,
  kStructure,
  kStrings,
  kReservations,
  kVersion,
  kLastCompatible,
  kBootCpu,
  kStringsSize,
  kStructureSize,
  kHeaderWords,
};
constexpr std::size_t kHeaderBytes = kHeaderWords * 4;
constexpr std::size_t kReservationBytes = 16;

constexpr std::size_t padded(std::size_t bytes, std::size_t to = 4) {
  return (bytes + to - 1) & ~(to - 1);
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Up to the NUL at the end of a name; nothing without one.
std::optional<std::string_view> name_at(std::span<const std::byte> bytes, std::size_t at) {
  if (at >= bytes.size()) return std::nullopt;
  const std::string_view rest(reinterpret_cast<const char*>(bytes.data()) + at, bytes.size() - at);
  const std::size_t end = rest.find('\0');
  if (end == std::string_view::npos) return std::nullopt;
  return rest.substr(0, end);
}

struct Token {
  std::uint32_t kind = 0;
  std::span<const std::byte> bytes;  // all of it, padding included
  std::string_view node_name;
  std::uint32_t property_name = 0;  // offset
};

std::optional<Token> take_token(std::span<const std::byte>& from) {
  if (from.size() < 4) return std::nullopt;
  Token token;
  token.kind = load_be32(from.data());
  std::size_t size = 4;
  if (token.kind == kBeginNode) {
    const auto name = name_at(from, 4);
    if (!name) return std::nullopt;
    token.node_name = *name;
    size += padded(name->size() + 1);
  } else if (token.kind == kProperty) {
    if (from.size() < 12) return std::nullopt;
    token.property_name = load_be32(from.data() + 8);
    size = 12 + padded(load_be32(from.data() + 4));
  } else if (token.kind != kEndNode && token.kind != kNop && token.kind != kEnd) {
    return std::nullopt;
  }
  if (size > from.size()) return std::nullopt;
  token.bytes = from.first(size);
  from = from.subspan(size);
  return token;
}

// Where the blob's parts are.
struct Parts {
  std::span<const std::byte> reservations;  // with the empty entry at the end
  std::span<const std::byte> structure;
  std::span<const std::byte> strings;
  std::uint32_t boot_cpu = 0;
};

std::optional<std::span<const std::byte>> part(std::span<const std::byte> tree, std::size_t begin,
                                               std::size_t size) {
  if (begin > tree.size() || size > tree.size() - begin) return std::nullopt;
  return tree.subspan(begin, size);
}

std::optional<std::span<const std::byte>> reservations_in(std::span<const std::byte> rest) {
  constexpr std::array<std::byte, kReservationBytes> kLast{};
  for (std::size_t at = 0; rest.size() - at >= kReservationBytes; at += kReservationBytes)
    if (std::memcmp(rest.data() + at, kLast.data(), kReservationBytes) == 0)
      return rest.first(at + kReservationBytes);
  return std::nullopt;
}

std::optional<Parts> parts_of(std::span<const std::byte> tree) {
  if (tree.size() < kHeaderBytes) return std::nullopt;
  const auto word = [&tree](HeaderWord index) { return load_be32(tree.data() + index * 4); };
  const auto after = part(tree, word(kReservations), 0);
  const auto structure = part(tree, word(kStructure), word(kStructureSize));
  const auto strings = part(tree, word(kStrings), word(kStringsSize));
  if (word(kMagicWord) != kMagic || !after || !structure || !strings) return std::nullopt;
  const auto reservations = reservations_in(tree.subspan(word(kReservations)));
  if (!reservations) return std::nullopt;
  return Parts{.reservations = *reservations,
               .structure = *structure,
               .strings = *strings,
               .boot_cpu = word(kBootCpu)};
}

class Writer {
 public:
  explicit Writer(std::span<std::byte> out) : out_(out) {}
  void put(std::span<const std::byte> bytes) {
    if (bytes.size() > out_.size() - at_) {
      is_full_ = true;
      return;
    }
    if (!bytes.empty()) std::memcpy(out_.data() + at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }
  void put_cell(std::uint32_t value) {
    std::array<std::byte, 4> bytes;
    store_be32(bytes.data(), value);
    put(bytes);
  }
  // Tokens whose names start `strings` bytes further than they say.
  void put_moved(std::span<const std::byte> tokens, std::uint32_t strings) {
    while (const auto token = take_token(tokens)) {
      const std::size_t begin = at_;
      put(token->bytes);
      if (token->kind == kProperty && !is_full_)
        store_be32(out_.data() + begin + 8, token->property_name + strings);
    }
  }
  void align(std::size_t to) {
    while (at_ % to != 0 && !is_full_)
      put(bytes_of("\0"sv));
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool is_full() const { return is_full_; }

 private:
  std::span<std::byte> out_;
  std::size_t at_ = 0;
  bool is_full_ = false;
};

}  // namespace

std::span<const std::byte> empty_tree() {
  alignas(8) static constexpr auto kTree = [] {
    // Header, an empty reservation, a root without a name, the end.
    constexpr std::uint32_t kWords[] = {kMagic, 72, 56, 72, 40, 17,         16, 0,        0,
                                        16,     0,  0,  0,  0,  kBeginNode, 0,  kEndNode, kEnd};
    std::array<std::byte, sizeof(kWords)> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes[i] = static_cast<std::byte>(kWords[i / 4] >> (24 - i % 4 * 8));
    return bytes;
  }();
  return kTree;
}

void ChosenEdit::append(Bytes& to, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes)
    is_full_ = is_full_ || !to.push_back(byte).has_value();
}

void ChosenEdit::append_cell(Bytes& to, std::uint32_t value) {
  std::array<std::byte, 4> bytes;
  store_be32(bytes.data(), value);
  append(to, bytes);
}

void ChosenEdit::pad(Bytes& to) {
  while (to.size() % 4 != 0 && !is_full_)
    append(to, bytes_of("\0"sv));
}

void ChosenEdit::set(std::string_view name, std::span<const std::byte> value,
                     std::span<const std::byte> end) {
  append_cell(*to_, kProperty);
  append_cell(*to_, static_cast<std::uint32_t>(value.size() + end.size()));
  append_cell(*to_, static_cast<std::uint32_t>(strings_.size()));
  append(*to_, value);
  append(*to_, end);
  pad(*to_);
  append(strings_, bytes_of(name));
  append(strings_, bytes_of("\0"sv));
}

void ChosenEdit::set_text(std::string_view name, std::string_view text) {
  set(name, bytes_of(text), bytes_of("\0"sv));
}

void ChosenEdit::set_cell(std::string_view name, std::uint32_t value) {
  std::array<std::byte, 4> bytes;
  store_be32(bytes.data(), value);
  set(name, bytes);
}

void ChosenEdit::set_number(std::string_view name, std::uint64_t value) {
  std::array<std::byte, 8> bytes;
  store_be32(bytes.data(), static_cast<std::uint32_t>(value >> 32));
  store_be32(bytes.data() + 4, static_cast<std::uint32_t>(value));
  set(name, bytes);
}

void ChosenEdit::begin_node(std::string_view name) {
  to_ = &nodes_;
  append_cell(nodes_, kBeginNode);
  append(nodes_, bytes_of(name));
  append(nodes_, bytes_of("\0"sv));
  pad(nodes_);
}

void ChosenEdit::end_node() {
  append_cell(nodes_, kEndNode);
  to_ = &properties_;
}

bool ChosenEdit::sets(std::string_view name) const {
  std::span<const std::byte> tokens = properties_.span();
  while (const auto token = take_token(tokens))
    if (name_at(strings_.span(), token->property_name) == name) return true;
  return false;
}

std::size_t ChosenEdit::size_bound(std::span<const std::byte> tree) const {
  // A /chosen of our own, and what aligns the parts.
  constexpr std::size_t kSlack = 64;
  return tree.size() + properties_.size() + nodes_.size() + strings_.size() + kSlack;
}

Result<std::size_t> ChosenEdit::write(std::span<const std::byte> tree,
                                      std::span<std::byte> out) const {
  const auto parts = parts_of(tree);
  if (!parts) return fail(Error::kCorrupt);
  const auto old_strings = static_cast<std::uint32_t>(parts->strings.size());
  Writer writer(out);
  for (std::size_t i = 0; i < kHeaderWords; ++i)
    writer.put_cell(0);
  writer.put(parts->reservations);
  const std::size_t structure = writer.at();

  const auto put_additions = [&] {
    writer.put_moved(properties_.span(), old_strings);
    writer.put_moved(nodes_.span(), old_strings);
  };
  std::span<const std::byte> tokens = parts->structure;
  unsigned depth = 0;
  bool in_chosen = false;
  bool done = false;
  for (;;) {
    const auto token = take_token(tokens);
    if (!token) return fail(Error::kCorrupt);
    if (token->kind == kNop) continue;
    if (token->kind == kEndNode) {
      if (depth == 0) return fail(Error::kCorrupt);
      if (depth == 2 && in_chosen) {
        writer.put_moved(nodes_.span(), old_strings);
        in_chosen = false;
      } else if (depth == 1 && !done) {
        writer.put_cell(kBeginNode);
        writer.put(bytes_of("chosen\0\0"sv));
        put_additions();
        writer.put_cell(kEndNode);
        done = true;
      }
      --depth;
    }
    if (token->kind == kProperty && in_chosen && depth == 2) {
      const auto name = name_at(parts->strings, token->property_name);
      if (!name) return fail(Error::kCorrupt);
      if (sets(*name)) continue;
    }
    writer.put(token->bytes);
    if (token->kind == kEnd) break;
    if (token->kind != kBeginNode) continue;
    if (depth == 1 && !done && token->node_name == "chosen") {
      writer.put_moved(properties_.span(), old_strings);
      in_chosen = true;
      done = true;
    }
    ++depth;
  }
  if (depth != 0 || !done) return fail(Error::kCorrupt);

  const std::size_t strings = writer.at();
  writer.put(parts->strings);
  writer.put(strings_.span());
  const std::size_t strings_size = writer.at() - strings;
  writer.align(8);
  if (writer.is_full() || is_full_) return fail(Error::kTooLarge);
  const std::uint32_t header[kHeaderWords] = {kMagic,
                                              static_cast<std::uint32_t>(writer.at()),
                                              static_cast<std::uint32_t>(structure),
                                              static_cast<std::uint32_t>(strings),
                                              kHeaderBytes,
                                              17,
                                              16,
                                              parts->boot_cpu,
                                              static_cast<std::uint32_t>(strings_size),
                                              static_cast<std::uint32_t>(strings - structure)};
  for (std::size_t i = 0; i < kHeaderWords; ++i)
    store_be32(out.data() + i * 4, header[i]);
  return writer.at();
}

}  // namespace socle::efi
