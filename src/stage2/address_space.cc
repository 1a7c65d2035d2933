// SPDX-License-Identifier: Apache-2.0
#include "stage2/address_space.h"

#include "port/barrier.h"
#include "port/memory_features.h"
#include "stage2/edit.h"
#include "stage2/walk.h"

// Reader and Batch take the lock in their constructors and release it in their destructors. The
// analysis follows the lock through them for callers, but cannot see inside their members that
// space_ is the locked one; those are marked.
#define SOCLE_SPACE_IS_LOCKED SOCLE_NO_THREAD_SAFETY_ANALYSIS

namespace socle::stage2 {

namespace {

Translation translation(const LeafView& leaf, Gfn gfn) {
  return Translation{.mfn = leaf.output + (input(gfn) - leaf.range.begin()),
                     .attributes = leaf.attributes,
                     .block = leaf.level.order(),
                     .contiguous = leaf.contiguous};
}

}  // namespace

// --- Life
// -----------------------------------------------------------------------------------------

Result<> AddressSpace::init(const Config& config) {
  const LockGuard guard(lock_);
  const hw::MemoryFeatures features = port::memory_features();
  const unsigned bits = config.ipa_bits != 0 ? config.ipa_bits : features.pa_bits;
  const auto geometry = hw::stage2_geometry(bits, features);
  if (!geometry || table_.exists()) return fail(Error::kUnsupported);
  const bool forced_write_back = config.forced_write_back && features.forced_write_back;
  TRY(table_.create(hw::Stage2Attributes{forced_write_back}, *geometry, config.tables, {}));
  config.vmids->init(features.vmid_bits);
  vmids_ = config.vmids;
  vttbr_without_vmid_ = hw::Vttbr::make(table_.root(), 0, features);
  vtcr_ = hw::Vtcr::make(*geometry, features);
  machine_frames_ = FrameCount(std::uint64_t{1} << (features.pa_bits - kFrameShift));
  ipa_bits_ = bits;
  forced_write_back_ = forced_write_back;
  is_dying_ = false;
  return {};
}

bool AddressSpace::teardown(std::size_t budget) {
  const LockGuard guard(lock_);
  if (!table_.exists()) return true;
  if (!is_dying_) {
    is_dying_ = true;
    const Change change{
        .kind = Change::Kind::kUnmap, .range = all(), .output = {}, .attributes = {}};
    for (Listener* listener = listeners_; listener != nullptr; listener = listener->next_)
      listener->commit(change);
    Batch::Invalidation invalidation(*this);
    invalidation.invalidate_all();
    invalidation.complete();
  }
  return table_.free_some(budget);
}

port::Stage2Context AddressSpace::activate(CpuIndex cpu) {
  const std::uint16_t vmid = vmids_->activate(vmid_, cpu);
  return {.vttbr = vttbr_without_vmid_ | hw::Vttbr::Vmid::make(vmid)};
}

port::Stage2Context AddressSpace::context() const {
  return {.vttbr = vttbr_without_vmid_ | hw::Vttbr::Vmid::make(vmid_.vmid())};
}

void AddressSpace::add_listener(Listener& listener) {
  const LockGuard guard(lock_);
  listener.next_ = listeners_;
  listeners_ = &listener;
}

void AddressSpace::remove_listener(Listener& listener) {
  const LockGuard guard(lock_);
  for (Listener** link = &listeners_; *link != nullptr; link = &(*link)->next_) {
    if (*link != &listener) continue;
    *link = listener.next_;
    listener.next_ = nullptr;
    return;
  }
}

// --- One operation at a time
// ----------------------------------------------------------------------

Result<> AddressSpace::map(const GfnRange& range, Mfn first, const Attributes& attributes) {
  Batch batch(*this);
  return batch.map(range, first, attributes);
}

Result<> AddressSpace::map_overwrite(const GfnRange& range, Mfn first,
                                     const Attributes& attributes) {
  Batch batch(*this);
  return batch.map_overwrite(range, first, attributes);
}

Result<std::optional<Translation>> AddressSpace::replace(Gfn gfn, Mfn mfn,
                                                         const Attributes& attributes) {
  Batch batch(*this);
  return batch.replace(gfn, mfn, attributes);
}

Result<> AddressSpace::unmap(const GfnRange& range) {
  Batch batch(*this);
  return batch.unmap(range);
}

Result<> AddressSpace::change(const GfnRange& range, const Attributes& attributes) {
  Batch batch(*this);
  return batch.change(range, attributes);
}

std::optional<Translation> AddressSpace::lookup(Gfn gfn) const {
  const Reader reader(*this);
  return reader.lookup(gfn);
}

Gfn AddressSpace::walk(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const {
  const Reader reader(*this);
  return reader.walk(range, visit);
}

Coverage AddressSpace::coverage() const {
  const LockGuard guard(lock_);
  Coverage coverage;
  if (is_dying_) return coverage;
  table_.for_each_leaf(table_.all(), [&](const LeafView& leaf) {
    const bool is_1g = leaf.level == Level(1);
    const bool is_2m = leaf.level == Level(2);
    ++(is_1g ? coverage.entries_1g : is_2m ? coverage.entries_2m : coverage.entries_4k);
    if (leaf.contiguous)
      ++(is_1g ? coverage.contiguous_1g : is_2m ? coverage.contiguous_2m : coverage.contiguous_4k);
    return true;
  });
  table_.for_each_table([&](Mfn, Level) { ++coverage.tables; });
  return coverage;
}

// --- Looking
// --------------------------------------------------------------------------------------

std::optional<Translation> AddressSpace::lookup_locked(Gfn gfn) const {
  if (is_dying_) return std::nullopt;
  const std::optional<LeafView> leaf = table_.lookup(input(gfn));
  if (!leaf) return std::nullopt;
  return translation(*leaf, gfn);
}

Gfn AddressSpace::walk_locked(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const {
  if (is_dying_) return range.end();
  // Leaves are joined to an extent until one does not continue it.
  std::optional<Extent> extent;
  bool go_on = true;
  table_.for_each_leaf(input(range), [&](const LeafView& leaf) {
    const GfnRange part = guest_range(leaf.range).intersection(range);
    const Mfn mfn = translation(leaf, part.begin()).mfn;
    if (extent && extent->range.end() == part.begin() && extent->attributes == leaf.attributes &&
        extent->mfn + FrameCount(extent->range.size()) == mfn) {
      extent->range = GfnRange(extent->range.begin(), part.end());
      return true;
    }
    go_on = !extent || visit(*extent);
    if (go_on) extent = Extent{part, mfn, leaf.attributes};
    return go_on;
  });
  if (!extent) return range.end();
  if (go_on && visit(*extent)) return range.end();
  return extent->range.end();
}

// --- Reader
// ---------------------------------------------------------------------------------------

AddressSpace::Reader::Reader(const AddressSpace& space) SOCLE_SPACE_IS_LOCKED
    : space_(space),
      guard_(space.lock_) {}
AddressSpace::Reader::~Reader() SOCLE_SPACE_IS_LOCKED = default;

std::optional<Translation> AddressSpace::Reader::lookup(Gfn gfn) const SOCLE_SPACE_IS_LOCKED {
  return space_.lookup_locked(gfn);
}
Gfn AddressSpace::Reader::walk(const GfnRange& range,
                               FunctionRef<bool(const Extent&)> visit) const SOCLE_SPACE_IS_LOCKED {
  return space_.walk_locked(range, visit);
}

// --- Batch
// ----------------------------------------------------------------------------------------

AddressSpace::Batch::Batch(AddressSpace& space) SOCLE_SPACE_IS_LOCKED
    : space_(space),
      guard_(space.lock_),
      invalidation_(space),
      ledger_(invalidation_, space.table_.source()) {}

AddressSpace::Batch::~Batch() SOCLE_SPACE_IS_LOCKED {
  pay();
}

void AddressSpace::Batch::pay() SOCLE_SPACE_IS_LOCKED {
  ledger_.pay();
  if (!listeners_owed_) return;
  listeners_owed_ = false;
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_)
    listener->complete();
}

// Asks all listeners; those who agreed before one refused are told that nothing will happen.
Result<> AddressSpace::Batch::prepare_listeners(const Change& change) SOCLE_SPACE_IS_LOCKED {
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_) {
    const Result<> answer = listener->prepare(change);
    if (answer) continue;
    for (Listener* asked = space_.listeners_; asked != listener; asked = asked->next_)
      asked->cancel(change);
    return answer;
  }
  return {};
}

Result<> AddressSpace::Batch::run(const Edit& edit, const Change& change) SOCLE_SPACE_IS_LOCKED {
  if (space_.is_dying_) return fail(Error::kInvalid);
  Plan plan = TRY(space_.table_.prepare(edit));
  TRY(prepare_listeners(change));
  space_.table_.commit(std::move(plan), ledger_);
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_) {
    listener->commit(change);
    listeners_owed_ = true;
  }
  return {};
}

Result<> AddressSpace::Batch::map(const GfnRange& range, Mfn first, const Attributes& attributes) {
  return map_as(Edit::Kind::kMap, range, first, attributes);
}

Result<> AddressSpace::Batch::map_overwrite(const GfnRange& range, Mfn first,
                                            const Attributes& attributes) {
  return map_as(Edit::Kind::kOverwrite, range, first, attributes);
}

Result<> AddressSpace::Batch::map_as(Edit::Kind kind, const GfnRange& range, Mfn first,
                                     const Attributes& attributes) SOCLE_SPACE_IS_LOCKED {
  const std::uint64_t limit = space_.machine_frames_.value();
  if (first.value() > limit || range.size() > limit - first.value())
    return fail(Error::kOutOfRange);
  const DecodedAttributes what = decoded(attributes);
  return run({.kind = kind,
              .range = input(range),
              .output = first,
              .attributes = space_.table_.format().encode(what)},
             {.kind = Change::Kind::kMap, .range = range, .output = first, .attributes = what});
}

Result<std::optional<Translation>> AddressSpace::Batch::replace(Gfn gfn, Mfn mfn,
                                                                const Attributes& attributes) {
  const auto range = GfnRange::from_size(gfn, 1);
  if (!range.has_value()) return fail(Error::kOutOfRange);
  const std::optional<Translation> before = lookup(gfn);
  TRY(map_overwrite(*range, mfn, attributes));
  return before;
}

Result<> AddressSpace::Batch::unmap(const GfnRange& range) {
  return run({.kind = Edit::Kind::kUnmap, .range = input(range), .output = {}, .attributes = 0},
             {.kind = Change::Kind::kUnmap, .range = range, .output = {}, .attributes = {}});
}

Result<> AddressSpace::Batch::change(const GfnRange& range,
                                     const Attributes& attributes) SOCLE_SPACE_IS_LOCKED {
  const DecodedAttributes what = decoded(attributes);
  return run({.kind = Edit::Kind::kChange,
              .range = input(range),
              .output = {},
              .attributes = space_.table_.format().encode(what)},
             {.kind = Change::Kind::kAttributes, .range = range, .output = {}, .attributes = what});
}

std::optional<Translation> AddressSpace::Batch::lookup(Gfn gfn) const SOCLE_SPACE_IS_LOCKED {
  return space_.lookup_locked(gfn);
}
Gfn AddressSpace::Batch::walk(const GfnRange& range,
                              FunctionRef<bool(const Extent&)> visit) const SOCLE_SPACE_IS_LOCKED {
  return space_.walk_locked(range, visit);
}

// --- What is owed to whom
// -------------------------------------------------------------------------

// A VMID of 0: no CPU ever ran in this address space, so no TLB can hold anything of it. The tag is
// read after the ledger's barrier made the broken entries visible, and a CPU that activates the
// address space publishes its tag before it walks: either the tag is seen here, or the broken
// entries there. A VMID of an older generation may have another owner by now; it loses cached
// entries for nothing, and ours were all dropped when the generation ended.
void AddressSpace::Batch::Invalidation::invalidate(const InputRange& range, Level level,
                                                   port::TlbReach reach) SOCLE_SPACE_IS_LOCKED {
  const GfnRange frames = guest_range(range);
  if (space_.vmid_.vmid() != 0) {
    port::tlb_stage2_range(space_.context(), frames, level, reach);
    combined_remain_ = true;
  }
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_)
    listener->invalidate(frames);
}

void AddressSpace::Batch::Invalidation::invalidate_all() SOCLE_SPACE_IS_LOCKED {
  if (space_.vmid_.vmid() != 0) port::tlb_stage2_all(space_.context());
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_)
    listener->invalidate(space_.all());
}

void AddressSpace::Batch::Invalidation::complete() SOCLE_SPACE_IS_LOCKED {
  port::tlb_sync();
  if (combined_remain_) {
    port::tlb_stage2_drop_combined(space_.context());
    port::tlb_sync();
    combined_remain_ = false;
  }
  for (Listener* listener = space_.listeners_; listener != nullptr; listener = listener->next_)
    listener->complete();
}

}  // namespace socle::stage2
