// SPDX-License-Identifier: Apache-2.0
#pragma once

// AddressSpace: what a domain's physical addresses (IPA) mean to its CPUs: its stage-2 tables,
// their VMID and their lock. The map is a function from guest frames to {machine frame,
// attributes}; the tables always hold it in the largest blocks possible (1 GiB, 2 MiB, 4 KiB, with
// the contiguous hint on top), whatever the order in which it was built.
//
// Callers     Boot (hwdom/build), hypercalls, the fault path, guest-memory copies. Any CPU.
// Locks       One per address space, rank kAddressSpace. Each function below takes it; to do
// several
//             things under one lock, and pay for TLB maintenance once, make a Batch. To read a
//             guest frame and be sure that it stays the guest's meanwhile, keep a Reader (or Batch)
//             while touching the memory: nothing is unmapped, hence nothing given back, under it.
// Units       4 KiB frames. A range may be any; an operation costs table *entries*, not frames. The
//             caller bounds ranges that a guest chose (a hypercall works in slices and continues).
// Visibility  When a function returns, or a Batch ends, or Batch::pay() returns: all CPUs and
//             listeners see the new map and none remembers the old. Meanwhile another vCPU may see
//             a translation fault on a frame that is mapped before and after (break-before-make):
//             the fault path looks up again, waiting for the lock by doing so, and retries.
// Errors      kNoMemory    no table frame; nothing was changed (prepare, then commit)
//             kExists      map(): something else is mapped there; nothing was changed
//             kNotFound    change(): a frame of the range is not mapped; nothing was changed
//             kOutOfRange  beyond the IPA or PA size
//             kInvalid     an address space without tables (before init(), after teardown())
//             and what a Listener's prepare() returns.
// Source      Arm ARM DDI 0487, D8 "The AArch64 Virtual Memory System Architecture"; TLB
// maintenance
//             requirements D8.14 and D8.16.1 (break-before-make).

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/function_ref.h"
#include "base/lock.h"
#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "hw/attributes.h"
#include "port/tlb.h"
#include "stage2/ledger.h"
#include "stage2/listener.h"
#include "stage2/table.h"
#include "stage2/table_source.h"
#include "stage2/vmid.h"

namespace socle::stage2 {

// What one guest frame means.
struct Translation {
  Mfn mfn;
  DecodedAttributes attributes;
  Order block;  // size of the table entry that maps it
  bool contiguous = false;
};

// A maximal run: consecutive guest frames on consecutive machine frames, same attributes.
struct Extent {
  GfnRange range;
  Mfn mfn;
  DecodedAttributes attributes;
};

// How the mapped frames are held: entries by size. What TLBs can make of it.
struct Coverage {
  std::uint64_t entries_1g = 0;
  std::uint64_t entries_2m = 0;
  std::uint64_t entries_4k = 0;
  // Of the above, entries that carry the contiguous hint.
  std::uint64_t contiguous_1g = 0;
  std::uint64_t contiguous_2m = 0;
  std::uint64_t contiguous_4k = 0;
  std::uint64_t tables = 0;
  [[nodiscard]] constexpr FrameCount frames() const {
    return FrameCount((entries_1g << 18) + (entries_2m << 9) + entries_4k);
  }
};

class AddressSpace {
 public:
  class Reader;
  class Batch;

  struct Config {
    TableSource tables;
    VmidAllocator* vmids = &machine_vmids;
    // Size of the guest's physical address space; 0: as large as the CPUs allow.
    unsigned ipa_bits = 0;
    // Encode for HCR_EL2.FWB = 1 if the CPUs have FEAT_S2FWB; ask forced_write_back() afterwards.
    bool forced_write_back = false;
  };

  constexpr AddressSpace() = default;
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  // Builds an empty map. Once; again only after teardown() said that it is done.
  Result<> init(const Config& config) SOCLE_EXCLUDES(lock_);

  // The frames of `range` translate to `first`, `first` + 1, ... What is mapped there already must
  // be exactly that (two CPUs that answer one fault are idempotent), else kExists.
  Result<> map(const GfnRange& range, Mfn first, const Attributes& attributes)
      SOCLE_EXCLUDES(lock_);
  // The same, replacing whatever is there.
  Result<> map_overwrite(const GfnRange& range, Mfn first, const Attributes& attributes)
      SOCLE_EXCLUDES(lock_);
  // One frame, and what was there before (XENMEM_add_to_physmap: the caller drops its references).
  Result<std::optional<Translation>> replace(Gfn gfn, Mfn mfn, const Attributes& attributes)
      SOCLE_EXCLUDES(lock_);
  // Nothing translates any more in `range`; parts that did not before are fine. kNoMemory is
  // possible: a hole in a block needs tables around it.
  Result<> unmap(const GfnRange& range) SOCLE_EXCLUDES(lock_);
  // The same frames with other attributes.
  Result<> change(const GfnRange& range, const Attributes& attributes) SOCLE_EXCLUDES(lock_);

  [[nodiscard]] std::optional<Translation> lookup(Gfn gfn) const SOCLE_EXCLUDES(lock_);

  // Calls `visit` for each extent in `range`, in ascending order, until it returns false. The lock
  // is held throughout; `visit` must not call back into this address space. Returns where to
  // continue: range.end(), or the end of the extent that was refused more.
  Gfn walk(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const
      SOCLE_EXCLUDES(lock_);
  // Counts table entries; for the boot report and tests (visits every table).
  [[nodiscard]] Coverage coverage() const SOCLE_EXCLUDES(lock_);

  // Of CPUs about to enter the guest: what VTTBR_EL2 must hold. Checks the VMID's generation, so
  // call it each time the register is loaded on a CPU, with `cpu` the one that calls.
  port::Stage2Context activate(CpuIndex cpu);
  // The same without taking part in VMID allocation: for showing and for comparing.
  [[nodiscard]] port::Stage2Context context() const;
  // What VTCR_EL2 must hold with it. Constant after init().
  [[nodiscard]] std::uint64_t vtcr() const { return vtcr_; }
  // Whether HCR_EL2.FWB must be set while these tables are in use. Constant after init().
  [[nodiscard]] bool forced_write_back() const { return forced_write_back_; }
  [[nodiscard]] unsigned ipa_bits() const { return ipa_bits_; }
  // All guest frames that can be mapped.
  [[nodiscard]] GfnRange all() const {
    return GfnRange(Gfn(0), ipa_bits_ == 0 ? Gfn(0) : Gfn(std::uint64_t{1} << (ipa_bits_ - 12)));
  }

  // From now on every change is told to `listener`, which outlives its registration. What is
  // mapped already it learns by walk(), in slices.
  void add_listener(Listener& listener) SOCLE_EXCLUDES(lock_);
  void remove_listener(Listener& listener) SOCLE_EXCLUDES(lock_);

  // Takes the map down when no CPU will enter the guest again. Each call frees at most `budget`
  // tables; true: done, everything is given back. The first call unmaps everything at once for
  // CPUs and listeners.
  [[nodiscard]] bool teardown(std::size_t budget) SOCLE_EXCLUDES(lock_);

 private:
  mutable SpinLock lock_{LockRank::kAddressSpace};
  Table<hw::Stage2Attributes> table_ SOCLE_GUARDED_BY(lock_);
  Listener* listeners_ SOCLE_GUARDED_BY(lock_) = nullptr;
  // Torn down as far as anybody can see; tables remain to be freed.
  bool is_dying_ SOCLE_GUARDED_BY(lock_) = false;

  [[nodiscard]] std::optional<Translation> lookup_locked(Gfn gfn) const SOCLE_REQUIRES(lock_);
  Gfn walk_locked(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const
      SOCLE_REQUIRES(lock_);

  // Constant from init() on.
  VmidAllocator* vmids_ = nullptr;
  std::uint64_t vttbr_without_vmid_ = 0;
  std::uint64_t vtcr_ = 0;
  FrameCount machine_frames_;
  unsigned ipa_bits_ = 0;
  bool forced_write_back_ = false;

  VmidTag vmid_;
};

// The address space held still: while a Reader lives, no frame is unmapped, so whatever lookup()
// names stays the guest's and may be touched. Short-lived, on the stack.
class SOCLE_SCOPED_CAPABILITY AddressSpace::Reader {
 public:
  explicit Reader(const AddressSpace& space) SOCLE_ACQUIRE(space.lock_);
  ~Reader() SOCLE_RELEASE();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  [[nodiscard]] std::optional<Translation> lookup(Gfn gfn) const;
  Gfn walk(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const;

 private:
  const AddressSpace& space_;
  const LockGuard guard_;
};

// Several changes under one lock that pay for their TLB maintenance once, when the Batch ends. A
// frame that was unmapped may be given to somebody else only after that, or after pay().
class SOCLE_SCOPED_CAPABILITY AddressSpace::Batch {
 public:
  explicit Batch(AddressSpace& space) SOCLE_ACQUIRE(space.lock_);
  ~Batch() SOCLE_RELEASE();
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // As the functions of AddressSpace. Each is whole or not at all; an error leaves the earlier ones
  // of the batch in force.
  Result<> map(const GfnRange& range, Mfn first, const Attributes& attributes);
  Result<> map_overwrite(const GfnRange& range, Mfn first, const Attributes& attributes);
  Result<std::optional<Translation>> replace(Gfn gfn, Mfn mfn, const Attributes& attributes);
  Result<> unmap(const GfnRange& range);
  Result<> change(const GfnRange& range, const Attributes& attributes);
  [[nodiscard]] std::optional<Translation> lookup(Gfn gfn) const;
  Gfn walk(const GfnRange& range, FunctionRef<bool(const Extent&)> visit) const;

  // Pays now, and goes on.
  void pay();

 private:
  friend class AddressSpace;
  Result<> map_as(Edit::Kind kind, const GfnRange& range, Mfn first, const Attributes& attributes);
  Result<> run(const Edit& edit, const Change& change);
  Result<> prepare_listeners(const Change& change);

  class Invalidation final : public Invalidator {
   public:
    explicit Invalidation(AddressSpace& space) : space_(space) {}
    void invalidate(const InputRange& range, Level level, port::TlbReach reach) override;
    void invalidate_all() override;
    void complete() override;

   private:
    AddressSpace& space_;
    bool combined_remain_ = false;
  };

  AddressSpace& space_;
  const LockGuard guard_;  // outlives the ledger, which pays when it ends
  Invalidation invalidation_;
  Ledger ledger_;
  bool listeners_owed_ = false;
};

}  // namespace socle::stage2
