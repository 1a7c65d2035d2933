// SPDX-License-Identifier: Apache-2.0
// Each guard of the model MMU bites: software that breaks one rule on purpose, and the nearest
// software that keeps it.
#include "sim/mmu.h"

#include <gtest/gtest.h>

#include "hw/attributes_for_tests.h"
#include "hw/vmsa.h"
#include "port/barrier.h"
#include "port/cache.h"
#include "port/tlb.h"
#include "port/translation_entry.h"

namespace socle::sim {
namespace {

using namespace hw::descriptor;

constexpr Mfn kRoot{0x40000};
constexpr Mfn kTable{0x40001};
constexpr Mfn kOtherRoot{0x40002};
constexpr std::uint16_t kVmid = 7;

// A guest with an IPA of 39 bits (one root table of level 1), played by hand.
class ByHand : public testing::Test {
 protected:
  explicit ByHand(Mmu::Walker walker = Mmu::Walker::kCoherent) : mmu(memory, walker) {}

  static std::uint64_t vttbr(Mfn root = kRoot, std::uint16_t vmid = kVmid) {
    return hw::Vttbr::make(root, vmid, memory_features());
  }
  static std::uint64_t vtcr() {
    return hw::Vtcr::make(*hw::stage2_geometry(39, memory_features()), memory_features());
  }
  void load(Mfn root = kRoot, std::uint16_t vmid = kVmid, CpuIndex cpu = CpuIndex{0}) {
    mmu.load_stage2(cpu, vttbr(root, vmid), vtcr());
  }
  std::uint64_t& entry(Mfn table, std::size_t index) {
    return reinterpret_cast<std::uint64_t*>(memory.frame(table))[index];
  }
  void write(Mfn table, std::size_t index, std::uint64_t value) {
    port::write_entry(entry(table, index), value);
  }
  static std::uint64_t page(std::uint64_t mfn, const Attributes& attributes = kTestRam) {
    return leaf(Mfn(mfn), hw::Stage2Attributes{}.encode(decoded(attributes)), kLeafLevel);
  }
  static std::uint64_t block(std::uint64_t mfn, Level level = Level(2)) {
    return leaf(Mfn(mfn), hw::Stage2Attributes{}.encode(decoded(kTestRam)), level);
  }
  static port::Stage2Context context(std::uint16_t vmid = kVmid) {
    return {.vttbr = vttbr(kRoot, vmid)};
  }
  // Everything that has to be done about frame 0 of level `level`, in order.
  void invalidate_properly(Level level, port::TlbReach reach = port::TlbReach::kLeaf) {
    port::barrier_table_write();
    port::tlb_stage2_range(context(), GfnRange(Gfn(0), Gfn(level.order().count().value())), level,
                           reach);
    port::tlb_sync();
    port::tlb_stage2_drop_combined(context());
    port::tlb_sync();
  }
  // root[0] -> table -> pages; the guest runs.
  void start_with_pages() {
    middle = Mfn(0x40010);
    write(kTable, 0, page(0x80000));
    write(middle, 0, table(kTable, 1));
    write(kRoot, 0, table(middle, 1));
    port::barrier_table_write();
    load();
  }

  Memory memory;
  Mmu mmu;
  Mfn middle;
  ViolationCapture broken;
};

TEST_F(ByHand, AProperLifeBreaksNoRule) {
  start_with_pages();
  ASSERT_TRUE(mmu.translate(kRoot, 0));
  EXPECT_EQ(mmu.translate(kRoot, 0)->mfn, Mfn(0x80000));
  write(kTable, 0, 0);
  invalidate_properly(Level(3));
  write(kTable, 0, page(0x90000));
  port::barrier_table_write();
  mmu.expect_settled();
  EXPECT_EQ(mmu.translate(kRoot, 0)->mfn, Mfn(0x90000));
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, ALiveEntryMustNotBecomeAnotherLiveOne) {
  start_with_pages();
  write(kTable, 0, page(0x90000));
  EXPECT_TRUE(broken.contains(Rule::kBreakBeforeMake));
}

TEST_F(ByHand, ALiveEntryMayChangeItsPermissionsButOwesAnInvalidation) {
  start_with_pages();
  const std::uint64_t read_only = page(0x80000) & ~hw::Stage2Attributes::Writable::kMask;
  write(kTable, 0, read_only);
  EXPECT_TRUE(broken.empty());
  EXPECT_EQ(mmu.translate(kRoot, 0)->leaf, page(0x80000));  // as the TLB remembers it
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kStaleTranslation));
  invalidate_properly(Level(3));
  EXPECT_EQ(mmu.translate(kRoot, 0)->leaf, read_only);
}

TEST_F(ByHand, ABrokenEntryAnswersUntilItIsInvalidated) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  ASSERT_TRUE(mmu.translate(kRoot, 0));
  EXPECT_EQ(mmu.translate(kRoot, 0)->mfn, Mfn(0x80000));
  invalidate_properly(Level(3));
  EXPECT_FALSE(mmu.translate(kRoot, 0));
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, CleaningAFrameThatAGuestCanReachIsFound) {
  start_with_pages();
  port::cache_clean_invalidate_frame(Mfn(0x80001));
  EXPECT_TRUE(broken.empty());
  port::cache_clean_invalidate_frame(Mfn(0x80000));
  EXPECT_TRUE(broken.contains(Rule::kCleanedTooEarly));
}

TEST_F(ByHand, CleaningAFrameThatATlbRemembersIsFound) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  port::cache_clean_invalidate_frame(Mfn(0x80000));
  EXPECT_TRUE(broken.contains(Rule::kCleanedTooEarly));
}

TEST_F(ByHand, AFrameThatIsMappedWithoutAnyPermissionMayBeCleaned) {
  start_with_pages();
  const DecodedAttributes nothing{MemoryType::kDeviceNGnRE, {}, Reason::kOnDemand};
  write(kTable, 1, leaf(Mfn(0x90000), hw::Stage2Attributes{}.encode(nothing), kLeafLevel));
  port::barrier_table_write();
  port::cache_clean_invalidate_frame(Mfn(0x90000));
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, MakingBeforeTheInvalidationIsFound) {
  start_with_pages();
  write(kTable, 0, 0);
  write(kTable, 0, page(0x90000));
  EXPECT_TRUE(broken.contains(Rule::kMakeBeforeFlush));
}

TEST_F(ByHand, MakingBeforeTheWaitIsFound) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_all(context());
  write(kTable, 0, page(0x90000));
  EXPECT_TRUE(broken.contains(Rule::kMakeBeforeFlush));
}

TEST_F(ByHand, InvalidatingBeforeTheStoreIsVisibleIsFound) {
  start_with_pages();
  write(kTable, 0, 0);
  port::tlb_stage2_all(context());
  EXPECT_TRUE(broken.contains(Rule::kUnpublished));
}

TEST_F(ByHand, InvalidatingAnotherVmidIsOfNoUse) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_all(context(kVmid + 1));
  port::tlb_sync();
  EXPECT_TRUE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, CombinedEntriesDroppedBeforeStage2IsGoneComeBack) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_range(context(), GfnRange(Gfn(0), Gfn(1)), Level(3), port::TlbReach::kLeaf);
  port::tlb_stage2_drop_combined(context());  // without a wait between
  port::tlb_sync();
  EXPECT_TRUE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, CombinedEntriesMustBeDroppedToo) {
  start_with_pages();
  write(kTable, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_range(context(), GfnRange(Gfn(0), Gfn(1)), Level(3), port::TlbReach::kLeaf);
  port::tlb_sync();
  EXPECT_TRUE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, InvalidatingAtTheWrongLevelIsOfNoUse) {
  start_with_pages();
  write(kTable, 0, 0);
  invalidate_properly(Level(2));
  EXPECT_TRUE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, InvalidatingPartOfABlockIsOfNoUse) {
  middle = Mfn(0x40010);
  write(middle, 0, block(0x80000));
  write(kRoot, 0, table(middle, 1));
  port::barrier_table_write();
  load();
  write(middle, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_range(context(), GfnRange(Gfn(0), Gfn(511)), Level(2), port::TlbReach::kLeaf);
  port::tlb_sync();
  port::tlb_stage2_drop_combined(context());
  port::tlb_sync();
  EXPECT_TRUE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, InvalidatingLeavesDoesNotReachCachedTables) {
  start_with_pages();
  write(middle, 0, 0);
  invalidate_properly(Level(2), port::TlbReach::kLeaf);
  EXPECT_TRUE(mmu.translate(kRoot, 0));
  invalidate_properly(Level(2), port::TlbReach::kTables);
  EXPECT_FALSE(mmu.translate(kRoot, 0));
}

TEST_F(ByHand, InvalidatingAnEmptyTableReachesPointersButNoLeaves) {
  start_with_pages();
  write(middle, 0, 0);
  invalidate_properly(Level(2), port::TlbReach::kEmptyTable);
  EXPECT_TRUE(mmu.translate(kRoot, 0));  // the table was not empty
  invalidate_properly(Level(2), port::TlbReach::kTables);
  write(middle, 0, table(kTable, 1));
  write(kTable, 0, 0);
  write(middle, 0, 0);
  port::barrier_table_write();
  port::tlb_stage2_range(context(), GfnRange(Gfn(0), Gfn(1)), Level(3), port::TlbReach::kLeaf);
  invalidate_properly(Level(2), port::TlbReach::kEmptyTable);
  mmu.expect_settled();
  mmu.table_freed(kTable);
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, ATablePublishedBeforeItIsInitialisedIsFound) {
  write(kRoot, 0, 0);
  port::barrier_table_write();
  load();
  write(kTable, 0, page(0x80000));
  write(kRoot, 0, table(kTable, 1));
  EXPECT_TRUE(broken.contains(Rule::kUninitialised));
}

TEST_F(ByHand, ARootLoadedBeforeItIsInitialisedIsFound) {
  write(kRoot, 0, block(1 << 18, Level(1)));
  load();
  EXPECT_TRUE(broken.contains(Rule::kUninitialised));
}

TEST_F(ByHand, AnOperationThatEndsWithoutABarrierIsFound) {
  start_with_pages();
  write(kTable, 1, page(0x80001));
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kUnpublished));
}

TEST_F(ByHand, ATableFreedWhileItIsInTheTreeIsFound) {
  start_with_pages();
  mmu.table_freed(kTable);
  EXPECT_TRUE(broken.contains(Rule::kFreedTooEarly));
}

TEST_F(ByHand, ATableFreedBeforeItsFlushWasPaidIsFound) {
  start_with_pages();
  write(middle, 0, 0);
  port::barrier_table_write();
  mmu.table_freed(kTable);
  EXPECT_TRUE(broken.contains(Rule::kFreedTooEarly));
}

TEST_F(ByHand, ATableMayBeFreedAfterItsFlush) {
  start_with_pages();
  write(middle, 0, 0);
  invalidate_properly(Level(2), port::TlbReach::kTables);
  mmu.table_freed(kTable);
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, ATableReusedBeforeItsFlushWasPaidIsFound) {
  start_with_pages();
  write(middle, 0, 0);
  write(kTable, 3, page(0x90000));
  EXPECT_TRUE(broken.contains(Rule::kFreedTooEarly));
}

TEST_F(ByHand, AGuestFrameFreedBeforeItsFlushWasPaidIsFound) {
  start_with_pages();
  write(middle, 0, 0);
  port::barrier_table_write();
  mmu.output_freed(MfnRange(Mfn(0x7ffff), Mfn(0x80001)));
  EXPECT_TRUE(broken.contains(Rule::kFreedTooEarly));
}

TEST_F(ByHand, AGuestFrameMayBeFreedAfterItsFlush) {
  start_with_pages();
  write(kTable, 0, 0);
  invalidate_properly(Level(3));
  mmu.output_freed(MfnRange(Mfn(0x80000), Mfn(0x80001)));
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, AHintOnEntriesThatDoNotBelongTogetherIsFound) {
  start_with_pages();
  for (std::size_t i = 0; i < 16; ++i)  // the 17th frame instead of the 16th at the end
    write(kTable, 16 + i, page(0x80010 + i + (i == 15 ? 1 : 0)) | Contiguous::kMask);
  port::barrier_table_write();
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kContiguousHint));
}

TEST_F(ByHand, AHintOnPartOfAGroupIsFound) {
  start_with_pages();
  for (std::size_t i = 0; i < 15; ++i)
    write(kTable, 16 + i, page(0x80010 + i) | Contiguous::kMask);
  port::barrier_table_write();
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kContiguousHint));
}

TEST_F(ByHand, AHintOnMisalignedOutputIsFound) {
  start_with_pages();
  for (std::size_t i = 0; i < 16; ++i)
    write(kTable, 16 + i, page(0x80011 + i) | Contiguous::kMask);
  port::barrier_table_write();
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kContiguousHint));
}

TEST_F(ByHand, AHintOnAWholeGroupIsFine) {
  start_with_pages();
  for (std::size_t i = 0; i < 16; ++i)
    write(kTable, 16 + i, page(0x80010 + i) | Contiguous::kMask);
  port::barrier_table_write();
  mmu.expect_settled();
  EXPECT_TRUE(broken.empty());
}

TEST_F(ByHand, PermissionsMustNotChangeInPlaceUnderAHint) {
  start_with_pages();
  for (std::size_t i = 0; i < 16; ++i)
    write(kTable, 16 + i, page(0x80010 + i) | Contiguous::kMask);
  port::barrier_table_write();
  write(kTable, 16, entry(kTable, 16) & ~hw::Stage2Attributes::Writable::kMask);
  EXPECT_TRUE(broken.contains(Rule::kBreakBeforeMake));
}

TEST_F(ByHand, ReservedDescriptorsAreFound) {
  start_with_pages();
  write(kTable, 1, page(0x80001) & ~NotBlock::kMask);  // reserved at level 3
  EXPECT_TRUE(broken.contains(Rule::kIllegalDescriptor));
}

TEST_F(ByHand, AReservedShareabilityIsFound) {
  start_with_pages();
  write(kTable, 1, Shareability::set(page(0x80001), 1));
  EXPECT_TRUE(broken.contains(Rule::kIllegalDescriptor));
}

TEST_F(ByHand, AMisalignedBlockIsFound) {
  start_with_pages();
  write(middle, 1, block(0x80000) | Output::make(1));
  EXPECT_TRUE(broken.contains(Rule::kIllegalDescriptor));
}

TEST_F(ByHand, OneVmidForTwoRootsIsFound) {
  start_with_pages();
  load(kOtherRoot, kVmid, CpuIndex{1});
  EXPECT_TRUE(broken.contains(Rule::kVmidAlias));
}

TEST_F(ByHand, AVmidRemembersItsRootAfterItWasUnloaded) {
  start_with_pages();
  mmu.load_stage2(CpuIndex{0}, 0, 0);
  load(kOtherRoot);
  EXPECT_TRUE(broken.contains(Rule::kVmidAlias));
}

TEST_F(ByHand, AVmidIsFreeAfterAllGuestsWereInvalidated) {
  start_with_pages();
  mmu.load_stage2(CpuIndex{0}, 0, 0);
  port::tlb_all_guests();
  port::tlb_sync();
  load(kOtherRoot);
  EXPECT_TRUE(broken.empty());
}

class ByHandForAnIncoherentWalker : public ByHand {
 protected:
  ByHandForAnIncoherentWalker() : ByHand(Mmu::Walker::kNonCoherent) {}
  void clean(Mfn table) { port::cache_clean(memory.frame(table), kFrameSize); }
};

TEST_F(ByHandForAnIncoherentWalker, AnUncleanedTableIsFoundWhenItIsPublished) {
  clean(kRoot);
  port::barrier_table_write();
  load();
  write(kTable, 0, page(0x80000));
  port::barrier_table_write();
  write(kRoot, 0, table(kTable, 1));
  EXPECT_TRUE(broken.contains(Rule::kNotCleaned));
}

TEST_F(ByHandForAnIncoherentWalker, AnUncleanedEntryIsNotSeenByTheWalker) {
  clean(kRoot);
  port::barrier_table_write();
  load();
  write(kRoot, 1, block(1 << 18, Level(1)));
  port::barrier_table_write();
  EXPECT_FALSE(mmu.translate(kRoot, 1 << 18));
  mmu.expect_settled();
  EXPECT_TRUE(broken.contains(Rule::kNotCleaned));
  port::cache_clean(&entry(kRoot, 1), 8);
  EXPECT_TRUE(mmu.translate(kRoot, 1 << 18));
}

class OfEl2 : public testing::Test {
 protected:
  Memory memory;
  Mmu mmu{memory};
  ViolationCapture broken;
};

TEST_F(OfEl2, EntriesAreInvalidatedByAddressAndNeedNoVmid) {
  auto* const root = reinterpret_cast<std::uint64_t*>(memory.frame(kRoot));
  const DecodedAttributes data{MemoryType::kNormalWriteBack, {true, true, false}, Reason::kSocle};
  port::write_entry(root[1], leaf(Mfn(1 << 18), hw::El2Attributes::encode(data), Level(1)));
  port::barrier_table_write();
  mmu.load_el2(kRoot, 39);
  EXPECT_TRUE(mmu.translate(kRoot, 1 << 18));
  port::write_entry(root[1], 0);
  port::barrier_table_write();
  port::tlb_all_guests();
  port::tlb_sync();
  EXPECT_TRUE(mmu.translate(kRoot, 1 << 18));
  port::tlb_el2_range(kGiB, 2 * kGiB);
  port::tlb_sync();
  EXPECT_FALSE(mmu.translate(kRoot, 1 << 18));
  EXPECT_TRUE(broken.empty());
}

}  // namespace
}  // namespace socle::sim
