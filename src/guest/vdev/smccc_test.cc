// SPDX-License-Identifier: Apache-2.0
#include "guest/vdev/smccc.h"

#include "base/test.h"
#include "guest/cpu_doubles_for_tests.h"
#include "port/firmware.h"

namespace socle::guest {

namespace {

constexpr std::uint64_t kNotSupported = ~std::uint64_t{0};
constexpr std::uint64_t kVersion = 0x8000'0000;
constexpr std::uint64_t kFeatures = 0x8000'0001;
constexpr std::uint64_t kWorkaround1 = 0x8000'8000;
constexpr std::uint64_t kWorkaround2 = 0x8000'7fff;
constexpr std::uint64_t kWorkaround3 = 0x8000'3fff;

unsigned workaround_calls = 0;

// PSCI 1.1, SMCCC 1.2; workaround 1 needed, 2 not needed here, 3 unknown.
port::FirmwareResult modern_firmware(std::uint64_t function, std::uint64_t a1, std::uint64_t,
                                     std::uint64_t) {
  switch (function) {
    case 0x8400'0000:
      return {0x1'0001, 0, 0, 0};
    case 0x8400'000a:
      return {0, 0, 0, 0};
    case kVersion:
      return {0x1'0002, 0, 0, 0};
    case kFeatures:
      if (a1 == kWorkaround1) return {0, 0, 0, 0};
      if (a1 == kWorkaround2) return {1, 0, 0, 0};
      return {0xffff'ffff, 0, 0, 0};
    case kWorkaround1:
      ++workaround_calls;
      return {0, 0, 0, 0};
    default:
      return {kNotSupported, 0, 0, 0};
  }
}
// PSCI 0.2: no FEATURES, so nothing more may be asked.
port::FirmwareResult old_firmware(std::uint64_t function, std::uint64_t, std::uint64_t,
                                  std::uint64_t) {
  if (function == 0x8400'0000) return {2, 0, 0, 0};
  ++workaround_calls;
  return {0, 0, 0, 0};
}

std::uint64_t call(TestGuest& guest, std::uint64_t function, std::uint64_t a1 = 0) {
  guest.frame().x[0] = function;
  guest.frame().x[1] = a1;
  smccc::call(guest.vcpu(), guest.frame());
  return guest.frame().x[0];
}

}  // namespace

TEST(Smccc, VersionAndItsOwnFeaturesAreThere) {
  TestGuest guest;
  smccc::discover_firmware(false);
  EXPECT_EQ(call(guest, kVersion), 0x1'0001u);
  EXPECT_EQ(call(guest, kFeatures, kVersion), 0u);
  EXPECT_EQ(call(guest, kFeatures, kFeatures), 0u);
  EXPECT_EQ(call(guest, kFeatures, 0x8000'0002), kNotSupported);  // SOC_ID
}

TEST(Smccc, WorkaroundsAreAnsweredAsFirmwareAnswers) {
  TestGuest guest;
  port::host_firmware = modern_firmware;
  smccc::discover_firmware(true);
  EXPECT_EQ(call(guest, kFeatures, kWorkaround1), 0u);
  EXPECT_EQ(call(guest, kFeatures, kWorkaround2), 1u);
  EXPECT_EQ(call(guest, kFeatures, kWorkaround3), kNotSupported);
  workaround_calls = 0;
  guest.frame().x[5] = 5;
  call(guest, kWorkaround1, 0);
  EXPECT_EQ(workaround_calls, 1u);
  EXPECT_EQ(guest.frame().x[5], 5u);
}

TEST(Smccc, OldOrAbsentFirmwareOffersNoWorkaroundAndIsNotAskedForOne) {
  TestGuest guest;
  workaround_calls = 0;
  port::host_firmware = old_firmware;
  smccc::discover_firmware(true);
  EXPECT_EQ(call(guest, kFeatures, kWorkaround1), kNotSupported);
  EXPECT_EQ(call(guest, kWorkaround2, 1), kNotSupported);
  port::host_firmware = modern_firmware;
  smccc::discover_firmware(false);
  EXPECT_EQ(call(guest, kFeatures, kWorkaround1), kNotSupported);
  EXPECT_EQ(call(guest, kWorkaround1), kNotSupported);
  EXPECT_EQ(workaround_calls, 0u);
}

TEST(Smccc, XenIsTheStandardHypervisorService) {
  TestGuest guest;
  EXPECT_EQ(call(guest, 0x8500'ff00), 3u);
  EXPECT_EQ(call(guest, 0x8500'ff01), 0xdc12'18a7u);
  EXPECT_EQ(guest.frame().x[1], 0x6943'98c6u);
  EXPECT_EQ(guest.frame().x[2], 0xd179'cf9au);
  EXPECT_EQ(guest.frame().x[3], 0x67e6'de8du);
  EXPECT_EQ(call(guest, 0x8500'ff03), 0u);
  EXPECT_EQ(guest.frame().x[1], 1u);
}

TEST(Smccc, OtherServicesAreUnknown) {
  TestGuest guest;
  for (const std::uint64_t function :
       {0x8600'ff01u, 0x8400'0050u, 0xc500'0020u, 0x8200'0000u, 0x8300'0000u, 0xb200'0000u, 0x0u,
        0x3u, 0xffff'ffffu, 0x0400'0000u}) {
    EXPECT_EQ(call(guest, function), kNotSupported);
  }
}

}  // namespace socle::guest
