// SPDX-License-Identifier: Apache-2.0

// The domain's device tree, read back as a kernel would.

#include "base/test.h"
#include "fw/dt/address.h"
#include "fw/dt/interrupts.h"

#include "test/support/virt_machine.h"

namespace socle::hwdom {
namespace {

using fw::dt::Node;
using test::Opened;
using test::Planned;
using test::TreeBuilder;
using test::VirtMachine;

// A virt machine's domain tree. `virt` must have its modules for a kernel.
struct DomainTree {
  explicit DomainTree(const VirtMachine& virt, PlanInput input = {})
      : planned(virt, input), tree(planned.domain_tree()) {}
  Node node(std::string_view path) const { return tree.node(path); }
  Planned planned;
  Opened tree;
};

VirtMachine bootable() {
  VirtMachine machine;
  machine.modules = {{"multiboot,kernel", 0x5000'0000, 0x100'0000, "console=hvc0 root=/dev/vda"},
                     {"multiboot,ramdisk", 0x5800'0000, 0x12'3456}};
  return machine;
}

TEST(DomainTree, LeavesOutWhatIsSocles) {
  VirtMachine machine = bootable();
  machine.with_smmu = true;
  DomainTree d(machine);
  ASSERT_TRUE(d.tree.result.has_value());
  for (const char* path : {"/pl011@9000000", "/pmu", "/intc@8000000/its@8080000", "/smmuv3@9050000",
                           "/chosen/module@50000000"})
    EXPECT_FALSE(d.node(path));
  for (const char* path : {"/pl031@9010000", "/virtio_mmio@a000000", "/pcie@10000000", "/clk"})
    EXPECT_TRUE(d.node(path));
}

TEST(DomainTree, DropsPropertiesThatLeadToNodesItHasNot) {
  VirtMachine machine = bootable();
  machine.with_smmu = true;
  machine.more = [](TreeBuilder& b) {
    b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000}).cells("numa-node-id", {1});
    b.cells("iommus", {VirtMachine::kSmmu, 1}).cells("msi-parent", {VirtMachine::kIts, 1}).end();
  };
  DomainTree d(machine);
  const Node pci = d.node("/pcie@10000000");
  EXPECT_FALSE(pci.has("msi-map"));
  EXPECT_FALSE(pci.has("iommu-map"));
  EXPECT_TRUE(pci.has("interrupt-map"));
  const Node dma = d.node("/dma@c000000");
  EXPECT_FALSE(dma.has("iommus"));
  EXPECT_FALSE(dma.has("msi-parent"));
  EXPECT_FALSE(dma.has("numa-node-id"));
  EXPECT_TRUE(dma.has("reg"));
}

TEST(DomainTree, KeepsTheWayToIommusThatAreTheDomains) {
  constexpr std::uint32_t kOther = 0x9001;
  VirtMachine machine = bootable();
  machine.with_smmu = true;
  machine.command_line = "iommu-passthrough=arm,smmu-v3";
  machine.more = [](TreeBuilder& b) {
    b.begin("dma@c000000").wide("reg", {0xc00'0000, 0x1000});
    b.cells("iommus", {VirtMachine::kSmmu, 1}).end();
    b.begin("dma@c001000").wide("reg", {0xc00'1000, 0x1000});
    b.cells("iommus", {VirtMachine::kSmmu, 2, kOther, 3}).end();
    b.begin("dma@c002000").wide("reg", {0xc00'2000, 0x1000}).cells("iommus", {kOther, 4}).end();
    b.begin("iommu@c003000").wide("reg", {0xc00'3000, 0x1000}).cells("#iommu-cells", {1});
    b.text("compatible", "acme,iommu").cells("phandle", {kOther}).end();
  };
  DomainTree d(machine);
  ASSERT_TRUE(d.tree.result.has_value());
  EXPECT_EQ(d.node("/smmuv3@9050000").phandle(), VirtMachine::kSmmu);
  EXPECT_TRUE(d.node("/smmuv3@9050000").has("#iommu-cells"));
  EXPECT_FALSE(d.node("/iommu@c003000"));
  EXPECT_EQ(d.node("/pcie@10000000").property("iommu-map")->cell(1), VirtMachine::kSmmu);
  EXPECT_EQ(d.node("/dma@c000000").property("iommus")->cell(0), VirtMachine::kSmmu);
  // Behind one that it has and one that it has not, or behind the latter only.
  EXPECT_FALSE(d.node("/dma@c001000").has("iommus"));
  EXPECT_FALSE(d.node("/dma@c002000").has("iommus"));
}

TEST(DomainTree, KeepsMessagesToAGicV2Frame) {
  VirtMachine machine = bootable();
  machine.gic_v2 = true;
  DomainTree d(machine);
  ASSERT_TRUE(d.tree.result.has_value());
  EXPECT_TRUE(d.node("/intc@8000000/v2m@8020000"));
  EXPECT_TRUE(d.node("/pcie@10000000").has("msi-map"));
  EXPECT_EQ(*fw::dt::reg(d.node("/intc@8000000"), 1), PaRange(Pa(0x801'0000), Pa(0x801'2000)));
  EXPECT_EQ(*fw::dt::reg_count(d.node("/intc@8000000")), 2u);
}

TEST(DomainTree, ShowsTheVirtualGicAtTheHostsAddresses) {
  VirtMachine machine = bootable();
  machine.cpus = 3;
  DomainTree d(machine);
  const Node gic = d.node("/intc@8000000");
  EXPECT_TRUE(gic.is_compatible("arm,gic-v3"));
  EXPECT_EQ(gic.phandle(), VirtMachine::kGic);
  EXPECT_EQ(gic.cell("#redistributor-regions"), 1u);
  EXPECT_EQ(*fw::dt::reg(gic, 0), PaRange(Pa(0x800'0000), Pa(0x801'0000)));
  EXPECT_EQ(*fw::dt::reg(gic, 1), PaRange(Pa(0x80a'0000), Pa(0x810'0000)));
  EXPECT_FALSE(gic.has("interrupts"));
  EXPECT_TRUE(gic.states_address_cells());  // interrupt-maps count on it
}

TEST(DomainTree, TheTimerHasTheBindingsFourInterrupts) {
  VirtMachine machine = bootable();
  DomainTree d(machine);
  const Node timer = d.node("/timer");
  ASSERT_TRUE(timer);
  const auto cells = timer.property("interrupts");
  ASSERT_EQ(cells->cell_count(), 12u);
  for (unsigned i = 0; i < 4; ++i) {
    constexpr std::uint32_t kNumbers[] = {13, 14, 11, 10};
    EXPECT_EQ(cells->cell(3 * i), 1u);
    EXPECT_EQ(cells->cell(3 * i + 1), kNumbers[i]);
    EXPECT_EQ(cells->cell(3 * i + 2), 0xf08u);
  }
  EXPECT_TRUE(timer.has("always-on"));
  EXPECT_EQ(timer.cell("interrupt-parent"), VirtMachine::kGic);
}

TEST(DomainTree, HypervisorTellsVersionWindowsAndInterrupt) {
  VirtMachine machine = bootable();
  DomainTree d(machine);
  const Node node = d.node("/hypervisor");
  EXPECT_EQ(node.property("compatible")->string_at(0), "xen,xen-4.17");
  EXPECT_EQ(node.property("compatible")->string_at(1), "xen,xen");
  const DomainPlan& plan = d.planned.plan();
  EXPECT_EQ(*fw::dt::reg_count(node), 1 + plan.extended_regions.size());
  EXPECT_EQ(fw::dt::reg(node, 0)->begin().value(), Ipa(plan.grant_table_window.begin()).value());
  EXPECT_EQ(fw::dt::reg(node, 0)->size(), 64 * kFrameSize);
  EXPECT_EQ(node.property("interrupts")->cell(1), plan.event_channel_ppi.value() - 16);
}

TEST(DomainTree, CpusArePsciByHvc) {
  VirtMachine machine = bootable();
  machine.cpus = 18;
  DomainTree d(machine);
  const Node psci = d.node("/psci");
  EXPECT_EQ(psci.string("method"), "hvc");
  EXPECT_TRUE(psci.is_compatible("arm,psci-1.0"));
  EXPECT_EQ(psci.cell("cpu_on"), 2u);
  const Node last = d.node("/cpus/cpu@101");
  ASSERT_TRUE(last);
  EXPECT_EQ(last.cell("reg"), 0x101u);
  EXPECT_EQ(last.string("enable-method"), "psci");
  EXPECT_TRUE(last.is_compatible("arm,cortex-a53"));
  EXPECT_EQ(last.phandle(), 0x100u + 17);
  EXPECT_FALSE(d.node("/cpus/cpu@102"));
}

TEST(DomainTree, VcpusLookLikeTheCpusTheyRunOn) {
  VirtMachine machine = bootable();
  machine.cpus = 4;
  PlanInput input;
  const std::uint16_t cpus[] = {0, 3};
  input.cpus = cpus;
  DomainTree d(machine, input);
  EXPECT_TRUE(d.node("/cpus/cpu@0").is_compatible("arm,cortex-a57"));
  EXPECT_TRUE(d.node("/cpus/cpu@1").is_compatible("arm,cortex-a53"));
  EXPECT_FALSE(d.node("/cpus/cpu@2"));
}

TEST(DomainTree, ChosenIsTheDomains) {
  VirtMachine machine = bootable();
  DomainTree d(machine);
  const Node chosen = d.node("/chosen");
  EXPECT_EQ(chosen.string("bootargs"), "console=hvc0 root=/dev/vda");
  EXPECT_TRUE(chosen.has("kaslr-seed"));
  EXPECT_FALSE(chosen.has("stdout-path"));
  EXPECT_FALSE(chosen.has("xen,xen-bootargs"));
  EXPECT_EQ(chosen.property("linux,initrd-start")->as_number(), 0x5800'0000u);
  EXPECT_EQ(chosen.property("linux,initrd-end")->as_number(), 0x5812'3456u);
}

TEST(DomainTree, StdoutPathStaysIfItsUartDoes) {
  VirtMachine machine = bootable();
  machine.command_line = "dtuart=/serial@9040000";
  machine.more = [](TreeBuilder& b) {
    b.begin("serial@9040000")
        .text("compatible", "arm,pl011")
        .wide("reg", {0x904'0000, 0x1000})
        .end();
  };
  DomainTree d(machine);
  EXPECT_EQ(d.node("/chosen").string("stdout-path"), "/pl011@9000000:115200n8");
  EXPECT_TRUE(d.node("/pl011@9000000"));
  EXPECT_FALSE(d.node("/serial@9040000"));
}

TEST(DomainTree, MemoryIsTheBanks) {
  VirtMachine machine = bootable();
  machine.command_line = "dom0_mem=512M";
  machine.in_reserved = [](TreeBuilder& b) {
    b.begin("cma@60000000").wide("reg", {0x6000'0000, 0x100'0000}).flag("reusable").end();
  };
  machine.reservations = {{0x7fff'0000, 0x1000}};
  DomainTree d(machine);
  const auto ram = platform::read_ram(d.tree.tree(), d.tree.arena, d.tree.notes);
  ASSERT_TRUE(ram.has_value());
  std::uint64_t total = 0;
  for (const platform::RamBank& bank : *ram)
    total += bank.range.size();
  // The CMA, and the page that is reserved, come on top.
  EXPECT_EQ(total, 512 * kMiB + 16 * kMiB + kFrameSize);
  EXPECT_TRUE(d.node("/reserved-memory/cma@60000000").has("reusable"));
  ASSERT_EQ(d.tree.tree().memory_reservations().size(), 1u);
  EXPECT_FALSE(d.node("/memory@40000000"));
}

TEST(DomainTree, PassthroughNodesAreDisabled) {
  VirtMachine machine = bootable();
  machine.more = [](TreeBuilder& b) {
    b.begin("eth@c000000").wide("reg", {0xc00'0000, 0x1000}).text("status", "okay");
    b.flag("xen,passthrough").begin("phy").end().end();
  };
  DomainTree d(machine);
  EXPECT_FALSE(d.node("/eth@c000000").is_available());
  EXPECT_FALSE(d.node("/eth@c000000").has("xen,passthrough"));
  EXPECT_TRUE(d.node("/eth@c000000/phy"));
}

TEST(DomainTree, OtherNodesAndPropertiesAreCopiedAsTheyAre) {
  VirtMachine machine = bootable();
  Planned p(machine);
  const Opened t = p.domain_tree();
  std::size_t compared = 0;
  for (std::uint32_t i = 1; i < p.tree->node_count(); ++i) {
    const Node host = p.tree->node(fw::dt::NodeId{i});
    if (p.plan().nodes[i].action != NodeAction::kKeep) continue;
    const Node ours = t.tree().find(host.path().view());
    ASSERT_TRUE(ours);
    for (const fw::dt::Property property : host.properties()) {
      if (property.name() == "msi-map") continue;
      const auto copy = ours.property(property.name());
      ASSERT_TRUE(copy.has_value());
      EXPECT_TRUE(std::ranges::equal(copy->bytes(), property.bytes()));
      ++compared;
    }
  }
  EXPECT_GT(compared, 40u);
}

TEST(DomainTree, AnotherHypervisorsNodeIsReplaced) {
  VirtMachine machine = bootable();
  machine.more = [](TreeBuilder& b) {
    b.begin("hypervisor").text("compatible", "xen,xen").wide("reg", {0xb000'0000, 0x1000}).end();
  };
  DomainTree d(machine);
  EXPECT_EQ(d.node("/hypervisor").property("compatible")->string_at(0), "xen,xen-4.17");
}

TEST(DomainTree, ABufferThatIsTooSmallIsAnError) {
  VirtMachine machine = bootable();
  Planned p(machine);
  ASSERT_TRUE(p.ok());
  const auto phase = image::BootPhaseMaker::make();
  const std::size_t bound = tree_size_bound(p.input);
  std::size_t refused = 0;
  for (std::size_t size = 64; size < bound; size += 512) {
    std::vector<std::uint64_t> out(size / 8);
    const auto written =
        write_tree(p.input, p.plan(), std::as_writable_bytes(std::span(out)), phase, p.notes);
    if (written) break;
    EXPECT_EQ(written.error(), Error::kTooLarge);
    ++refused;
  }
  EXPECT_GT(refused, 4u);
}

}  // namespace
}  // namespace socle::hwdom
