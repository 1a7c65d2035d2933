// SPDX-License-Identifier: Apache-2.0
#include "plan/picture.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "plan/test_report.h"

namespace socle::plan {
namespace {

using test::TreeBuilder;
using test::VirtMachine;

const Band* band_at(const Picture& picture, std::uint64_t address) {
  for (const Band& band : picture.bands)
    if (band.range.contains(Pa(address))) return &band;
  return nullptr;
}

void expect_disjoint(const Picture& picture) {
  for (std::size_t i = 1; i < picture.bands.size(); ++i)
    EXPECT_LE(picture.bands[i - 1].range.end(), picture.bands[i].range.begin());
}

TEST(PlanPicture, EachAddressHasOneOwner) {
  const Picture picture = draw_up(report_of(VirtMachine{}));
  expect_disjoint(picture);
  ASSERT_NE(band_at(picture, 0x4000'0000), nullptr);
  EXPECT_EQ(band_at(picture, 0x4000'0000)->owner, Owner::kRam);
  EXPECT_EQ(band_at(picture, 0x900'0000)->owner, Owner::kSocle);
  EXPECT_EQ(band_at(picture, 0x901'0000)->owner, Owner::kDevice);
  EXPECT_EQ(band_at(picture, 0x1000'0000)->owner, Owner::kPci);
  EXPECT_EQ(band_at(picture, 0x800'0000)->owner, Owner::kSocle);
  EXPECT_EQ(band_at(picture, 0x0), nullptr);
}

TEST(PlanPicture, ReservedMemoryShowsThroughRam) {
  VirtMachine machine;
  machine.reservations = {{0x5000'0000, 0x10'0000}};
  const Picture picture = draw_up(report_of(machine));
  expect_disjoint(picture);
  EXPECT_EQ(band_at(picture, 0x5000'0000)->owner, Owner::kReserved);
  EXPECT_EQ(band_at(picture, 0x5010'0000)->owner, Owner::kRam);
}

TEST(PlanPicture, RamThatNobodyHasIsThere) {
  const Picture picture = draw_up(report_of(VirtMachine{}, "dom0_mem=512M"));
  const auto idle = std::ranges::find(picture.bands, Owner::kNotMapped, &Band::owner);
  ASSERT_NE(idle, picture.bands.end());
  EXPECT_EQ(idle->names, std::vector<std::string>{"RAM"});
  std::uint64_t ram = 0;
  for (const Band& band : picture.bands)
    if (band.range.begin() >= Pa(0x4000'0000) && band.range.end() <= Pa(0xc000'0000))
      ram += band.range.size();
  EXPECT_EQ(ram, 2 * kGiB);
}

TEST(PlanPicture, TooManyBandsBecomeFewerAndNoDeviceIsLost) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    for (std::uint64_t i = 0; i < 200; ++i) {
      const std::uint64_t at = 0x2'0000'0000 + (i << 20);
      b.begin(("device@" + VirtMachine::hex(at)).c_str()).wide("reg", {at, 0x1000}).end();
    }
  };
  const Picture picture = draw_up(report_of(machine));
  EXPECT_LE(picture.bands.size(), kMostBands);
  EXPECT_EQ(picture.left_out, 0u);
  const Band* band = band_at(picture, 0x2'0000'0000);
  ASSERT_NE(band, nullptr);
  EXPECT_EQ(band->names.size(), 200u);
}

TEST(PlanPicture, WhatCannotBeJoinedIsCounted) {
  const Report report = report_of(VirtMachine{});
  const Picture all = draw_up(report);
  const Picture few = draw_up(report, 2);
  EXPECT_EQ(few.bands.size(), 2u);
  EXPECT_GT(few.left_out, 0u);
  EXPECT_LT(few.left_out, all.bands.size());
}

TEST(PlanPicture, OfNothingIsEmpty) {
  EXPECT_TRUE(draw_up(Report{}).bands.empty());
}

}  // namespace
}  // namespace socle::plan
