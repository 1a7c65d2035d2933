// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "platform/read.h"

namespace socle::platform {

using fw::dt::InterruptReader;
using fw::dt::InterruptSpec;
using fw::dt::Node;

namespace {

constexpr std::array<std::string_view, 1> kV3 = {"arm,gic-v3"};
constexpr std::array<std::string_view, 9> kV2 = {
    "arm,gic-400",       "arm,cortex-a15-gic",  "arm,cortex-a7-gic",
    "arm,cortex-a9-gic", "arm,eb11mp-gic",      "arm,pl390",
    "arm,tc11mp-gic",    "brcm,brahma-b15-gic", "qcom,msm-qgic2"};

Gic::Version gic_version(const Node& node) {
  const auto compatible = node.property("compatible");
  if (!compatible) return Gic::Version::kNone;
  for (const std::string_view name : kV3)
    if (compatible->contains(name)) return Gic::Version::kV3;
  for (const std::string_view name : kV2)
    if (compatible->contains(name)) return Gic::Version::kV2;
  return Gic::Version::kNone;
}

// The GIC that the CPUs hang on: a second one (an audio processor's, say) reports to the first.
Node find_gic(const Reader& reader) {
  Node first = reader.tree.node(fw::dt::kNoNode);
  for (std::uint32_t i = 0; i < reader.tree.node_count(); ++i) {
    const Node node = reader.tree.node(NodeId{i});
    if (!node.is_interrupt_controller() || !node.is_enabled() ||
        gic_version(node) == Gic::Version::kNone)
      continue;
    const Node above = node.interrupt_parent();
    if (!above || above == node) return node;
    if (!first) first = node;
  }
  return first;
}

PaRange region(const Node& node, std::size_t index) {
  return fw::dt::reg(node, index).value_or(PaRange());
}

// GICC, GICH, GICV stand behind the distributor (v2) or the redistributors (v3), if at all.
void read_old_interfaces(const Node& node, std::size_t first, Gic& gic) {
  const std::size_t count = fw::dt::reg_count(node).value_or(0);
  if (first < count) gic.cpu_interface = region(node, first);
  if (first + 1 < count) gic.hypervisor_interface = region(node, first + 1);
  if (first + 2 < count) gic.virtual_interface = region(node, first + 2);
}

// Some trees give every part 64 KiB, where the next one stands a few KiB further (Rockchip's
// RK3576): a part ends there.
void end_where_the_next_begins(Gic& gic) {
  PaRange* const parts[] = {&gic.distributor, &gic.cpu_interface, &gic.hypervisor_interface,
                            &gic.virtual_interface};
  for (PaRange* const part : parts)
    for (const PaRange* const next : parts)
      if (next->begin() > part->begin() && next->begin() < part->end())
        *part = PaRange(part->begin(), next->begin());
}

void read_v2(const Node& node, Gic& gic) {
  read_old_interfaces(node, 1, gic);
  end_where_the_next_begins(gic);
}

void read_v3(const Reader& reader, const Node& node, Gic& gic) {
  const std::size_t stated = node.cell("#redistributor-regions").value_or(1);
  const std::size_t count = fw::dt::reg_count(node).value_or(0);
  for (std::size_t i = 0; i < stated && i + 1 < count; ++i) {
    const PaRange range = region(node, i + 1);
    if (range.empty()) continue;
    if (!gic.redistributors.push_back(range)) {
      reader.notes.warning("{}: reg: more than {} redistributor regions", node.path().view(),
                           Gic::kMaxRedistributorRegions);
      break;
    }
  }
  if (const auto stride = node.property("redistributor-stride"))
    gic.redistributor_stride = stride->as_number().value_or(0);
  read_old_interfaces(node, stated + 1, gic);
  for (const Node child : node.children()) {
    if (!child.is_available() || !child.is_compatible("arm,gic-v3-its")) continue;
    if (!gic.its.push_back({region(child, 0), child.id()}))
      reader.notes.warning("{}: more than {} ITSs", node.path().view(), Gic::kMaxIts);
  }
}

}  // namespace

namespace {

Trigger trigger_of(std::uint32_t flags) {
  switch (flags & 0xf) {
    case 1:
      return Trigger::kEdgeRising;
    case 2:
      return Trigger::kEdgeFalling;
    case 4:
      return Trigger::kLevelHigh;
    case 8:
      return Trigger::kLevelLow;
    default:
      return Trigger::kUnknown;
  }
}

constexpr std::uint32_t kSpi = 0;
constexpr std::uint32_t kPpi = 1;
constexpr std::uint32_t kSpiCount = 1020 - 32;

// Wake-up and polarity controllers that sit in front of the GIC and number their inputs like it
// (type, number, flags). Such a one has no interrupt of its own; these have one all the same.
constexpr std::array<std::string_view, 4> kPassThrough = {
    "allwinner,sun6i-a31-r-intc", "allwinner,sun50i-h6-r-intc", "fsl,imx8mq-gpc", "fsl,imx7-gpc"};

bool passes_through(const Gic& gic, const Node& controller) {
  if (controller.interrupt_parent().id() != gic.node ||
      controller.interrupt_cells() != gic.interrupt_cells)
    return false;
  if (!controller.has("interrupts") && !controller.has("interrupts-extended")) return true;
  for (const std::string_view compatible : kPassThrough)
    if (controller.is_compatible(compatible)) return true;
  return false;
}

}  // namespace

std::optional<Interrupt> decode_interrupt(const Gic& gic, const Node& node,
                                          const InterruptSpec& spec) {
  const bool is_direct = spec.controller.id() == gic.node;
  if (gic.node == fw::dt::kNoNode || spec.count < 3) return std::nullopt;
  const std::uint32_t number = spec.cells[1];
  if (!is_direct) {
    if (spec.cells[0] != kSpi || number >= kSpiCount || !passes_through(gic, spec.controller))
      return std::nullopt;
    return Interrupt{IntId(number + 32), trigger_of(spec.cells[2])};
  }
  if (spec.cells[0] == kSpi && number < kSpiCount)
    return Interrupt{IntId(number + 32), trigger_of(spec.cells[2])};
  if (spec.cells[0] == kPpi && number < 16)
    return Interrupt{IntId(number + 16), trigger_of(spec.cells[2])};
  node.tree().notes().warning("{}: interrupts: <{} {}> is no SPI or PPI of the GIC, ignored",
                              node.path().view(), spec.cells[0], number);
  return std::nullopt;
}

void read_gic(const Reader& reader, Platform& out) {
  const Node node = find_gic(reader);
  if (!node) return;
  Gic& gic = out.gic;
  gic.node = node.id();
  gic.version = gic_version(node);
  gic.interrupt_cells = node.interrupt_cells().value_or(0);
  gic.distributor = region(node, 0);
  if (gic.version == Gic::Version::kV3)
    read_v3(reader, node, gic);
  else
    read_v2(node, gic);
  if (gic.interrupt_cells < 3 || gic.interrupt_cells > fw::dt::kMaxInterruptCells ||
      gic.distributor.empty()) {
    reader.notes.warning("{}: no usable #interrupt-cells or reg", node.path().view());
    gic.version = Gic::Version::kNone;
    return;
  }
  InterruptReader interrupts(node);
  if (const auto first = interrupts.next(); first && *first && (*first)->controller == node)
    gic.maintenance = decode_interrupt(gic, node, **first);
}

namespace {

std::optional<Interrupt>* timer_slot(Timer& timer, std::string_view name) {
  if (name == "sec-phys") return &timer.secure_physical;
  if (name == "phys") return &timer.physical;
  if (name == "virt") return &timer.virt;
  if (name == "hyp-phys") return &timer.hypervisor;
  if (name == "hyp-virt") return &timer.hypervisor_virtual;
  return nullptr;
}

constexpr std::array<std::string_view, 5> kTimerOrder = {"sec-phys", "phys", "virt", "hyp-phys",
                                                         "hyp-virt"};

}  // namespace

void read_timer(const Reader& reader, Platform& out) {
  for (std::uint32_t i = 0; i < reader.tree.node_count(); ++i) {
    const Node node = reader.tree.node(NodeId{i});
    if (!node.is_enabled()) continue;
    if (!node.is_compatible("arm,armv8-timer") && !node.is_compatible("arm,armv7-timer")) continue;
    out.timer.node = node.id();
    out.timer.frequency_hz = node.cell("clock-frequency").value_or(0);
    const auto names = node.property("interrupt-names");
    InterruptReader interrupts(node);
    for (std::size_t number = 0;; ++number) {
      const auto spec = interrupts.next();
      if (!spec || !*spec) break;
      const auto name =
          names ? names->string_at(number)
                : (number < kTimerOrder.size() ? std::optional(kTimerOrder[number]) : std::nullopt);
      std::optional<Interrupt>* slot = name ? timer_slot(out.timer, *name) : nullptr;
      if (slot != nullptr) *slot = decode_interrupt(out.gic, node, **spec);
    }
    return;
  }
}

}  // namespace socle::platform
