// SPDX-License-Identifier: Apache-2.0
#include "sim/mmu.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hw/vmsa.h"

namespace socle::sim {

namespace {

using namespace hw::descriptor;
using hw::DescriptorKind;

Mmu* current_mmu = nullptr;

// A server of today, as far as tables go.
hw::MemoryFeatures features{.pa_bits = 48,
                            .vmid_bits = 16,
                            .bbm_level = 0,
                            .granule_4k = true,
                            .stage2_granule_4k = true,
                            .forced_write_back = true,
                            .tlb_ranges = true,
                            .level_hints = true,
                            .common_not_private = true};

// Bits of a leaf that may change in place: permissions, and what hardware ignores.
std::uint64_t changeable(bool is_stage2) {
  return is_stage2 ? hw::Stage2Attributes::kChangeableLive : hw::El2Attributes::kChangeableLive;
}

constexpr std::uintptr_t kLine = 64;  // of the data caches

std::string hex(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string where(std::uint64_t begin, Level level) {
  return "input frame " + hex(begin) + ", level " + std::to_string(level.value());
}

std::uint64_t frames_at(Level level) {
  return level.order().count().value();
}

}  // namespace

hw::MemoryFeatures memory_features() {
  return features;
}
FeatureScope::FeatureScope(const hw::MemoryFeatures& wanted) : previous_(features) {
  features = wanted;
}
FeatureScope::~FeatureScope() {
  features = previous_;
}

Mmu::Mmu(Memory& memory, Walker walker) : memory_(memory), walker_(walker) {
  current_mmu = this;
}
Mmu::~Mmu() {
  current_mmu = nullptr;
}
Mmu* Mmu::current() {
  return current_mmu;
}

Mmu::Frame& Mmu::info(Mfn frame) {
  const std::uint64_t number = frame.value() / 512;
  if (number != cached_chunk_number_) {
    std::unique_ptr<Chunk>& chunk = frames_[number];
    if (!chunk) chunk = std::make_unique<Chunk>();
    cached_chunk_number_ = number;
    cached_chunk_ = chunk.get();
  }
  return (*cached_chunk_)[frame.value() % 512];
}

// As a hardware walker reads it.
std::uint64_t Mmu::walked(Mfn table, std::size_t index) {
  if (walker_ == Walker::kCoherent) return words(table)[index];
  return cleaned_[table.value() + index / 512][index % 512];
}

// --- Stores
// ---------------------------------------------------------------------------------------

void Mmu::store(std::uint64_t& entry, std::uint64_t value) {
  const std::optional<Mfn> number = memory_.frame_of(&entry);
  if (!number) {
    entry = value;
    return;
  }
  Frame& frame = info(*number);
  if (frame.space == nullptr) {
    if (frame.stale_references > 0 && is_valid(value)) {
      violate(Rule::kFreedTooEarly, "a table that walkers may still be in gets a valid entry");
    }
    if (!frame.is_unpublished) {
      frame.is_unpublished = true;
      unpublished_.push_back(*number);
    }
    entry = value;
    return;
  }
  live_store(frame, *number, entry, value);
}

void Mmu::live_store(Frame& table, Mfn number, std::uint64_t& entry, std::uint64_t value) {
  const std::uint64_t old = entry;
  if (old == value) return;
  ++counters.stores;
  Space& space = *table.space;
  const std::size_t index =
      static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(&entry) % kFrameSize) / 8;
  const Level level = table.level;
  const std::uint64_t begin = table.base + index * frames_at(level);
  const std::uint64_t end = begin + frames_at(level);
  const DescriptorKind was = kind(old, level);
  const DescriptorKind becomes = kind(value, level);
  check_descriptor(space, value, level);
  live_write_in_flight_ = true;
  const TouchedGroup group{number, index - index % kContiguousEntries};
  if (touched_groups_.empty() || touched_groups_.back() != group) touched_groups_.push_back(group);

  if (is_valid(old) && is_valid(value)) {
    const bool same_table = was == DescriptorKind::kTable && becomes == DescriptorKind::kTable &&
                            output(old) == output(value);
    const bool permissions_only =
        was == DescriptorKind::kLeaf && becomes == DescriptorKind::kLeaf &&
        ((old ^ value) & ~changeable(space.is_stage2)) == 0 && Contiguous::get(old) == 0;
    if (!same_table && !permissions_only)
      violate(Rule::kBreakBeforeMake, where(begin, level) + ": " + hex(old) + " -> " + hex(value));
    if (permissions_only) become_stale(space, begin, level, old);
    entry = value;
    return;
  }
  if (!is_valid(value)) {
    become_stale(space, begin, level, old);
    entry = value;
    return;
  }
  for (const Stale& stale : stale_) {
    if (stale.space == &space && stale.begin < end && begin < stale.end) {
      violate(Rule::kMakeBeforeFlush, where(begin, level));
      break;
    }
  }
  if (becomes == DescriptorKind::kTable) {
    check_initialised(output(value), level.next(), false, kEntries);
    become_reachable(space, output(value), kEntries, level.next(), begin);
  }
  entry = value;
}

void Mmu::check_descriptor(const Space& space, std::uint64_t word, Level level) {
  if (!is_valid(word)) return;
  const DescriptorKind what = kind(word, level);
  bool legal = what != DescriptorKind::kInvalid;
  if (what == DescriptorKind::kLeaf) {
    legal = output(word).is_aligned(level.order()) && AccessFlag::get(word) == 1 &&
            Shareability::get(word) != 1;
    if (space.is_stage2) {
      // Reserved without FEAT_S2FWB: 0b0100, and Normal with an outer or inner type of 0b00.
      const std::uint64_t type = hw::Stage2Attributes::MemAttr::get(word);
      legal = legal && type != 0b0100 && type != 0b1000 && type != 0b1100;
    }
  }
  if (!legal)
    violate(Rule::kIllegalDescriptor, hex(word) + " at level " + std::to_string(level.value()));
}

// The subtree that `word` stands for, which is cut off the tree: its leaves and tables.
void Mmu::collect(Space& space, std::uint64_t word, std::uint64_t begin, Level level, Stale& into) {
  switch (kind(word, level)) {
    case DescriptorKind::kInvalid:
      return;
    case DescriptorKind::kLeaf:
      into.leaves.push_back({begin, begin + frames_at(level), {output(word), word, level}});
      return;
    case DescriptorKind::kTable:
      break;
  }
  const Mfn table = output(word);
  into.tables.push_back(table);
  info(table).space = nullptr;
  const std::uint64_t* const entries = words(table);
  for (std::size_t index = 0; index < kEntries; ++index) {
    if (is_valid(entries[index]))
      collect(space, entries[index], begin + index * frames_at(level.next()), level.next(), into);
  }
}

void Mmu::become_stale(Space& space, std::uint64_t begin, Level level, std::uint64_t old) {
  Stale stale{.space = &space,
              .vmid = 0,
              .begin = begin,
              .end = begin + frames_at(level),
              .level = level,
              .was_table = kind(old, level) == DescriptorKind::kTable,
              .leaves = {},
              .tables = {}};
  if (stale.was_table) {
    collect(space, old, begin, level, stale);
  } else {
    stale.leaf = {begin, stale.end, {output(old), old, level}};
  }
  const auto add = [&](std::uint16_t vmid) {
    stale.vmid = vmid;
    for (const Mfn table : stale.tables)
      ++info(table).stale_references;
    stale_.push_back(stale);
  };
  if (!space.is_stage2) add(0);
  for (const std::uint16_t vmid : space.vmids)
    add(vmid);
}

const Mmu::OldLeaf* Mmu::Stale::find(std::uint64_t frame) const {
  if (frame < begin || frame >= end) return nullptr;
  if (!was_table) return &leaf;
  for (const OldLeaf& old : leaves) {
    if (frame >= old.begin && frame < old.end) return &old;
  }
  return nullptr;
}

void Mmu::become_reachable(Space& space, Mfn table, std::size_t entries, Level level,
                           std::uint64_t base) {
  for (std::size_t first = 0; first < entries; first += kEntries) {
    Frame& frame = info(table + FrameCount(first / kEntries));
    frame.space = &space;
    frame.level = level;
    frame.base = base + first * frames_at(level);
  }
  for (std::size_t index = 0; index < entries; ++index) {
    const std::uint64_t word = words(table)[index];
    if (!is_valid(word)) continue;
    check_descriptor(space, word, level);
    if (kind(word, level) == DescriptorKind::kTable) {
      become_reachable(space, output(word), kEntries, level.next(),
                       base + index * frames_at(level));
    }
  }
  for (std::size_t first = 0; first < entries; first += kContiguousEntries) {
    if (entries >= kContiguousEntries)
      check_group(table + FrameCount(first / kEntries), first % kEntries);
  }
}

void Mmu::check_initialised(Mfn table, Level level, bool is_root, std::size_t entries) {
  for (std::size_t first = 0; first < entries; first += kEntries) {
    const Mfn number = table + FrameCount(first / kEntries);
    if (info(number).is_unpublished)
      violate(Rule::kUninitialised, (is_root ? "root " : "table ") + hex(number.value()));
    if (walker_ == Walker::kNonCoherent) check_cleaned(number);
  }
  if (level == kLeafLevel) return;
  for (std::size_t index = 0; index < entries; ++index) {
    const std::uint64_t word = words(table)[index];
    if (kind(word, level) == DescriptorKind::kTable)
      check_initialised(output(word), level.next(), false, kEntries);
  }
}

// --- Ends of operations
// ---------------------------------------------------------------------------

void Mmu::check_cleaned(Mfn table) {
  const auto& seen = cleaned_[table.value()];
  for (std::size_t index = 0; index < kEntries; ++index) {
    if (seen[index] == words(table)[index]) continue;
    violate(Rule::kNotCleaned, "table " + hex(table.value()) + ", entry " + std::to_string(index));
    return;
  }
}

void Mmu::check_group(Mfn table, std::size_t first) {
  const Level level = info(table).level;
  const std::uint64_t* const group = words(table) + first;
  const std::uint64_t head = group[0];
  bool any = false;
  bool uniform = kind(head, level) == DescriptorKind::kLeaf &&
                 output(head).is_aligned(Order(level.order().value() + 4));
  for (std::size_t i = 0; i < kContiguousEntries; ++i) {
    const std::uint64_t word = group[i];
    const bool leaf = kind(word, level) == DescriptorKind::kLeaf;
    any = any || (leaf && Contiguous::get(word) != 0);
    uniform = uniform && leaf && word == head + ((i * frames_at(level)) << kFrameShift);
  }
  if (any && !uniform)
    violate(Rule::kContiguousHint,
            "table " + hex(table.value()) + ", entries from " + std::to_string(first));
}

void Mmu::expect_settled() {
  if (!stale_.empty()) {
    violate(Rule::kStaleTranslation, where(stale_.front().begin, stale_.front().level) +
                                         " of VMID " + std::to_string(stale_.front().vmid));
  }
  if (live_write_in_flight_) violate(Rule::kUnpublished, "no barrier after the last store");
  for (const auto& [table, first] : touched_groups_) {
    const Frame& frame = info(table);
    if (frame.space == nullptr) continue;
    if (frame.space->root_entries >= kContiguousEntries || frame.level != frame.space->start)
      check_group(table, first);
    if (walker_ == Walker::kNonCoherent) check_cleaned(table);
  }
  touched_groups_.clear();
}

void Mmu::table_freed(Mfn number) {
  Frame& frame = info(number);
  if (frame.space != nullptr && frame.space->may_be_cached())
    violate(Rule::kFreedTooEarly, "table " + hex(number.value()) + " can still be walked");
  if (frame.stale_references > 0)
    violate(Rule::kFreedTooEarly, "walkers may still be in table " + hex(number.value()));
  if (frame.space != nullptr && frame.space->root == number) spaces_.erase(number);
  frame.space = nullptr;
}

void Mmu::output_freed(const MfnRange& frames) {
  output_reachable_by_tlb(frames, Rule::kFreedTooEarly);
}

// A violation if a stale translation leads there.
void Mmu::output_reachable_by_tlb(const MfnRange& frames, Rule rule) {
  const auto reaches = [&](const OldLeaf& leaf) {
    return MfnRange(leaf.answer.mfn, leaf.answer.mfn + FrameCount(leaf.end - leaf.begin))
        .overlaps(frames);
  };
  for (const Stale& stale : stale_) {
    if (stale.was_table ? std::ranges::any_of(stale.leaves, reaches) : reaches(stale.leaf)) {
      violate(rule, "a TLB may still lead to frame " + hex(frames.begin().value()));
      return;
    }
  }
}

// --- CPUs
// -----------------------------------------------------------------------------------------

Mmu::Space& Mmu::space_of(Mfn root, Level start, std::size_t entries, bool is_stage2) {
  std::unique_ptr<Space>& space = spaces_[root];
  if (!space) {
    space = std::make_unique<Space>();
    space->root = root;
    space->start = start;
    space->root_entries = entries;
    space->is_stage2 = is_stage2;
    check_initialised(root, start, true, entries);
    become_reachable(*space, root, entries, start, 0);
  }
  return *space;
}

void Mmu::load_stage2(CpuIndex cpu, std::uint64_t vttbr, std::uint64_t vtcr) {
  const unsigned slot = index_of(cpu);
  if (Space* const before = loaded_[slot]) {
    loaded_[slot] = nullptr;
    before->is_loaded = false;
    for (Space* other : loaded_)
      before->is_loaded = before->is_loaded || other == before;
  }
  const Mfn root(hw::Vttbr::Root::get(vttbr));
  const auto vmid = static_cast<std::uint16_t>(hw::Vttbr::Vmid::get(vttbr));
  loaded_vmid_[slot] = vmid;
  if (root == Mfn(0)) return;
  const unsigned bits = static_cast<unsigned>(64 - hw::Vtcr::T0sz::get(vtcr));
  const Level start(2 - static_cast<int>(hw::Vtcr::StartLevel::get(vtcr)));
  const std::size_t entries = std::size_t{1} << (bits - kFrameShift - start.order().value());
  Space& space = space_of(root, start, entries, true);
  for (const auto& [number, other] : spaces_) {
    if (other.get() != &space && other->vmids.contains(vmid))
      violate(Rule::kVmidAlias, "VMID " + std::to_string(vmid) + " of root " + hex(root.value()) +
                                    " may still tag translations of root " + hex(number.value()));
  }
  space.vmids.insert(vmid);
  space.is_loaded = true;
  loaded_[slot] = &space;
}

void Mmu::load_el2(Mfn root, unsigned input_bits) {
  const auto geometry = hw::stage1_geometry(input_bits);
  if (!geometry) std::abort();
  space_of(root, geometry->start, geometry->root_entries, false).is_loaded = true;
}

void Mmu::forget_el2() {
  for (const auto& [root, space] : spaces_)
    space->is_loaded = space->is_loaded && space->is_stage2;
}

std::optional<Mmu::Answer> Mmu::translate(Mfn root, std::uint64_t input_frame) {
  const auto found = spaces_.find(root);
  if (found == spaces_.end()) return std::nullopt;
  const Space& space = *found->second;
  for (const Stale& stale : stale_) {
    const OldLeaf* const old = stale.space == &space ? stale.find(input_frame) : nullptr;
    if (old == nullptr) continue;
    Answer answer = old->answer;
    answer.mfn += FrameCount(input_frame - old->begin);
    return answer;
  }
  Mfn table = space.root;
  std::uint64_t index = input_frame >> space.start.order().value();
  if (index >= space.root_entries) return std::nullopt;
  for (Level level = space.start;; level = level.next()) {
    const std::uint64_t word = walked(table, index);
    switch (kind(word, level)) {
      case DescriptorKind::kInvalid:
        return std::nullopt;
      case DescriptorKind::kLeaf:
        return Answer{output(word) + FrameCount(input_frame & (frames_at(level) - 1)), word, level};
      case DescriptorKind::kTable:
        break;
    }
    table = output(word);
    index = (input_frame >> level.next().order().value()) % kEntries;
  }
}

// --- Maintenance
// ----------------------------------------------------------------------------------

void Mmu::barrier() {
  for (const Mfn frame : unpublished_)
    info(frame).is_unpublished = false;
  unpublished_.clear();
  live_write_in_flight_ = false;
}

void Mmu::clean(const void* start, std::size_t bytes) {
  if (walker_ == Walker::kCoherent) return;
  const auto begin = reinterpret_cast<std::uintptr_t>(start) & ~(kLine - 1);
  const auto end = reinterpret_cast<std::uintptr_t>(start) + bytes;
  for (std::uintptr_t line = begin; line < end; line += kLine) {
    const auto* const words = reinterpret_cast<const std::uint64_t*>(line);
    const std::optional<Mfn> frame = memory_.frame_of(words);
    if (!frame) continue;
    auto& seen = cleaned_[frame->value()];
    for (std::size_t i = 0; i < kLine / 8; ++i)
      seen[(line % kFrameSize) / 8 + i] = words[i];
  }
}

// Whether some leaf below `table` lets a guest at `frame`.
bool Mmu::grants(Mfn table, std::size_t entries, Level level, Mfn frame) const {
  constexpr std::uint64_t kAny =
      hw::Stage2Attributes::Readable::kMask | hw::Stage2Attributes::Writable::kMask;
  for (std::size_t index = 0; index < entries; ++index) {
    const std::uint64_t word = words(table)[index];
    switch (kind(word, level)) {
      case DescriptorKind::kInvalid:
        break;
      case DescriptorKind::kLeaf:
        if ((word & kAny) != 0 &&
            MfnRange(output(word), output(word) + level.order().count()).contains(frame))
          return true;
        break;
      case DescriptorKind::kTable:
        if (grants(output(word), kEntries, level.next(), frame)) return true;
        break;
    }
  }
  return false;
}

void Mmu::frame_cleaned(Mfn frame) {
  output_reachable_by_tlb(MfnRange(frame, frame + FrameCount(1)), Rule::kCleanedTooEarly);
  for (const auto& [root, space] : spaces_) {
    if (space->is_stage2 && space->may_be_cached() &&
        grants(root, space->root_entries, space->start, frame))
      violate(Rule::kCleanedTooEarly, "frame " + hex(frame.value()) + " is mapped");
  }
}

// A TLBI takes effect for entries broken before it, if their stores are visible by then.
void Mmu::invalidate_stage2(std::uint64_t vttbr, const GfnRange& range, Level level, Reach reach) {
  ++counters.tlb_operations;
  if (live_write_in_flight_) violate(Rule::kUnpublished, "TLBI before the broken entry is visible");
  const auto vmid = static_cast<std::uint16_t>(hw::Vttbr::Vmid::get(vttbr));
  for (Stale& stale : stale_) {
    const bool covered = stale.begin >= range.begin().value() && stale.end <= range.end().value();
    const bool reached =
        reach == Reach::kTables ||
        (stale.level == level && stale.was_table == (reach == Reach::kEmptyTable) &&
         stale.leaves.empty() && stale.tables.size() <= 1);
    if (stale.space->is_stage2 && stale.vmid == vmid && covered && reached &&
        stale.phase == Stale::Phase::kHeld) {
      stale.phase = Stale::Phase::kIssued;
    }
  }
}

void Mmu::invalidate_stage2_all(std::uint64_t vttbr) {
  ++counters.tlb_operations;
  if (live_write_in_flight_) violate(Rule::kUnpublished, "TLBI before the broken entry is visible");
  const auto vmid = static_cast<std::uint16_t>(hw::Vttbr::Vmid::get(vttbr));
  for (Stale& stale : stale_) {
    if (stale.space->is_stage2 && stale.vmid == vmid) stale.phase = Stale::Phase::kCombinedIssued;
  }
  vmids_issued_.push_back(vmid);
}

// Of use only for what stage 2 alone does not hold any more: otherwise it comes back.
void Mmu::drop_combined(std::uint64_t vttbr) {
  ++counters.tlb_operations;
  const auto vmid = static_cast<std::uint16_t>(hw::Vttbr::Vmid::get(vttbr));
  for (Stale& stale : stale_) {
    if (stale.vmid == vmid && stale.phase == Stale::Phase::kCombinedHeld)
      stale.phase = Stale::Phase::kCombinedIssued;
  }
}

void Mmu::invalidate_all_guests() {
  ++counters.tlb_operations;
  for (Stale& stale : stale_) {
    if (stale.space->is_stage2) stale.phase = Stale::Phase::kCombinedIssued;
  }
  all_guests_issued_ = true;
}

void Mmu::invalidate_el2(std::uint64_t first_frame, std::uint64_t end_frame) {
  ++counters.tlb_operations;
  if (live_write_in_flight_) violate(Rule::kUnpublished, "TLBI before the broken entry is visible");
  for (Stale& stale : stale_) {
    if (!stale.space->is_stage2 && stale.begin >= first_frame && stale.end <= end_frame)
      stale.phase = Stale::Phase::kCombinedIssued;  // one stage: nothing is combined
  }
}

void Mmu::sync() {
  ++counters.waits;
  for (Stale& stale : stale_) {
    if (stale.phase == Stale::Phase::kIssued) stale.phase = Stale::Phase::kCombinedHeld;
    if (stale.phase == Stale::Phase::kCombinedIssued) stale.phase = Stale::Phase::kGone;
  }
  remove_gone();
  if (!all_guests_issued_ && vmids_issued_.empty()) return;
  // What CPUs have loaded comes back at once; the rest is forgotten.
  for (const auto& [root, space] : spaces_) {
    if (all_guests_issued_) space->vmids.clear();
    for (const std::uint16_t vmid : vmids_issued_)
      space->vmids.erase(vmid);
  }
  all_guests_issued_ = false;
  vmids_issued_.clear();
  for (std::size_t cpu = 0; cpu < loaded_.size(); ++cpu) {
    if (loaded_[cpu] != nullptr) loaded_[cpu]->vmids.insert(loaded_vmid_[cpu]);
  }
}

void Mmu::remove_gone() {
  std::erase_if(stale_, [this](const Stale& stale) {
    if (stale.phase != Stale::Phase::kGone) return false;
    for (const Mfn table : stale.tables)
      --info(table).stale_references;
    return true;
  });
}

}  // namespace socle::sim
