// SPDX-License-Identifier: Apache-2.0
// Random operations on a frame table beside a naive model: an array that says of each frame who
// uses it. Memory runs out again and again, and mapping heap blocks fails at random.
#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "base/test.h"
#include "mem/frame_table.h"
#include "port/phys_window.h"
#include "sim/memory.h"

namespace socle::mem {
namespace {

constexpr unsigned kDomains = 3;

// What the model knows of a frame. `kTable` is what only the table can know: free, stock, leaves.
struct Use {
  enum class Kind { kNoRam, kKept, kTable, kHeap, kDomain } kind = Kind::kTable;
  unsigned domain = 0;
  unsigned references = 0;
  bool is_released = false;
  bool was_written = false;  // by a domain, and not zeroed since
};

class Model {
 public:
  explicit Model(unsigned seed)
      : random_(seed),
        banks_{MfnRange(Mfn(0x40000), Mfn(0x43123)), MfnRange(Mfn(0x80007), Mfn(0x80c00))},
        reserved_{MfnRange(Mfn(0x41300), Mfn(0x41305)), MfnRange(Mfn(0x80100), Mfn(0x80200))},
        memory_{banks_[0], banks_[1]} {
    MemoryLayout layout{.ram = banks_,
                        .reserved = reserved_,
                        .boot_modules = {},
                        .image = MfnRange(Mfn(0x40200), Mfn(0x40260)),
                        .bootstrap = {}};
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    memory_.own(layout.bootstrap);
    table_.init(layout).value();
    in_use_at_start_ = in_use();
    for (const MfnRange& bank : banks_) {
      for (Mfn frame = bank.begin(); frame < bank.end(); ++frame)
        uses_[frame.value()] = {};
    }
    const auto keep = [&](const MfnRange& frames) {
      for (Mfn frame = frames.begin(); frame < frames.end(); ++frame)
        uses_[frame.value()].kind = Use::Kind::kKept;
    };
    std::ranges::for_each(reserved_, keep);
    keep(layout.image);
  }

  void step() {
    if (pick(16) == 0) memory_.fail_maps(pick(3));
    switch (pick(9)) {
      case 0:
      case 1:
        return allocate_heap();
      case 2:
        return free_heap();
      case 3:
        return assign();
      case 4:
        return allocate_for();
      case 5:
      case 6:
        return release();
      case 7:
        return get_reference();
      case 8:
        return put_reference();
    }
  }

  // Everything that the model knows, the table says; and the table agrees with itself.
  void compare() {
    table_.verify();
    for (const auto& [number, use] : uses_) {
      const Mfn frame(number);
      const Owner owner = table_.owner_of(frame);
      switch (use.kind) {
        case Use::Kind::kNoRam:
          break;
        case Use::Kind::kKept:
          ASSERT_TRUE(owner == Owner::reserved() || owner == Owner::socle());
          break;
        case Use::Kind::kTable:
          ASSERT_TRUE(owner == Owner::free() || owner == Owner::heap_stock() ||
                      owner == Owner::heap() || owner == Owner::socle());
          break;
        case Use::Kind::kHeap:
          ASSERT_TRUE(owner == Owner::heap());
          break;
        case Use::Kind::kDomain:
          ASSERT_TRUE(owner == domain_owner(use.domain));
          break;
      }
      ASSERT_EQ(table_.references(frame), use.references);
    }
  }

  // Gives everything back; then the table must be as good as new.
  void finish() {
    memory_.fail_maps(0);
    while (!referenced_.empty())
      put_reference();
    while (!heap_runs_.empty())
      free_heap();
    for (const auto& [number, use] : uses_) {
      if (use.kind != Use::Kind::kDomain) continue;
      const MfnRange one(Mfn(number), Mfn(number + 1));
      ASSERT_TRUE(table_.release(one, domain_id(use.domain)).has_value());
    }
    table_.verify();
    for (const auto& [number, use] : uses_) {
      const Owner owner = table_.owner_of(Mfn(number));
      ASSERT_FALSE(owner.is_domain());
    }
    // No leaf was lost.
    ASSERT_EQ(in_use(), in_use_at_start_);
  }

  [[nodiscard]] unsigned refusals() const { return refusals_; }
  [[nodiscard]] unsigned successes() const { return successes_; }

 private:
  std::uint64_t in_use() {
    const Statistics counts = table_.statistics();
    return counts.heap.value() - counts.heap_stock.value();
  }
  static DomainId domain_id(unsigned domain) { return DomainId{static_cast<uint16_t>(domain)}; }
  static Owner domain_owner(unsigned domain) { return Owner::domain(domain_id(domain)); }
  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  Order pick_order(unsigned most) {
    // Small ones often.
    return Order(std::min(pick(most + 1), pick(most + 1)));
  }
  MfnRange pick_range() {
    const MfnRange& bank = banks_[pick(4) == 0 ? 1 : 0];
    const Mfn begin = bank.begin() + FrameCount(pick(static_cast<unsigned>(bank.size())));
    const std::uint64_t most = std::min<std::uint64_t>((bank.end() - begin).value(), 3000);
    const std::uint64_t size = pick(2) == 0 ? 1 + pick(4) : 1 + pick(static_cast<unsigned>(most));
    MfnRange range(begin, begin + FrameCount(std::min(size, most)));
    if (pick(2) == 0) {
      // Whole blocks.
      const Mfn first(std::max(align_down(range.begin().value(), kFramesPerBlock),
                               align_up(bank.begin().value(), kFramesPerBlock)));
      const Mfn last(std::min(align_up(range.end().value(), kFramesPerBlock),
                              align_down(bank.end().value(), kFramesPerBlock)));
      if (first < last) range = MfnRange(first, last);
    }
    return range;
  }
  template <typename Visit>
  void for_each(const MfnRange& range, Visit visit) {
    for (Mfn frame = range.begin(); frame < range.end(); ++frame)
      visit(uses_[frame.value()], frame);
  }

  bool is_zero(Mfn frame) {
    const auto* const words = reinterpret_cast<const std::uint64_t*>(memory_.frame(frame));
    return words[0] == 0 && words[kFrameSize / 8 - 1] == 0;
  }
  void write(Use& use, Mfn frame) {
    auto* const words = reinterpret_cast<std::uint64_t*>(memory_.frame(frame));
    words[0] = words[kFrameSize / 8 - 1] = ~std::uint64_t{0};
    use.was_written = true;
  }
  void give_to_domain(const MfnRange& range, unsigned domain, Contents contents) {
    for_each(range, [&](Use& use, Mfn frame) {
      ASSERT_TRUE(use.kind == Use::Kind::kTable);
      // Never another domain's data.
      if (contents == Contents::kScrubbed || use.was_written) {
        ASSERT_TRUE(is_zero(frame));
      }
      use = {.kind = Use::Kind::kDomain, .domain = domain};
      write(use, frame);
    });
  }

  void allocate_heap() {
    const Order order = pick_order(9);
    const FrameCount count =
        order < kBlockOrder
            ? FrameCount(order.count().value() - pick(2) * pick(1u << order.value()))
            : order.count();
    const auto first = table_.allocate_frames(std::max(count, FrameCount(1)));
    if (!first) {
      ASSERT_TRUE(first.error() == Error::kNoMemory);
      ++refusals_;
      return;
    }
    const MfnRange run(*first, *first + std::max(count, FrameCount(1)));
    for_each(run, [&](Use& use, Mfn frame) {
      ASSERT_TRUE(use.kind == Use::Kind::kTable);
      ASSERT_TRUE(is_zero(frame));
      use = {.kind = Use::Kind::kHeap};
      auto* const words = port::owned_frame_as<std::uint64_t>(frame);
      words[0] = words[kFrameSize / 8 - 1] = 1;
    });
    heap_runs_.push_back(run);
  }
  void free_heap() {
    if (heap_runs_.empty()) return;
    std::swap(heap_runs_[pick(static_cast<unsigned>(heap_runs_.size()))], heap_runs_.back());
    const MfnRange run = heap_runs_.back();
    heap_runs_.pop_back();
    table_.free_frames(run.begin(), FrameCount(run.size()));
    for_each(run, [&](Use& use, Mfn) { let_go(use); });
  }
  void let_go(Use& use) {
    if (use.references != 0) {
      use.is_released = true;
    } else {
      use = {.kind = Use::Kind::kTable, .was_written = use.was_written};
    }
  }

  void assign() {
    const MfnRange range = pick_range();
    const Contents contents = pick(2) == 0 ? Contents::kAsFound : Contents::kScrubbed;
    const unsigned domain = pick(kDomains);
    bool all_free = true;
    for_each(range, [&](Use&, Mfn frame) {
      all_free = all_free && table_.owner_of(frame) == Owner::free();
    });
    const auto result = table_.assign(range, domain_id(domain), contents);
    if (result) {
      ++successes_;
      ASSERT_TRUE(all_free);
      give_to_domain(range, domain, contents);
    } else {
      ++refusals_;
      // kBusy also when the heap had to grow for leaves, and grew into this very range.
      ASSERT_TRUE(result.error() == Error::kBusy ||
                  (all_free && result.error() == Error::kNoMemory));
    }
  }

  void allocate_for() {
    const Order order = pick_order(11);
    const unsigned domain = pick(kDomains);
    const Contents contents = pick(2) == 0 ? Contents::kAsFound : Contents::kScrubbed;
    const auto first = table_.allocate_for(domain_id(domain), order, contents);
    if (first) {
      ++successes_;
      ASSERT_TRUE(first->is_aligned(order));
      give_to_domain(MfnRange(*first, *first + order.count()), domain, contents);
      return;
    }
    ++refusals_;
    ASSERT_TRUE(first.error() == Error::kNoMemory);
    // There is none: no aligned free run of that order; or only in whole blocks that need a leaf.
    for (const MfnRange& bank : banks_) {
      const std::uint64_t size = order.count().value();
      for (std::uint64_t at = align_up(bank.begin().value(), size); at + size <= bank.end().value();
           at += size) {
        bool is_free = true;
        for (std::uint64_t i = at; i < at + size && is_free; ++i)
          is_free = table_.owner_of(Mfn(i)) == Owner::free();
        if (!is_free) continue;
        ASSERT_TRUE(order < kBlockOrder);
        const std::uint64_t block = align_down(at, kFramesPerBlock);
        for (std::uint64_t i = block; i < block + kFramesPerBlock; ++i)
          ASSERT_TRUE(table_.owner_of(Mfn(i)) == Owner::free());
      }
    }
  }

  void release() {
    // Around some frame of a domain.
    const MfnRange all = pick_range();
    const unsigned domain = pick(kDomains);
    MfnRange range = all;
    if (pick(8) != 0) {
      Mfn begin = all.begin();
      const auto is_own = [&](Mfn frame) {
        const Use& use = uses_[frame.value()];
        return use.kind == Use::Kind::kDomain && use.domain == domain && !use.is_released;
      };
      while (begin < all.end() && !is_own(begin))
        ++begin;
      Mfn end = begin;
      while (end < all.end() && is_own(end))
        ++end;
      range = MfnRange(begin, end);
      if (range.empty()) return;
    }
    bool is_all_own = true;
    for_each(range, [&](Use& use, Mfn) {
      is_all_own =
          is_all_own && use.kind == Use::Kind::kDomain && use.domain == domain && !use.is_released;
    });
    const auto result = table_.release(range, domain_id(domain));
    if (result) {
      ++successes_;
      ASSERT_TRUE(is_all_own);
      for_each(range, [&](Use& use, Mfn) { let_go(use); });
    } else {
      ++refusals_;
      ASSERT_TRUE(result.error() == (is_all_own ? Error::kNoMemory : Error::kDenied));
    }
  }

  void get_reference() {
    const MfnRange range = pick_range();
    const Mfn frame = range.begin();
    Use& use = uses_[frame.value()];
    const bool is_heap = use.kind == Use::Kind::kHeap;
    const unsigned domain = use.kind == Use::Kind::kDomain ? use.domain : pick(kDomains);
    const auto result = table_.get_ref(frame, is_heap ? Owner::heap() : domain_owner(domain));
    const bool is_legal = (is_heap || use.kind == Use::Kind::kDomain) && !use.is_released;
    if (result) {
      ++successes_;
      ASSERT_TRUE(is_legal);
      ++use.references;
      referenced_.push_back(frame);
    } else {
      ++refusals_;
      ASSERT_TRUE(result.error() == (is_legal ? Error::kNoMemory : Error::kDenied));
    }
  }
  void put_reference() {
    if (referenced_.empty()) return;
    std::swap(referenced_[pick(static_cast<unsigned>(referenced_.size()))], referenced_.back());
    const Mfn frame = referenced_.back();
    referenced_.pop_back();
    Use& use = uses_[frame.value()];
    table_.put_ref(frame);
    if (--use.references == 0 && use.is_released)
      use = {.kind = Use::Kind::kTable, .was_written = use.was_written};
  }

  std::mt19937_64 random_;
  std::array<MfnRange, 2> banks_;
  std::array<MfnRange, 2> reserved_;
  sim::Memory memory_;
  FrameTable table_;
  std::map<std::uint64_t, Use> uses_;
  std::vector<MfnRange> heap_runs_;
  std::vector<Mfn> referenced_;
  std::uint64_t in_use_at_start_ = 0;
  unsigned refusals_ = 0;
  unsigned successes_ = 0;
};

TEST(FrameTableModel, RandomOperationsAgreeWithANaiveArray) {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    Model model(seed);
    for (unsigned i = 0; i < 6000; ++i) {
      model.step();
      if (i % 200 == 0) model.compare();
      if (HasFatalFailure()) return;
    }
    model.compare();
    model.finish();
    EXPECT_GT(model.refusals(), 1000u);
    EXPECT_GT(model.successes(), 1000u);
  }
}

}  // namespace
}  // namespace socle::mem
