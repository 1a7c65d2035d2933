// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/interrupts.h"

#include "base/test.h"

#include "test/support/tree_builder.h"

namespace socle::fw::dt {
namespace {

using test::Opened;
using test::TreeBuilder;

void add_gic(TreeBuilder& b, bool with_address_cells) {
  b.begin("gic").flag("interrupt-controller").cells("#interrupt-cells", {3}).cells("phandle", {1});
  if (with_address_cells) b.cells("#address-cells", {2});
  b.end();
}

// All interrupts of a node as "controller:cells", errors as "!".
std::string all(const Node& node) {
  std::string text;
  InterruptReader reader(node);
  for (unsigned i = 0; i < 100; ++i) {
    const auto spec = reader.next();
    if (!spec) {
      text += "! ";
      continue;
    }
    if (!*spec) break;
    text += std::string((*spec)->controller.name()) + ":";
    for (unsigned c = 0; c < (*spec)->count; ++c)
      text += std::to_string((*spec)->cells[c]) + ",";
    text += " ";
  }
  return text;
}

TEST(Interrupts, InheritTheirParent) {
  TreeBuilder b;
  b.cells("interrupt-parent", {1});
  add_gic(b, false);
  b.begin("bus").begin("dev").cells("interrupts", {0, 5, 4, 0, 6, 1}).end().end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/bus/dev")), "gic:0,5,4, gic:0,6,1, ");
}

TEST(Interrupts, TheExtendedFormNamesEachController) {
  TreeBuilder b;
  b.cells("interrupt-parent", {1});
  add_gic(b, false);
  b.begin("gpio").flag("interrupt-controller").cells("#interrupt-cells", {2});
  b.cells("phandle", {2}).end();
  b.begin("dev").cells("interrupts-extended", {2, 7, 8, 0, 1, 0, 9, 4}).cells("interrupts", {1});
  b.end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/dev")), "gpio:7,8, gic:0,9,4, ");
}

TEST(Interrupts, HolesOfTheExtendedFormTakeNoStack) {
  TreeBuilder b;
  add_gic(b, false);
  std::vector<std::uint32_t> cells(200'000);
  cells.insert(cells.end(), {1, 0, 9, 4, 0});
  b.begin("dev").cells("interrupts-extended", cells).end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/dev")), "gic:0,9,4, ");
}

TEST(Interrupts, AControllerNextAboveIsTheParentUnlessAnotherIsNamed) {
  TreeBuilder b;
  b.cells("interrupt-parent", {1});
  add_gic(b, false);
  b.begin("expander").flag("interrupt-controller").cells("#interrupt-cells", {1});
  b.begin("child").cells("interrupts", {3}).end();
  b.begin("other").cells("interrupt-parent", {1}).cells("interrupts", {0, 3, 4}).end().end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/expander/child")), "expander:3, ");
  EXPECT_EQ(all(t.node("/expander/other")), "gic:0,3,4, ");
}

TreeBuilder pci_with_map(bool gic_has_address_cells) {
  TreeBuilder b;
  b.cells("#address-cells", {2}).cells("#size-cells", {2}).cells("interrupt-parent", {1});
  add_gic(b, gic_has_address_cells);
  b.begin("pcie").cells("#address-cells", {3}).cells("#size-cells", {2});
  b.cells("#interrupt-cells", {1}).cells("interrupt-map-mask", {0x1800, 0, 0, 7});
  if (gic_has_address_cells)
    b.cells("interrupt-map", {0, 0, 0, 1, 1, 0, 0, 0, 3, 4, 0x800, 0, 0, 1, 1, 0, 0, 0, 9, 4});
  else
    b.cells("interrupt-map", {0, 0, 0, 1, 1, 0, 3, 4, 0x800, 0, 0, 1, 1, 0, 9, 4});
  b.begin("dev@1").cells("reg", {0x0a00, 0, 0, 0, 0}).cells("interrupts", {1}).end();
  b.begin("dev@2").cells("reg", {0x1000, 0, 0, 0, 0}).cells("interrupts", {1}).end();
  b.end();
  return b;
}

TEST(Interrupts, AMapIsReadThroughItsMask) {
  for (const bool with_address_cells : {false, true}) {
    TreeBuilder b = pci_with_map(with_address_cells);
    const Opened t(b);
    ASSERT_TRUE(t.result.has_value());
    EXPECT_EQ(all(t.node("/pcie/dev@1")), "gic:0,9,4, ");
    EXPECT_EQ(all(t.node("/pcie/dev@2")), "! ");
    EXPECT_TRUE(t.said("/pcie/dev@2: interrupts: has no row"));
  }
}

TEST(Interrupts, EveryRowOfAMapCanBeListed) {
  TreeBuilder b = pci_with_map(true);
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  InterruptMapReader reader(t.node("/pcie"));
  EXPECT_EQ((*reader.next())->cells[1], 3u);
  EXPECT_EQ((*reader.next())->cells[1], 9u);
  EXPECT_FALSE((*reader.next()).has_value());
}

TEST(Interrupts, MapsMayBeNested) {
  TreeBuilder b;
  b.cells("#address-cells", {1}).cells("interrupt-parent", {1});
  add_gic(b, false);
  b.begin("outer").cells("phandle", {2}).cells("#address-cells", {0});
  b.cells("#interrupt-cells", {1}).cells("interrupt-map", {5, 1, 0, 40, 4, 6, 1, 0, 41, 4}).end();
  b.begin("inner").cells("#address-cells", {0}).cells("#interrupt-cells", {2});
  b.cells("interrupt-map", {1, 1, 2, 5, 1, 2, 2, 6});
  b.begin("dev").cells("interrupts", {1, 2, 1, 1}).end().end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/inner/dev")), "gic:0,41,4, gic:0,40,4, ");
}

TEST(Interrupts, MapsThatLeadInCirclesEnd) {
  TreeBuilder b;
  b.begin("a").cells("phandle", {1}).cells("#address-cells", {0}).cells("#interrupt-cells", {1});
  b.cells("interrupt-map", {0, 2, 0}).end();
  b.begin("b").cells("phandle", {2}).cells("#address-cells", {0}).cells("#interrupt-cells", {1});
  b.cells("interrupt-map", {0, 1, 0}).end();
  b.begin("dev").cells("interrupt-parent", {1}).cells("interrupts", {0}).end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/dev")), "! ");
  EXPECT_TRUE(t.said("/dev: interrupts: leads in circles"));
}

TEST(Interrupts, ParentsThatLeadInCirclesEnd) {
  TreeBuilder b;
  b.begin("a").cells("phandle", {1}).cells("interrupt-parent", {2}).end();
  b.begin("b").cells("phandle", {2}).cells("interrupt-parent", {1}).cells("interrupts", {1}).end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/b")), "! ");
}

TEST(Interrupts, SayWhatIsWrongWithThem) {
  TreeBuilder b;
  b.cells("interrupt-parent", {1});
  add_gic(b, false);
  b.begin("short").cells("interrupts", {0, 5}).end();
  b.begin("lost").cells("interrupts-extended", {99, 1}).end();
  b.begin("nexus").cells("#address-cells", {0}).cells("#interrupt-cells", {1});
  b.cells("interrupt-map", {0, 77, 0}).begin("dev").cells("interrupts", {0}).end().end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/short")), "! ");
  EXPECT_TRUE(t.said("/short: interrupts: is cut off"));
  EXPECT_EQ(all(t.node("/lost")), "! ");
  EXPECT_TRUE(t.said("/lost: interrupts-extended: has no interrupt parent"));
  EXPECT_EQ(all(t.node("/nexus/dev")), "! ");
  EXPECT_TRUE(t.said("/nexus: interrupt-map: leads to a phandle that no node has"));
}

TEST(Interrupts, SomeControllersMapsLeaveOutTheParentsAddress) {
  TreeBuilder b;
  b.cells("interrupt-parent", {1});
  add_gic(b, true);
  b.begin("extirq").text("compatible", "fsl,ls1088a-extirq").flag("interrupt-controller");
  b.cells("phandle", {2}).cells("#address-cells", {0}).cells("#interrupt-cells", {2});
  b.cells("interrupt-map", {0, 0, 1, 0, 0, 4, 1, 0, 1, 0, 1, 4});
  b.cells("interrupt-map-mask", {0xf, 0}).end();
  b.begin("dev").cells("interrupts-extended", {2, 1, 8}).end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(all(t.node("/dev")), "gic:0,1,4, ");
}

}  // namespace
}  // namespace socle::fw::dt
