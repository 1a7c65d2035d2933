// SPDX-License-Identifier: Apache-2.0
#include "fault/map_on_demand.h"

#include <array>

#include "base/test.h"
#include "guest/mmio_faults.h"
#include "guest/test_domain.h"

namespace socle::fault {
namespace {

using guest::MmioFaults;
using guest::TestDomain;
using Outcome = MmioFaults::Outcome;

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}

// The domain's RAM is at 0x44000, a page of a device at 0x9000.
constexpr std::array kPermitted = {frames(0x100, 0x1200), frames(0x1201, 0x1202),
                                   frames(0x8000, 0xa000), frames(0x4'0000'00, 0x8'0000'00)};

class Demand {
 public:
  explicit Demand(MmioFaults::Policy policy = MmioFaults::Policy::kMap,
                  const TestDomain::Options& options = {}, Order largest = kOrder1G)
      : guest(options), faults(policy, largest) {
    guest.domain().permitted_mmio = guest::PermittedMmio(kPermitted);
    guest.domain().mmio_faults = &faults;
  }
  Resolution touch(std::uint64_t frame, bool is_data = true) {
    return resolve(guest.domain(), {.frame = Gfn(frame), .is_data = is_data, .pc = 0x1234});
  }
  std::optional<stage2::Translation> at(std::uint64_t frame) {
    return guest.domain().address_space.lookup(Gfn(frame));
  }
  std::vector<MmioFaults::Entry> listed(Outcome outcome) {
    std::array<MmioFaults::Entry, MmioFaults::kEntries> entries;
    const std::size_t count = faults.list(outcome, Gfn(0), entries);
    return {entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count)};
  }

  TestDomain guest;
  MmioFaults faults;
};

TEST(MapOnDemand, MapsOneToOneAsPolicySaysAndNeverExecutable) {
  Demand d;
  EXPECT_EQ(d.touch(0x1201), Resolution::kRetry);
  const auto found = d.at(0x1201);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->mfn, Mfn(0x1201));
  EXPECT_TRUE(found->attributes.type == MemoryType::kNormalWriteBack);
  EXPECT_FALSE(found->attributes.permissions.execute);
  EXPECT_TRUE(found->attributes.reason == Reason::kOnDemand);
  d.guest.expect_settled();
}

// Requirement 1.13.
TEST(MapOnDemand, ADeniedPageAbortsAndBothItsNeighboursMap) {
  Demand d;
  EXPECT_EQ(d.touch(0x1200), Resolution::kDenied);
  EXPECT_EQ(d.touch(0x11ff), Resolution::kRetry);
  EXPECT_EQ(d.touch(0x1201), Resolution::kRetry);
  EXPECT_EQ(d.touch(0x1202), Resolution::kDenied);
  EXPECT_FALSE(d.at(0x1200).has_value());
  EXPECT_FALSE(d.at(0x1202).has_value());
  EXPECT_TRUE(d.at(0x11ff).has_value());
}

TEST(MapOnDemand, TheLargestPermittedBlockIsMappedAtOnce) {
  Demand d;
  EXPECT_EQ(d.touch(0x123), Resolution::kRetry);  // from 0x100 on: no whole 2 MiB
  EXPECT_EQ(d.at(0x120)->block, kOrder4K);
  EXPECT_TRUE(d.at(0x120)->contiguous);
  EXPECT_TRUE(d.at(0x12f).has_value());
  EXPECT_FALSE(d.at(0x11f).has_value());
  EXPECT_FALSE(d.at(0x130).has_value());
  EXPECT_EQ(d.touch(0x345), Resolution::kRetry);
  EXPECT_EQ(d.at(0x200)->block, kOrder2M);
  EXPECT_FALSE(d.at(0x400).has_value());
  EXPECT_EQ(d.touch(0x4'1234'56), Resolution::kRetry);
  EXPECT_EQ(d.at(0x4'1234'56)->block, kOrder1G);
  const auto listed = d.listed(Outcome::kMapped);
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[0].frames, GfnRange(Gfn(0x120), Gfn(0x130)));
  EXPECT_EQ(listed[0].block, kOrder64K);
  EXPECT_EQ(listed[0].pc, 0x1234u);
  EXPECT_EQ(listed[2].block, kOrder1G);
  d.guest.expect_settled();
}

TEST(MapOnDemand, PageByPageIfThatIsAskedFor) {
  Demand d(MmioFaults::Policy::kMap, {}, kOrder4K);
  EXPECT_EQ(d.touch(0x8200), Resolution::kRetry);
  EXPECT_TRUE(d.at(0x8200).has_value());
  EXPECT_FALSE(d.at(0x8201).has_value());
  EXPECT_FALSE(d.at(0x81ff).has_value());
}

TEST(MapOnDemand, ABlockStopsAtWhatIsMapped) {
  Demand d;
  const auto before = d.at(TestDomain::kDevice.value());
  EXPECT_EQ(d.touch(0x9001), Resolution::kRetry);  // the device's page is at 0x9000
  EXPECT_TRUE(d.at(0x9001).has_value());
  EXPECT_FALSE(d.at(0x9002).has_value());
  EXPECT_EQ(d.touch(0x9010), Resolution::kRetry);
  EXPECT_TRUE(d.at(0x901f).has_value());
  EXPECT_EQ(d.at(TestDomain::kDevice.value())->mfn, before->mfn);
}

TEST(MapOnDemand, ABlockStopsAtEmulatedRegisters) {
  Demand d;
  const auto emulator = [](guest::Vcpu&, guest::MmioAccess&) { return true; };
  ASSERT_TRUE(d.guest.domain()
                  .mmio.add(Range<Ipa>(Ipa(Gfn(0x8000)), Ipa(Gfn(0x8010))), emulator)
                  .has_value());
  EXPECT_EQ(d.touch(0x8010), Resolution::kRetry);
  EXPECT_TRUE(d.at(0x801f).has_value());
  EXPECT_FALSE(d.at(0x8020).has_value());
  EXPECT_EQ(d.touch(0x8000), Resolution::kDenied);
  EXPECT_FALSE(d.at(0x8000).has_value());
}

// Requirement 1.11.
TEST(MapOnDemand, TheSecondOfTwoVcpusFindsItMapped) {
  Demand d;
  EXPECT_EQ(d.touch(0x345), Resolution::kRetry);
  EXPECT_EQ(d.touch(0x345), Resolution::kRetry);
  EXPECT_EQ(d.touch(0x3ff), Resolution::kRetry);
  EXPECT_EQ(d.faults.totals(Outcome::kMapped).faults, 1u);
  EXPECT_EQ(d.faults.totals(Outcome::kDenied).faults, 0u);
}

// Requirement 1.11.
TEST(MapOnDemand, WithoutTablesTheAccessIsDeniedAndNothingElseChanges) {
  Demand d;
  mem::TablePool& pool = d.guest.domain().table_pool;
  pool.set_quota(pool.used());
  const FrameCount used = pool.used();
  EXPECT_EQ(d.touch(0x123), Resolution::kDenied);
  EXPECT_EQ(d.touch(0x123), Resolution::kDeniedAgain);
  EXPECT_FALSE(d.at(0x123).has_value());
  EXPECT_EQ(pool.used(), used);
  EXPECT_TRUE(d.at(TestDomain::kRam.value()).has_value());
  pool.set_quota(FrameCount(4096));
  EXPECT_EQ(d.touch(0x123), Resolution::kRetry);
  d.guest.expect_settled();
}

// Requirement 1.4.
TEST(MapOnDemand, NothingIsMappedForAFetch) {
  Demand d;
  EXPECT_EQ(d.touch(0x345, false), Resolution::kDenied);
  EXPECT_FALSE(d.at(0x345).has_value());
}

// Requirement 1.6.
TEST(MapOnDemand, NothingIsMappedForOtherDomains) {
  TestDomain::Options options;
  options.properties.is_hardware_domain = false;
  Demand d(MmioFaults::Policy::kMap, options);
  EXPECT_EQ(d.touch(0x345), Resolution::kDenied);
  EXPECT_FALSE(d.at(0x345).has_value());
}

TEST(MapOnDemand, LogRecordsEachPageAndMapsNothing) {
  Demand d(MmioFaults::Policy::kLog);
  EXPECT_EQ(d.touch(0x345), Resolution::kDenied);
  EXPECT_EQ(d.touch(0x346), Resolution::kDenied);
  EXPECT_EQ(d.touch(0x345), Resolution::kDeniedAgain);
  EXPECT_FALSE(d.at(0x345).has_value());
  const auto listed = d.listed(Outcome::kDenied);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].frames, GfnRange(Gfn(0x345), Gfn(0x347)));
  EXPECT_EQ(listed[0].count, 3u);
  EXPECT_TRUE(d.listed(Outcome::kMapped).empty());
}

// Requirement 1.17: 256 MiB (an ECAM), page by page.
TEST(MapOnDemand, ALargeWindowCostsOneFaultForEachBlock) {
  Demand d;
  unsigned traps = 0;
  for (std::uint64_t frame = 0x4'0000'00; frame < 0x4'0000'00 + 0x1'0000; ++frame) {
    if (d.at(frame).has_value()) continue;
    ++traps;
    EXPECT_EQ(d.touch(frame), Resolution::kRetry);
  }
  EXPECT_LE(traps, 128u);
  EXPECT_EQ(d.faults.totals(Outcome::kMapped).faults, traps);
}

}  // namespace
}  // namespace socle::fault
