// SPDX-License-Identifier: Apache-2.0
#include "guest/grant_table.h"

#include <atomic>
#include <thread>

#include "guest/test_domain.h"

namespace socle::guest {
namespace {

using abi::GrantStatus;

constexpr DomainId kSelf{0};

GrantTable& grants(TestDomain& test) {
  return test.domain().grant_table;
}
abi::GrantEntry& entry(TestDomain& test, abi::GrantRef ref) {
  const Mfn frame = grants(test).frame(ref / abi::kGrantEntriesPerFrame).value();
  return port::owned_frame_as<abi::GrantEntry>(frame)[ref % abi::kGrantEntriesPerFrame];
}
void offer(TestDomain& test, abi::GrantRef ref, std::uint16_t flags, std::uint64_t page,
           std::uint16_t domid = 0) {
  entry(test, ref) = {flags, domid, static_cast<std::uint32_t>(TestDomain::ram(page).value())};
}

TEST(GrantTable, HasOneFrameAndGrowsOnDemand) {
  TestDomain test;
  EXPECT_EQ(grants(test).size().frames, 1u);
  EXPECT_EQ(grants(test).size().max_frames, 64u);
  ASSERT_TRUE(grants(test).frame(9).has_value());
  EXPECT_EQ(grants(test).size().frames, 10u);
  EXPECT_EQ(grants(test).frame(64).error(), Error::kOutOfRange);
  EXPECT_EQ(grants(test).grow(65).error(), Error::kOutOfRange);
  EXPECT_EQ(grants(test).frame(0xffffffff).error(), Error::kOutOfRange);
  EXPECT_EQ(grants(test).size().frames, 10u);
}

TEST(GrantTable, APinNamesTheFrameAndTellsTheOwner) {
  TestDomain test;
  offer(test, 3, GTF_permit_access, 7);
  EXPECT_EQ(grants(test).pin(3, kSelf, false).value(), Mfn(TestDomain::ram(7).value()));
  EXPECT_EQ(entry(test, 3).flags, GTF_permit_access | GTF_reading);
  ASSERT_TRUE(grants(test).pin(3, kSelf, true).has_value());
  EXPECT_EQ(entry(test, 3).flags, GTF_permit_access | GTF_reading | GTF_writing);
  grants(test).unpin(3, true);
  EXPECT_EQ(entry(test, 3).flags, GTF_permit_access | GTF_reading);
  grants(test).unpin(3, false);
  EXPECT_EQ(entry(test, 3).flags, GTF_permit_access);
}

TEST(GrantTable, WhatIsNotOfferedIsNotGiven) {
  TestDomain test;
  offer(test, 1, GTF_permit_access | GTF_readonly, 7);
  offer(test, 2, GTF_permit_access, 7, 5);
  offer(test, 3, GTF_invalid, 7);
  offer(test, 4, GTF_accept_transfer, 7);
  EXPECT_EQ(grants(test).pin(1, kSelf, true).error(), GrantStatus::kGeneralError);
  EXPECT_EQ(grants(test).pin(2, kSelf, false).error(), GrantStatus::kGeneralError);
  EXPECT_EQ(grants(test).pin(3, kSelf, false).error(), GrantStatus::kGeneralError);
  EXPECT_EQ(grants(test).pin(4, kSelf, false).error(), GrantStatus::kGeneralError);
  EXPECT_EQ(grants(test).pin(512, kSelf, false).error(), GrantStatus::kBadRef);
  EXPECT_EQ(grants(test).pin(0xffffffff, kSelf, false).error(), GrantStatus::kBadRef);
  ASSERT_TRUE(grants(test).pin(1, kSelf, false).has_value());
  grants(test).unpin(1, false);
}

TEST(GrantTable, AFrameThatIsNotRamOfTheOwnerIsABadPage) {
  TestDomain test;
  for (const std::uint32_t frame : {0u, 0x9000u, 0xffffffffu}) {
    entry(test, 1) = {GTF_permit_access, 0, frame};
    EXPECT_EQ(grants(test).pin(1, kSelf, false).error(), GrantStatus::kBadPage);
    EXPECT_EQ(entry(test, 1).flags, GTF_permit_access);
  }
}

TEST(GrantTable, WhileInUseAnEntryMeansTheFrameThatItMeantAtFirst) {
  TestDomain test;
  offer(test, 1, GTF_permit_access, 7);
  ASSERT_TRUE(grants(test).pin(1, kSelf, false).has_value());
  entry(test, 1).frame = static_cast<std::uint32_t>(TestDomain::ram(8).value());
  EXPECT_EQ(grants(test).pin(1, kSelf, false).value(), Mfn(TestDomain::ram(7).value()));
  grants(test).unpin(1, false);
  grants(test).unpin(1, false);
  EXPECT_EQ(grants(test).pin(1, kSelf, false).value(), Mfn(TestDomain::ram(8).value()));
  grants(test).unpin(1, false);
}

TEST(GrantTable, APinnedFrameStaysEvenIfItsOwnerGivesItUp) {
  TestDomain test;
  offer(test, 1, GTF_permit_access, 7);
  const Mfn frame = grants(test).pin(1, kSelf, false).value();
  ASSERT_TRUE(test.domain()
                  .address_space.unmap(GfnRange(TestDomain::ram(7), TestDomain::ram(8)))
                  .has_value());
  ASSERT_TRUE(mem::release(MfnRange(frame, frame + FrameCount(1)), kSelf).has_value());
  EXPECT_FALSE(
      mem::assign(MfnRange(frame, frame + FrameCount(1)), DomainId{3}, mem::Contents::kScrubbed)
          .has_value());
  // Nobody new may use it.
  EXPECT_EQ(grants(test).pin(1, kSelf, false).error(), GrantStatus::kBadPage);
  grants(test).unpin(1, false);
  EXPECT_TRUE(
      mem::assign(MfnRange(frame, frame + FrameCount(1)), DomainId{3}, mem::Contents::kScrubbed)
          .has_value());
}

TEST(GrantTable, EntriesInUseAreNotSwapped) {
  TestDomain test;
  offer(test, 1, GTF_permit_access, 7);
  offer(test, 2, GTF_permit_access, 8);
  ASSERT_TRUE(grants(test).swap(1, 2).has_value());
  EXPECT_EQ(grants(test).pin(1, kSelf, false).value(), Mfn(TestDomain::ram(8).value()));
  EXPECT_EQ(grants(test).swap(1, 2).error(), GrantStatus::kTryAgain);
  grants(test).unpin(1, false);
  EXPECT_EQ(grants(test).swap(1, 600).error(), GrantStatus::kBadRef);
}

TEST(GrantTable, HandlesEndAndAreReused) {
  TestDomain test;
  EXPECT_EQ(grants(test).hold_mapping(0).error(), GrantStatus::kBadHandle);
  for (std::uint32_t i = 0; i < kMaxGrantMappings; ++i)
    ASSERT_EQ(grants(test).add_mapping({}).value(), i);
  EXPECT_EQ(grants(test).add_mapping({}).error(), GrantStatus::kNoSpace);
  grants(test).end_mapping(5);
  EXPECT_EQ(grants(test).hold_mapping(5).error(), GrantStatus::kBadHandle);
  EXPECT_EQ(grants(test).add_mapping({}).value(), 5u);
  EXPECT_EQ(grants(test).hold_mapping(kMaxGrantMappings).error(), GrantStatus::kBadHandle);
}

TEST(GrantTable, AMappingThatIsMadeOrEndedIsNobodyElses) {
  TestDomain test;
  GrantTable::Mapping mapping;
  mapping.ref = 7;
  const abi::GrantHandle handle = grants(test).add_mapping(mapping).value();
  EXPECT_EQ(grants(test).hold_mapping(handle).error(), GrantStatus::kBadHandle);
  grants(test).keep_mapping(handle);
  EXPECT_EQ(grants(test).hold_mapping(handle).value().ref, 7u);
  EXPECT_EQ(grants(test).hold_mapping(handle).error(), GrantStatus::kBadHandle);
  grants(test).keep_mapping(handle);
  ASSERT_TRUE(grants(test).hold_mapping(handle).has_value());
  grants(test).end_mapping(handle);
  EXPECT_EQ(grants(test).hold_mapping(handle).error(), GrantStatus::kBadHandle);
}

TEST(GrantTable, AnEntryThatNeverStopsChangingIsGivenUp) {
  TestDomain test;
  std::atomic<bool> done{false};
  auto& word = reinterpret_cast<std::uint64_t&>(entry(test, 1));
  std::thread hostile([&] {
    std::uint64_t frame = 0;
    while (!done)
      std::atomic_ref<std::uint64_t>(word).store(GTF_permit_access | ++frame << 32);
  });
  for (int i = 0; i < 2000; ++i) {
    const auto pinned = grants(test).pin(1, kSelf, true);
    if (pinned.has_value()) grants(test).unpin(1, true);
  }
  done = true;
  hostile.join();
}

}  // namespace
}  // namespace socle::guest
