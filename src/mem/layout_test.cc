// SPDX-License-Identifier: Apache-2.0
#include "mem/layout.h"

#include <array>

#include "base/test.h"

namespace socle::mem {
namespace {

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}

// 1 GiB at 1 GiB, in two ranges that touch; and 512 MiB at 8 GiB.
constexpr std::array<MfnRange, 3> kRam{frames(0x60000, 0x80000), frames(0x40000, 0x60000),
                                       frames(0x200000, 0x220000)};
constexpr std::array<MfnRange, 1> kReserved{frames(0x50000, 0x50010)};
constexpr std::array<MfnRange, 1> kModules{frames(0x48000, 0x4a000)};

MemoryLayout sample() {
  return {.ram = kRam,
          .reserved = kReserved,
          .boot_modules = kModules,
          .image = frames(0x40200, 0x40260),
          .bootstrap = {}};
}

TEST(Layout, FreeRamIsWhatNobodyClaims) {
  const MemoryLayout layout = sample();
  EXPECT_TRUE(is_free_ram(layout, frames(0x40000, 0x40200)));
  EXPECT_TRUE(is_free_ram(layout, frames(0x50010, 0x80000)));
  EXPECT_FALSE(is_free_ram(layout, frames(0x3ffff, 0x40001)));
  EXPECT_FALSE(is_free_ram(layout, frames(0x40000, 0x40201)));
  EXPECT_FALSE(is_free_ram(layout, frames(0x49000, 0x49001)));
  EXPECT_FALSE(is_free_ram(layout, frames(0x50000, 0x50001)));
  EXPECT_FALSE(is_free_ram(layout, frames(0x7ffff, 0x80001)));
}

TEST(Layout, NoFramesAreNotFreeRam) {
  EXPECT_FALSE(is_free_ram(sample(), frames(0x41000, 0x41000)));
}

TEST(Layout, BootstrapNeedIsEightKibibytesPerGibibyteAndALittle) {
  constexpr std::array<MfnRange, 1> kTebibyte{frames(0x40000, 0x40000 + 0x10000000)};
  MemoryLayout layout = sample();
  layout.ram = kTebibyte;
  const std::uint64_t bytes = bootstrap_need(layout).bytes();
  EXPECT_GE(bytes, 8 * kMiB);
  EXPECT_LE(bytes, 8 * kMiB + 512 * kKiB);
}

TEST(Layout, BootstrapIsPlacedBehindTheImageUpToTheEndOfItsBlock) {
  const auto place = place_bootstrap(sample(), FrameCount(100));
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(*place == frames(0x40260, 0x40400));
}

TEST(Layout, BootstrapGoesToTheSmallestHoleWhenTheImageHasNoRoomBehindIt) {
  MemoryLayout layout = sample();
  layout.image = frames(0x4ff00, 0x50000);
  // Holes: 0x40000..0x48000, 0x4a000..0x4ff00, 0x50010.., 0x200000..
  const auto place = place_bootstrap(layout, FrameCount(0x1000));
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(*place == frames(0x4a000, 0x4b000));
}

TEST(Layout, BootstrapThatFitsNowhereIsRefused) {
  const auto place = place_bootstrap(sample(), FrameCount(0x40000));
  ASSERT_FALSE(place.has_value());
  EXPECT_TRUE(place.error() == Error::kNoMemory);
}

TEST(Layout, AnImageOutsideRamDoesNotPreventBootstrap) {
  MemoryLayout layout = sample();
  layout.image = frames(0x1000, 0x1010);
  const auto place = place_bootstrap(layout, FrameCount(0x100));
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(is_free_ram(layout, *place));
}

}  // namespace
}  // namespace socle::mem
