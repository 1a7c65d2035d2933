// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/address.h"

#include "base/test.h"

#include "test/support/tree_builder.h"

namespace socle::fw::dt {
namespace {

using test::Opened;
using test::TreeBuilder;

PaRange bytes(std::uint64_t begin, std::uint64_t size) {
  return PaRange(Pa(begin), Pa(begin + size));
}

TreeBuilder two_buses() {
  TreeBuilder b;
  b.cells("#address-cells", {2}).cells("#size-cells", {2});
  b.begin("soc").cells("#address-cells", {1}).cells("#size-cells", {1});
  b.cells("ranges", {0x0, 0x1, 0xf000'0000, 0x10'0000, 0x20'0000, 0x2, 0x0, 0x1000});
  b.begin("inner").cells("#address-cells", {1}).cells("#size-cells", {1});
  b.cells("ranges", {0x500, 0x8000, 0x100});
  b.begin("dev@510").cells("reg", {0x510, 0x20, 0x900, 0x20}).end();
  b.end();
  b.begin("same").cells("#address-cells", {1}).cells("#size-cells", {1}).flag("ranges");
  b.begin("dev@200000").cells("reg", {0x20'0000, 0x10}).end();
  b.end();
  b.begin("i2c").cells("#address-cells", {1}).cells("#size-cells", {0});
  b.begin("chip@50").cells("reg", {0x50}).end();
  b.end();
  b.begin("odd").cells("reg", {1, 2, 3}).end();
  b.end();
  b.begin("far").wide("reg", {0xffff'ffff'ffff'f000, 0x2000}).end();
  b.begin("empty").wide("reg", {0x1000, 0}).end();
  return b;
}

TEST(Address, GoesThroughTheRangesOfEveryBus) {
  TreeBuilder b = two_buses();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(*reg(t.node("/soc/inner/dev@510"), 0), bytes(0x1'f000'8010, 0x20));
  EXPECT_EQ(*reg(t.node("/soc/same/dev@200000"), 0), bytes(0x2'0000'0000, 0x10));
}

TEST(Address, IsUnsupportedWhereABusLeadsNowhere) {
  TreeBuilder b = two_buses();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(reg(t.node("/soc/i2c/chip@50"), 0).error(), Error::kUnsupported);
  EXPECT_EQ(reg(t.node("/soc/inner/dev@510"), 1).error(), Error::kUnsupported);  // no window
  EXPECT_EQ(raw_reg(t.node("/soc/i2c/chip@50"), 0)->address, 0x50u);
  EXPECT_TRUE(t.notes.lines().empty());
}

TEST(Address, NamesTheNodeOfAMalformedReg) {
  TreeBuilder b = two_buses();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(reg(t.node("/soc/odd"), 0).error(), Error::kCorrupt);
  EXPECT_TRUE(t.said("/soc/odd: reg has 12 bytes"));
  EXPECT_EQ(reg(t.node("/far"), 0).error(), Error::kOutOfRange);
  EXPECT_TRUE(t.said("/far: reg: 0xfffffffffffff000 + 0x2000 passes 64 bits"));
  EXPECT_TRUE(reg(t.node("/empty"), 0)->empty());
  EXPECT_EQ(reg(t.node("/soc"), 0).error(), Error::kNotFound);
  EXPECT_EQ(reg(t.node("/empty"), 1).error(), Error::kNotFound);
}

TreeBuilder pci_host() {
  TreeBuilder b;
  b.cells("#address-cells", {2}).cells("#size-cells", {2});
  b.begin("pcie@40").text("device_type", "pci").wide("reg", {0x40'1000'0000, 0x1000'0000});
  b.cells("#address-cells", {3}).cells("#size-cells", {2});
  b.cells("ranges", {0x0100'0000, 0,    0,           0x0,  0x3eff'0000, 0, 0x1'0000,  //
                     0x0200'0000, 0,    0x1000'0000, 0x0,  0x1000'0000, 0, 0x2000'0000,
                     0x4300'0000, 0x80, 0,           0x80, 0x0,         1, 0});
  b.begin("bridge@1").text("device_type", "pci").cells("reg", {0x800, 0, 0, 0, 0});
  b.cells("#address-cells", {3}).cells("#size-cells", {2}).flag("ranges");
  b.begin("dev@0").cells("reg", {0x10000, 0, 0, 0, 0, 0x0200'0000, 0, 0x1800'0000, 0, 0x1000});
  b.end().end().end();
  return b;
}

TEST(Address, TranslatesPciWindowsBySpace) {
  TreeBuilder b = pci_host();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  const Node host = t.node("/pcie@40");
  EXPECT_TRUE(host.is_pci_bus());
  ASSERT_EQ(*window_count(host), 3u);
  EXPECT_TRUE(window(host, 0)->is_pci_io());
  EXPECT_EQ(window(host, 0)->cpu, bytes(0x3eff'0000, 0x1'0000));
  EXPECT_EQ(window(host, 1)->bus_address, 0x1000'0000u);
  EXPECT_FALSE(window(host, 1)->is_pci_prefetchable());
  EXPECT_TRUE(window(host, 2)->is_pci_prefetchable());
  EXPECT_EQ(window(host, 2)->cpu, bytes(0x80'0000'0000, 0x1'0000'0000));
  EXPECT_FALSE(window(host, 3).has_value());
}

TEST(Address, APciConfigurationAddressIsNoMemory) {
  TreeBuilder b = pci_host();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  const Node device = t.node("/pcie@40/bridge@1/dev@0");
  EXPECT_EQ(reg(device, 0).error(), Error::kUnsupported);
  EXPECT_EQ(*reg(device, 1), bytes(0x1800'0000, 0x1000));
}

TEST(Address, DmaWindowsAreWhatAllBusesLetThrough) {
  TreeBuilder b;
  b.cells("#address-cells", {2}).cells("#size-cells", {2});
  b.begin("soc").cells("#address-cells", {2}).cells("#size-cells", {2});
  b.wide("dma-ranges", {0x0, 0x8000'0000, 0x4000'0000, 0x8000'0000, 0x10'0000'0000, 0x4000'0000});
  b.begin("bus").cells("#address-cells", {1}).cells("#size-cells", {1});
  b.cells("dma-ranges", {0xc000'0000, 0x0, 0x2000'0000, 0x2000'0000});
  b.begin("dev").end().end();
  b.begin("plain").cells("#address-cells", {2}).cells("#size-cells", {2});
  b.flag("dma-ranges").begin("dev").end().end();
  b.end();
  b.begin("free").end();
  Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  // [0xc000'0000, +512M) -> soc [0x2000'0000, +512M) -> the first window only.
  const auto narrow = dma_windows(t.node("/soc/bus/dev"), t.arena);
  ASSERT_TRUE(narrow.has_value());
  ASSERT_EQ(narrow->size(), 1u);
  EXPECT_EQ((*narrow)[0].device_address, 0xc000'0000u);
  EXPECT_EQ((*narrow)[0].cpu, bytes(0xa000'0000, 0x2000'0000));
  const auto both = dma_windows(t.node("/soc/plain/dev"), t.arena);
  ASSERT_TRUE(both.has_value());
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ((*both)[1].cpu, bytes(0x10'0000'0000, 0x4000'0000));
  EXPECT_TRUE(dma_windows(t.node("/free"), t.arena)->empty());
}

TEST(Address, WorkThatATreeCanCauseIsBounded) {
  // A bus with very many windows, and very many devices that meet none of them.
  TreeBuilder b;
  b.cells("#address-cells", {1}).cells("#size-cells", {1});
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < 5'000; ++i)
    rows.insert(rows.end(), {2 * i, 2 * i, 1});
  b.begin("bus").cells("#address-cells", {1}).cells("#size-cells", {1}).cells("ranges", rows);
  std::vector<std::uint32_t> entries;
  for (std::uint32_t i = 0; i < 5'000; ++i)
    entries.insert(entries.end(), {0xf000'0000 + i, 1});
  b.begin("dev").cells("reg", entries).end().end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  const Node device = t.node("/bus/dev");
  std::size_t refused = 0;
  for (std::size_t i = 0; i < 5'000; ++i)
    if (reg(device, i).error() == Error::kTooLarge) ++refused;
  EXPECT_GT(refused, 4'000u);
  EXPECT_TRUE(t.said("too much work"));
}

}  // namespace
}  // namespace socle::fw::dt
