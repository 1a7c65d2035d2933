// SPDX-License-Identifier: Apache-2.0
#include "guest/mmio_faults.h"

#include "base/test.h"

namespace socle::guest {
namespace {

using Entry = MmioFaults::Entry;
using Outcome = MmioFaults::Outcome;
constexpr MemoryType kNormal = MemoryType::kNormalWriteBack;

Entry fault(std::uint64_t begin, std::uint64_t end, MemoryType type = kNormal) {
  return {.frames = GfnRange(Gfn(begin), Gfn(end)),
          .pc = begin << 8,
          .count = 1,
          .vcpu = 1,
          .block = Order(0),
          .type = type};
}

struct Listed {
  explicit Listed(const MmioFaults& faults, Outcome outcome = Outcome::kMapped, Gfn from = Gfn(0)) {
    size = faults.list(outcome, from, entries);
  }
  std::array<Entry, MmioFaults::kEntries> entries{};
  std::size_t size = 0;
};

TEST(MmioFaults, FaultsThatTouchAreOneEntryWithTheirNumber) {
  MmioFaults faults(MmioFaults::Policy::kMap);
  EXPECT_TRUE(faults.add(Outcome::kMapped, fault(0x10, 0x20)));
  EXPECT_TRUE(faults.add(Outcome::kMapped, fault(0x30, 0x40)));
  EXPECT_EQ(Listed(faults).size, 2u);
  EXPECT_TRUE(faults.add(Outcome::kMapped, fault(0x20, 0x30)));
  const Listed listed(faults);
  ASSERT_EQ(listed.size, 1u);
  EXPECT_EQ(listed.entries[0].frames, GfnRange(Gfn(0x10), Gfn(0x40)));
  EXPECT_EQ(listed.entries[0].count, 3u);
  EXPECT_EQ(listed.entries[0].pc, 0x1000u);
  EXPECT_EQ(faults.totals(Outcome::kMapped).faults, 3u);
}

TEST(MmioFaults, AFaultOnWhatIsOnRecordIsNotNew) {
  MmioFaults faults(MmioFaults::Policy::kLog);
  EXPECT_TRUE(faults.add(Outcome::kDenied, fault(0x10, 0x11)));
  EXPECT_FALSE(faults.add(Outcome::kDenied, fault(0x10, 0x11)));
  EXPECT_TRUE(faults.add(Outcome::kDenied, fault(0x11, 0x12)));
  EXPECT_FALSE(faults.add(Outcome::kDenied, fault(0x10, 0x11)));
  // The outcomes know nothing of each other.
  EXPECT_TRUE(faults.add(Outcome::kMapped, fault(0x10, 0x11)));
  EXPECT_EQ(Listed(faults, Outcome::kDenied).entries[0].count, 4u);
  EXPECT_EQ(faults.totals(Outcome::kMapped).faults, 1u);
}

TEST(MmioFaults, NeighboursOfAnotherTypeStayApartUnlessTheyOverlap) {
  MmioFaults faults(MmioFaults::Policy::kMap);
  const MemoryType device = MemoryType::kDeviceNGnRE;
  (void)faults.add(Outcome::kMapped, fault(0x10, 0x20));
  (void)faults.add(Outcome::kMapped, fault(0x20, 0x30, device));
  (void)faults.add(Outcome::kMapped, fault(0x08, 0x10, device));
  (void)faults.add(Outcome::kMapped, fault(0x30, 0x38));
  ASSERT_EQ(Listed(faults).size, 4u);
  (void)faults.add(Outcome::kMapped, fault(0x1f, 0x21, device));
  const Listed listed(faults);
  ASSERT_EQ(listed.size, 2u);
  EXPECT_EQ(listed.entries[0].frames, GfnRange(Gfn(0x08), Gfn(0x30)));
  EXPECT_TRUE(listed.entries[0].type == device);
  EXPECT_EQ(listed.entries[1].frames, GfnRange(Gfn(0x30), Gfn(0x38)));
}

TEST(MmioFaults, FramesOfWhatTheDomainDidNotGetHaveItsName) {
  MmioFaults faults(MmioFaults::Policy::kLog);
  EXPECT_TRUE(faults.name_of(Mfn(0x10)).empty());
  const std::array<MmioFaults::Named, 2> named = {
      {{MfnRange(Mfn(0x10), Mfn(0x11)), Text<48>("/uart@10000")},
       {MfnRange(Mfn(0x20), Mfn(0x30)), Text<48>("/gic@20000")}}};
  faults.named = named;
  EXPECT_EQ(faults.name_of(Mfn(0x10)), "/uart@10000");
  EXPECT_EQ(faults.name_of(Mfn(0x2f)), "/gic@20000");
  EXPECT_TRUE(faults.name_of(Mfn(0x30)).empty());
}

TEST(MmioFaults, WhatFindsNoRoomIsCounted) {
  MmioFaults faults(MmioFaults::Policy::kMap);
  for (std::uint64_t i = MmioFaults::kEntries + 5; i != 0; --i)
    (void)faults.add(Outcome::kMapped, fault(i * 2, i * 2 + 1));
  EXPECT_EQ(faults.totals(Outcome::kMapped).lost, 5u);
  EXPECT_EQ(faults.totals(Outcome::kMapped).faults, MmioFaults::kEntries + 5);
  const Listed listed(faults);
  EXPECT_EQ(listed.size, MmioFaults::kEntries);
  for (std::size_t i = 1; i < listed.size; ++i)
    EXPECT_TRUE(listed.entries[i - 1].frames.end() < listed.entries[i].frames.begin());
  // One that joins two makes room.
  (void)faults.add(Outcome::kMapped, fault(21, 22));
  EXPECT_EQ(Listed(faults).size, MmioFaults::kEntries - 1);
}

TEST(MmioFaults, AListGoesOnBehindItsLastEntry) {
  MmioFaults faults(MmioFaults::Policy::kMap);
  for (std::uint64_t i = 0; i < 5; ++i)
    (void)faults.add(Outcome::kMapped, fault(i * 4, i * 4 + 1));
  std::array<Entry, 2> two{};
  Gfn from(0);
  std::size_t seen = 0;
  while (const std::size_t count = faults.list(Outcome::kMapped, from, two)) {
    seen += count;
    from = two[count - 1].frames.begin() + FrameCount(1);
  }
  EXPECT_EQ(seen, 5u);
}

// Any faults in any order: of one outcome nothing overlaps, and no fault is forgotten.
TEST(MmioFaults, EntriesStayDisjointAndSorted) {
  MmioFaults faults(MmioFaults::Policy::kMap);
  std::uint64_t state = 1;
  const auto random = [&](std::uint64_t limit) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % limit;
  };
  for (unsigned i = 1; i <= 3000; ++i) {
    const std::uint64_t begin = random(600);
    const MemoryType type = random(2) == 0 ? kNormal : MemoryType::kDeviceNGnRE;
    (void)faults.add(Outcome::kMapped, fault(begin, begin + 1 + random(3), type));
    const Listed listed(faults);
    std::uint64_t count = faults.totals(Outcome::kMapped).lost;
    for (std::size_t n = 0; n < listed.size; ++n) {
      count += listed.entries[n].count;
      if (n == 0) continue;
      EXPECT_TRUE(listed.entries[n - 1].frames.end() <= listed.entries[n].frames.begin());
    }
    ASSERT_EQ(count, i);
  }
}

}  // namespace
}  // namespace socle::guest
