// SPDX-License-Identifier: Apache-2.0
// A million random operations on an address space, beside a map so naive that it is obviously
// right: an array with what each guest frame means. After each operation
//   - its answer is the one that the naive map predicts;
//   - lookup() and the model hardware, whose TLB remembers everything, translate as the naive map
//     says, at the ends of the range, around them and inside;
//   - nothing is stale, in flight or wrongly hinted, and no table was freed too early (sim/mmu.h);
//   - the tables are canonical: blocks as large as the map allows, hints wherever they may be.
// An allocator that refuses the n-th request is tried for every n that an operation reaches, and
// what was refused has changed nothing. Deterministic: a failure names its seed and operation.

#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "hw/attributes_for_tests.h"
#include "stage2/address_space.h"
#include "stage2/test_pool.h"

namespace socle::stage2 {
namespace {

constexpr std::uint64_t k2M = 512;
constexpr std::uint64_t k1G = 512 * 512;
constexpr std::uint64_t kFrames = 3 * k1G;  // the part of the guest's space that is played with

const Attributes kAttributes[] = {kTestRam, kTestReadOnly, kTestDevice};

class Model {
 public:
  // What one guest frame means; attribute 0 is "not mapped".
  struct Meaning {
    std::uint32_t mfn = 0;
    std::uint8_t attributes = 0;
    bool operator==(const Meaning&) const = default;
  };

  explicit Model(std::uint32_t seed) : random_(seed), map_(kFrames) {
    EXPECT_TRUE(space_.init({.tables = TableSource(pool_), .vmids = &vmids_, .ipa_bits = 36}));
    mmu_.load_stage2(CpuIndex{0}, space_.activate(CpuIndex{0}).vttbr, space_.vtcr());
  }
  ~Model() {
    mmu_.load_stage2(CpuIndex{0}, 0, 0);
    while (!space_.teardown(100)) {
    }
  }

  std::size_t operations() const { return operations_; }

  // One operation with everything that is checked about it. False: something was wrong.
  bool step() {
    choose();
    const Error expected = expected_error();
    const bool fails_first = below(8) == 0;
    for (std::size_t n = 0;; ++n) {
      if (fails_first) pool_.fail_after(n);
      const std::size_t used = pool_.used();
      const Result<> result = perform();
      pool_.fail_after(TestPool::kNever);
      const bool is_refused = !result && result.error() == Error::kNoMemory;
      if (!is_refused) return accept(result, expected);
      if (!fails_first || pool_.used() != used || !check_around()) return false;
    }
  }

  // Every frame, by walking; and the counts.
  bool check_all() {
    std::vector<Meaning> walked(kFrames);
    space_.walk(space_.all(), [&](const Extent& extent) {
      for (std::uint64_t i = 0; i < extent.range.size(); ++i)
        walked[extent.range.begin().value() + i] = {
            static_cast<std::uint32_t>(extent.mfn.value() + i), number_of(extent.attributes)};
      return true;
    });
    std::uint64_t mapped = 0;
    for (const Meaning& meaning : map_)
      mapped += meaning.attributes != 0 ? 1 : 0;
    return walked == map_ && space_.coverage().frames().value() == mapped;
  }

 private:
  enum class Kind { kMap, kOverwrite, kUnmap, kChange };
  struct Operation {
    Kind kind;
    std::uint64_t first;
    std::uint64_t count;
    std::uint32_t mfn;
    std::uint8_t attributes;
  };

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

  static std::uint8_t number_of(const DecodedAttributes& attributes) {
    for (std::size_t i = 0; i < std::size(kAttributes); ++i) {
      if (decoded(kAttributes[i]) == attributes) return static_cast<std::uint8_t>(i + 1);
    }
    return 0;
  }

  // Small ranges near the borders of blocks most of the time; now and then whole blocks.
  void choose() {
    constexpr std::uint64_t kHot[] = {k1G - k2M, k1G, k1G + k2M, 2 * k1G - k2M};
    const std::uint64_t dice = below(4000);
    if (dice == 0) {
      operation_.first = below(3) * k1G;
      operation_.count = k1G;
      if (below(4) == 0) {  // not quite
        operation_.first += below(2) * k2M;
        operation_.count -= k2M * (1 + below(3));
      }
    } else if (dice < 120) {
      operation_.first = kHot[below(4)];
      operation_.count = k2M * (1 + below(2));
      if (below(4) == 0) operation_.count -= below(20);
    } else {
      constexpr std::uint64_t kSizes[] = {1, 1, 1, 2, 16, 16, 17, 48};
      operation_.count = kSizes[below(8)];
      // Few places, so that they meet; often aligned, so that groups become whole.
      const std::uint64_t offset = below(2) == 0 ? below(k2M) : 16 * below(32);
      operation_.first = kHot[below(4)] + offset;
    }
    if (operation_.first + operation_.count > kFrames)
      operation_.count = kFrames - operation_.first;

    // Machine frames mostly continue the guest's, so that neighbours join; some are off by a page,
    // by a group, or by 2 MiB.
    constexpr std::uint64_t kOffsets[] = {0, 0, 0, 0, 0, 1, 16, k2M};
    operation_.mfn = static_cast<std::uint32_t>(4 * k1G + operation_.first + kOffsets[below(8)]);
    operation_.attributes = static_cast<std::uint8_t>(below(8) == 0 ? 2 + below(2) : 1);
    const std::uint64_t kind = below(8);
    operation_.kind = kind < 3   ? Kind::kMap
                      : kind < 5 ? Kind::kOverwrite
                      : kind < 7 ? Kind::kUnmap
                                 : Kind::kChange;
  }

  Result<> perform() {
    ++operations_;
    const GfnRange range(Gfn(operation_.first), Gfn(operation_.first + operation_.count));
    const Mfn mfn(operation_.mfn);
    const Attributes& attributes = kAttributes[operation_.attributes - 1];
    AddressSpace::Batch batch(space_);
    switch (operation_.kind) {
      case Kind::kMap:
        return batch.map(range, mfn, attributes);
      case Kind::kOverwrite:
        return batch.map_overwrite(range, mfn, attributes);
      case Kind::kUnmap:
        return batch.unmap(range);
      case Kind::kChange:
        return batch.change(range, attributes);
    }
    return {};
  }

  [[nodiscard]] Meaning wanted(std::uint64_t frame) const {
    const auto offset = static_cast<std::uint32_t>(frame - operation_.first);
    switch (operation_.kind) {
      case Kind::kMap:
      case Kind::kOverwrite:
        return {operation_.mfn + offset, operation_.attributes};
      case Kind::kUnmap:
        return {};
      case Kind::kChange:
        return {map_[frame].mfn, operation_.attributes};
    }
    return {};
  }

  // The error that the naive map predicts; kAgain stands for none.
  [[nodiscard]] Error expected_error() const {
    for (std::uint64_t frame = operation_.first; frame < operation_.first + operation_.count;
         ++frame) {
      const bool is_mapped = map_[frame].attributes != 0;
      if (operation_.kind == Kind::kMap && is_mapped && map_[frame] != wanted(frame))
        return Error::kExists;
      if (operation_.kind == Kind::kChange && !is_mapped) return Error::kNotFound;
    }
    return Error::kAgain;
  }

  bool accept(const Result<>& result, Error expected) {
    if ((result ? Error::kAgain : result.error()) != expected) return false;
    if (result) {
      for (std::uint64_t i = 0; i < operation_.count; ++i)
        map_[operation_.first + i] = wanted(operation_.first + i);
    }
    return check_around();
  }

  bool check_around() {
    mmu_.expect_settled();
    const std::uint64_t end = operation_.first + operation_.count;
    const std::uint64_t inside = operation_.first + below(operation_.count);
    for (const std::uint64_t frame :
         {operation_.first - 1, operation_.first, inside, end - 1, end}) {
      if (frame < kFrames && !check(frame)) return false;
    }
    return check_block(inside);
  }

  bool check(std::uint64_t frame) {
    const Meaning& meaning = map_[frame];
    const auto software = space_.lookup(Gfn(frame));
    const auto hardware = mmu_.translate(root(), frame);
    if (meaning.attributes == 0) return !software && !hardware;
    const DecodedAttributes attributes = decoded(kAttributes[meaning.attributes - 1]);
    return software && hardware && software->mfn == Mfn(meaning.mfn) &&
           hardware->mfn == Mfn(meaning.mfn) && software->attributes == attributes &&
           hw::Stage2Attributes{}.decode(hardware->leaf) == attributes;
  }

  // Whether the aligned run of 2^order frames around `frame` could be one block.
  [[nodiscard]] bool is_line(std::uint64_t frame, unsigned order) const {
    const std::uint64_t size = std::uint64_t{1} << order;
    const std::uint64_t first = frame & ~(size - 1);
    const Meaning& head = map_[first];
    if (head.attributes == 0 || (head.mfn & (size - 1)) != 0) return false;
    for (std::uint64_t i = size; i-- > 0;) {
      const Meaning meaning{head.mfn + static_cast<std::uint32_t>(i), head.attributes};
      if (map_[first + i] != meaning) return false;
    }
    return true;
  }

  bool check_block(std::uint64_t frame) {
    const auto found = space_.lookup(Gfn(frame));
    if (!found) return true;
    // Looking at 1 GiB of the naive map for every operation would take most of the time.
    const bool may_be_1g = found->block == kOrder1G || operation_.count >= k2M || below(64) == 0;
    const unsigned order = may_be_1g && is_line(frame, 18) ? 18 : is_line(frame, 9) ? 9 : 0;
    return found->block == Order(order) &&
           found->contiguous == (order != 18 && is_line(frame, order + 4));
  }

  Mfn root() const { return Mfn(hw::Vttbr::Root::get(space_.context().vttbr)); }

  static constexpr MfnRange kTables{Mfn(0x40000), Mfn(0x41000)};

  sim::Memory memory_{kTables};
  sim::Mmu mmu_{memory_};
  TestPool pool_{memory_, kTables};
  VmidAllocator vmids_;
  AddressSpace space_;
  std::mt19937 random_;
  std::vector<Meaning> map_;
  Operation operation_{};
  std::size_t operations_ = 0;
};

TEST(AddressSpaceModel, AMillionRandomOperationsMatchANaiveMap) {
  std::size_t operations = 0;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    Model model(seed);
    while (model.operations() < 260'000) {
      ASSERT_TRUE(model.step()) << "seed " << seed << ", operation " << model.operations();
      if (model.operations() % 100'000 == 0)
        ASSERT_TRUE(model.check_all()) << "seed " << seed << ", after " << model.operations();
    }
    ASSERT_TRUE(model.check_all()) << "seed " << seed;
    operations += model.operations();
  }
  EXPECT_GE(operations, 1'000'000u);
}

}  // namespace
}  // namespace socle::stage2
