// SPDX-License-Identifier: Apache-2.0
#pragma once

// Mmu: model MMUs and TLBs of a machine, as bad as the architecture allows. While one exists, the
// host's port/tlb.h, barrier.h, cache.h and translation_entry.h lead here.
//
// The TLB model remembers everything. A CPU that has a root loaded may at any moment have cached
// any translation below it, so the model takes every one as cached: the moment a live entry is
// broken or changed, what it said becomes a *stale* translation, and translate() answers with it
// until it has been invalidated with the right VMID and range, in the right order, and waited for.
// Walks read the real bits in the model's memory; a walker that is not coherent reads what was
// cleaned.
//
// Each store to a table is seen (port::write_entry) and checked: sim/violation.h lists the rules.
// expect_settled() checks what must hold when an operation has ended.
//
// Source: Arm ARM DDI 0487, D8.16 (TLB maintenance, break-before-make), D8.7.1 (contiguous bit),
// D8.2.6 (ordering of walks).

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "base/range.h"
#include "base/types.h"
#include "hw/memory_features.h"
#include "sim/memory.h"
#include "sim/violation.h"

namespace socle::sim {

// What port::memory_features() says on the host. A large server by default; a test may change it
// (and should put it back: FeatureScope).
hw::MemoryFeatures memory_features();

class FeatureScope {
 public:
  explicit FeatureScope(const hw::MemoryFeatures& features);
  ~FeatureScope();
  FeatureScope(const FeatureScope&) = delete;
  FeatureScope& operator=(const FeatureScope&) = delete;

 private:
  hw::MemoryFeatures previous_;
};

// What a TLBI said about the entries it is for (as port::TlbReach).
enum class Reach : std::uint8_t { kLeaf, kEmptyTable, kTables };

class Mmu {
 public:
  enum class Walker : std::uint8_t { kCoherent, kNonCoherent };

  explicit Mmu(Memory& memory, Walker walker = Walker::kCoherent);
  ~Mmu();
  Mmu(const Mmu&) = delete;
  Mmu& operator=(const Mmu&) = delete;

  static Mmu* current();

  // --- What CPUs do ---
  // VTTBR_EL2 and VTCR_EL2 as `cpu` has them from now on. Hardware may walk the tables below the
  // root as long as any CPU has it loaded, and TLBs remember after that. A VTTBR of 0: nobody's.
  void load_stage2(CpuIndex cpu, std::uint64_t vttbr, std::uint64_t vtcr);
  // TTBR0_EL2 of all CPUs.
  void load_el2(Mfn root, unsigned input_bits);
  // All CPUs stop using tables of EL2 (the test is over).
  void forget_el2();

  struct Answer {
    Mfn mfn;
    std::uint64_t leaf;  // the descriptor that translates
    Level level{3};
  };
  // What a CPU gets that has this root loaded: a stale translation if there may be one, else what
  // the tables say; nothing: a translation fault.
  std::optional<Answer> translate(Mfn root, std::uint64_t input_frame);

  // --- What a test says ---
  // An operation on the tables has ended: nothing may be stale or in flight, hints are right.
  void expect_settled();
  // A table, or a frame that guests could reach, is given back to its pool.
  void table_freed(Mfn frame);
  void output_freed(const MfnRange& frames);

  struct Counters {
    std::size_t tlb_operations = 0;  // instructions that invalidate
    std::size_t waits = 0;           // tlb_sync
    std::size_t stores = 0;          // to live tables
  };
  Counters counters;

  // --- What port/host calls ---
  void store(std::uint64_t& entry, std::uint64_t value);
  void barrier();
  void clean(const void* start, std::size_t bytes);
  // The caches were cleaned of a frame, for good: nobody may be able to fill them again.
  void frame_cleaned(Mfn frame);
  void invalidate_stage2(std::uint64_t vttbr, const GfnRange& range, Level level, Reach reach);
  void invalidate_stage2_all(std::uint64_t vttbr);
  void drop_combined(std::uint64_t vttbr);
  void invalidate_all_guests();
  void invalidate_el2(std::uint64_t first_frame, std::uint64_t end_frame);
  void sync();

 private:
  // A set of tables that hardware walks, or walked.
  struct Space {
    Mfn root;
    Level start{0};
    std::size_t root_entries = 0;
    bool is_stage2 = true;
    bool is_loaded = false;         // on some CPU now
    std::set<std::uint16_t> vmids;  // under which TLBs may hold its translations
    [[nodiscard]] bool may_be_cached() const { return is_loaded || !vmids.empty(); }
  };

  // What the model knows of a frame that holds a table.
  struct Frame {
    Space* space = nullptr;  // reachable from its root
    Level level{0};
    std::uint64_t base = 0;         // input frame of its first entry
    bool is_unpublished = false;    // written since the last barrier
    unsigned stale_references = 0;  // stale records through which walkers may still be in it
  };

  // A leaf as it was.
  struct OldLeaf {
    std::uint64_t begin;
    std::uint64_t end;
    Answer answer;  // for `begin`
  };
  // What TLBs and walk caches may still hold after an entry was broken or changed.
  struct Stale {
    Space* space;
    std::uint16_t vmid;
    std::uint64_t begin;
    std::uint64_t end;
    Level level;  // of the entry
    bool was_table;
    // How far its removal has come. Stage 2 has two kinds of entries: those made from stage 2
    // alone, and combined ones that can be made again from the former.
    enum class Phase : std::uint8_t {
      kHeld,
      kIssued,
      kCombinedHeld,
      kCombinedIssued,
      kGone
    } phase = Phase::kHeld;
    OldLeaf leaf{};               // what it said, unless it was a table
    std::vector<OldLeaf> leaves;  // of a table: all below it
    std::vector<Mfn> tables;
    // The old translation of a frame, if there was one.
    [[nodiscard]] const OldLeaf* find(std::uint64_t frame) const;
  };

  [[nodiscard]] Frame& info(Mfn frame);
  [[nodiscard]] const std::uint64_t* words(Mfn table) const {
    return reinterpret_cast<const std::uint64_t*>(memory_.frame(table));
  }
  [[nodiscard]] std::uint64_t walked(Mfn table, std::size_t index);
  void live_store(Frame& table, Mfn number, std::uint64_t& entry, std::uint64_t value);
  void check_descriptor(const Space& space, std::uint64_t word, Level level);
  void become_stale(Space& space, std::uint64_t begin, Level level, std::uint64_t old);
  void collect(Space& space, std::uint64_t word, std::uint64_t begin, Level level, Stale& into);
  void become_reachable(Space& space, Mfn table, std::size_t entries, Level level,
                        std::uint64_t base);
  void check_initialised(Mfn table, Level level, bool is_root, std::size_t entries);
  void check_cleaned(Mfn table);
  void output_reachable_by_tlb(const MfnRange& frames, Rule rule);
  [[nodiscard]] bool grants(Mfn table, std::size_t entries, Level level, Mfn frame) const;
  void check_group(Mfn table, std::size_t first);
  void remove_gone();
  Space& space_of(Mfn root, Level start, std::size_t entries, bool is_stage2);

  Memory& memory_;
  const Walker walker_;
  std::map<Mfn, std::unique_ptr<Space>> spaces_;
  std::array<Space*, kMaxCpus> loaded_{};
  std::array<std::uint16_t, kMaxCpus> loaded_vmid_{};
  std::vector<Stale> stale_;
  std::vector<Mfn> unpublished_;
  bool live_write_in_flight_ = false;
  bool all_guests_issued_ = false;
  std::vector<std::uint16_t> vmids_issued_;
  // Entries that the contiguous hint may join, written since the last expect_settled().
  struct TouchedGroup {
    Mfn table;
    std::size_t first;
    bool operator==(const TouchedGroup&) const = default;
  };
  std::vector<TouchedGroup> touched_groups_;
  // Frames by number in chunks of 512; most are never asked for.
  using Chunk = std::array<Frame, 512>;
  std::unordered_map<std::uint64_t, std::unique_ptr<Chunk>> frames_;
  std::uint64_t cached_chunk_number_ = ~std::uint64_t{0};
  Chunk* cached_chunk_ = nullptr;
  // What a non-coherent walker sees of each frame.
  std::unordered_map<std::uint64_t, std::array<std::uint64_t, 512>> cleaned_;
};

}  // namespace socle::sim
