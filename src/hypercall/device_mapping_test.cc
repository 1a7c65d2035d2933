// SPDX-License-Identifier: Apache-2.0

// The two calls that map pages of devices: XENMAPSPACE_dev_mmio and XEN_DOMCTL_memory_mapping.

#include "abi/domctl.h"
#include "abi/memory.h"
#include "abi/socle.h"
#include "hypercall/test_caller.h"
#include "policy/policy.h"

namespace socle::hypercall {
namespace {

constexpr unsigned kMemoryOp = 12;
constexpr unsigned kDomctl = 36;
constexpr std::uint64_t kDevice = TestCaller::kDevice.value();
constexpr std::uint64_t kEndOfPermitted = 0x9100;
// Guest frames where nothing is.
constexpr std::uint64_t kFree = 0x20000;
constexpr std::uint64_t kBeyond = 0xffff'ffff'ff;

std::int64_t map(TestCaller& guest, std::uint64_t index, std::uint64_t frame) {
  const abi::AddToPhysmap request{
      .domid = DOMID_SELF, .size = 0, .space = XENMAPSPACE_dev_mmio, .idx = index, .gpfn = frame};
  return guest.call(kMemoryOp, {XENMEM_add_to_physmap, guest.put(request)});
}
std::int64_t map_as(TestCaller& guest, std::uint16_t type, std::uint64_t index,
                    std::uint64_t frame) {
  abi::AddToPhysmapBatch request{};
  request.domid = DOMID_SELF;
  request.space = XENMAPSPACE_dev_mmio;
  request.size = 1;
  request.u.res0 = type;
  request.idxs.q = guest.put(index, 0, 0x101);
  request.gpfns.q = guest.put(frame, 0, 0x102);
  request.errs.q = guest.put(std::int32_t{1}, 0, 0x103);
  const std::int64_t result =
      guest.call(kMemoryOp, {XENMEM_add_to_physmap_batch, guest.put(request)});
  return result != 0 ? result : guest.get<std::int32_t>(0, 0x103);
}
std::int64_t remove(TestCaller& guest, std::uint64_t frame) {
  const abi::RemoveFromPhysmap request{.domid = DOMID_SELF, .gpfn = frame};
  return guest.call(kMemoryOp, {XENMEM_remove_from_physmap, guest.put(request)});
}
struct Mapping {
  std::uint64_t gfn;
  std::uint64_t mfn;
  std::uint64_t count = 1;
  std::uint32_t add = 1;
  std::uint32_t padding = 0;
};
std::int64_t domctl(TestCaller& guest, const Mapping& mapping, std::uint16_t domain = 0) {
  abi::Domctl request{};
  request.command = abi::kDomctlMemoryMapping;
  request.interface_version = 0x15;
  request.domain = domain;
  request.u.memory_mapping = {mapping.gfn, mapping.mfn, mapping.count, mapping.add,
                              mapping.padding};
  return guest.call(kDomctl, {guest.put(request)});
}
std::optional<stage2::Translation> at(TestCaller& guest, std::uint64_t frame) {
  return guest.domain().address_space.lookup(Gfn(frame));
}
// What a frame shows: a machine frame that may be read and written, as this type.
void expect_shown(TestCaller& guest, std::uint64_t frame, std::uint64_t mfn, MemoryType type) {
  const auto found = at(guest, frame);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->mfn, Mfn(mfn));
  EXPECT_EQ(found->attributes.type, type);
  EXPECT_EQ(found->attributes.permissions, policy::kReadWrite);
}

constexpr MemoryType kTypes[] = {MemoryType::kDeviceNGnRE, MemoryType::kDeviceGRE,
                                 MemoryType::kNormalNonCacheable, MemoryType::kNormalWriteBack};

TEST(DevMmio, APermittedFrameIsShownWhereItIsAskedFor) {
  TestCaller guest;
  EXPECT_EQ(map(guest, kDevice, kDevice), 0);
  EXPECT_EQ(map(guest, kDevice + 1, kFree), 0);
  expect_shown(guest, kFree, kDevice + 1, MemoryType::kNormalWriteBack);
  EXPECT_EQ(map(guest, kDevice, kFree), 0);
  expect_shown(guest, kFree, kDevice, MemoryType::kNormalWriteBack);
  guest.expect_settled();
}

TEST(DevMmio, WhatIsNotPermittedIsRefusedAndNotMapped) {
  TestCaller guest;
  for (const std::uint64_t index : {kDevice - 1, kEndOfPermitted, std::uint64_t{0},
                                    TestCaller::ram(9).value(), kBeyond, ~std::uint64_t{0}}) {
    EXPECT_EQ(map(guest, index, kFree), -XEN_EPERM);
    EXPECT_EQ(map_as(guest, abi::kSocleTypeDeviceGRE, index, kFree), -XEN_EPERM);
    EXPECT_FALSE(at(guest, kFree).has_value());
  }
}

TEST(DevMmio, AFrameBeyondTheAddressSpaceIsInvalid) {
  TestCaller guest;
  for (const std::uint64_t frame : {kBeyond, std::uint64_t{1} << 52, ~std::uint64_t{0}}) {
    EXPECT_EQ(map(guest, kDevice, frame), -XEN_EINVAL);
    EXPECT_EQ(map_as(guest, abi::kSocleTypeDeviceGRE, kDevice, frame), -XEN_EINVAL);
    EXPECT_EQ(remove(guest, frame), -XEN_ENOENT);
    EXPECT_EQ(domctl(guest, {.gfn = frame, .mfn = kDevice}), -XEN_EINVAL);
    EXPECT_EQ(domctl(guest, {.gfn = frame, .mfn = kDevice, .add = 0}), -XEN_EINVAL);
  }
}

TEST(DevMmio, IsForTheHardwareDomain) {
  TestCaller::Options options;
  options.properties.is_hardware_domain = false;
  TestCaller guest(options);
  EXPECT_EQ(map(guest, kDevice, kFree), -XEN_EACCES);
  EXPECT_EQ(map_as(guest, 0, kDevice, kFree), -XEN_EACCES);
}

TEST(DevMmio, TheReservedFieldOfABatchIsTheType) {
  TestCaller guest;
  for (std::uint16_t type = 1; type <= 4; ++type) {
    EXPECT_EQ(map_as(guest, type, kDevice, kFree), 0);
    expect_shown(guest, kFree, kDevice, kTypes[type - 1]);
    EXPECT_EQ(map_as(guest, type, kDevice, kDevice), 0);
    expect_shown(guest, kDevice, kDevice, kTypes[type - 1]);
  }
  EXPECT_EQ(map_as(guest, 1, kDevice, kFree), 0);
  EXPECT_EQ(map_as(guest, 0, kDevice, kFree), 0);
  expect_shown(guest, kFree, kDevice, MemoryType::kNormalWriteBack);
  for (const unsigned unknown : {5u, 6u, 0x100u, 0x101u, 0x8000u, 0xffffu}) {
    EXPECT_EQ(map_as(guest, static_cast<std::uint16_t>(unknown), kDevice, kFree), -XEN_EOPNOTSUPP);
  }
  guest.expect_settled();
}

// On-chip memory stays executable when a driver asks for it once more.
TEST(DevMmio, WhatThePlanMappedStaysUnlessATypeIsAskedFor) {
  TestCaller guest;
  constexpr std::uint64_t kSram = kDevice + 0x10;
  constexpr std::string_view kCompatible[] = {"mmio-sram"};
  const Attributes sram =
      policy::device(policy::DomainKind::kHardware, {.compatibles = kCompatible});
  guest.domain().address_space.map(GfnRange(Gfn(kSram), Gfn(kSram + 1)), Mfn(kSram), sram).value();
  EXPECT_EQ(map(guest, kSram, kSram), 0);
  EXPECT_TRUE(at(guest, kSram)->attributes.permissions.execute);
  EXPECT_EQ(map_as(guest, abi::kSocleTypeDeviceNGnRE, kSram, kSram), 0);
  expect_shown(guest, kSram, kSram, MemoryType::kDeviceNGnRE);
  EXPECT_EQ(map(guest, kDevice, kSram), 0);
  expect_shown(guest, kSram, kDevice, MemoryType::kNormalWriteBack);
}

TEST(DevMmio, MappingsAreNotRemovedByRemoveFromPhysmap) {
  TestCaller guest;
  EXPECT_EQ(map(guest, kDevice, kFree), 0);
  EXPECT_EQ(remove(guest, kFree), -XEN_ENOENT);
  EXPECT_EQ(remove(guest, kDevice), -XEN_ENOENT);
  EXPECT_EQ(remove(guest, kBeyond), -XEN_ENOENT);
  EXPECT_TRUE(at(guest, kFree).has_value());
  EXPECT_TRUE(at(guest, kDevice).has_value());
}

TEST(MemoryMapping, AddsAndRemoves) {
  TestCaller guest;
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 64}), 0);
  expect_shown(guest, kFree, kDevice, MemoryType::kDeviceNGnRE);
  expect_shown(guest, kFree + 63, kDevice + 63, MemoryType::kDeviceNGnRE);
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 63, 0}), 0);
  EXPECT_FALSE(at(guest, kFree + 62).has_value());
  EXPECT_TRUE(at(guest, kFree + 63).has_value());
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 64, 0}), 0);
  EXPECT_FALSE(at(guest, kFree + 63).has_value());
  guest.expect_settled();
}

TEST(MemoryMapping, RefusalsComeInXensOrder) {
  TestCaller guest;
  EXPECT_EQ(domctl(guest, {kFree, kDevice}, DOMID_SELF), -XEN_ESRCH);
  EXPECT_EQ(domctl(guest, {kFree, kDevice}, kNobody), -XEN_ESRCH);
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 0}), -XEN_EINVAL);
  EXPECT_EQ(domctl(guest, {kFree, kDevice, ~std::uint64_t{0}}), -XEN_EINVAL);
  EXPECT_EQ(domctl(guest, {~std::uint64_t{0}, kDevice, 2}), -XEN_EINVAL);
  EXPECT_EQ(domctl(guest, {kFree, kBeyond}), -XEN_EINVAL);
  EXPECT_EQ(domctl(guest, {kFree, 0, 65}), -XEN_E2BIG);
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 65, 0}), -XEN_E2BIG);
  EXPECT_EQ(domctl(guest, {kFree, TestCaller::ram(1).value()}), -XEN_EPERM);
  EXPECT_EQ(domctl(guest, {kFree, kDevice - 1, 2}), -XEN_EPERM);
  EXPECT_EQ(domctl(guest, {kFree, kEndOfPermitted - 1, 2}), -XEN_EPERM);
  EXPECT_EQ(domctl(guest, {kFree, kEndOfPermitted, 1, 0}), -XEN_EPERM);
  EXPECT_EQ(domctl(guest, {kBeyond, kDevice}), -XEN_EINVAL);
  EXPECT_EQ(domctl(guest, {kBeyond, kDevice, 1, 0}), -XEN_EINVAL);
  EXPECT_FALSE(at(guest, kFree).has_value());
  EXPECT_EQ(guest.call(kDomctl, {TestCaller::kBadAddress}), -XEN_EFAULT);
}

TEST(MemoryMapping, RemovingWhereMemoryIsIsRefused) {
  TestCaller guest;
  const std::uint64_t last_of_ram = TestCaller::ram(0xfff).value();
  EXPECT_EQ(domctl(guest, {last_of_ram + 1, kDevice}), 0);
  EXPECT_EQ(domctl(guest, {last_of_ram, kDevice, 2, 0}), -XEN_EILSEQ);
  EXPECT_TRUE(at(guest, last_of_ram + 1).has_value());
  // Over memory a device may be put, and be taken away again.
  EXPECT_EQ(domctl(guest, {last_of_ram, kDevice, 2}), 0);
  EXPECT_EQ(domctl(guest, {last_of_ram, kDevice, 2, 0}), 0);
  EXPECT_FALSE(at(guest, last_of_ram).has_value());
}

TEST(MemoryMapping, TaggedPaddingIsTheTypeAndOtherPaddingIsNothing) {
  TestCaller guest;
  for (std::uint32_t type = 1; type <= 4; ++type) {
    EXPECT_EQ(domctl(guest, {kFree, kDevice, 1, 1, abi::kSocleTypeTag + type}), 0);
    expect_shown(guest, kFree, kDevice, kTypes[type - 1]);
  }
  for (const std::uint32_t garbage : {0u, 1u, 4u, 5u, 0xffu, 0x100u, 0x8000'0003u, 0xffff'ffffu,
                                      abi::kSocleTypeTag, abi::kSocleTypeTag ^ 0x103}) {
    EXPECT_EQ(domctl(guest, {kFree, kDevice, 1, 1, abi::kSocleTypeTag + 4}), 0);
    EXPECT_EQ(domctl(guest, {kFree, kDevice, 1, 1, garbage}), 0);
    expect_shown(guest, kFree, kDevice, MemoryType::kDeviceNGnRE);
  }
  EXPECT_EQ(domctl(guest, {kFree, kDevice, 1, 0, 0x1234'5678}), 0);
  for (const std::uint32_t unknown : {5u, 6u, 0xffu}) {
    EXPECT_EQ(domctl(guest, {kFree, kDevice, 1, 1, abi::kSocleTypeTag + unknown}), -XEN_EINVAL);
    EXPECT_FALSE(at(guest, kFree).has_value());
  }
}

TEST(MemoryMapping, IsForPrivilegedDomains) {
  TestCaller::Options options;
  options.properties.is_privileged = false;
  TestCaller guest(options);
  EXPECT_EQ(domctl(guest, {kFree, kDevice}), -XEN_EPERM);
}

}  // namespace
}  // namespace socle::hypercall
