// SPDX-License-Identifier: Apache-2.0
#pragma once

// GrantTable: the pages in which a domain offers its frames to others (version 1 of the format),
// and the list of what it has mapped of others.
//
// The frames belong to Socle's heap and are mapped into the guest on request
// (XENMAPSPACE_grant_table); the table grows, never shrinks. The guest writes entries at any
// moment: a decision reads an entry once and commits it by compare-and-swap.
//
// Own lock (LockRank::kGrantTable). Any CPU. Source: xen/grant_table.h.

#include <array>
#include <cstdint>

#include "abi/errno.h"
#include "abi/grant_table.h"
#include "base/lock.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::guest {

class Domain;

inline constexpr unsigned kMaxGrantFrames = 64;
inline constexpr unsigned kMaxGrantMappings = 1024;

class GrantTable {
 public:
  constexpr GrantTable() = default;
  GrantTable(const GrantTable&) = delete;
  GrantTable& operator=(const GrantTable&) = delete;

  // Builder, before the domain runs. Allocates the first frame. kNoMemory.
  Result<> init(Domain& owner);

  struct Size {
    std::uint32_t frames;
    std::uint32_t max_frames;
  };
  [[nodiscard]] Size size() SOCLE_EXCLUDES(lock_);
  // Makes the table at least `frames` long. kOutOfRange beyond the limit, kNoMemory.
  Result<> grow(std::uint32_t frames) SOCLE_EXCLUDES(lock_);
  // The frame with this index; the table grows to hold it. kOutOfRange, kNoMemory.
  Result<Mfn> frame(std::uint32_t index) SOCLE_EXCLUDES(lock_);

 private:
  Result<> grow_locked(std::uint32_t frames) SOCLE_REQUIRES(lock_);

  SpinLock lock_{LockRank::kGrantTable};
  Domain* owner_ = nullptr;
  std::uint32_t frame_count_ SOCLE_GUARDED_BY(lock_) = 0;
  std::array<Mfn, kMaxGrantFrames> frames_ SOCLE_GUARDED_BY(lock_){};
};

}  // namespace socle::guest
