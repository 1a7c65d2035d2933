// SPDX-License-Identifier: Apache-2.0
#pragma once

// Ledger: what is owed after entries of live tables were broken: invalidations of TLBs and walk
// caches, and frames of tables that may be given back only after those. Its destructor pays, in
// ranges, once per batch; so no path can forget, and many small changes cost one wait.
//
// Locks: those of the tables it keeps the debts of. Cannot fail: what does not fit in its few
// records becomes "everything".

#include "base/inplace_vector.h"
#include "port/tlb.h"
#include "stage2/format.h"
#include "stage2/table_source.h"

namespace socle::stage2 {

// How invalidations reach whoever caches translations of these tables. Never called in a walk.
class Invalidator {
 public:
  // Issue only. `level` is that of the entries that were broken.
  virtual void invalidate(const InputRange& range, Level level, port::TlbReach reach) = 0;
  virtual void invalidate_all() = 0;
  // Waits until everything issued has taken effect for all observers.
  virtual void complete() = 0;

 protected:
  constexpr Invalidator() = default;
  ~Invalidator() = default;
};

class Ledger {
 public:
  Ledger(Invalidator& invalidator, TableSource source)
      : invalidator_(invalidator), source_(source) {}
  ~Ledger() { pay(); }
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // Entries of `level` that covered `range` were broken, or changed in a way that needs no break.
  void owe(const InputRange& range, Level level, port::TlbReach reach);
  // A table that no entry refers to any more. Walkers may still be in it: it is given back when the
  // debts are paid. The chain of such frames runs through their first entries, as descriptors that
  // are invalid to a walker.
  void owe_table(Mfn table);
  // Entries were made: they must be visible before whatever the caller does next.
  void owe_visibility() { writes_ = true; }

  // Whether a translation in `range` may still be cached, so that nothing may be made there.
  [[nodiscard]] bool owes(const InputRange& range) const;

  // Pays the invalidations now, because something is about to be made in their place.
  void flush();
  // Pays everything.
  void pay();

 private:
  struct Debt {
    InputRange range;
    Level level{0};
    port::TlbReach reach = port::TlbReach::kLeaf;
  };
  static constexpr std::size_t kRecords = 8;

  Invalidator& invalidator_;
  TableSource source_;
  InplaceVector<Debt, kRecords> debts_;
  bool everything_ = false;
  bool writes_ = false;
  Mfn first_table_;
  std::size_t tables_ = 0;
};

}  // namespace socle::stage2
