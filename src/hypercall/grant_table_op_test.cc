// SPDX-License-Identifier: Apache-2.0

#include "abi/grant_table.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

constexpr unsigned kGrantTableOp = 20;
constexpr std::int64_t kStatus = 1000;  // results below: 1000 + status if the call itself is fine

template <typename T>
std::int64_t one(TestCaller& guest, unsigned operation, T& request) {
  const std::int64_t result = guest.call(kGrantTableOp, {operation, guest.put(request), 1});
  request = guest.get<T>();
  if constexpr (requires { request.status; }) {
    return result != 0 ? result : kStatus + request.status;
  } else {
    return result;
  }
}

void offer(TestCaller& guest, abi::GrantRef ref, unsigned flags, std::uint64_t frame,
           std::uint16_t domid = 0) {
  const Mfn table = guest.domain().grant_table.frame(ref / 512).value();
  port::owned_frame_as<abi::GrantEntry>(table)[ref % 512] = {
      static_cast<std::uint16_t>(flags), domid, static_cast<std::uint32_t>(frame)};
}
unsigned flags_of(TestCaller& guest, abi::GrantRef ref) {
  const Mfn table = guest.domain().grant_table.frame(ref / 512).value();
  return port::owned_frame_as<abi::GrantEntry>(table)[ref % 512].flags;
}
constexpr std::uint64_t page(std::uint64_t number) {
  return TestCaller::ram(number).value();
}
constexpr std::uint64_t kWindow = 0x7000'0000;

TEST(GrantTableOp, CountsAreCheckedFirst) {
  TestCaller guest;
  for (std::uint64_t operation = 0; operation < 16; ++operation)
    EXPECT_EQ(guest.call(kGrantTableOp, {operation, TestCaller::kBadAddress, 0xffffffff}),
              -XEN_EINVAL);
}

TEST(GrantTableOp, AnswersLikeXenToNothingAndToBadPointers) {
  TestCaller guest;
  const std::int64_t none[] = {0, 0, -22, -38, -95, 0, -22, 0, -14, -22, -14, 0, 0, -38, -38};
  const std::int64_t bad[] = {-14, -14, -14, -38, -95, -14, -14, -14,
                              -14, -14, -14, -14, -14, -38, -38};
  for (std::uint64_t operation = 0; operation < 15; ++operation) {
    EXPECT_EQ(guest.call(kGrantTableOp, {operation, 0, 0}), none[operation]);
    EXPECT_EQ(guest.call(kGrantTableOp, {operation, TestCaller::kBadAddress, 1}), bad[operation]);
  }
}

TEST(GrantTableOp, SizesAndVersions) {
  TestCaller guest;
  abi::GrantQuerySize size{};
  size.dom = DOMID_SELF;
  EXPECT_EQ(one(guest, GNTTABOP_query_size, size), kStatus);
  EXPECT_EQ(size.nr_frames, 1u);
  EXPECT_EQ(size.max_nr_frames, 64u);
  size.dom = kNobody;
  EXPECT_EQ(one(guest, GNTTABOP_query_size, size), kStatus + GNTST_bad_domain);
  for (const std::uint32_t version : {0u, 1u, 2u, 3u, 0xffffffffu}) {
    abi::GrantSetVersion request{.version = version};
    EXPECT_EQ(one(guest, GNTTABOP_set_version, request), version == 1   ? 0
                                                         : version == 2 ? -XEN_ENOSYS
                                                                        : -XEN_EINVAL);
  }
  abi::GrantGetVersion version{.dom = DOMID_SELF, .pad = 0, .version = 0};
  EXPECT_EQ(one(guest, GNTTABOP_get_version, version), 0);
  EXPECT_EQ(version.version, 1u);
  version.dom = kNobody;
  EXPECT_EQ(one(guest, GNTTABOP_get_version, version), -XEN_ESRCH);
}

TEST(GrantTableOp, SetupTableGrowsTheTableAndTellsWhereItIs) {
  TestCaller guest;
  abi::GrantSetupTable setup{};
  setup.dom = DOMID_SELF;
  setup.nr_frames = 3;
  setup.frame_list.q = TestCaller::address(TestCaller::ram(0x101));
  guest.domain().grant_table.set_mapped_at(0, Gfn(0x40200));
  EXPECT_EQ(one(guest, GNTTABOP_setup_table, setup), kStatus);
  EXPECT_EQ(guest.domain().grant_table.size().frames, 3u);
  EXPECT_EQ(guest.at<std::uint64_t>(TestCaller::ram(0x101)), 0x40200u);
  EXPECT_EQ(guest.at<std::uint64_t>(TestCaller::ram(0x101), 8), ~std::uint64_t{0});
  setup.nr_frames = 65;
  EXPECT_EQ(one(guest, GNTTABOP_setup_table, setup), kStatus + GNTST_general_error);
  setup.nr_frames = 1;
  setup.frame_list.q = TestCaller::kBadAddress;
  EXPECT_EQ(one(guest, GNTTABOP_setup_table, setup), kStatus + GNTST_bad_virt_addr);
}

std::int64_t map(TestCaller& guest, abi::GrantRef ref, std::uint32_t flags, std::uint16_t domid,
                 abi::GrantMap& request) {
  request = {};
  request.host_addr = kWindow;
  request.flags = flags;
  request.ref = ref;
  request.dom = domid;
  return one(guest, GNTTABOP_map_grant_ref, request);
}
std::int64_t unmap(TestCaller& guest, std::uint64_t address, abi::GrantHandle handle,
                   std::uint64_t bus = 0) {
  abi::GrantUnmap request{};
  request.host_addr = address;
  request.handle = handle;
  request.dev_bus_addr = bus;
  return one(guest, GNTTABOP_unmap_grant_ref, request);
}

TEST(GrantMap, AGrantedPageAppearsAndGoes) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(7));
  abi::GrantMap mapped;
  EXPECT_EQ(map(guest, 9, GNTMAP_host_map, 0, mapped), kStatus);
  EXPECT_EQ(mapped.dev_bus_addr, page(7) << 12);
  EXPECT_EQ(flags_of(guest, 9), unsigned{GTF_permit_access | GTF_reading | GTF_writing});
  const auto where = guest.domain().address_space.lookup(Gfn(kWindow >> 12));
  ASSERT_TRUE(where.has_value());
  EXPECT_EQ(where->mfn, Mfn(page(7)));
  EXPECT_TRUE(where->attributes.permissions.write);
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle), kStatus);
  EXPECT_EQ(flags_of(guest, 9), unsigned{GTF_permit_access});
  EXPECT_FALSE(guest.domain().address_space.lookup(Gfn(kWindow >> 12)).has_value());
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle), kStatus + GNTST_bad_handle);
}

TEST(GrantMap, ReadOnlyIsReadOnly) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access | GTF_readonly, page(7));
  abi::GrantMap mapped;
  EXPECT_EQ(map(guest, 9, GNTMAP_host_map, 0, mapped), kStatus + GNTST_general_error);
  EXPECT_EQ(map(guest, 9, GNTMAP_host_map | GNTMAP_readonly, 0, mapped), kStatus);
  EXPECT_FALSE(
      guest.domain().address_space.lookup(Gfn(kWindow >> 12))->attributes.permissions.write);
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle), kStatus);
}

TEST(GrantMap, RequestsThatMakeNoSenseHaveXensStatus) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(7));
  offer(guest, 10, GTF_permit_access, page(7), 5);
  offer(guest, 11, GTF_permit_access, 0xffffffff);
  abi::GrantMap mapped;
  EXPECT_EQ(map(guest, 9, 2, kNobody, mapped), kStatus + GNTST_bad_domain);
  EXPECT_EQ(map(guest, 9, 2, DOMID_SELF, mapped), kStatus + GNTST_bad_domain);
  EXPECT_EQ(map(guest, 0xffffff, 2, 0, mapped), kStatus + GNTST_bad_gntref);
  EXPECT_EQ(map(guest, 9, 0, 0, mapped), kStatus + GNTST_bad_gntref);
  EXPECT_EQ(map(guest, 9, 1, 0, mapped), kStatus + GNTST_general_error);
  EXPECT_EQ(map(guest, 9, 2 | 16, 0, mapped), kStatus + GNTST_general_error);
  EXPECT_EQ(map(guest, 10, 2, 0, mapped), kStatus + GNTST_general_error);
  EXPECT_EQ(map(guest, 12, 2, 0, mapped), kStatus + GNTST_general_error);
  EXPECT_EQ(map(guest, 11, 2, 0, mapped), kStatus + GNTST_bad_page);
}

TEST(GrantMap, APlaceBeyondTheMapLeavesNothingBehind) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(7));
  abi::GrantMap request{};
  request.host_addr = std::uint64_t{1} << 60;
  request.flags = GNTMAP_host_map;
  request.ref = 9;
  EXPECT_EQ(one(guest, GNTTABOP_map_grant_ref, request), kStatus + GNTST_general_error);
  EXPECT_EQ(flags_of(guest, 9), unsigned{GTF_permit_access});
  EXPECT_EQ(guest.domain().grant_table.hold_mapping(0).error(), abi::GrantStatus::kBadHandle);
}

TEST(GrantMap, UnmappingNeedsTheRightPlace) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(7));
  abi::GrantMap mapped;
  ASSERT_EQ(map(guest, 9, GNTMAP_host_map, 0, mapped), kStatus);
  EXPECT_EQ(unmap(guest, kWindow + 0x1000, mapped.handle), kStatus + GNTST_general_error);
  EXPECT_EQ(unmap(guest, page(7) << 12, mapped.handle), kStatus + GNTST_general_error);
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle, 0x1000), kStatus + GNTST_general_error);
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle + 1), kStatus + GNTST_bad_handle);
  EXPECT_EQ(unmap(guest, kWindow, 0xffffffff), kStatus + GNTST_bad_handle);
  EXPECT_EQ(unmap(guest, kWindow, mapped.handle, mapped.dev_bus_addr), kStatus);
}

TEST(GrantMap, ThereAreOnlySoManyMappings) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(7));
  abi::GrantMap mapped;
  for (std::uint32_t i = 0; i < guest::kMaxGrantMappings; ++i)
    ASSERT_EQ(map(guest, 9, GNTMAP_host_map, 0, mapped), kStatus);
  EXPECT_EQ(map(guest, 9, GNTMAP_host_map, 0, mapped), kStatus + GNTST_no_space);
}

TEST(GrantMap, AnArrayOfRequestsContinues) {
  TestCaller guest;
  for (abi::GrantRef ref = 0; ref < 80; ++ref) {
    offer(guest, ref, GTF_permit_access, page(7 + ref));
    abi::GrantMap request{};
    request.host_addr = kWindow + ref * 4096;
    request.flags = GNTMAP_host_map;
    request.ref = ref;
    (void)guest.put(request, ref * sizeof request);
  }
  port::host_interrupt_pending = true;
  EXPECT_EQ(guest.call(kGrantTableOp,
                       {GNTTABOP_map_grant_ref, TestCaller::address(TestCaller::ram(0x100)), 80}),
            0);
  EXPECT_EQ(guest.continuations, 2u);  // slices of 32
  for (abi::GrantRef ref = 0; ref < 80; ++ref) {
    EXPECT_EQ(guest.get<abi::GrantMap>(ref * sizeof(abi::GrantMap)).status, GNTST_okay);
    EXPECT_EQ(guest.domain().address_space.lookup(Gfn((kWindow >> 12) + ref))->mfn,
              Mfn(page(7 + ref)));
  }
}

abi::GrantCopy frames(std::uint64_t from, unsigned from_offset, std::uint64_t to,
                      unsigned to_offset, unsigned length) {
  abi::GrantCopy request{};
  request.source.u.gmfn = from;
  request.source.domid = DOMID_SELF;
  request.source.offset = static_cast<std::uint16_t>(from_offset);
  request.dest.u.gmfn = to;
  request.dest.domid = DOMID_SELF;
  request.dest.offset = static_cast<std::uint16_t>(to_offset);
  request.len = static_cast<std::uint16_t>(length);
  return request;
}

TEST(GrantCopy, CopiesBetweenOnesOwnFrames) {
  TestCaller guest;
  guest.at<std::uint64_t>(TestCaller::ram(5), 16) = 0x1122334455667788;
  abi::GrantCopy request = frames(page(5), 16, page(6), 32, 8);
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus);
  EXPECT_EQ(guest.at<std::uint64_t>(TestCaller::ram(6), 32), 0x1122334455667788u);
}

TEST(GrantCopy, CopiesByReferenceBothWays) {
  TestCaller guest;
  offer(guest, 9, GTF_permit_access, page(5));
  offer(guest, 10, GTF_permit_access | GTF_readonly, page(5));
  guest.at<std::uint64_t>(TestCaller::ram(5)) = 77;
  abi::GrantCopy request = frames(0, 0, page(6), 0, 8);
  request.source.u.ref = 9;
  request.flags = GNTCOPY_source_gref;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus);
  EXPECT_EQ(guest.at<std::uint64_t>(TestCaller::ram(6)), 77u);
  request = frames(page(6), 0, 0, 8, 8);
  request.dest.u.ref = 9;
  request.flags = GNTCOPY_dest_gref;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus);
  EXPECT_EQ(guest.at<std::uint64_t>(TestCaller::ram(5), 8), 77u);
  EXPECT_EQ(flags_of(guest, 9), unsigned{GTF_permit_access});
  request.dest.u.ref = 10;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_general_error);
  request.dest.u.ref = 0xffffffff;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_bad_gntref);
}

TEST(GrantCopy, StaysInsideItsPages) {
  TestCaller guest;
  for (const auto& [from, to, length] : {std::array<unsigned, 3>{4095, 0, 2},
                                         {0, 4095, 2},
                                         {4097, 0, 0},
                                         {0, 0, 4097},
                                         {0xffff, 0, 0xffff}}) {
    abi::GrantCopy request = frames(page(5), from, page(6), to, length);
    EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_bad_copy_arg);
  }
  abi::GrantCopy request = frames(page(5), 4096, page(6), 0, 0);
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus);
}

TEST(GrantCopy, NamesFramesOfOnesOwnOnly) {
  TestCaller guest;
  abi::GrantCopy request = frames(page(5), 0, page(6), 0, 8);
  request.source.domid = 0;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_permission_denied);
  request.source.domid = kNobody;
  EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_bad_domain);
  for (const std::uint64_t frame :
       {std::uint64_t{1}, TestCaller::kDevice.value(), ~std::uint64_t{0}}) {
    request = frames(frame, 0, page(6), 0, 8);
    EXPECT_EQ(one(guest, GNTTABOP_copy, request), kStatus + GNTST_bad_page);
  }
}

std::int64_t flush(TestCaller& guest, std::uint64_t address, unsigned offset, unsigned length,
                   std::uint32_t operation) {
  abi::GrantCacheFlush request{};
  request.a.dev_bus_addr = address;
  request.offset = static_cast<std::uint16_t>(offset);
  request.length = static_cast<std::uint16_t>(length);
  request.op = operation;
  return one(guest, GNTTABOP_cache_flush, request);
}

TEST(CacheFlush, AnswersAsXenDoes) {
  TestCaller guest;
  const std::uint64_t address = page(5) << 12;
  EXPECT_EQ(flush(guest, 0, 0, 0, 0), 0);
  EXPECT_EQ(flush(guest, address, 0, 64, 0), 0);
  EXPECT_EQ(flush(guest, address, 0, 64, GNTTAB_CACHE_CLEAN), 0);
  EXPECT_EQ(flush(guest, address, 0, 4096, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL), 0);
  EXPECT_EQ(flush(guest, address, 0, 64, 4), -XEN_EINVAL);
  EXPECT_EQ(flush(guest, address, 0, 64, GNTTAB_CACHE_SOURCE_GREF | 1), -XEN_EINVAL);
  EXPECT_EQ(flush(guest, address, 4096, 64, 1), -XEN_EINVAL);
  EXPECT_EQ(flush(guest, address, 4000, 200, 1), -XEN_EINVAL);
  EXPECT_EQ(flush(guest, address, 0, 5000, 1), -XEN_EINVAL);
}

TEST(CacheFlush, TouchesOnesOwnMemoryOnly) {
  TestCaller guest;
  for (const std::uint64_t frame : {std::uint64_t{1}, TestCaller::kDevice.value(), page(0x1000),
                                    guest.domain().shared_info_frame.value()})
    EXPECT_EQ(flush(guest, frame << 12, 0, 64, 1), -XEN_EINVAL);
}

TEST(GrantTableOp, OldWaysAreClosed) {
  TestCaller guest;
  ::gnttab_unmap_and_replace replace{};
  EXPECT_EQ(one(guest, GNTTABOP_unmap_and_replace, replace), kStatus + GNTST_bad_handle);
  abi::GrantGetStatusFrames status{};
  EXPECT_EQ(one(guest, GNTTABOP_get_status_frames, status), kStatus + GNTST_general_error);
  abi::GrantSwap swap{.ref_a = 0, .ref_b = 0xffffff, .status = 7};
  EXPECT_EQ(one(guest, GNTTABOP_swap_grant_ref, swap), kStatus + GNTST_bad_gntref);
}

}  // namespace
}  // namespace socle::hypercall
