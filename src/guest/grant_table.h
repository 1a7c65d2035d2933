// SPDX-License-Identifier: Apache-2.0
#pragma once

// GrantTable: the pages in which a domain offers its frames to others (version 1 of the format),
// and the list of what it has mapped of others.
//
// The frames of the table belong to Socle's heap and are mapped into the guest on request
// (XENMAPSPACE_grant_table); the table grows, never shrinks. The guest writes entries at any
// moment: a decision is made on one reading of an entry and committed by compare-and-swap, and
// what it was about (the frame) is remembered here, not read again.
//
// A *pin* is the use of an entry by somebody: it holds a reference on the frame, and the
// GTF_reading and GTF_writing bits of the entry tell the owner. A *mapping* is a pin with a place
// in the map of the domain that made it, known to that domain by a handle.
//
// Own lock (LockRank::kGrantTable); never two of them at a time. Any CPU. Source:
// xen/grant_table.h.

#include <array>
#include <cstdint>
#include <expected>

#include "abi/errno.h"
#include "abi/grant_table.h"
#include "base/lock.h"
#include "base/outcome.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::guest {

class Domain;

inline constexpr std::uint32_t kMaxGrantFrames = 64;
inline constexpr std::uint32_t kMaxGrantMappings = 1024;

class GrantTable {
 public:
  template <typename T = void>
  using Answer = Outcome<T, abi::GrantStatus>;

  constexpr GrantTable() = default;
  GrantTable(const GrantTable&) = delete;
  GrantTable& operator=(const GrantTable&) = delete;

  // Builder, before the domain runs. Allocates the first frame. kNoMemory.
  Result<> init(Domain& owner);
  // Gives back all memory. The domain never runs again, and nobody uses its entries.
  void destroy() SOCLE_EXCLUDES(lock_);

  struct Size {
    std::uint32_t frames;
    std::uint32_t max_frames;
  };
  [[nodiscard]] Size size() SOCLE_EXCLUDES(lock_);
  // Makes the table at least `frames` long. kOutOfRange beyond the limit, kNoMemory.
  Result<> grow(std::uint32_t frames) SOCLE_EXCLUDES(lock_);
  // The frame with this index; the table grows to hold it. kOutOfRange, kNoMemory.
  Result<Mfn> frame(std::uint32_t index) SOCLE_EXCLUDES(lock_);
  // The guest frame that showed it last; all ones: none yet. index < kMaxGrantFrames.
  [[nodiscard]] Gfn mapped_at(std::uint32_t index) SOCLE_EXCLUDES(lock_);
  void set_mapped_at(std::uint32_t index, Gfn where) SOCLE_EXCLUDES(lock_);

  // --- The owner's side ---

  // `user` begins to use what the entry offers; returns the frame, which stays until unpin().
  Answer<Mfn> pin(abi::GrantRef ref, DomainId user, bool for_writing) SOCLE_EXCLUDES(lock_);
  void unpin(abi::GrantRef ref, bool for_writing) SOCLE_EXCLUDES(lock_);
  // Exchanges two entries that nobody uses (GNTTABOP_swap_grant_ref).
  Answer<> swap(abi::GrantRef a, abi::GrantRef b) SOCLE_EXCLUDES(lock_);

  // --- The user's side ---

  // A mapping is somebody's own while it is made or ended: nobody else finds its handle then.
  struct Mapping {
    bool in_use = false;
    bool is_held = false;
    bool for_writing = false;
    DomainId granter{};
    abi::GrantRef ref = 0;
    Mfn mfn;
  };
  // A new one, held by the caller until keep_mapping() or end_mapping().
  Answer<abi::GrantHandle> add_mapping(const Mapping& mapping) SOCLE_EXCLUDES(lock_);
  // Of two callers only one gets hold of it. kBadHandle: there is none, or it is held.
  Answer<Mapping> hold_mapping(abi::GrantHandle handle) SOCLE_EXCLUDES(lock_);
  // By its holder: it goes on; or it is no more, and its handle may be given out again.
  void keep_mapping(abi::GrantHandle handle) SOCLE_EXCLUDES(lock_);
  void end_mapping(abi::GrantHandle handle) SOCLE_EXCLUDES(lock_);

 private:
  // One for each entry that is or was in use; heap arrays of one grant frame's entries.
  struct Active {
    std::uint32_t readers = 0;
    std::uint32_t writers = 0;
    Mfn mfn;
  };
  using ActiveFrame = std::array<Active, abi::kGrantEntriesPerFrame>;
  using Mappings = std::array<Mapping, kMaxGrantMappings>;
  struct Frame {
    Mfn mfn;
    Gfn mapped_at{~std::uint64_t{0}};
    ActiveFrame* active = nullptr;
  };

  Result<> grow_locked(std::uint32_t frames) SOCLE_REQUIRES(lock_);
  std::uint64_t* entry_word(abi::GrantRef ref) SOCLE_REQUIRES(lock_);
  Answer<Active*> active_of(abi::GrantRef ref) SOCLE_REQUIRES(lock_);
  bool is_used(abi::GrantRef ref) SOCLE_REQUIRES(lock_);
  Mapping& held_mapping(abi::GrantHandle handle) SOCLE_REQUIRES(lock_);

  SpinLock lock_{LockRank::kGrantTable};
  Domain* owner_ = nullptr;
  std::uint32_t frame_count_ SOCLE_GUARDED_BY(lock_) = 0;
  std::array<Frame, kMaxGrantFrames> frames_ SOCLE_GUARDED_BY(lock_){};
  Mappings* mappings_ SOCLE_GUARDED_BY(lock_) = nullptr;
};

}  // namespace socle::guest
