// SPDX-License-Identifier: Apache-2.0
#pragma once

// Reading tables. See table.h.

#include <algorithm>

#include "stage2/table.h"

namespace socle::stage2 {

// One table of the tree, or a root of several concatenated ones.
template <EntryFormat Format>
struct Table<Format>::Node {
  std::uint64_t* entries;
  std::size_t size;
  Level level;       // of its entries
  InputFrame base;   // of its first entry
  bool live = true;  // hardware may be reading it

  [[nodiscard]] InputRange span(std::size_t index) const {
    const InputFrame begin = base + FrameCount(index << level.order().value());
    return InputRange(begin, begin + level.order().count());
  }
  // Indexes of the entries that touch `range`, which touches this table: [first, last].
  [[nodiscard]] std::size_t first(const InputRange& range) const {
    return range.begin() <= base ? 0 : index_of(range.begin());
  }
  [[nodiscard]] std::size_t last(const InputRange& range) const {
    return std::min(size - 1, index_of(range.end() - FrameCount(1)));
  }

 private:
  [[nodiscard]] std::size_t index_of(InputFrame frame) const {
    return static_cast<std::size_t>((frame - base).value() >> level.order().value());
  }
};

template <EntryFormat Format>
typename Table<Format>::Node Table<Format>::root_node() const {
  return Node{entries_of(root_), geometry_.root_entries, geometry_.start, InputFrame(0)};
}

template <EntryFormat Format>
LeafView Table<Format>::view(std::uint64_t word, InputFrame base, Level level) const {
  return LeafView{.range = InputRange(base, base + level.order().count()),
                  .output = hw::descriptor::output(word),
                  .attributes = format_.decode(word),
                  .level = level,
                  .contiguous = hw::descriptor::Contiguous::get(word) != 0};
}

template <EntryFormat Format>
std::optional<LeafView> Table<Format>::lookup(InputFrame frame) const {
  if (!exists() || !all().contains(frame)) return std::nullopt;
  Mfn table = root_;
  std::uint64_t index = frame.value() >> geometry_.start.order().value();
  for (Level level = geometry_.start;; level = level.next()) {
    const std::uint64_t word = port::read_entry(entries_of(table)[index]);
    switch (hw::descriptor::kind(word, level)) {
      case hw::DescriptorKind::kInvalid:
        return std::nullopt;
      case hw::DescriptorKind::kLeaf:
        return view(word, frame - FrameCount(frame.value() & (level.order().count().value() - 1)),
                    level);
      case hw::DescriptorKind::kTable:
        break;
    }
    table = hw::descriptor::output(word);
    index = (frame.value() >> level.next().order().value()) % hw::descriptor::kEntries;
  }
}

template <EntryFormat Format>
template <typename Visit>
bool Table<Format>::visit_leaves(const Node& node, const InputRange& range, Visit& visit) const {
  const std::size_t last = node.last(range);
  for (std::size_t index = node.first(range); index <= last; ++index) {
    const std::uint64_t word = port::read_entry(node.entries[index]);
    const InputFrame base = node.span(index).begin();
    switch (hw::descriptor::kind(word, node.level)) {
      case hw::DescriptorKind::kInvalid:
        break;
      case hw::DescriptorKind::kLeaf:
        if (!visit(view(word, base, node.level))) return false;
        break;
      case hw::DescriptorKind::kTable: {
        const Node child{entries_of(hw::descriptor::output(word)), hw::descriptor::kEntries,
                         node.level.next(), base};
        if (!visit_leaves(child, range, visit)) return false;
        break;
      }
    }
  }
  return true;
}

template <EntryFormat Format>
template <typename Visit>
bool Table<Format>::for_each_leaf(const InputRange& range, Visit visit) const {
  if (!exists()) return true;
  const InputRange part = range.intersection(all());
  return part.empty() || visit_leaves(root_node(), part, visit);
}

template <EntryFormat Format>
template <typename Visit>
void Table<Format>::visit_tables(const Node& node, Visit& visit) const {
  if (node.level == kLeafLevel) return;
  for (std::size_t index = 0; index < node.size; ++index) {
    const std::uint64_t word = port::read_entry(node.entries[index]);
    if (hw::descriptor::kind(word, node.level) != hw::DescriptorKind::kTable) continue;
    const Mfn table = hw::descriptor::output(word);
    visit_tables(Node{entries_of(table), hw::descriptor::kEntries, node.level.next(),
                      node.span(index).begin()},
                 visit);
    visit(table, node.level.next());
  }
}

template <EntryFormat Format>
template <typename Visit>
void Table<Format>::for_each_table(Visit visit) const {
  if (exists()) visit_tables(root_node(), visit);
}

}  // namespace socle::stage2
