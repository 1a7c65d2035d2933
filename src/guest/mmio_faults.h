// SPDX-License-Identifier: Apache-2.0
#pragma once

// MmioFaults: what is done about a domain's accesses to addresses that nothing is mapped at, and
// the record of what was done (requirement 1.19). A domain without one gets aborts, as ever.
//
// Bounded: an entry stands for a range of frames with one outcome; faults that touch it widen it.
// What finds no room is counted. Nothing is allocated after the object is made.
//
// Caller: any CPU. Locks: its own, in which nothing else is taken; call with no lock held.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/format.h"
#include "base/lock.h"
#include "base/range.h"
#include "base/types.h"
#include "hw/attributes.h"

namespace socle::guest {

class MmioFaults {
 public:
  enum class Policy : std::uint8_t {
    kLog,  // abort, and record
    kMap,  // map what is permitted, abort for all else, and record both
  };
  enum class Outcome : std::uint8_t { kMapped, kDenied };
  static constexpr std::size_t kOutcomes = 2;
  static constexpr std::size_t kEntries = 128;  // of each outcome

  // A range and the faults that made it. Of one outcome no two overlap; two that touch differ in
  // their type.
  struct Entry {
    GfnRange frames{};
    std::uint64_t pc = 0;                         // of the first fault
    std::uint64_t count = 0;                      // of faults
    std::uint32_t vcpu = 0;                       // of the first fault
    Order block{};                                // the largest that was mapped at once
    MemoryType type = MemoryType::kDeviceNGnRnE;  // of the latest; means nothing if denied
  };
  struct Totals {
    std::uint64_t faults = 0;
    std::uint64_t lost = 0;  // not on record, for want of room
  };

  // Something of the machine that the domain did not get, or not all of.
  struct Named {
    MfnRange frames;
    Text<48> name;
  };

  explicit MmioFaults(Policy given, Order largest = kOrder1G)
      : policy(given), largest_block(largest) {}
  MmioFaults(const MmioFaults&) = delete;
  MmioFaults& operator=(const MmioFaults&) = delete;

  const Policy policy;
  const Order largest_block;  // mapped at once
  // For log lines. Set before the domain runs; lives as long as it.
  std::span<const Named> named;
  // Whose frame this is; empty if that is not known. Linear in their number.
  [[nodiscard]] std::string_view name_of(Mfn frame) const;

  // One fault. False: all its frames were on record with this outcome before.
  bool add(Outcome outcome, const Entry& fault) SOCLE_EXCLUDES(lock_);
  // Entries that begin at `from` or behind it, ascending; as many as there is room for. The rest is
  // behind the last one's begin. Returns how many.
  [[nodiscard]] std::size_t list(Outcome outcome, Gfn from, std::span<Entry> out) const
      SOCLE_EXCLUDES(lock_);
  [[nodiscard]] Totals totals(Outcome outcome) const SOCLE_EXCLUDES(lock_);

 private:
  struct Record {
    std::array<Entry, kEntries> entries{};  // ascending
    std::size_t size = 0;
    Totals totals;

    bool add(const Entry& fault);
    void insert(std::size_t at, const Entry& fault);
    void join_next(std::size_t at, MemoryType type);
  };

  // A leaf among locks, like the parameters of a domain that have this rank.
  mutable SpinLock lock_{LockRank::kHypercallPage};
  std::array<Record, kOutcomes> records_ SOCLE_GUARDED_BY(lock_);
};

}  // namespace socle::guest
