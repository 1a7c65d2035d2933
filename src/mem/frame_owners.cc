// SPDX-License-Identifier: Apache-2.0
// FrameTable: what belongs to domains, and references.
#include <algorithm>
#include <cstring>
#include <limits>

#include "mem/frame_table.h"
#include "port/cache.h"
#include "port/frame_reuse.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

constexpr bool is_assignable(Owner owner) {
  return owner == Owner::free() || owner == Owner::boot_module();
}

constexpr bool owes_scrub(bool is_dirty, Contents contents) {
  return is_dirty || contents == Contents::kScrubbed;
}

// The slots of a split block that `frames` covers.
struct Slots {
  unsigned begin;
  unsigned end;
  [[nodiscard]] bool are_all() const { return end - begin == kFramesPerBlock; }
};
constexpr Slots slots_of(const MfnRange& piece) {
  const unsigned begin = slot_of(piece.begin());
  return {begin, begin + static_cast<unsigned>(piece.size())};
}

// To the point of coherency: a guest that starts with its caches off, or a device that does not
// snoop, must not find behind the zeroes what another domain wrote.
void scrub(const MfnRange& frames) {
  for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
    const port::PhysWindow window(frame);
    std::memset(window.data(), 0, kFrameSize);
    port::cache_clean_invalidate(window.data(), kFrameSize);
  }
}

}  // namespace

Result<> FrameTable::check_assignable(const MfnRange& frames) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    const BlockIndex head = map_.head_of(at);
    if (head == kNoBlock) return fail(Error::kInvalid);
    const MfnRange piece = map_.frames_of(head).intersection(frames);
    const auto check = [](Owner owner) -> Result<> {
      if (is_assignable(owner)) return {};
      return fail(owner == Owner::none() ? Error::kInvalid : Error::kBusy);
    };
    if (map_[head].is_whole()) {
      TRY(check(map_[head].owner()));
    } else {
      const Slots slots = slots_of(piece);
      for (unsigned slot = slots.begin; slot < slots.end; ++slot)
        TRY(check(leaf_of(head)[slot].owner()));
    }
    at = piece.end();
  }
  return {};
}

Result<> FrameTable::check_owned(const MfnRange& frames, Owner owner) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    const BlockIndex head = map_.head_of(at);
    if (head == kNoBlock) return fail(Error::kDenied);
    const MfnRange piece = map_.frames_of(head).intersection(frames);
    if (map_[head].is_whole()) {
      if (map_[head].owner() != owner) return fail(Error::kDenied);
    } else {
      const Slots slots = slots_of(piece);
      for (unsigned slot = slots.begin; slot < slots.end; ++slot) {
        const FrameState& frame = leaf_of(head)[slot];
        if (frame.owner() != owner || frame.is_released) return fail(Error::kDenied);
      }
    }
    at = piece.end();
  }
  return {};
}

void FrameTable::claim(const MfnRange& frames, Owner owner, Contents contents, LeafStock& leaves) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    const BlockIndex head = fit(at, frames, leaves);
    const MfnRange piece = map_.frames_of(head).intersection(frames);
    if (map_[head].is_split()) {
      claim_in_split(head, piece, owner, contents);
    } else {
      unlink(head);
      map_[head] =
          Block::whole(owner, map_[head].order(), owes_scrub(map_[head].is_dirty(), contents));
    }
    at = piece.end();
  }
}

void FrameTable::claim_in_split(BlockIndex block, const MfnRange& frames, Owner owner,
                                Contents contents) {
  const Slots slots = slots_of(frames);
  SplitEdit edit = begin_edit(block);
  for (unsigned slot = slots.begin; slot < slots.end; ++slot)
    edit.set(slot, owner, owes_scrub(edit[slot].is_dirty, contents));
  if (!slots.are_all()) {
    give_back_leaf(end_edit(block, edit));
    return;
  }
  const Mfn leaf = map_[block].leaf();
  map_[block] = Block::whole(owner, kBlockOrder, edit.any_dirty());
  give_back_leaf(leaf);
}

Result<> FrameTable::assign(const MfnRange& frames, DomainId domain, Contents contents) {
  if (!Owner::is_valid_domain(domain)) return fail(Error::kInvalid);
  LeafStock leaves;
  Result<> result;
  for (bool claimed = false; result && !claimed;) {
    std::size_t needed = 0;
    {
      LockGuard guard(lock_);
      result = check_assignable(frames);
      if (!result) break;
      needed = leaves_to_fit(frames);
      if (needed <= leaves.size()) {
        claim(frames, Owner::domain(domain), contents, leaves);
        claimed = true;
      }
    }
    // Not under the lock: the heap may have to grow.
    if (!claimed) result = fill(leaves, needed);
  }
  give_back(leaves);
  TRY(result);
  settle_scrubs(frames);
  return {};
}

void FrameTable::give_up(const MfnRange& frames, LeafStock& leaves) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    const BlockIndex head = fit(at, frames, leaves);
    const MfnRange piece = map_.frames_of(head).intersection(frames);
    if (map_[head].is_split()) {
      give_up_in_split(head, piece);
    } else {
      port::frames_became_free(piece);
      insert_free(head, map_[head].order(), true);
    }
    at = piece.end();
  }
}

void FrameTable::give_up_in_split(BlockIndex block, const MfnRange& frames) {
  const Slots slots = slots_of(frames);
  const Mfn base = map_.first_frame(block);
  Leaf& leaf = leaf_of(block);
  SplitEdit edit = begin_edit(block);
  for (unsigned slot = slots.begin; slot < slots.end; ++slot) {
    if (leaf[slot].references != 0) {
      leaf[slot].is_released = true;
    } else {
      port::frames_became_free(
          MfnRange(base + FrameCount(slot), base + FrameCount(slot) + FrameCount(1)));
      edit.set(slot, Owner::free(), true);
    }
  }
  give_back_leaf(end_edit(block, edit));
}

Result<> FrameTable::release(const MfnRange& frames, DomainId domain) {
  if (!Owner::is_valid_domain(domain)) return fail(Error::kDenied);
  LeafStock leaves;
  Result<> result;
  for (bool done = false; result && !done;) {
    std::size_t needed = 0;
    {
      LockGuard guard(lock_);
      result = check_owned(frames, Owner::domain(domain));
      if (!result) break;
      needed = leaves_to_fit(frames);
      if (needed <= leaves.size()) {
        give_up(frames, leaves);
        done = true;
      }
    }
    if (!done) result = fill(leaves, needed);
  }
  give_back(leaves);
  return result;
}

void FrameTable::release_boot_modules() {
  LockGuard guard(lock_);
  for (BlockIndex index = 0; index < map_.size();) {
    // What was just freed may have joined with what follows.
    const BlockIndex head = map_.head_of(index);
    const MfnRange frames = map_.frames_of(head);
    index = map_.next_head(head);
    if (map_[head].is_whole()) {
      if (map_[head].owner() == Owner::boot_module())
        insert_free(head, map_[head].order(), map_[head].is_dirty());
      continue;
    }
    SplitEdit edit = begin_edit(head);
    for (unsigned slot = 0; slot < frames.size(); ++slot) {
      if (edit[slot].owner() == Owner::boot_module())
        edit.set(slot, Owner::free(), edit[slot].is_dirty);
    }
    give_back_leaf(end_edit(head, edit));
  }
}

Owner FrameTable::owner_of(Mfn frame) {
  LockGuard guard(lock_);
  const BlockIndex head = map_.head_of(frame);
  if (head == kNoBlock) return Owner::none();
  return map_[head].is_whole() ? map_[head].owner() : leaf_of(head)[slot_of(frame)].owner();
}

// --- References ---------------------------------------------------------------------------------

Result<> FrameTable::add_reference(Mfn frame, Owner owner, LeafStock& leaves) {
  const MfnRange range(frame, frame + FrameCount(1));
  TRY(check_owned(range, owner));
  if (leaves_to_fit(range) > leaves.size()) return fail(Error::kAgain);
  FrameState& state = leaf_of(fit(frame, range, leaves))[slot_of(frame)];
  if (state.references == std::numeric_limits<std::uint32_t>::max())
    return fail(Error::kOutOfRange);
  ++state.references;
  return {};
}

Result<> FrameTable::get_ref(Mfn frame, Owner owner) {
  if (!owner.is_domain() && owner != Owner::heap()) return fail(Error::kDenied);
  LeafStock leaves;
  for (;;) {
    Result<> result;
    {
      LockGuard guard(lock_);
      result = add_reference(frame, owner, leaves);
    }
    if (!result && result.error() == Error::kAgain) {
      TRY(fill(leaves, 1));
      continue;
    }
    give_back(leaves);
    return result;
  }
}

void FrameTable::put_ref(Mfn frame) {
  LockGuard guard(lock_);
  const BlockIndex block = map_.head_of(frame);
  CHECK(block != kNoBlock);
  FrameState& state = leaf_of(block)[slot_of(frame)];
  CHECK(state.references != 0);
  if (--state.references != 0 || !state.is_released) return;
  port::frames_became_free(MfnRange(frame, frame + FrameCount(1)));
  SplitEdit edit = begin_edit(block);
  const bool is_heap = map_[block].is_heap();
  edit.set(slot_of(frame), is_heap ? Owner::heap_stock() : Owner::free(), !is_heap);
  give_back_leaf(end_edit(block, edit));
}

std::uint32_t FrameTable::references(Mfn frame) {
  LockGuard guard(lock_);
  const BlockIndex head = map_.head_of(frame);
  if (head == kNoBlock || map_[head].is_whole()) return 0;
  return leaf_of(head)[slot_of(frame)].references;
}

// --- Scrubbing ----------------------------------------------------------------------------------

// A domain's frame that is marked dirty owes a scrub: claim() marks, this settles. Nobody but the
// caller of assign() or allocate_for() knows of the frames yet, so the lock need not be held for
// the writing.
void FrameTable::settle_scrubs(const MfnRange& frames) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    MfnRange debt;
    {
      LockGuard guard(lock_);
      debt = next_scrub(at, frames);
    }
    scrub(debt);
    at = debt.end();
  }
}

// The first run of frames from `from` on that owe a scrub, no longer marked; after a few heads
// without any, an empty run at the place that was reached.
MfnRange FrameTable::next_scrub(Mfn from, const MfnRange& frames) {
  for (unsigned heads = 0; heads < kSearchLimit && from < frames.end(); ++heads) {
    const BlockIndex head = map_.head_of(from);
    const MfnRange piece = map_.frames_of(head).intersection(MfnRange(from, frames.end()));
    if (map_[head].is_whole()) {
      if (map_[head].is_dirty()) {
        map_[head] = Block::whole(map_[head].owner(), map_[head].order(), false);
        return piece;
      }
    } else {
      Leaf& leaf = leaf_of(head);
      const Slots slots = slots_of(piece);
      unsigned slot = slots.begin;
      while (slot < slots.end && !leaf[slot].is_dirty)
        ++slot;
      const unsigned first = slot;
      for (; slot < slots.end && leaf[slot].is_dirty; ++slot)
        leaf[slot].is_dirty = false;
      const Mfn base = map_.first_frame(head);
      if (slot != first) return MfnRange(base + FrameCount(first), base + FrameCount(slot));
    }
    from = piece.end();
  }
  return MfnRange(from, from);
}

// --- Questions ----------------------------------------------------------------------------------

namespace {

// Keeps the largest runs, in the order in which they came.
class LargestRuns {
 public:
  explicit LargestRuns(std::span<MfnRange> out) : out_(out) {}
  void add(const MfnRange& run) {
    if (run.empty() || out_.empty()) return;
    if (count_ == out_.size()) {
      const auto smallest = std::ranges::min_element(out_, {}, &MfnRange::size);
      if (smallest->size() >= run.size()) return;
      std::move(smallest + 1, out_.end(), smallest);
      --count_;
    }
    out_[count_++] = run;
  }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  std::span<MfnRange> out_;
  std::size_t count_ = 0;
};

// Joins frames that follow each other.
class RunBuilder {
 public:
  explicit RunBuilder(LargestRuns& runs) : runs_(runs) {}
  void add(const MfnRange& frames) {
    if (frames.begin() == run_.end() && !run_.empty()) {
      run_ = MfnRange(run_.begin(), frames.end());
    } else {
      finish();
      run_ = frames;
    }
  }
  void finish() {
    runs_.add(run_);
    run_ = MfnRange();
  }

 private:
  LargestRuns& runs_;
  MfnRange run_;
};

}  // namespace

std::size_t FrameTable::assignable_ranges(std::span<MfnRange> out) {
  LargestRuns largest(out);
  RunBuilder run(largest);
  LockGuard guard(lock_);
  for (BlockIndex head = 0; head < map_.size(); head = map_.next_head(head)) {
    const MfnRange frames = map_.frames_of(head);
    if (map_[head].is_whole()) {
      if (is_assignable(map_[head].owner())) run.add(frames);
      continue;
    }
    const Leaf& leaf = leaf_of(head);
    for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
      if (is_assignable(leaf[slot_of(frame)].owner()))
        run.add(MfnRange(frame, frame + FrameCount(1)));
    }
  }
  run.finish();
  return largest.count();
}

}  // namespace socle::mem
