// SPDX-License-Identifier: Apache-2.0
// Two domains, a frame of on-chip memory, CPUs whose TLBs and caches forget nothing by themselves.
// Each test fails if one of the steps is left out, or done too early.
#include "guest/reassign.h"

#include <array>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

#include "policy/policy.h"
#include "sim/data_cache.h"
#include "sim/memory.h"
#include "sim/mmu.h"
#include "stage2/test_pool.h"

namespace socle::guest {
namespace {

using policy::DomainKind;
using policy::RequestedType;
using stage2::AddressSpace;

constexpr MfnRange kTables{Mfn(0x40000), Mfn(0x41000)};
constexpr Mfn kSram{0x9000};
constexpr FrameCount kFrames{4};
constexpr Gfn kOldPlace{0x9000};
constexpr Gfn kNewPlace{0x20000};
constexpr std::uint64_t kOffset = 0x40;

// A device of the old owner, whose translations a listener has to forget.
class DeviceTlb final : public stage2::Listener {
 public:
  Result<> prepare(const stage2::Change& change) override {
    if (refuses == change.kind) return fail(Error::kNoMemory);
    return {};
  }
  void invalidate(const GfnRange&) override { is_told = true; }
  void complete() override { has_forgotten = is_told; }

  std::optional<stage2::Change::Kind> refuses;
  bool is_told = false;
  bool has_forgotten = false;
};

class Reassign : public testing::Test {
 protected:
  Reassign() {
    cache.on_clean = [this](Mfn) { forgotten_before_cleaning = device.has_forgotten; };
    for (Domain* domain : {&giver, &taker}) {
      const AddressSpace::Config config{
          .tables = stage2::TableSource(pool), .vmids = &vmids, .ipa_bits = 40};
      EXPECT_TRUE(domain->address_space.init(config));
    }
    giver.address_space.add_listener(device);
    // In a block with something that stays.
    give(kOldPlace, FrameCount(512));
    run(CpuIndex{0}, giver);
    run(CpuIndex{1}, taker);
  }
  ~Reassign() override {
    for (const auto cpu : {CpuIndex{0}, CpuIndex{1}})
      mmu.load_stage2(cpu, 0, 0);
    giver.address_space.remove_listener(device);
    for (Domain* domain : {&giver, &taker}) {
      while (!domain->address_space.teardown(100)) {
      }
      mmu.barrier();  // the model takes the end of one for unfinished work of the other
    }
  }

  // As a hypercall would have mapped it for the old owner: cached.
  void give(Gfn at, FrameCount count) {
    const Attributes attributes =
        policy::requested_device(DomainKind::kGuest, RequestedType::kNormalWriteBack);
    EXPECT_TRUE(giver.address_space.map(GfnRange(at, at + count), kSram, attributes));
  }
  void run(CpuIndex cpu, Domain& domain) {
    mmu.load_stage2(cpu, domain.address_space.activate(cpu).vttbr, domain.address_space.vtcr());
  }

  // What a guest's access meets: nothing if it faults.
  struct Access {
    Pa address;
    DecodedAttributes attributes;
  };
  std::optional<Access> reach(Domain& domain, Gfn frame) {
    const Mfn root(hw::Vttbr::Root::get(domain.address_space.context().vttbr));
    const auto answer = mmu.translate(root, frame.value());
    if (!answer) return std::nullopt;
    const DecodedAttributes attributes = hw::Stage2Attributes{}.decode(answer->leaf);
    if (!attributes.permissions.read) return std::nullopt;
    return Access{Pa(answer->mfn) + kOffset, attributes};
  }
  bool write(Domain& domain, Gfn frame, std::uint64_t value) {
    const auto access = reach(domain, frame);
    if (!access || !access->attributes.permissions.write) return false;
    if (access->attributes.type == MemoryType::kNormalWriteBack)
      cache.write_cached(access->address, value);
    else
      cache.write_memory(access->address, value);
    return true;
  }
  std::optional<std::uint64_t> read(Domain& domain, Gfn frame) {
    const auto access = reach(domain, frame);
    if (!access) return std::nullopt;
    return access->attributes.type == MemoryType::kNormalWriteBack
               ? cache.read_cached(access->address)
               : cache.read_memory(access->address);
  }

  Result<> reassign() {
    return reassign_mmio({.from = giver,
                          .from_at = kOldPlace,
                          .to = taker,
                          .to_at = kNewPlace,
                          .first = kSram,
                          .count = kFrames});
  }
  void expect_nothing_changed() {
    EXPECT_EQ(read(giver, kOldPlace), 0x11u);
    EXPECT_EQ(reach(giver, kOldPlace)->attributes.type, MemoryType::kNormalWriteBack);
    EXPECT_FALSE(taker.address_space.lookup(kNewPlace).has_value());
    mmu.expect_settled();
  }

  sim::Memory memory{kTables};
  sim::Mmu mmu{memory};
  sim::DataCache cache;
  stage2::TestPool pool{memory, kTables};
  stage2::VmidAllocator vmids;
  Domain giver{DomainId{1}, {}};
  Domain taker{DomainId{2}, {}};
  DeviceTlb device;
  bool forgotten_before_cleaning = false;
};

TEST_F(Reassign, TheOldOwnerLosesTheFramesAndTheNewOneHasThem) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  ASSERT_TRUE(reassign());
  mmu.expect_settled();
  for (std::uint64_t i = 0; i < kFrames.value(); ++i) {
    EXPECT_FALSE(giver.address_space.lookup(kOldPlace + FrameCount(i)).has_value());
    EXPECT_FALSE(reach(giver, kOldPlace + FrameCount(i)).has_value());
    EXPECT_EQ(reach(taker, kNewPlace + FrameCount(i))->address,
              Pa(kSram + FrameCount(i)) + kOffset);
  }
  EXPECT_TRUE(reach(giver, kOldPlace + kFrames).has_value());
}

TEST_F(Reassign, DevicesOfTheOldOwnerHaveForgottenTheFramesBeforeTheyAreCleaned) {
  ASSERT_TRUE(reassign());
  EXPECT_TRUE(forgotten_before_cleaning);
}

TEST_F(Reassign, TheNewOwnerSeesWhatTheOldOneWrote) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  ASSERT_TRUE(reassign());
  EXPECT_EQ(read(taker, kNewPlace), 0x11u);
}

TEST_F(Reassign, NothingOfTheOldOwnerIsWrittenBackLater) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  ASSERT_TRUE(reassign());
  ASSERT_TRUE(write(taker, kNewPlace, 0x22));
  cache.evict_all();
  EXPECT_EQ(read(taker, kNewPlace), 0x22u);
}

TEST_F(Reassign, NoLineIsLeftThatAnswersForTheNewOwnersMemory) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  EXPECT_EQ(read(giver, kOldPlace + FrameCount(3)), 0u);
  ASSERT_TRUE(reassign());
  for (std::uint64_t i = 0; i < kFrames.value(); ++i)
    EXPECT_FALSE(cache.holds(kSram + FrameCount(i)));
}

TEST_F(Reassign, TheTypeIsTheNewOwnersDefaultWhateverItWas) {
  ASSERT_TRUE(reassign());
  const Attributes expected = policy::requested_device(DomainKind::kGuest, RequestedType::kDefault);
  EXPECT_EQ(reach(taker, kNewPlace)->attributes, decoded(expected));
  EXPECT_EQ(expected.type(), MemoryType::kDeviceNGnRE);
}

TEST_F(Reassign, MemoryThatRunsOutAnywhereChangesNothing) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  const std::size_t before = pool.used();
  std::size_t failures = 0;
  for (;; ++failures) {
    pool.fail_after(failures);
    const Result<> done = reassign();
    pool.fail_after(stage2::TestPool::kNever);
    if (done) break;
    EXPECT_EQ(done.error(), Error::kNoMemory);
    EXPECT_EQ(pool.used(), before);
    expect_nothing_changed();
  }
  EXPECT_GE(failures, 3u);  // the new owner's tables, and the old one's to split a block
  EXPECT_TRUE(reach(taker, kNewPlace).has_value());
}

TEST_F(Reassign, AListenerOfTheOldOwnerThatRefusesChangesNothing) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  device.refuses = stage2::Change::Kind::kUnmap;
  EXPECT_EQ(reassign().error(), Error::kNoMemory);
  expect_nothing_changed();
}

TEST_F(Reassign, ANewOwnerWhoseListenerRefusesLeavesTheFramesWithNobody) {
  DeviceTlb stubborn;
  stubborn.refuses = stage2::Change::Kind::kAttributes;
  taker.address_space.add_listener(stubborn);
  EXPECT_EQ(reassign().error(), Error::kNoMemory);
  taker.address_space.remove_listener(stubborn);
  EXPECT_FALSE(reach(giver, kOldPlace).has_value());
  EXPECT_FALSE(reach(taker, kNewPlace).has_value());
}

TEST_F(Reassign, FramesThatTheOldOwnerHasNotThereStayWhereTheyAre) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  Reassignment wanted{.from = giver,
                      .from_at = kOldPlace,
                      .to = taker,
                      .to_at = kNewPlace,
                      .first = kSram + FrameCount(510),
                      .count = kFrames};
  wanted.from_at = kOldPlace + FrameCount(510);
  EXPECT_EQ(reassign_mmio(wanted).error(), Error::kNotFound);
  wanted.from_at = kOldPlace;
  EXPECT_EQ(reassign_mmio(wanted).error(), Error::kBusy);
  expect_nothing_changed();
}

TEST_F(Reassign, ASecondPlaceOfTheSameFramesIsFound) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  give(Gfn(0x70000), FrameCount(1));
  EXPECT_EQ(reassign().error(), Error::kBusy);
  expect_nothing_changed();
}

TEST_F(Reassign, WhoMayMapThemAgainKeepsThem) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  const std::array permitted = {MfnRange(kSram + FrameCount(3), kSram + FrameCount(9))};
  giver.permitted_mmio = PermittedMmio(permitted);
  EXPECT_EQ(reassign().error(), Error::kDenied);
  expect_nothing_changed();
}

TEST_F(Reassign, ATakenPlaceOfTheNewOwnerStaysAsItIs) {
  ASSERT_TRUE(write(giver, kOldPlace, 0x11));
  const Attributes other = policy::requested_device(DomainKind::kGuest, RequestedType::kDeviceGRE);
  const Gfn second = kNewPlace + FrameCount(1);
  ASSERT_TRUE(taker.address_space.map(GfnRange(second, second + FrameCount(1)), Mfn(5), other));
  EXPECT_EQ(reassign().error(), Error::kExists);
  EXPECT_EQ(taker.address_space.lookup(second)->mfn, Mfn(5));
  expect_nothing_changed();
}

TEST_F(Reassign, NonsenseIsRefused) {
  Reassignment wanted{.from = giver,
                      .from_at = kOldPlace,
                      .to = taker,
                      .to_at = Gfn(~std::uint64_t{0}),
                      .first = kSram,
                      .count = kFrames};
  EXPECT_EQ(reassign_mmio(wanted).error(), Error::kTooLarge);
  wanted.to_at = Gfn(std::uint64_t{1} << 50);
  EXPECT_EQ(reassign_mmio(wanted).error(), Error::kOutOfRange);
  wanted.count = FrameCount(Reassignment::kMaxFrames.value() + 1);
  EXPECT_EQ(reassign_mmio(wanted).error(), Error::kTooLarge);
  EXPECT_EQ(reassign_mmio({.from = giver,
                           .from_at = kOldPlace,
                           .to = giver,
                           .to_at = kNewPlace,
                           .first = kSram,
                           .count = kFrames})
                .error(),
            Error::kInvalid);
}

}  // namespace
}  // namespace socle::guest
