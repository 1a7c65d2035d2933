// SPDX-License-Identifier: Apache-2.0
#include "guest/guest_memory.h"

#include "guest/test_domain.h"
#include "port/at.h"

namespace socle::guest {
namespace {

constexpr std::uint64_t address(std::uint64_t page, std::size_t offset = 0) {
  return TestDomain::address(TestDomain::ram(page), offset);
}

template <typename T>
Error error_of(const Result<T>& result) {
  return result.error();
}

TEST(GuestMemory, CopiesBothWays) {
  TestDomain test;
  const std::uint64_t value = 0x1122334455667788;
  ASSERT_TRUE(write_guest(test.vcpu(), GuestVa{address(3, 16)}, value).has_value());
  EXPECT_EQ(test.at<std::uint64_t>(TestDomain::ram(3), 16), value);
  EXPECT_EQ(read_guest<std::uint64_t>(test.vcpu(), GuestVa{address(3, 16)}).value(), value);
}

TEST(GuestMemory, ACopyMayCrossPages) {
  TestDomain test;
  std::vector<std::uint8_t> bytes(3 * kFrameSize);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(i * 7);
  ASSERT_TRUE(
      copy_to_guest(test.vcpu(), GuestVa{address(3, 100)}, bytes.data(), bytes.size()).has_value());
  std::vector<std::uint8_t> back(bytes.size());
  ASSERT_TRUE(
      copy_from_guest(test.vcpu(), back.data(), GuestVa{address(3, 100)}, back.size()).has_value());
  EXPECT_EQ(back, bytes);
  EXPECT_EQ(test.at<std::uint8_t>(TestDomain::ram(4)), bytes[kFrameSize - 100]);
}

TEST(GuestMemory, NothingNeedsNoAddress) {
  TestDomain test;
  EXPECT_TRUE(copy_from_guest(test.vcpu(), nullptr, GuestVa{1}, 0).has_value());
}

TEST(GuestMemory, OnlyRamIsTouched) {
  TestDomain test;
  char byte = 0;
  const std::uint64_t device = TestDomain::address(TestDomain::kDevice);
  for (const std::uint64_t bad : {device, std::uint64_t{0}, std::uint64_t{0x1000},
                                  ~std::uint64_t{0}, address(0) - 1, address(0x1000)}) {
    EXPECT_EQ(error_of(copy_from_guest(test.vcpu(), &byte, GuestVa{bad}, 1)), Error::kFault);
    EXPECT_EQ(error_of(copy_to_guest(test.vcpu(), GuestVa{bad}, &byte, 1)), Error::kFault);
  }
}

TEST(GuestMemory, AnAddressThatWrapsIsRefused) {
  TestDomain test;
  char bytes[32];
  EXPECT_EQ(error_of(copy_from_guest(test.vcpu(), bytes, GuestVa{~std::uint64_t{0} - 8}, 32)),
            Error::kFault);
}

TEST(GuestMemory, PagesThatSocleSharesMayHoldArguments) {
  TestDomain test;
  const Gfn where = TestDomain::ram(9);
  ASSERT_TRUE(
      test.domain()
          .address_space.replace(where, test.domain().shared_info_frame, policy::shared_info())
          .has_value());
  ASSERT_TRUE(write_guest(test.vcpu(), GuestVa{address(9, 1072)}, std::uint32_t{5}).has_value());
  EXPECT_EQ(test.shared_info().wc_version, 5u);
}

TEST(GuestMemory, PagesOfOthersAreNotTouched) {
  TestDomain test;
  const Gfn where = TestDomain::ram(9);
  const Mfn other(TestDomain::ram(10).value());
  for (const Attributes& mapping : {policy::foreign_mapping(), policy::grant_mapping(true)}) {
    ASSERT_TRUE(test.domain().address_space.replace(where, other, mapping).has_value());
    EXPECT_EQ(error_of(read_guest<int>(test.vcpu(), GuestVa{address(9)})), Error::kFault);
    EXPECT_EQ(error_of(write_guest(test.vcpu(), GuestVa{address(9)}, 1)), Error::kFault);
  }
}

TEST(GuestMemory, WhatStageOneRefusesIsAFault) {
  TestDomain test;
  port::host_stage1 = [](std::uint64_t, bool is_write) -> Result<Ipa> {
    if (is_write) return fail(Error::kFault);
    return Ipa(address(5));
  };
  test.at<std::uint32_t>(TestDomain::ram(5)) = 77;
  EXPECT_EQ(read_guest<std::uint32_t>(test.vcpu(), GuestVa{0xffff'8000'0000'0000}).value(), 77u);
  EXPECT_EQ(error_of(write_guest(test.vcpu(), GuestVa{0xffff'8000'0000'0000}, 1)), Error::kFault);
  port::host_stage1 = nullptr;
}

TEST(GuestMemory, ACopyThatFailsOnItsSecondPageHasDoneTheFirst) {
  TestDomain test;
  std::vector<std::uint8_t> bytes(16, 0xaa);
  EXPECT_EQ(error_of(copy_to_guest(test.vcpu(), GuestVa{address(0xfff, 4088)}, bytes.data(), 16)),
            Error::kFault);
  EXPECT_EQ(test.at<std::uint8_t>(TestDomain::ram(0xfff), 4095), 0xaa);
}

TEST(GuestMemory, ByFrameStaysInsideTheFrame) {
  TestDomain test;
  std::uint64_t value = 9;
  ASSERT_TRUE(copy_to_guest_frame(test.domain(), TestDomain::ram(2), 4088, &value, 8).has_value());
  EXPECT_EQ(test.at<std::uint64_t>(TestDomain::ram(2), 4088), 9u);
  EXPECT_EQ(error_of(copy_to_guest_frame(test.domain(), TestDomain::ram(2), 4089, &value, 8)),
            Error::kInvalid);
  EXPECT_EQ(error_of(copy_from_guest_frame(test.domain(), &value, TestDomain::ram(2),
                                           ~std::size_t{0}, 8)),
            Error::kInvalid);
  EXPECT_EQ(error_of(copy_from_guest_frame(test.domain(), &value, TestDomain::kDevice, 0, 8)),
            Error::kFault);
}

TEST(GuestMemory, FramesMayOverlapThemselves) {
  TestDomain test;
  for (unsigned i = 0; i < 100; ++i)
    test.at<std::uint8_t>(TestDomain::ram(2), i) = static_cast<std::uint8_t>(i);
  const Mfn frame(TestDomain::ram(2).value());
  copy_between_frames(frame, 10, frame, 0, 100);
  for (unsigned i = 0; i < 100; ++i)
    EXPECT_EQ(test.at<std::uint8_t>(TestDomain::ram(2), 10 + i), i);
}

}  // namespace
}  // namespace socle::guest
