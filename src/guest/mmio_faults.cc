// SPDX-License-Identifier: Apache-2.0
#include "guest/mmio_faults.h"

#include <algorithm>

namespace socle::guest {

namespace {

using Entry = MmioFaults::Entry;

// Are the two one range? What overlaps is, whatever it was before.
bool belong_together(const Entry& a, const Entry& b) {
  if (a.frames.overlaps(b.frames)) return true;
  const bool touch = a.frames.end() == b.frames.begin() || b.frames.end() == a.frames.begin();
  return touch && a.type == b.type;
}

void absorb(Entry& entry, const Entry& later) {
  entry.frames = GfnRange(std::min(entry.frames.begin(), later.frames.begin()),
                          std::max(entry.frames.end(), later.frames.end()));
  entry.count += later.count;
  entry.block = std::max(entry.block, later.block);
  entry.type = later.type;
}

}  // namespace

void MmioFaults::Record::insert(std::size_t at, const Entry& fault) {
  for (std::size_t i = size; i > at; --i)
    entries[i] = entries[i - 1];
  entries[at] = fault;
  ++size;
}

// An entry and the one behind it become one.
void MmioFaults::Record::join_next(std::size_t at, MemoryType type) {
  absorb(entries[at], entries[at + 1]);
  entries[at].type = type;
  --size;
  for (std::size_t i = at + 1; i < size; ++i)
    entries[i] = entries[i + 1];
}

bool MmioFaults::Record::add(const Entry& fault) {
  ++totals.faults;
  std::size_t at = 0;
  while (at < size && entries[at].frames.end() < fault.frames.begin())
    ++at;
  // The one that ends where this one begins may be of another type.
  if (at < size && !belong_together(entries[at], fault) &&
      entries[at].frames.end() == fault.frames.begin())
    ++at;
  if (at == size || !belong_together(entries[at], fault)) {
    if (size == kEntries) {
      ++totals.lost;
    } else {
      insert(at, fault);
    }
    return true;
  }
  const bool is_new = !entries[at].frames.contains(fault.frames);
  absorb(entries[at], fault);
  while (at + 1 < size && belong_together(entries[at], entries[at + 1]))
    join_next(at, fault.type);
  // Only if its type has changed.
  if (at != 0 && belong_together(entries[at - 1], entries[at])) join_next(at - 1, fault.type);
  return is_new;
}

std::string_view MmioFaults::name_of(Mfn frame) const {
  for (const Named& each : named)
    if (each.frames.contains(frame)) return each.name.view();
  return {};
}

bool MmioFaults::add(Outcome outcome, const Entry& fault) {
  const LockGuard guard(lock_);
  return records_[static_cast<std::size_t>(outcome)].add(fault);
}

std::size_t MmioFaults::list(Outcome outcome, Gfn from, std::span<Entry> out) const {
  const LockGuard guard(lock_);
  const Record& record = records_[static_cast<std::size_t>(outcome)];
  std::size_t count = 0;
  for (std::size_t i = 0; i < record.size && count < out.size(); ++i)
    if (record.entries[i].frames.begin() >= from) out[count++] = record.entries[i];
  return count;
}

MmioFaults::Totals MmioFaults::totals(Outcome outcome) const {
  const LockGuard guard(lock_);
  return records_[static_cast<std::size_t>(outcome)].totals;
}

}  // namespace socle::guest
