// SPDX-License-Identifier: Apache-2.0
#pragma once

// Table<Format>: a function from input frames to {machine frame, attributes}, held in a tree of
// translation tables that hardware walks while we change it. One walker and one editor for every
// format.
//
// Invariant (tables are canonical): the tree depends on the function only, not on its history. Each
// frame is mapped by the largest block that the function allows; sixteen neighbours that may carry
// the contiguous hint do; no table but the root is empty. Each pointer to a table carries the
// number of valid entries in it, so that neither an empty nor a full table needs to be searched
// for.
//
// Changes are prepared, then committed. prepare() checks the edit and takes all the frames it will
// need; it may fail, and nobody has seen anything. commit() cannot fail. In between the caller may
// ask others (listeners) and drop the Plan without any trace.
//
// Locks: the caller's, around every call and from prepare() to commit(). Definitions are in walk.h
// (reading) and edit.h (changing), for the one source file per format that instantiates them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/result.h"
#include "base/types.h"
#include "hw/vmsa.h"
#include "port/phys_window.h"
#include "port/translation_entry.h"
#include "stage2/format.h"
#include "stage2/ledger.h"
#include "stage2/table_source.h"

namespace socle::stage2 {

// What a table tells about one entry that maps something.
struct LeafView {
  InputRange range;
  Mfn output;  // of range.begin()
  DecodedAttributes attributes;
  Level level{3};
  bool contiguous = false;
};

// How a tree is to be built.
struct TableOptions {
  // The largest leaf is of this level or a higher number.
  Level largest_leaf{1};
  bool contiguous_hint = true;
  // Somebody walks these tables without looking into the CPUs' caches: clean what is written.
  bool clean_for_walker = false;
};

// A change of the function.
struct Edit {
  enum class Kind : std::uint8_t {
    kMap,        // what is mapped already must be the same
    kOverwrite,  // whatever was there
    kUnmap,
    kChange,  // other attributes; everything must be mapped
  };
  Kind kind = Kind::kUnmap;
  InputRange range;
  Mfn output;                    // of range.begin(), for kMap and kOverwrite
  std::uint64_t attributes = 0;  // encoded, except for kUnmap

  // The machine frame that `frame` is to have; meaningful beyond the ends of the range, too, as the
  // continuation of the same line (modulo 2^64).
  [[nodiscard]] constexpr std::uint64_t output_of(InputFrame frame) const {
    return output.value() + (frame.value() - range.begin().value());
  }
};

// Frames taken for a change before it is made. What is not used goes back.
class Reserve {
 public:
  explicit Reserve(TableSource source) : source_(source) {}
  Reserve(Reserve&& other) noexcept
      : source_(other.source_), first_(other.first_), count_(std::exchange(other.count_, 0)) {}
  Reserve& operator=(Reserve&&) = delete;
  ~Reserve();

  Result<> fill(std::size_t count);
  Mfn pop();

 private:
  TableSource source_;
  Mfn first_;
  std::size_t count_ = 0;
};

// An edit that was checked and has all it needs.
class Plan {
 public:
  Plan(const Edit& edit, Reserve&& reserve) : edit_(edit), reserve_(std::move(reserve)) {}
  [[nodiscard]] const Edit& edit() const { return edit_; }

 private:
  template <EntryFormat Format>
  friend class Table;
  Edit edit_;
  Reserve reserve_;
};

template <EntryFormat Format>
class Table {
 public:
  constexpr Table() = default;
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // An empty tree. kNoMemory.
  Result<> create(const Format& format, const hw::TableGeometry& geometry, TableSource source,
                  const TableOptions& options);
  [[nodiscard]] bool exists() const { return geometry_.root_entries != 0; }
  [[nodiscard]] Mfn root() const { return root_; }
  [[nodiscard]] const hw::TableGeometry& geometry() const { return geometry_; }
  [[nodiscard]] const Format& format() const { return format_; }
  [[nodiscard]] TableSource source() const { return source_; }
  [[nodiscard]] const TableOptions& options() const { return options_; }
  [[nodiscard]] InputRange all() const {
    return InputRange(InputFrame(0), InputFrame(0) + geometry_.frames());
  }

  // The entry that maps `frame`.
  [[nodiscard]] std::optional<LeafView> lookup(InputFrame frame) const;
  // Calls visit(const LeafView&) for each leaf that touches `range`, in ascending order, until it
  // returns false. The view's range is the whole entry's. Returns whether it came to the end.
  template <typename Visit>
  bool for_each_leaf(const InputRange& range, Visit visit) const;
  // Calls visit(Mfn, Level) for each table below the root.
  template <typename Visit>
  void for_each_table(Visit visit) const;

  Result<Plan> prepare(const Edit& edit) const;
  void commit(Plan&& plan, Ledger& ledger);

  // Frees tables, at most `budget` of them, of a tree that nobody walks or looks up in any more.
  // True: all are given back, and exists() is false.
  bool free_some(std::size_t budget);

  // A walker that does not look into the CPUs' caches joins: everything written so far and from
  // now on is cleaned for it.
  void begin_cleaning();

 private:
  struct Node;
  struct Group;
  enum class Step : std::uint8_t;

  [[nodiscard]] static std::uint64_t* entries_of(Mfn table) {
    return port::owned_frame_as<std::uint64_t>(table);
  }
  [[nodiscard]] Node root_node() const;
  [[nodiscard]] bool may_be_leaf(Level level) const {
    return hw::descriptor::may_be_leaf(level) && level >= options_.largest_leaf;
  }

  // walk.h
  [[nodiscard]] LeafView view(std::uint64_t word, InputFrame base, Level level) const;
  template <typename Visit>
  bool visit_leaves(const Node& node, const InputRange& range, Visit& visit) const;
  template <typename Visit>
  void visit_tables(const Node& node, Visit& visit) const;

  // edit.h
  Result<Step> step(const Edit& edit, std::uint64_t old, const InputRange& span, Level level) const;
  Result<std::size_t> count_tables(const Edit& edit, std::uint64_t old, const InputRange& span,
                                   Level level) const;
  [[nodiscard]] std::uint64_t part_of(std::uint64_t old, Level level, std::size_t index) const;
  int apply(const Node& node, Plan& plan, Ledger& ledger);
  [[nodiscard]] std::uint64_t next_of(const Node& node, std::size_t index, std::uint64_t old,
                                      Plan& plan, Ledger& ledger);
  [[nodiscard]] std::uint64_t descend(const Node& node, std::size_t index, std::uint64_t old,
                                      Plan& plan, Ledger& ledger);
  [[nodiscard]] Mfn build_split(std::uint64_t old, Level level, Plan& plan) const;
  [[nodiscard]] std::optional<std::uint64_t> merged(Mfn table, Level level) const;
  void hint(Group& group, Level level) const;
  int replace(const Group& group, const Node& node, Ledger& ledger);
  void forget_table(Mfn table, Level level, Ledger& ledger);
  [[nodiscard]] static bool may_change_live(std::uint64_t old, std::uint64_t next, Level level);
  bool free_children(Mfn table, Level level, std::size_t entries, std::size_t& budget);

  Format format_{};
  hw::TableGeometry geometry_{};
  TableSource source_;
  TableOptions options_{};
  Mfn root_;
};

}  // namespace socle::stage2
