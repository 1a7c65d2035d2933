// SPDX-License-Identifier: Apache-2.0
#pragma once

// Changing tables. See table.h.
//
// An edit goes down the tree along its range. At each entry it takes one of three steps: keep the
// entry, replace it (by a leaf, or by nothing), or descend: into the table that is there, or into a
// new one that is built beside the tree with the contents of the old entry and then changed. On the
// way up, a table that became empty or uniform gives way to nothing or to a block. So a block that
// is split is replaced once, by a table that has its final contents already.
//
// prepare() takes the same steps without changing anything, to find what forbids the edit and how
// many tables it builds.

#include <algorithm>
#include <array>
#include <bit>

#include "base/check.h"
#include "port/barrier.h"
#include "port/cache.h"
#include "stage2/walk.h"

namespace socle::stage2 {

template <EntryFormat Format>
enum class Table<Format>::Step : std::uint8_t {
  kKeep,
  kReplace,
  kDescend
};

// Neighbours that the contiguous hint may join; what they are and what they shall be.
template <EntryFormat Format>
struct Table<Format>::Group {
  std::size_t first;  // index of the first one in its table
  std::size_t size;
  std::array<std::uint64_t, hw::descriptor::kContiguousEntries> old{};
  std::array<std::uint64_t, hw::descriptor::kContiguousEntries> next{};
  unsigned changed = 0;  // bit n: next[n] is not old[n]
  unsigned emptied = 0;  // bit n: old[n] points to a table that has no valid entries any more

  [[nodiscard]] port::TlbReach reach(std::size_t i, Level level) const {
    if (hw::descriptor::kind(old[i], level) == hw::DescriptorKind::kLeaf)
      return port::TlbReach::kLeaf;
    return (emptied >> i & 1) != 0 ? port::TlbReach::kEmptyTable : port::TlbReach::kTables;
  }
};

// --- Prepare ------------------------------------------------------------------------------------

template <EntryFormat Format>
Result<typename Table<Format>::Step> Table<Format>::step(const Edit& edit, std::uint64_t old,
                                                         const InputRange& span,
                                                         Level level) const {
  using hw::DescriptorKind;
  const DescriptorKind kind = hw::descriptor::kind(old, level);
  const bool whole = edit.range.contains(span);
  const bool same_attributes =
      kind == DescriptorKind::kLeaf && hw::descriptor::attribute_bits(old) == edit.attributes;
  switch (edit.kind) {
    case Edit::Kind::kUnmap:
      if (kind == DescriptorKind::kInvalid) return Step::kKeep;
      return whole ? Step::kReplace : Step::kDescend;
    case Edit::Kind::kChange:
      if (kind == DescriptorKind::kInvalid) return fail(Error::kNotFound);
      if (kind == DescriptorKind::kTable) return Step::kDescend;
      if (same_attributes) return Step::kKeep;
      return whole ? Step::kReplace : Step::kDescend;
    case Edit::Kind::kMap:
    case Edit::Kind::kOverwrite:
      break;
  }
  const std::uint64_t output = edit.output_of(span.begin());
  if (kind == DescriptorKind::kLeaf) {
    if (same_attributes && hw::descriptor::output(old).value() == output) return Step::kKeep;
    if (edit.kind == Edit::Kind::kMap) return fail(Error::kExists);
  }
  const bool fits = whole && may_be_leaf(level) && Mfn(output).is_aligned(level.order());
  // Tables are never empty, so kMap must look at what is in there.
  const bool must_look = kind == DescriptorKind::kTable && edit.kind == Edit::Kind::kMap;
  return fits && !must_look ? Step::kReplace : Step::kDescend;
}

// How many tables apply() builds in the place of `old` and below it.
template <EntryFormat Format>
Result<std::size_t> Table<Format>::count_tables(const Edit& edit, std::uint64_t old,
                                                const InputRange& span, Level level) const {
  if (TRY(step(edit, old, span, level)) != Step::kDescend) return 0;
  const bool is_table = hw::descriptor::kind(old, level) == hw::DescriptorKind::kTable;
  std::size_t count = is_table ? 0 : 1;
  const bool cannot_fail =
      !is_table || edit.kind == Edit::Kind::kUnmap || edit.kind == Edit::Kind::kOverwrite;
  if (level.next() == kLeafLevel && cannot_fail) return count;

  const Node child{is_table ? entries_of(hw::descriptor::output(old)) : nullptr,
                   hw::descriptor::kEntries, level.next(), span.begin()};
  const InputRange part = span.intersection(edit.range);
  const std::size_t last = child.last(part);
  for (std::size_t index = child.first(part); index <= last; ++index) {
    const std::uint64_t word =
        is_table ? port::read_entry(child.entries[index]) : part_of(old, level, index);
    count += TRY(count_tables(edit, word, child.span(index), child.level));
  }
  return count;
}

template <EntryFormat Format>
Result<Plan> Table<Format>::prepare(const Edit& edit) const {
  if (!exists()) return fail(Error::kInvalid);
  if (!all().contains(edit.range)) return fail(Error::kOutOfRange);
  std::size_t count = 0;
  if (!edit.range.empty()) {
    const Node root = root_node();
    const std::size_t last = root.last(edit.range);
    for (std::size_t index = root.first(edit.range); index <= last; ++index) {
      count += TRY(
          count_tables(edit, port::read_entry(root.entries[index]), root.span(index), root.level));
    }
  }
  Reserve reserve(source_);
  TRY(reserve.fill(count));
  return Plan(edit, std::move(reserve));
}

// --- Commit -------------------------------------------------------------------------------------

template <EntryFormat Format>
void Table<Format>::commit(Plan&& plan, Ledger& ledger) {
  if (plan.edit_.range.empty()) return;
  apply(root_node(), plan, ledger);
}

// Changes the entries of one table. Returns by how many its valid entries became more.
template <EntryFormat Format>
int Table<Format>::apply(const Node& node, Plan& plan, Ledger& ledger) {
  const Edit& edit = plan.edit_;
  const auto is_empty_table = [](std::uint64_t word, Level level) {
    return hw::descriptor::kind(word, level) == hw::DescriptorKind::kTable &&
           hw::descriptor::table_count(word) == 0;
  };
  int more = 0;
  const std::size_t group_size =
      std::min<std::size_t>(node.size, hw::descriptor::kContiguousEntries);
  const std::size_t begin = node.first(edit.range);
  const std::size_t last = node.last(edit.range);
  for (std::size_t first = begin & ~(group_size - 1); first <= last; first += group_size) {
    Group group{.first = first, .size = group_size};
    std::uint64_t any = 0;
    std::uint64_t all = ~std::uint64_t{0};
    for (std::size_t i = 0; i < group_size; ++i) {
      std::uint64_t word = port::read_entry(node.entries[first + i]);
      group.old[i] = word;
      // Most edits change one entry of a group; the others are there for the hint.
      if (begin <= first + i && first + i <= last) {
        const std::uint64_t old = word;
        word = next_of(node, first + i, old, plan, ledger);
        if (is_empty_table(word, node.level)) {
          word = 0;
          group.emptied |= 1u << i;
        }
        if (word != old) group.changed |= 1u << i;
      }
      group.next[i] = word;
      any |= word;
      all &= word;
    }
    // Most groups have gaps and no hint.
    if (hw::descriptor::is_valid(all) || (any & hw::descriptor::Contiguous::kMask) != 0)
      hint(group, node.level);
    more += replace(group, node, ledger);
  }
  return more;
}

// What an entry that the edit touches shall be, its contiguous hint aside. Changes what is below
// it.
template <EntryFormat Format>
std::uint64_t Table<Format>::next_of(const Node& node, std::size_t index, std::uint64_t old,
                                     Plan& plan, Ledger& ledger) {
  const Edit& edit = plan.edit_;
  const InputRange span = node.span(index);
  const Result<Step> what = step(edit, old, span, node.level);
  CHECK(what.has_value());  // prepare() has been here
  switch (*what) {
    case Step::kKeep:
      return old;
    case Step::kDescend:
      return descend(node, index, old, plan, ledger);
    case Step::kReplace:
      break;
  }
  switch (edit.kind) {
    case Edit::Kind::kUnmap:
      return 0;
    case Edit::Kind::kChange:
      return hw::descriptor::leaf(hw::descriptor::output(old), edit.attributes, node.level);
    case Edit::Kind::kMap:
    case Edit::Kind::kOverwrite:
      return hw::descriptor::leaf(Mfn(edit.output_of(span.begin())), edit.attributes, node.level);
  }
  __builtin_unreachable();
}

template <EntryFormat Format>
std::uint64_t Table<Format>::descend(const Node& node, std::size_t index, std::uint64_t old,
                                     Plan& plan, Ledger& ledger) {
  const bool is_table = hw::descriptor::kind(old, node.level) == hw::DescriptorKind::kTable;
  const Mfn table = is_table ? hw::descriptor::output(old) : build_split(old, node.level, plan);
  int count = is_table                        ? static_cast<int>(hw::descriptor::table_count(old))
              : hw::descriptor::is_valid(old) ? static_cast<int>(hw::descriptor::kEntries)
                                              : 0;
  count += apply(Node{entries_of(table), hw::descriptor::kEntries, node.level.next(),
                      node.span(index).begin(), node.live && is_table},
                 plan, ledger);
  // A pointer to an empty table tells apply() that nothing is left, and nothing below to forget.
  const std::optional<std::uint64_t> block = count == static_cast<int>(hw::descriptor::kEntries)
                                                 ? merged(table, node.level)
                                                 : std::nullopt;
  CHECK(is_table || (count > 0 && !block));  // nothing is split that the edit leaves whole
  return block ? *block
               : hw::descriptor::table(table, static_cast<unsigned>(count)) | Format::kTableBits;
}

// The entry with this index of a table that says what `old`, an entry of `level`, says.
template <EntryFormat Format>
std::uint64_t Table<Format>::part_of(std::uint64_t old, Level level, std::size_t index) const {
  if (!hw::descriptor::is_valid(old)) return 0;
  const FrameCount offset(static_cast<std::uint64_t>(index) << level.next().order().value());
  return hw::descriptor::leaf(hw::descriptor::output(old) + offset,
                              hw::descriptor::attribute_bits(old), level.next()) |
         hw::descriptor::Contiguous::make(options_.contiguous_hint ? 1 : 0);
}

template <EntryFormat Format>
Mfn Table<Format>::build_split(std::uint64_t old, Level level, Plan& plan) const {
  const Mfn table = plan.reserve_.pop();
  std::uint64_t* const entries = entries_of(table);
  for (std::size_t index = 0; index < hw::descriptor::kEntries; ++index)
    port::write_entry(entries[index], part_of(old, level, index));
  if (options_.clean_for_walker) port::cache_clean(entries, kFrameSize);
  return table;
}

// The block that says the same as a full table, if there is one.
template <EntryFormat Format>
std::optional<std::uint64_t> Table<Format>::merged(Mfn table, Level level) const {
  using namespace hw::descriptor;
  if (!may_be_leaf(level)) return std::nullopt;
  const std::uint64_t* const entries = entries_of(table);
  const std::uint64_t first = port::read_entry(entries[0]);
  if (kind(first, level.next()) != hw::DescriptorKind::kLeaf) return std::nullopt;
  if (!output(first).is_aligned(level.order())) return std::nullopt;
  const std::uint64_t block = leaf(output(first), attribute_bits(first), level);
  // The last entry first: a table that fills up from the front differs there for longest.
  for (std::size_t index = kEntries; index-- > 0;) {
    const std::uint64_t word = port::read_entry(entries[index]);
    if ((word | Contiguous::kMask) != (part_of(block, level, index) | Contiguous::kMask))
      return std::nullopt;
  }
  return block;
}

template <EntryFormat Format>
void Table<Format>::hint(Group& group, Level level) const {
  using namespace hw::descriptor;
  const std::uint64_t first = group.next[0] & ~Contiguous::kMask;
  const Order joined(level.order().value() + 4);
  bool uniform = options_.contiguous_hint && group.size == kContiguousEntries &&
                 kind(first, level) == hw::DescriptorKind::kLeaf &&
                 output(first).is_aligned(joined);
  for (std::size_t i = 0; i < group.size; ++i) {
    if (kind(group.next[i], level) == hw::DescriptorKind::kLeaf) {
      group.next[i] &= ~Contiguous::kMask;
      uniform = uniform && group.next[i] == first + (i << (level.order().value() + kFrameShift));
    } else {
      uniform = false;
    }
  }
  for (std::size_t i = 0; uniform && i < group.size; ++i)
    group.next[i] |= Contiguous::kMask;
  group.changed = 0;
  for (std::size_t i = 0; i < group.size; ++i)
    if (group.old[i] != group.next[i]) group.changed |= 1u << i;
}

// Whether a live entry may become another valid one in one store.
template <EntryFormat Format>
bool Table<Format>::may_change_live(std::uint64_t old, std::uint64_t next, Level level) {
  using namespace hw::descriptor;
  const hw::DescriptorKind was = kind(old, level);
  if (was != kind(next, level)) return false;
  if (was == hw::DescriptorKind::kTable) return output(old) == output(next);
  // With the hint a TLB may answer for one entry by another, so permissions may not differ either.
  if (((old | next) & Contiguous::kMask) != 0) return false;
  return ((old ^ next) & ~Format::kChangeableLive) == 0;
}

// The one place where entries of live tables change: break, invalidate, make (D8.16.1). A group is
// broken as a whole, so that it costs one wait, and so that no hint outlives its neighbours.
// Returns by how many the valid entries became more.
template <EntryFormat Format>
int Table<Format>::replace(const Group& group, const Node& node, Ledger& ledger) {
  using namespace hw::descriptor;
  if (group.changed == 0) return 0;
  int more = 0;
  std::uint64_t* const entries = node.entries + group.first;
  bool is_owed = false;  // something must be forgotten before anything is made
  bool has_new_table = false;

  if (node.live) {
    for (unsigned left = group.changed; left != 0; left &= left - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(left));
      const std::uint64_t old = group.old[i];
      const std::uint64_t next = group.next[i];
      const InputRange span = node.span(group.first + i);
      const bool was_table = kind(old, node.level) == hw::DescriptorKind::kTable;
      has_new_table |= !was_table && kind(next, node.level) == hw::DescriptorKind::kTable;
      if (!is_valid(old)) {
        is_owed |= ledger.owes(span);  // broken earlier in this batch
      } else if (!may_change_live(old, next, node.level)) {
        port::write_entry(entries[i], 0);
        ledger.owe(span, node.level, group.reach(i, node.level));
        is_owed |= is_valid(next);
      }
    }
    if (options_.clean_for_walker) port::cache_clean(entries, group.size * sizeof *entries);
    if (is_owed) ledger.flush();
    if (has_new_table) port::barrier_table_write();
  }

  for (unsigned left = group.changed; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const std::uint64_t old = group.old[i];
    const std::uint64_t next = group.next[i];
    more += (is_valid(next) ? 1 : 0) - (is_valid(old) ? 1 : 0);
    if (node.live && !is_valid(next)) continue;
    port::write_entry(entries[i], next);
    if (!node.live) continue;
    ledger.owe_visibility();
    if (kind(old, node.level) == hw::DescriptorKind::kLeaf &&
        may_change_live(old, next, node.level)) {
      ledger.owe(node.span(group.first + i), node.level, port::TlbReach::kLeaf);
    }
  }
  if (options_.clean_for_walker) port::cache_clean(entries, group.size * sizeof *entries);

  for (unsigned left = group.changed; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    if (kind(group.old[i], node.level) == hw::DescriptorKind::kTable &&
        kind(group.next[i], node.level) != hw::DescriptorKind::kTable) {
      forget_table(output(group.old[i]), node.level.next(), ledger);
    }
  }
  return more;
}

// A table that was cut off the tree, and those below it.
template <EntryFormat Format>
void Table<Format>::forget_table(Mfn table, Level level, Ledger& ledger) {
  if (level < kLeafLevel) {
    const std::uint64_t* const entries = entries_of(table);
    for (std::size_t index = 0; index < hw::descriptor::kEntries; ++index) {
      const std::uint64_t word = port::read_entry(entries[index]);
      if (hw::descriptor::kind(word, level) == hw::DescriptorKind::kTable)
        forget_table(hw::descriptor::output(word), level.next(), ledger);
    }
  }
  ledger.owe_table(table);
}

// --- Life
// -----------------------------------------------------------------------------------------

template <EntryFormat Format>
Result<> Table<Format>::create(const Format& format, const hw::TableGeometry& geometry,
                               TableSource source, const TableOptions& options) {
  CHECK(!exists());
  const Order order = geometry.root_order();
  const Mfn root = TRY(order == kOrder4K ? source.take() : source.take_contiguous(order));
  format_ = format;
  source_ = source;
  options_ = options;
  root_ = root;
  std::uint64_t* const entries = entries_of(root);
  for (std::size_t index = 0; index < hw::descriptor::kEntries << order.value(); ++index)
    port::write_entry(entries[index], 0);
  if (options.clean_for_walker) port::cache_clean(entries, order.bytes());
  port::barrier_table_write();
  geometry_ = geometry;
  return {};
}

template <EntryFormat Format>
void Table<Format>::begin_cleaning() {
  options_.clean_for_walker = true;
  port::cache_clean(entries_of(root_), geometry_.root_order().bytes());
  for_each_table([](Mfn table, Level) { port::cache_clean(entries_of(table), kFrameSize); });
}

// False: the budget is used up. Entries are cleared on the way, so the next call goes on.
template <EntryFormat Format>
bool Table<Format>::free_children(Mfn table, Level level, std::size_t size, std::size_t& budget) {
  if (level == kLeafLevel) return true;
  std::uint64_t* const entries = entries_of(table);
  for (std::size_t index = 0; index < size; ++index) {
    const std::uint64_t word = port::read_entry(entries[index]);
    if (hw::descriptor::kind(word, level) != hw::DescriptorKind::kTable) continue;
    const Mfn child = hw::descriptor::output(word);
    if (!free_children(child, level.next(), hw::descriptor::kEntries, budget)) return false;
    if (budget == 0) return false;
    --budget;
    port::write_entry(entries[index], 0);
    source_.give(child);
  }
  return true;
}

template <EntryFormat Format>
bool Table<Format>::free_some(std::size_t budget) {
  if (!exists()) return true;
  if (!free_children(root_, geometry_.start, geometry_.root_entries, budget)) return false;
  const Order order = geometry_.root_order();
  if (order == kOrder4K) {
    source_.give(root_);
  } else {
    source_.give_contiguous(root_, order);
  }
  geometry_ = {};
  return true;
}

}  // namespace socle::stage2
