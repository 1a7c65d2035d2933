// SPDX-License-Identifier: Apache-2.0
#include "stage2/ledger.h"

#include "port/barrier.h"
#include "port/phys_window.h"
#include "port/translation_entry.h"

namespace socle::stage2 {

void Ledger::owe(const InputRange& range, Level level, port::TlbReach reach) {
  writes_ = true;
  if (everything_) return;
  if (!debts_.empty()) {
    Debt& last = debts_.back();
    if (last.level == level && last.reach == reach && range.begin() <= last.range.end() &&
        last.range.begin() <= range.end()) {
      last.range = InputRange(std::min(last.range.begin(), range.begin()),
                              std::max(last.range.end(), range.end()));
      return;
    }
  }
  if (!debts_.push_back({range, level, reach})) everything_ = true;
}

void Ledger::owe_table(Mfn table) {
  std::uint64_t& link = *port::owned_frame_as<std::uint64_t>(table);
  port::write_entry(link, first_table_.value() << kFrameShift);
  first_table_ = table;
  ++tables_;
}

bool Ledger::owes(const InputRange& range) const {
  if (everything_) return true;
  for (const Debt& debt : debts_) {
    if (debt.range.overlaps(range)) return true;
  }
  return false;
}

void Ledger::flush() {
  if (writes_) port::barrier_table_write();
  writes_ = false;
  if (!everything_ && debts_.empty()) return;
  if (everything_) {
    invalidator_.invalidate_all();
  } else {
    for (const Debt& debt : debts_)
      invalidator_.invalidate(debt.range, debt.level, debt.reach);
  }
  invalidator_.complete();
  everything_ = false;
  debts_.clear();
}

void Ledger::pay() {
  flush();
  for (; tables_ > 0; --tables_) {
    const Mfn table = first_table_;
    const std::uint64_t link = port::read_entry(*port::owned_frame_as<std::uint64_t>(table));
    first_table_ = Mfn(link >> kFrameShift);
    source_.give(table);
  }
}

}  // namespace socle::stage2
