// SPDX-License-Identifier: Apache-2.0
// Odd regions: docs/design/hwdom.md has the table.
#include "base/test.h"
#include "hwdom/plan.h"

#include "test/support/virt_machine.h"

namespace socle::hwdom {
namespace {

using test::kImageBegin;
using test::Planned;
using test::TreeBuilder;
using test::VirtMachine;

TEST(PlanRegions, APageSharedWithTheConsoleIsMappedWithAWarning) {
  VirtMachine machine;
  machine.command_line = "dtuart=/serial@9040080";
  machine.more = [](TreeBuilder& b) {
    b.begin("serial@9040080").text("compatible", "arm,pl011").wide("reg", {0x904'0080, 0x80}).end();
    b.begin("pinctrl@9040000").wide("reg", {0x904'0000, 0x80}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x904'0000) != nullptr);
  EXPECT_TRUE(p.said("/pinctrl@9040000: shares a page with /serial@9040080 (Socle's console)"));
  ASSERT_EQ(p.plan().kept_devices.back().shares_page_with, p.node("/pinctrl@9040000"));
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, ABusAboveTheConsoleDoesNotGiveItsPageAway) {
  VirtMachine machine;
  machine.command_line = "dtuart=/bus@9040000/serial@80";
  machine.more = [](TreeBuilder& b) {
    b.begin("bus@9040000").wide("reg", {0x904'0000, 0x2000});
    b.cells("#address-cells", {1}).cells("#size-cells", {1});
    b.cells("ranges", {0, 0, 0x904'0000, 0x2000});
    b.begin("serial@80").text("compatible", "arm,pl011").cells("reg", {0x80, 0x80}).end().end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x904'0000) == nullptr);
  EXPECT_TRUE(p.at(0x904'1000) != nullptr);
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, DevicesInTheDomainsRamAreItsRam) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("smem@50000000").wide("reg", {0x5000'0000, 0x1000}).end();
    b.begin("evil@40200000").wide("reg", {kImageBegin, 0x1000}).end();
    b.begin("nothing@d000000").wide("reg", {0xd00'0000, 0}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x5000'0000)->attributes.reason() == Reason::kDomainRam);
  EXPECT_TRUE(p.at(kImageBegin) == nullptr);
  EXPECT_TRUE(p.said("/evil@40200000: [0x40200000, 0x40201000) meets RAM that is not dom0's"));
  EXPECT_TRUE(p.said("/nothing@d000000: reg: size zero"));
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, ADeviceBeyondTheAddressSpaceIsLeftOutWithAWarning) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("far").wide("reg", {0x200'0000'0000, 0x1000}).end();
    b.begin("edge").wide("reg", {0xff'ffff'f000, 0x2000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.said("/far: [0x20000000000, 0x20000001000) lies beyond"));
  EXPECT_EQ(p.at(0xff'ffff'f000)->count, FrameCount(1));
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, APageThatNodesWantInDifferentWaysIsNamedWithBoth) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    // Half a page of memory that may run code, and registers in the other half.
    b.begin("sram@c000000").text("compatible", "mmio-sram").wide("reg", {0xc00'0000, 0x1800}).end();
    b.begin("timer@c001800")
        .text("compatible", "acme,timer")
        .wide("reg", {0xc00'1800, 0x100})
        .end();
    // Memory whose bus is simple, in a page with memory.
    b.begin("sram@c100000").text("compatible", "mmio-sram").wide("reg", {0xc10'0000, 0x800}).end();
    b.begin("sram@c100800").text("compatible", "mmio-sram").wide("reg", {0xc10'0800, 0x800});
    b.flag("no-memory-wc").end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(
      p.said("/sram@c000000 and /timer@c001800 share [0xc001, 0xc002): "
             "mapped as Normal-WB, executable"));
  EXPECT_TRUE(p.at(0xc00'1000)->attributes.permissions().execute);
  EXPECT_TRUE(
      p.said("/sram@c100000 and /sram@c100800 share [0xc100, 0xc101): "
             "mapped as Device-nGnRE"));
  EXPECT_FALSE(p.at(0xc10'0000)->attributes.permissions().execute);
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, NodesThatOverlapAndWantTheSameAreOneMappingWithoutAWord) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("syscon@c000000").wide("reg", {0xc00'0000, 0x4000}).end();
    b.begin("phy@c001080").wide("reg", {0xc00'1080, 0x20}).end();
    b.begin("twin@c003000").wide("reg", {0xc00'3000, 0x2000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_EQ(p.at(0xc00'0000)->count, FrameCount(5));
  EXPECT_EQ(p.at(0xc00'0000)->source, p.node("/syscon@c000000"));
  EXPECT_FALSE(p.said(" share "));
}

TEST(PlanRegions, ABusAroundItsChildrenIsInNobodysWay) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("bus@c000000").wide("reg", {0xc00'0000, 0x4000}).flag("ranges");
    b.cells("#address-cells", {2}).cells("#size-cells", {2});
    b.begin("sram@c001000").text("compatible", "mmio-sram").wide("reg", {0xc00'1000, 0x1000}).end();
    b.begin("sram@c002000").text("compatible", "mmio-sram").wide("reg", {0xc00'2000, 0x800}).end();
    b.begin("uart@c002800").wide("reg", {0xc00'2800, 0x100}).end().end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.said("bus@c000000 and"));
  EXPECT_TRUE(p.at(0xc00'1000)->attributes.permissions().execute);
  EXPECT_TRUE(p.said("/bus@c000000/sram@c002000 and /bus@c000000/uart@c002800 share"));
}

TEST(PlanRegions, AConflictInMemoryThatNobodyMapsIsNone) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("sram@50000000")
        .text("compatible", "mmio-sram")
        .wide("reg", {0x5000'0000, 0x1000})
        .end();
    b.begin("dma@50000000").wide("reg", {0x5000'0000, 0x1000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_FALSE(p.said(" share "));
  EXPECT_TRUE(p.at(0x5000'0000)->attributes.reason() == Reason::kDomainRam);
}

TEST(PlanRegions, ManyConflictsAreCounted) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::uint64_t at = 0xc00'0000 + 0x2000 * i;
      b.begin(("sram@" + VirtMachine::hex(at)).c_str()).text("compatible", "mmio-sram");
      b.wide("reg", {at, 0x1000}).end();
      b.begin(("dev@" + VirtMachine::hex(at)).c_str()).wide("reg", {at, 0x1000}).end();
    }
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.said("12 more places are wanted by nodes in different ways"));
}

TEST(PlanRegions, ARegThatWrapsNamesItsNodeAndItsNeighboursAreMapped) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("wrap@c000000");
    b.wide("reg", {0xffff'ffff'ffff'f000, 0x2000, 0xc00'0000, 0x1000}).end();
    b.begin("small@c010fff").wide("reg", {0xc01'0fff, 2}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.said("/wrap@c000000: reg: 0xfffffffffffff000 + 0x2000 passes 64 bits"));
  EXPECT_TRUE(p.at(0xc00'0000) != nullptr);
  // Two bytes in two pages: both.
  EXPECT_EQ(p.at(0xc01'0000)->count, FrameCount(2));
}

TEST(PlanRegions, AKeptDeviceIsNotMappedThroughAnotherNode) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin("sneaky@8000000").wide("reg", {0x7ff'f000, 0x110'0000}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x7ff'f000) != nullptr);
  for (const int kept : {0x800'0000, 0x80a'0000, 0x900'0000})
    EXPECT_TRUE(p.at(static_cast<unsigned>(kept)) == nullptr);
  EXPECT_TRUE(p.said("/sneaky@8000000: [0x7fff000, 0x90ff000) meets a device that Socle keeps"));
  EXPECT_TRUE(p.is_consistent());
}

TEST(PlanRegions, ReservedMemoryOverAKeptDeviceOrOfSizeZeroIsNotMappedAndNamed) {
  VirtMachine machine;
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("over@8fff000").wide("reg", {0x8ff'f000, 0x2000}).end();
    b.begin("none@c000000").wide("reg", {0xc00'0000, 0}).end();
  };
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  EXPECT_TRUE(p.at(0x900'0000) == nullptr);
  EXPECT_TRUE(p.at(0xc00'0000) == nullptr);
  EXPECT_TRUE(p.said("/reserved-memory/over@8fff000: [0x8fff000, 0x9001000) meets a device that"));
  EXPECT_TRUE(p.said("/reserved-memory/none@c000000: reg: size zero at 0xc000000"));
}

}  // namespace
}  // namespace socle::hwdom
