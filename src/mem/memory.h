// SPDX-License-Identifier: Apache-2.0
#pragma once

// The machine's memory: who owns each frame. These functions work on the one frame table of the
// running hypervisor (mem/frame_table.h has the class and the rules in detail).
//
// Caller: any CPU, after init(). Locks: takes kHeap and kFrameTable; call with nothing of those
// ranks or higher held. Units: 4 KiB frames. Errors leave everything as it was.
//
// Frames of the heap are mapped for Socle (port::owned_frame); frames of domains are not
// (port::PhysWindow).

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "mem/layout.h"
#include "mem/owner.h"

namespace socle::mem {

// What a domain finds in memory it is given.
enum class Contents : std::uint8_t {
  kScrubbed,  // zeroes
  // Memory that no domain owned since reset is handed over as firmware left it, so that building
  // the hardware domain does not touch all RAM. What some domain owned before is zeroed. Only for
  // the hardware domain.
  kAsFound,
};

struct Statistics {
  FrameCount ram;         // everything the firmware calls RAM
  FrameCount free;        // nobody's
  FrameCount heap;        // Socle's heap: stock and in use, descriptors included
  FrameCount heap_stock;  // of that, not in use
  Mfn end_of_ram;         // behind the highest frame of RAM; constant
};

// Boot CPU, once, before all else. layout.bootstrap is mapped for Socle already; it becomes the
// heap's first memory. Errors: kInvalid (bootstrap is not free RAM), kNoMemory (bootstrap smaller
// than bootstrap_need()), kOutOfRange (RAM beyond 52 bits).
Result<> init(const MemoryLayout& layout);

// --- Socle's heap -------------------------------------------------------------------------------

// 2^order contiguous frames, aligned to their size, zeroed, mapped for Socle. Order 9 at most
// (kTooLarge). The heap grows by 2 MiB blocks of free memory as needed (kNoMemory: none left).
Result<Mfn> allocate(Order order);
// `count` contiguous frames, starting at a multiple of their number rounded up to a power of two.
Result<Mfn> allocate_frames(FrameCount count);
// Gives back frames of the heap. A frame that is still referenced is freed by its last put_ref().
void free(Mfn first, Order order);
void free_frames(Mfn first, FrameCount count);
// Grows the heap until at least `count` frames are in stock. Call before planning the hardware
// domain: later growth takes free memory wherever it is, planned or not.
Result<> reserve_heap(FrameCount count);

// --- RAM of domains -----------------------------------------------------------------------------

// Claims exactly these frames, all of them free or of boot modules, for a domain. kBusy: some are
// not. Blocks of up to 1 GiB are claimed in one step: the cost is that of the blocks touched.
Result<> assign(const MfnRange& frames, DomainId domain, Contents contents);
// 2^order contiguous aligned frames for a domain. Order 18 at most (kTooLarge).
Result<Mfn> allocate_for(DomainId domain, Order order, Contents contents);
// The domain gives these frames up. kDenied: some are not its own. The caller has removed all of
// the domain's own mappings and paid the TLB invalidations; a frame that others still hold
// references on stays out of use until the last put_ref(). May need memory (kNoMemory) to split a
// block, never when `frames` is what assign() or allocate_for() gave.
//
// A direct-mapped domain that decreases its reservation does *not* release: the frame stays its own
// while it is unmapped, so that the same frame can be populated again (Xen ABI, memory_op).
Result<> release(const MfnRange& frames, DomainId domain);
// All boot modules' frames that no domain claimed become free.
void release_boot_modules();

[[nodiscard]] Owner owner_of(Mfn frame);

// --- References ---------------------------------------------------------------------------------
// Held for as long as somebody other than the owner can reach a frame: grant and foreign mappings,
// persistent maps. A referenced frame is never reused.

// Errors: kDenied (the frame is not `owner`'s, or it has been released), kOutOfRange (too many),
// kNoMemory (a leaf of the frame table is needed).
Result<> get_ref(Mfn frame, Owner owner);
inline Result<> get_ref(Mfn frame, DomainId owner) {
  if (!Owner::is_valid_domain(owner)) return fail(Error::kDenied);
  return get_ref(frame, Owner::domain(owner));
}
void put_ref(Mfn frame);

// --- Questions ----------------------------------------------------------------------------------

[[nodiscard]] Statistics statistics();
// Maximal runs of frames that assign() would accept (free or boot module), in ascending order. If
// there are more than out.size(), the largest ones. Returns how many were written. Walks the whole
// table with its lock held: for boot and debugging.
[[nodiscard]] std::size_t assignable_ranges(std::span<MfnRange> out);

}  // namespace socle::mem
