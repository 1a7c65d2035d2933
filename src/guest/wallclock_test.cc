// SPDX-License-Identifier: Apache-2.0
#include "guest/wallclock.h"

#include "guest/test_domain.h"

namespace socle::guest {
namespace {

std::uint64_t seconds(const abi::SharedInfo& shared) {
  return std::uint64_t{shared.wc_sec_hi} << 32 | shared.wc_sec;
}

TEST(Wallclock, IsTheTimeAtWhichSystemTimeWasZero) {
  TestDomain test;
  set_wallclock(1'700'000'000, 500, 2'000'000'700);
  publish_wallclock(test.domain());
  EXPECT_EQ(seconds(test.shared_info()), 1'699'999'997u);
  EXPECT_EQ(test.shared_info().wc_nsec, 999'999'800u);
  EXPECT_EQ(test.shared_info().wc_version % 2, 0u);
}

TEST(Wallclock, TheVersionChangesWithEachUpdate) {
  TestDomain test;
  publish_wallclock(test.domain());
  const std::uint32_t first = test.shared_info().wc_version;
  publish_wallclock(test.domain());
  EXPECT_NE(test.shared_info().wc_version, first);
  EXPECT_EQ(test.shared_info().wc_version % 2, 0u);
}

TEST(Wallclock, WhatTheGuestLeftInTheVersionDoesNotMatter) {
  TestDomain test;
  for (const std::uint32_t left : {1u, 0xffffffffu, 0xfffffffeu}) {
    test.shared_info().wc_version = left;
    publish_wallclock(test.domain());
    EXPECT_EQ(test.shared_info().wc_version % 2, 0u);
  }
}

TEST(Wallclock, SecondsHaveMoreThan32Bits) {
  TestDomain test;
  set_wallclock(0x1'8000'0000, 0, 0);
  publish_wallclock(test.domain());
  EXPECT_EQ(seconds(test.shared_info()), 0x1'8000'0000u);
}

}  // namespace
}  // namespace socle::guest
