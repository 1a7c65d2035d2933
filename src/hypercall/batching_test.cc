// SPDX-License-Identifier: Apache-2.0

// What a long list of frames costs in TLB maintenance: a payment for each slice of the list, not
// for each frame. The model MMU counts, and ends the test if a frame is given away before its
// payment.

#include "abi/grant_table.h"
#include "abi/memory.h"
#include "hypercall/slices.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

constexpr unsigned kMemoryOp = 12;
constexpr unsigned kGrantTableOp = 20;
constexpr std::uint64_t kWindow = 0x7000'0000;
constexpr std::uint64_t kPages = 64;
// A payment: invalidate, wait, drop what was combined with stage 1, wait.
constexpr std::size_t kPayments = kPages / kSlice;

constexpr std::uint64_t page(std::uint64_t number) {
  return TestCaller::ram(number).value();
}

struct Cost {
  std::size_t operations;
  std::size_t waits;
};
template <typename Function>
Cost cost_of(TestCaller& guest, Function function) {
  const sim::Mmu::Counters before = guest.mmu().counters;
  function();
  const sim::Mmu::Counters after = guest.mmu().counters;
  guest.expect_settled();
  return {after.tlb_operations - before.tlb_operations, after.waits - before.waits};
}

// --- Grants -------------------------------------------------------------------------------------

// Pages that are not neighbours, at places that are.
std::uint64_t granted(std::uint64_t i) {
  return page(0x300 + 2 * i);
}
void offer_pages(TestCaller& guest) {
  const Mfn table = guest.domain().grant_table.frame(0).value();
  auto* entries = port::owned_frame_as<abi::GrantEntry>(table);
  for (std::uint64_t i = 0; i < kPages; ++i)
    entries[i] = {GTF_permit_access, 0, static_cast<std::uint32_t>(granted(i))};
}
std::int64_t grant_call(TestCaller& guest, unsigned operation, std::uint64_t count) {
  return guest.call(kGrantTableOp, {operation, TestCaller::address(TestCaller::ram(0x100)), count});
}
std::int64_t map_all(TestCaller& guest) {
  for (std::uint64_t i = 0; i < kPages; ++i) {
    abi::GrantMap request{};
    request.host_addr = kWindow + i * kFrameSize;
    request.flags = GNTMAP_host_map;
    request.ref = static_cast<abi::GrantRef>(i);
    (void)guest.put(request, i * sizeof request);
  }
  return grant_call(guest, GNTTABOP_map_grant_ref, kPages);
}
// The handle of a request is its number: they are given out from 0 on.
std::int64_t unmap_all(TestCaller& guest) {
  for (std::uint64_t i = 0; i < kPages; ++i) {
    abi::GrantUnmap request{};
    request.host_addr = kWindow + i * kFrameSize;
    request.handle = static_cast<abi::GrantHandle>(i);
    (void)guest.put(request, i * sizeof request);
  }
  return grant_call(guest, GNTTABOP_unmap_grant_ref, kPages);
}
unsigned flags_of(TestCaller& guest, std::uint64_t ref) {
  const Mfn table = guest.domain().grant_table.frame(0).value();
  return port::owned_frame_as<abi::GrantEntry>(table)[ref].flags;
}

TEST(GrantBatch, MappingWhereNothingWasCostsNoInvalidation) {
  TestCaller guest;
  offer_pages(guest);
  const Cost cost = cost_of(guest, [&] { EXPECT_EQ(map_all(guest), 0); });
  EXPECT_EQ(cost.operations, 0u);
  for (std::uint64_t i = 0; i < kPages; ++i)
    EXPECT_EQ(guest.domain().address_space.lookup(Gfn((kWindow >> kFrameShift) + i))->mfn,
              Mfn(granted(i)));
}

TEST(GrantBatch, UnmappingPaysOncePerSlice) {
  TestCaller guest;
  offer_pages(guest);
  ASSERT_EQ(map_all(guest), 0);
  const Cost cost = cost_of(guest, [&] { EXPECT_EQ(unmap_all(guest), 0); });
  EXPECT_LE(cost.operations, 2 * kPayments + 1);  // and the table that is empty at the end
  EXPECT_LE(cost.waits, 2 * kPayments);
  for (std::uint64_t i = 0; i < kPages; ++i) {
    EXPECT_EQ(guest.get<abi::GrantUnmap>(i * sizeof(abi::GrantUnmap)).status, GNTST_okay);
    EXPECT_EQ(flags_of(guest, i), unsigned{GTF_permit_access});
    EXPECT_FALSE(
        guest.domain().address_space.lookup(Gfn((kWindow >> kFrameShift) + i)).has_value());
  }
}

TEST(GrantBatch, AnErrorIsItsOwnRequestsOnly) {
  TestCaller guest;
  offer_pages(guest);
  ASSERT_EQ(map_all(guest), 0);
  // One place is wrong, one handle is named twice.
  for (const std::uint64_t wrong : {std::uint64_t{3}, std::uint64_t{40}}) {
    abi::GrantUnmap request{};
    request.host_addr = kWindow + (kPages + wrong) * kFrameSize;
    request.handle = static_cast<abi::GrantHandle>(wrong);
    (void)guest.put(request, 0);
    request.host_addr = kWindow + (wrong + 1) * kFrameSize;
    request.handle = static_cast<abi::GrantHandle>(wrong + 1);
    (void)guest.put(request, sizeof request);
    (void)guest.put(request, 2 * sizeof request);
    EXPECT_EQ(grant_call(guest, GNTTABOP_unmap_grant_ref, 3), 0);
    const auto status = [&](unsigned i) {
      return guest.get<abi::GrantUnmap>(i * sizeof(abi::GrantUnmap)).status;
    };
    EXPECT_EQ(status(0), GNTST_general_error);
    EXPECT_EQ(status(1), GNTST_okay);
    EXPECT_EQ(status(2), GNTST_bad_handle);
    // What was refused can still be done.
    request.host_addr = kWindow + wrong * kFrameSize;
    request.handle = static_cast<abi::GrantHandle>(wrong);
    (void)guest.put(request, 0);
    EXPECT_EQ(grant_call(guest, GNTTABOP_unmap_grant_ref, 1), 0);
    EXPECT_EQ(status(0), GNTST_okay);
  }
}

TEST(GrantBatch, AListThatEndsInABadAddressIsServedUpToThere) {
  TestCaller guest;
  offer_pages(guest);
  // The last two entries of a page behind which nothing is mapped.
  const Gfn last = TestCaller::ram(TestCaller::kRamFrames.value() - 1);
  const std::size_t offset = kFrameSize - 2 * sizeof(abi::GrantMap);
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto& request = guest.at<abi::GrantMap>(last, offset + i * sizeof(abi::GrantMap));
    request = {};
    request.host_addr = kWindow + i * kFrameSize;
    request.flags = GNTMAP_host_map;
    request.ref = static_cast<abi::GrantRef>(i);
    request.status = 77;
  }
  EXPECT_EQ(
      guest.call(kGrantTableOp, {GNTTABOP_map_grant_ref, TestCaller::address(last, offset), 4}),
      -XEN_EFAULT);
  for (std::uint64_t i = 0; i < 2; ++i)
    EXPECT_EQ(guest.at<abi::GrantMap>(last, offset + i * sizeof(abi::GrantMap)).status, GNTST_okay);
}

TEST(GrantBatch, AWritableMappingIsNotUnmappedInPlaceOfAReadOnlyOne) {
  TestCaller guest;
  offer_pages(guest);
  for (std::uint64_t i = 0; i < 2; ++i) {
    abi::GrantMap request{};
    request.host_addr = kWindow + i * kFrameSize;
    request.flags = i == 0 ? GNTMAP_host_map : GNTMAP_host_map | GNTMAP_readonly;
    request.ref = 9;
    (void)guest.put(request, i * sizeof request);
  }
  ASSERT_EQ(grant_call(guest, GNTTABOP_map_grant_ref, 2), 0);
  abi::GrantUnmap request{};
  request.host_addr = kWindow + kFrameSize;
  request.handle = 0;
  (void)guest.put(request);
  EXPECT_EQ(grant_call(guest, GNTTABOP_unmap_grant_ref, 1), 0);
  EXPECT_EQ(guest.get<abi::GrantUnmap>().status, GNTST_general_error);
}

// --- Ballooning ---------------------------------------------------------------------------------

std::int64_t reservation(TestCaller& guest, unsigned operation, std::uint64_t first) {
  for (std::uint64_t i = 0; i < kPages; ++i)
    guest.at<std::uint64_t>(TestCaller::ram(0x101), 8 * i) = page(first + 8 * i);
  abi::MemoryReservation request{};
  request.extent_start.q = TestCaller::address(TestCaller::ram(0x101));
  request.nr_extents = kPages;
  request.domid = DOMID_SELF;
  return guest.call(kMemoryOp, {operation, guest.put(request)});
}

class Ballooning {
 public:
  explicit Ballooning(bool is_direct_mapped)
      : guest({.properties = {.is_direct_mapped = is_direct_mapped}}) {
    // Blocks and contiguous groups are broken already: what is left is the cost of pages.
    EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, 0x203), std::int64_t{kPages});
  }
  TestCaller guest;
};

TEST(ReservationBatch, GivingFramesUpPaysOncePerSlice) {
  for (const bool is_direct_mapped : {true, false}) {
    Ballooning test(is_direct_mapped);
    const Cost cost = cost_of(test.guest, [&] {
      EXPECT_EQ(reservation(test.guest, XENMEM_decrease_reservation, 0x200), std::int64_t{kPages});
    });
    EXPECT_LE(cost.operations, 2 * kPayments);
    EXPECT_LE(cost.waits, 2 * kPayments);
    EXPECT_EQ(mem::owner_of(Mfn(page(0x200))) == mem::Owner::domain(DomainId{0}), is_direct_mapped);
    EXPECT_EQ(test.guest.domain().ram_frames.load(),
              TestCaller::kRamFrames.value() - (is_direct_mapped ? 0 : 2 * kPages));
  }
}

TEST(ReservationBatch, PopulatingHolesCostsNoInvalidation) {
  for (const bool is_direct_mapped : {true, false}) {
    Ballooning test(is_direct_mapped);
    ASSERT_EQ(reservation(test.guest, XENMEM_decrease_reservation, 0x200), std::int64_t{kPages});
    const Cost cost = cost_of(test.guest, [&] {
      EXPECT_EQ(reservation(test.guest, XENMEM_populate_physmap, 0x200), std::int64_t{kPages});
    });
    EXPECT_EQ(cost.operations, 0u);
  }
}

// Page 8 * 40 of the list is not there: what comes before it is done, what comes after is not.
TEST(ReservationBatch, WhatCannotBeDoneEndsTheCountInsideASlice) {
  for (const bool is_direct_mapped : {true, false}) {
    Ballooning test(is_direct_mapped);
    TestCaller& guest = test.guest;
    const Gfn missing = TestCaller::ram(0x200 + 8 * 40);
    ASSERT_TRUE(guest.domain().address_space.unmap(GfnRange(missing, missing + FrameCount(1))));
    const std::uint64_t before = guest.domain().ram_frames.load();
    EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, 0x200), 40);
    EXPECT_TRUE(guest.domain().address_space.lookup(missing + FrameCount(8)).has_value());
    EXPECT_FALSE(guest.domain().address_space.lookup(TestCaller::ram(0x200 + 8 * 39)).has_value());
    EXPECT_EQ(guest.domain().ram_frames.load(), before - (is_direct_mapped ? 0 : 40));
    // An ordinary domain gets frames only where nothing is.
    if (is_direct_mapped) continue;
    EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, 0x200), 41);
    EXPECT_EQ(guest.domain().ram_frames.load(), before + 1);
  }
}

}  // namespace
}  // namespace socle::hypercall
