// SPDX-License-Identifier: Apache-2.0

// memory_op, platform_op, sysctl, domctl, physdev_op, multicall.

#include "abi/hypercall.h"
#include "abi/memory.h"
#include "abi/platform.h"
#include "hypercall/test_caller.h"

namespace socle::hypercall {
namespace {

constexpr unsigned kMemoryOp = 12;

std::int64_t add_to_physmap(TestCaller& guest, std::uint32_t space, std::uint64_t index, Gfn frame,
                            std::uint16_t domid = DOMID_SELF) {
  const abi::AddToPhysmap request{
      .domid = domid, .size = 0, .space = space, .idx = index, .gpfn = frame.value()};
  return guest.call(kMemoryOp, {XENMEM_add_to_physmap, guest.put(request)});
}
std::int64_t remove(TestCaller& guest, Gfn frame) {
  const abi::RemoveFromPhysmap request{.domid = DOMID_SELF, .gpfn = frame.value()};
  return guest.call(kMemoryOp, {XENMEM_remove_from_physmap, guest.put(request)});
}
Mfn shown_at(TestCaller& guest, Gfn frame) {
  const auto translation = guest.domain().address_space.lookup(frame);
  return translation.has_value() ? translation->mfn : Mfn(0);
}
const Gfn kBeyond{0xffff'ffff'ff};

TEST(AddToPhysmap, SharedInfoReplacesAPageOfRam) {
  TestCaller guest;
  const Gfn where = TestCaller::ram(5);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_shared_info, 1, where), -XEN_EINVAL);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_shared_info, 0, where, kNobody), -XEN_ESRCH);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_shared_info, 0, where), 0);
  EXPECT_EQ(shown_at(guest, where), guest.domain().shared_info_frame);
  // Its neighbours are what they were.
  EXPECT_EQ(shown_at(guest, TestCaller::ram(4)), Mfn(TestCaller::ram(4).value()));
  EXPECT_EQ(shown_at(guest, TestCaller::ram(6)), Mfn(TestCaller::ram(6).value()));
}

TEST(AddToPhysmap, APageIsShownInOnePlaceAtATime) {
  TestCaller guest;
  const Gfn first = TestCaller::ram(5);
  const Gfn second = TestCaller::ram(6);
  for (const std::uint32_t space : {0u, 1u}) {
    EXPECT_EQ(add_to_physmap(guest, space, 0, first), 0);
    EXPECT_EQ(add_to_physmap(guest, space, 0, first), -XEN_EBUSY);
    EXPECT_EQ(add_to_physmap(guest, space, 0, second), -XEN_EBUSY);
    EXPECT_EQ(remove(guest, first), 0);
    EXPECT_EQ(remove(guest, first), -XEN_ENOENT);
    EXPECT_EQ(add_to_physmap(guest, space, 0, second), 0);
    EXPECT_EQ(remove(guest, second), 0);
  }
}

TEST(AddToPhysmap, GrantFramesAppearAsTheyAreAskedFor) {
  TestCaller guest;
  const Gfn window(0x40200);  // no RAM there
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_grant_table, 3, window), 0);
  EXPECT_EQ(guest.domain().grant_table.size().frames, 4u);
  EXPECT_EQ(shown_at(guest, window), guest.domain().grant_table.frame(3).value());
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_grant_table, 64, window), -XEN_EINVAL);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, window),
            -XEN_EINVAL);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_grant_table, ~std::uint64_t{0}, window), -XEN_EINVAL);
}

TEST(AddToPhysmap, OtherSpacesAnswerAsXenDoes) {
  TestCaller guest;
  const Gfn where = TestCaller::ram(5);
  for (const std::uint32_t space : {2u, 4u, 6u, 0xffffffffu})
    EXPECT_EQ(add_to_physmap(guest, space, 0, where), -XEN_ENOSYS);
  EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_gmfn_range, 0, where), 0);
  for (const Gfn beyond : {kBeyond, Gfn(std::uint64_t{1} << 52), Gfn(~std::uint64_t{0})}) {
    EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_shared_info, 0, beyond), -XEN_EINVAL);
    EXPECT_EQ(add_to_physmap(guest, XENMAPSPACE_grant_table, 0, beyond), -XEN_EINVAL);
    EXPECT_EQ(remove(guest, beyond), -XEN_ENOENT);
  }
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_add_to_physmap, TestCaller::kBadAddress}), -XEN_EFAULT);
}

struct Batch {
  std::uint16_t space;
  std::vector<std::uint64_t> indexes;
  std::vector<Gfn> frames;
  std::uint16_t extra = 0;
};
std::int64_t add_batch(TestCaller& guest, const Batch& batch, std::vector<std::int32_t>* errors) {
  abi::AddToPhysmapBatch request{};
  request.domid = DOMID_SELF;
  request.space = batch.space;
  request.size = static_cast<std::uint16_t>(batch.indexes.size());
  request.u.res0 = batch.extra;
  request.idxs.q = TestCaller::address(TestCaller::ram(0x101));
  request.gpfns.q = TestCaller::address(TestCaller::ram(0x102));
  request.errs.q = TestCaller::address(TestCaller::ram(0x103));
  for (std::size_t i = 0; i < batch.indexes.size(); ++i) {
    guest.at<std::uint64_t>(TestCaller::ram(0x101), 8 * i) = batch.indexes[i];
    guest.at<std::uint64_t>(TestCaller::ram(0x102), 8 * i) = batch.frames[i].value();
    guest.at<std::int32_t>(TestCaller::ram(0x103), 4 * i) = 0x5a5a;
  }
  const std::int64_t result =
      guest.call(kMemoryOp, {XENMEM_add_to_physmap_batch, guest.put(request)});
  for (std::size_t i = 0; errors != nullptr && i < batch.indexes.size(); ++i)
    errors->push_back(guest.at<std::int32_t>(TestCaller::ram(0x103), 4 * i));
  return result;
}

TEST(AddToPhysmapBatch, EachEntryHasItsOwnResult) {
  TestCaller guest;
  std::vector<std::int32_t> errors;
  EXPECT_EQ(add_batch(guest,
                      {.space = XENMAPSPACE_grant_table,
                       .indexes = {1, 99, 2},
                       .frames = {TestCaller::ram(5), TestCaller::ram(6), TestCaller::ram(7)}},
                      &errors),
            0);
  EXPECT_EQ(errors, (std::vector<std::int32_t>{0, -XEN_EINVAL, 0}));
  EXPECT_EQ(shown_at(guest, TestCaller::ram(7)), guest.domain().grant_table.frame(2).value());
}

TEST(AddToPhysmapBatch, ForeignFramesNeedAnotherDomain) {
  TestCaller guest;
  for (const std::uint16_t domid : {std::uint16_t{0}, static_cast<std::uint16_t>(kNobody)}) {
    std::vector<std::int32_t> errors;
    EXPECT_EQ(add_batch(guest,
                        {.space = XENMAPSPACE_gmfn_foreign,
                         .indexes = {0},
                         .frames = {TestCaller::ram(5)},
                         .extra = domid},
                        &errors),
              0);
    EXPECT_EQ(errors[0], -XEN_ESRCH);
  }
}

TEST(AddToPhysmapBatch, OddRequestsAreRefusedAsAWhole) {
  TestCaller guest;
  EXPECT_EQ(
      add_batch(guest, {.space = XENMAPSPACE_gmfn_range, .indexes = {}, .frames = {}}, nullptr),
      -XEN_EOPNOTSUPP);
}

TEST(AddToPhysmapBatch, ALongBatchContinuesWhereItStopped) {
  TestCaller guest;
  Batch batch{.space = XENMAPSPACE_grant_table, .indexes = {}, .frames = {}};
  for (std::uint64_t i = 0; i < 64; ++i) {
    batch.indexes.push_back(i);
    batch.frames.push_back(TestCaller::ram(0x200 + i));
  }
  port::host_interrupt_pending = true;
  std::vector<std::int32_t> errors;
  EXPECT_EQ(add_batch(guest, batch, &errors), 0);
  EXPECT_EQ(guest.continuations, 63u);
  EXPECT_EQ(errors, std::vector<std::int32_t>(64, 0));
}

// --- Ballooning ---------------------------------------------------------------------------------

std::int64_t reservation(TestCaller& guest, unsigned operation, std::vector<std::uint64_t> frames,
                         unsigned order = 0, std::uint16_t domid = DOMID_SELF) {
  for (std::size_t i = 0; i < frames.size(); ++i)
    guest.at<std::uint64_t>(TestCaller::ram(0x101), 8 * i) = frames[i];
  abi::MemoryReservation request{};
  request.extent_start.q = TestCaller::address(TestCaller::ram(0x101));
  request.nr_extents = frames.size();
  request.extent_order = order;
  request.domid = domid;
  return guest.call(kMemoryOp, {operation, guest.put(request)});
}
constexpr std::uint64_t page(std::uint64_t number) {
  return TestCaller::ram(number).value();
}

TEST(Reservation, ADirectMappedDomainGetsTheSameFrameBack) {
  TestCaller guest;
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(5), page(7)}), 2);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(5)), Mfn(0));
  EXPECT_EQ(mem::owner_of(Mfn(page(5))), mem::Owner::domain(DomainId{0}));
  EXPECT_EQ(guest.domain().ram_frames.load(), TestCaller::kRamFrames.value());
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(5)}), 0);
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(5)}), 1);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(5)), Mfn(page(5)));
  // What is there already is there.
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(5)}), 1);
}

TEST(Reservation, ADirectMappedDomainGetsNothingThatIsNotItsOwn) {
  TestCaller guest;
  for (const std::uint64_t frame :
       {std::uint64_t{1}, page(0) - 1, page(0x1000), kBeyond.value(), ~std::uint64_t{0}}) {
    EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {frame}), 0);
    EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {frame}), 0);
  }
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {TestCaller::kDevice.value()}), 0);
}

TEST(Reservation, WhatCannotBeDoneEndsTheCount) {
  TestCaller guest;
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(5), 1, page(6)}), 1);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(6)), Mfn(page(6)));
}

TEST(Reservation, AnExtentIsGivenUpAsAWholeOrNotAtAll) {
  TestCaller guest;
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(0x203)}), 1);
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(0x200)}, 3), 0);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(0x200)), Mfn(page(0x200)));
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0x200)}, 3), 1);
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(0x200)}, 9), 1);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(0x3ff)), Mfn(0));
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0x200)}, 9), 1);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(0x3ff)), Mfn(page(0x3ff)));
}

TEST(Reservation, HugeNumbersAreAnsweredWithNothingDone) {
  TestCaller guest;
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0)}, 11), 0);
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0)}, 40), 0);
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0)}, 0xffffffff), 0);
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(5)}, 0, kNobody), 0);
  abi::MemoryReservation request{};
  request.nr_extents = ~std::uint64_t{0};
  request.domid = DOMID_SELF;
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_populate_physmap, guest.put(request)}), 0);
  request.nr_extents = 1;
  request.extent_start.q = TestCaller::kBadAddress;
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_decrease_reservation, guest.put(request)}), 0);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_populate_physmap, TestCaller::kBadAddress}), 0);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_increase_reservation, guest.put(request)}), 0);
}

TEST(Reservation, ALongListContinuesWhereItStopped) {
  TestCaller guest;
  std::vector<std::uint64_t> frames;
  frames.reserve(512);
  for (std::uint64_t i = 0; i < 512; ++i)
    frames.push_back(page(0x200 + i));
  port::host_interrupt_pending = true;
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, frames), 512);
  EXPECT_EQ(guest.continuations, 15u);  // slices of 32
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, frames), 512);
  EXPECT_EQ(shown_at(guest, TestCaller::ram(0x3ff)), Mfn(page(0x3ff)));
}

TEST(Reservation, AnOrdinaryDomainGivesFramesBackAndGetsOthers) {
  TestCaller guest({.properties = {}});
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0x1000)}), 0);  // has all it may
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(5)}), 1);
  EXPECT_EQ(guest.domain().ram_frames.load(), TestCaller::kRamFrames.value() - 1);
  EXPECT_NE(mem::owner_of(Mfn(page(5))), mem::Owner::domain(DomainId{0}));
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(0x2000)}), 1);
  EXPECT_NE(shown_at(guest, TestCaller::ram(0x2000)), Mfn(0));
  EXPECT_EQ(guest.domain().ram_frames.load(), TestCaller::kRamFrames.value());
  // Not where something is.
  EXPECT_EQ(reservation(guest, XENMEM_decrease_reservation, {page(6)}), 1);
  EXPECT_EQ(reservation(guest, XENMEM_populate_physmap, {page(7)}), 0);
  EXPECT_EQ(guest.domain().ram_frames.load(), TestCaller::kRamFrames.value() - 1);
}

// --- Questions ----------------------------------------------------------------------------------

TEST(MemoryOp, AnswersQuestions) {
  TestCaller guest;
  const abi::MemoryDomain self{.domid = DOMID_SELF};
  const std::uint64_t address = guest.put(self);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_current_reservation, address}), 0x1000);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_maximum_reservation, address}), 0x1000);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_maximum_gpfn, address}),
            static_cast<std::int64_t>(page(0xfff)));
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_maximum_ram_page, 0}), 0x48000);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_get_sharing_freed_pages, 0}), 0);
  EXPECT_EQ(guest.call(kMemoryOp, {XENMEM_get_sharing_shared_pages, 0}), 0);
  const abi::MemoryDomain nobody{.domid = kNobody};
  for (const std::uint64_t operation : {3u, 4u, 14u})
    EXPECT_EQ(guest.call(kMemoryOp, {operation, guest.put(nobody)}), -XEN_ESRCH);
}

TEST(MemoryOp, WhatIsNotThereAnswersLikeXenWithANullPointer) {
  TestCaller guest;
  for (std::uint64_t operation = 0; operation < 64; ++operation) {
    static constexpr std::uint64_t kCounts[] = {0, 1, 6, 18, 19};
    static constexpr std::uint64_t kFaults[] = {3, 4, 7, 11, 14, 15, 23, 24, 26, 27, 28};
    const std::int64_t result = guest.call(kMemoryOp, {operation, 0});
    if (operation == XENMEM_maximum_ram_page) continue;  // takes none
    if (std::ranges::find(kCounts, operation) != std::end(kCounts)) {
      EXPECT_EQ(result, 0);
    } else if (std::ranges::find(kFaults, operation) != std::end(kFaults)) {
      EXPECT_EQ(result, -XEN_EFAULT);
    } else {
      EXPECT_EQ(result, -XEN_ENOSYS);
    }
  }
}

// --- The machine --------------------------------------------------------------------------------

std::int64_t platform(TestCaller& guest, std::uint32_t command, std::uint32_t version,
                      std::uint32_t mbz = 0) {
  abi::PlatformOp request{};
  request.cmd = command;
  request.interface_version = version;
  request.u.settime64.secs = 1'700'000'000;
  request.u.settime64.mbz = mbz;
  return guest.call(7, {guest.put(request)});
}

TEST(PlatformOp, SetsTheTimeOfDay) {
  TestCaller guest;
  EXPECT_EQ(platform(guest, XENPF_settime64, 1), -XEN_EACCES);
  EXPECT_EQ(platform(guest, XENPF_settime64, XENPF_INTERFACE_VERSION, 1), -XEN_EINVAL);
  EXPECT_EQ(platform(guest, XENPF_settime64, XENPF_INTERFACE_VERSION), 0);
  EXPECT_EQ(guest.shared_info().wc_sec, 1'700'000'000u);
  for (std::uint32_t command = 0; command < 80; ++command) {
    if (command == XENPF_settime64) continue;
    EXPECT_EQ(platform(guest, command, XENPF_INTERFACE_VERSION), -XEN_ENOSYS);
  }
  EXPECT_EQ(guest.call(7, {TestCaller::kBadAddress}), -XEN_EFAULT);
}

TEST(PlatformOp, IsForPrivilegedDomains) {
  TestCaller guest({.properties = {}});
  EXPECT_EQ(platform(guest, XENPF_settime64, XENPF_INTERFACE_VERSION), -XEN_EPERM);
}

TEST(Toolstack, AnotherVersionIsToldSo) {
  TestCaller guest;
  for (const unsigned number : {35u, 36u}) {
    abi::VersionedHeader header{.command = 1, .interface_version = 0x16};
    EXPECT_EQ(guest.call(number, {guest.put(header)}), -XEN_EACCES);
    header.interface_version = 0x15;
    EXPECT_EQ(guest.call(number, {guest.put(header)}), -XEN_ENOSYS);
    EXPECT_EQ(guest.call(number, {TestCaller::kBadAddress}), -XEN_EFAULT);
  }
}

TEST(PhysdevOp, DoesNotExist) {
  TestCaller guest;
  for (std::uint64_t command = 0; command < 40; ++command)
    EXPECT_EQ(guest.call(33, {command, 0}), -XEN_ENOSYS);
}

// --- Multicall ----------------------------------------------------------------------------------

std::int64_t multicall(TestCaller& guest, const std::vector<abi::MulticallEntry>& entries) {
  for (std::size_t i = 0; i < entries.size(); ++i)
    (void)guest.put(entries[i], 64 * i, 0x110);
  return guest.call(13, {TestCaller::address(TestCaller::ram(0x110)), entries.size()});
}

TEST(Multicall, WritesEachResultBack) {
  TestCaller guest;
  EXPECT_EQ(multicall(guest, {{17, 7, {XENVER_version}}, {13, 7, {}}, {63, 7, {}}, {1000, 7, {}}}),
            0);
  const std::int64_t expected[] = {4 << 16 | 17, -XEN_EINVAL, -XEN_ENOSYS, -XEN_ENOSYS};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(static_cast<std::int64_t>(guest.get<abi::MulticallEntry>(64 * i, 0x110).result),
              expected[i]);
}

TEST(Multicall, EntriesThatCannotBeReadAreFaults) {
  TestCaller guest;
  EXPECT_EQ(guest.call(13, {TestCaller::kBadAddress, 0}), 0);
  EXPECT_EQ(guest.call(13, {TestCaller::kBadAddress, 1}), -XEN_EFAULT);
  const std::uint64_t last = TestCaller::address(TestCaller::ram(0xfff), 4096 - 64);
  EXPECT_EQ(guest.call(13, {last, 0xffffffff}), -XEN_EFAULT);
}

TEST(Multicall, MakesWayBetweenEntries) {
  TestCaller guest;
  port::host_interrupt_pending = true;
  EXPECT_EQ(multicall(guest, std::vector<abi::MulticallEntry>(20, {17, 7, {XENVER_version}})), 0);
  EXPECT_EQ(guest.continuations, 19u);
  EXPECT_EQ(guest.get<abi::MulticallEntry>(64 * 19, 0x110).result, 4u << 16 | 17);
}

TEST(Multicall, ALongCallInsideContinuesToo) {
  TestCaller guest;
  abi::MemoryReservation request{};
  request.extent_start.q = TestCaller::address(TestCaller::ram(0x101));
  request.nr_extents = 100;
  request.domid = DOMID_SELF;
  for (std::uint64_t i = 0; i < 100; ++i)
    guest.at<std::uint64_t>(TestCaller::ram(0x101), 8 * i) = page(0x200 + i);
  port::host_interrupt_pending = true;
  EXPECT_EQ(multicall(guest, {{kMemoryOp, 7, {XENMEM_decrease_reservation, guest.put(request)}}}),
            0);
  EXPECT_EQ(guest.get<abi::MulticallEntry>(0, 0x110).result, 100u);
  EXPECT_GE(guest.continuations, 3u);
}

}  // namespace
}  // namespace socle::hypercall
