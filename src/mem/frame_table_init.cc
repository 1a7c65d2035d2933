// SPDX-License-Identifier: Apache-2.0
// FrameTable: how it comes to be at boot, in memory that it is given.
#include <algorithm>

#include "mem/frame_table.h"
#include "port/phys_window.h"

namespace socle::mem {
namespace {

MfnRange block_around(Mfn frame) {
  const Mfn first(align_down(frame.value(), kFramesPerBlock));
  return MfnRange(first, first + kBlockOrder.count());
}

// Frames from the beginning of the bootstrap range, in the order: descriptors, leaves.
class Carver {
 public:
  explicit Carver(const MfnRange& range) : range_(range), next_(range.begin()) {}

  Result<Mfn> take(FrameCount count) {
    if (range_.end() - next_ < count) return fail(Error::kNoMemory);
    const Mfn first = next_;
    next_ += count;
    return first;
  }
  template <typename T>
  Result<std::span<T>> take_array(std::uint64_t count) {
    const FrameCount frames = FrameCount::containing(count * sizeof(T));
    if (frames == FrameCount(0)) return std::span<T>();
    return std::span(port::owned_frame_as<T>(TRY(take(frames))), count);
  }
  [[nodiscard]] MfnRange taken() const { return MfnRange(range_.begin(), next_); }

 private:
  const MfnRange range_;
  Mfn next_;
};

}  // namespace

Result<> FrameTable::init(const MemoryLayout& layout) {
  const auto ends_too_high = [](const MfnRange& range) { return range.end() > Mfn(kMaxFrame); };
  if (std::ranges::any_of(layout.ram, ends_too_high)) return fail(Error::kOutOfRange);
  if (!is_free_ram(layout, layout.bootstrap)) return fail(Error::kInvalid);
  LockGuard guard(lock_);
  reset();
  const Result<> built = build(layout);
  if (!built) reset();
  return built;
}

void FrameTable::reset() {
  map_ = BlockMap();
  lists_ = FreeLists();
  heap_lists_ = FreeLists();
  counts_ = Statistics();
}

Result<> FrameTable::build(const MemoryLayout& layout) {
  Carver carver(layout.bootstrap);
  if (blocks_needed(layout.ram) >= kNoBlock) return fail(Error::kNoMemory);
  const auto sections =
      TRY(carver.take_array<Section>(make_sections(layout.ram, std::span<Section>())));
  make_sections(layout.ram, sections);
  map_.attach(sections, TRY(carver.take_array<Block>(blocks_needed(layout.ram))));

  const MfnRange descriptors = carver.taken();
  const MfnRange leaves(descriptors.end(), TRY(carver.take(kBootstrapLeaves)) + kBootstrapLeaves);
  adopt(layout.bootstrap, descriptors, leaves);

  // The strictest comes last.
  for (const MfnRange& frames : layout.ram) {
    TRY(mark(frames, Owner::free()));
    counts_.end_of_ram = std::max(counts_.end_of_ram, frames.end());
  }
  for (const MfnRange& frames : layout.boot_modules)
    TRY(mark(frames, Owner::boot_module()));
  TRY(mark(layout.image, Owner::socle()));
  for (const MfnRange& frames : layout.reserved)
    TRY(mark(frames, Owner::reserved()));
  finish();
  return {};
}

// The bootstrap range becomes the heap: all of it mapped, descriptors and leaves in use.
void FrameTable::adopt(const MfnRange& bootstrap, const MfnRange& descriptors,
                       const MfnRange& leaves) {
  Mfn next_leaf = leaves.begin();
  for (Mfn at = bootstrap.begin(); at < bootstrap.end(); at = block_around(at).end()) {
    const MfnRange frames = block_around(at);
    BlockIndex block = map_.head_of(at);
    while (map_[block].order() > kBlockOrder) {
      map_.halve(block);
      block = map_.head_of(at);
    }
    if (descriptors.contains(frames)) {
      map_[block] = Block::whole(Owner::heap(), kBlockOrder, false);
    } else if (bootstrap.contains(frames) && !frames.overlaps(descriptors) &&
               !frames.overlaps(leaves)) {
      map_[block] = Block::whole(Owner::heap_stock(), kBlockOrder, false);
      link(block);
    } else {
      const MfnRange in_use(descriptors.begin(), leaves.end());
      adopt_in_split(block, bootstrap.intersection(frames), in_use, next_leaf);
      ++next_leaf;
    }
  }
  counts_.heap = FrameCount(bootstrap.size());
  CHECK(next_leaf <= leaves.end());
  for (; next_leaf < leaves.end(); ++next_leaf)
    free_heap_frame(next_leaf);
}

void FrameTable::adopt_in_split(BlockIndex block, const MfnRange& adopted, const MfnRange& in_use,
                                Mfn leaf) {
  port::owned_frame_as<Leaf>(leaf)->fill(Owner::none(), false, false);
  map_[block] = Block::split(leaf, true, 0, Order(0));
  SplitEdit edit = begin_edit(block);
  for (Mfn frame = adopted.begin(); frame < adopted.end(); ++frame) {
    const bool is_used = in_use.contains(frame);
    edit.set(slot_of(frame), is_used ? Owner::heap() : Owner::heap_stock(), false);
  }
  // Its leaf is in use, so it stays split.
  CHECK(!end_edit(block, edit));
}

// Gives frames of RAM an owner. The first pass, with `free`, says what is RAM.
Result<> FrameTable::mark(const MfnRange& frames, Owner owner) {
  // Firmware may name ranges far larger than RAM: go by sections, not by blocks.
  for (const Section& section : map_.sections()) {
    const Mfn begin = map_.first_frame(section.base);
    const MfnRange all(begin, begin + FrameCount(section.blocks * kFramesPerBlock));
    LeafStock leaves;
    while (!leaves.full()) {
      const std::optional<Mfn> leaf = take_heap_locked(kOrder4K, kGrowthReserve);
      if (!leaf) return fail(Error::kNoMemory);
      TRY(leaves.push_back(*leaf));
    }
    mark_in_section(all.intersection(frames), owner, leaves);
    for (const Mfn leaf : leaves)
      free_heap_frame(leaf);
  }
  return {};
}

void FrameTable::mark_in_section(const MfnRange& frames, Owner owner, LeafStock& leaves) {
  for (Mfn at = frames.begin(); at < frames.end();) {
    BlockIndex head = map_.head_of(at);
    // Neither what is no RAM nor what holds the table itself.
    const auto is_kept = [&](Owner old) {
      return (old == Owner::none() && owner != Owner::free()) || old == Owner::heap() ||
             old == Owner::heap_stock();
    };
    if (map_[head].is_split() || !is_kept(map_[head].owner())) {
      head = fit(at, frames, leaves);
      if (map_[head].is_split()) {
        mark_in_split(head, map_.frames_of(head).intersection(frames), owner, is_kept);
      } else {
        unlink(head);
        const Order order = map_[head].order();
        map_[head] = Block::whole(owner, order, false);
        link(head);
      }
    }
    at = map_.frames_of(head).end();
  }
}

template <typename IsKept>
void FrameTable::mark_in_split(BlockIndex block, const MfnRange& frames, Owner owner,
                               IsKept is_kept) {
  // What lies beside the bootstrap range in a block of the heap is not mapped for Socle, and the
  // block cannot be given to anybody else: nobody will use it.
  const bool is_lost = map_[block].is_heap() && owner != Owner::reserved();
  SplitEdit edit = begin_edit(block);
  for (Mfn frame = frames.begin(); frame < frames.end(); ++frame) {
    const unsigned slot = slot_of(frame);
    if (!is_kept(edit[slot].owner())) edit.set(slot, is_lost ? Owner::socle() : owner, false);
  }
  give_back_leaf(end_edit(block, edit));
}

// Joins runs that firmware named separately, and counts.
void FrameTable::finish() {
  for (BlockIndex index = 0; index < map_.size();) {
    const BlockIndex head = map_.head_of(index);
    const Block block = map_[head];
    index = map_.next_head(head);
    if (block.is_whole() && block.owner() == Owner::free()) {
      unlink(head);
      insert_free(head, block.order(), block.is_dirty());
    }
  }
  for (BlockIndex head = 0; head < map_.size(); head = map_.next_head(head)) {
    if (map_[head].is_whole()) {
      if (map_[head].owner() != Owner::none()) counts_.ram += map_[head].order().count();
      continue;
    }
    for (unsigned slot = 0; slot < kFramesPerBlock; ++slot) {
      if (leaf_of(head)[slot].owner() != Owner::none()) counts_.ram += FrameCount(1);
    }
  }
}

}  // namespace socle::mem
