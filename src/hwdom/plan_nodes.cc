// SPDX-License-Identifier: Apache-2.0

// What becomes of each node of the host's tree (xen-abi 2.1).

#include <algorithm>
#include <array>

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

using fw::dt::Node;

const char* to_string(NodeReason reason) {
  switch (reason) {
    case NodeReason::kNone:
      return "the domain's";
    case NodeReason::kConsole:
      return "Socle's console";
    case NodeReason::kInterruptController:
      return "virtual interrupt controller";
    case NodeReason::kIts:
      return "no virtual ITS";
    case NodeReason::kTimer:
      return "virtual timer";
    case NodeReason::kMemoryMappedTimer:
      return "hypervisor's timer frames";
    case NodeReason::kIommu:
      return "IOMMUs are Socle's";
    case NodeReason::kPrivateInterrupt:
      return "uses a private interrupt";
    case NodeReason::kPmu:
      return "no virtual PMU";
    case NodeReason::kCpus:
      return "virtual CPUs";
    case NodeReason::kMemory:
      return "the domain's own banks";
    case NodeReason::kPsci:
      return "virtual PSCI";
    case NodeReason::kHypervisor:
      return "another hypervisor's";
    case NodeReason::kChosen:
      return "the domain's command line";
    case NodeReason::kBootModule:
      return "boot module";
    case NodeReason::kEdac:
      return "reads registers that are not a guest's";
    case NodeReason::kPassthrough:
      return "xen,passthrough";
    case NodeReason::kNuma:
      return "one node only";
  }
  return "";
}

namespace {

struct Named {
  std::string_view compatible;
  NodeReason reason;
};
constexpr std::array<Named, 21> kDropped = {{
    {"xen,xen", NodeReason::kHypervisor},
    {"multiboot,module", NodeReason::kBootModule},
    {"xen,multiboot-module", NodeReason::kBootModule},
    {"arm,psci", NodeReason::kPsci},
    {"arm,psci-0.2", NodeReason::kPsci},
    {"arm,psci-1.0", NodeReason::kPsci},
    {"arm,armv8-timer", NodeReason::kTimer},
    {"arm,armv7-timer", NodeReason::kTimer},
    {"arm,armv7-timer-mem", NodeReason::kMemoryMappedTimer},
    {"arm,gic-v3-its", NodeReason::kIts},
    {"arm,cortex-a53-edac", NodeReason::kEdac},
    {"arm,armv8-pmuv3", NodeReason::kPmu},
    {"arm,dsu-pmu", NodeReason::kPmu},
    {"apm,potenza-pmu", NodeReason::kPmu},
    {"brcm,vulcan-pmu", NodeReason::kPmu},
    {"cavium,thunder-pmu", NodeReason::kPmu},
    {"nvidia,carmel-pmu", NodeReason::kPmu},
    {"nvidia,denver-pmu", NodeReason::kPmu},
    {"qcom,kryo-pmu", NodeReason::kPmu},
    {"arm,statistical-profiling-extension-v1", NodeReason::kPmu},
    {"numa-distance-map-v1", NodeReason::kNuma},
}};

// arm,cortex-a57-pmu, arm,neoverse-n1-pmu: the CPUs' own counters, in system registers.
bool is_cpu_pmu(std::string_view compatible) {
  return compatible.ends_with("-pmu") &&
         (compatible.starts_with("arm,cortex-") || compatible.starts_with("arm,neoverse-") ||
          compatible.starts_with("apple,"));
}

NodeReason reason_by_compatible(const Node& node) {
  const auto property = node.property("compatible");
  for (std::size_t i = 0; property && i < 16; ++i) {
    const auto name = property->string_at(i);
    if (!name) break;
    for (const Named& named : kDropped)
      if (named.compatible == *name) return named.reason;
    if (is_cpu_pmu(*name)) return NodeReason::kPmu;
  }
  return NodeReason::kNone;
}

// Places below the root that the domain's tree fills itself.
NodeReason reason_by_place(const Node& node) {
  if (node.depth() != 1) return NodeReason::kNone;
  const auto type = node.property("device_type");
  const std::string_view name = node.base_name();
  if (type && type->string_at(0) == "memory") return NodeReason::kMemory;
  if (name == "memory" && !node.has("compatible")) return NodeReason::kMemory;
  if (name == "cpus") return NodeReason::kCpus;
  if (name == "psci") return NodeReason::kPsci;
  if (name == "hypervisor") return NodeReason::kHypervisor;
  return NodeReason::kNone;
}

bool uses_private_interrupt(const platform::Device* device) {
  return device != nullptr && std::ranges::any_of(device->interrupts, [](const auto& interrupt) {
           return interrupt.id.is_private();
         });
}

NodeDecision drop(NodeReason reason) {
  return {.action = NodeAction::kDrop, .reason = reason};
}

// Devices that must stay Socle's, wherever they stand and whatever else they are.
NodeReason reason_to_keep(const Planner& planner, const Node& node, IommuRequests& requests) {
  const platform::Platform& platform = planner.platform();
  if (planner.console() != nullptr && node.id() == planner.console()->node)
    return NodeReason::kConsole;
  if (node.is_compatible("arm,gic-v3-its")) return NodeReason::kIts;
  const bool is_iommu =
      std::ranges::binary_search(platform.iommus, node.id(), {}, &platform::Iommu::node);
  return is_iommu && !requests.names(node) ? NodeReason::kIommu : NodeReason::kNone;
}

NodeDecision decide_by_itself(const Planner& planner, const Node& node) {
  const platform::Platform& platform = planner.platform();
  if (node.id() == platform.gic.node)
    return {.action = NodeAction::kRewrite, .reason = NodeReason::kInterruptController};
  if (node.id() == platform.timer.node)
    return {.action = NodeAction::kRewrite, .reason = NodeReason::kTimer};
  if (node.depth() == 1 && node.name() == "chosen")
    return {.action = NodeAction::kRewrite, .reason = NodeReason::kChosen};
  if (const NodeReason reason = reason_by_place(node); reason != NodeReason::kNone)
    return drop(reason);
  if (const NodeReason reason = reason_by_compatible(node); reason != NodeReason::kNone)
    return drop(reason);
  if (uses_private_interrupt(platform.device(node.id())))
    return drop(NodeReason::kPrivateInterrupt);
  if (node.has("xen,passthrough"))
    return {.action = NodeAction::kKeepDisabled, .reason = NodeReason::kPassthrough};
  return {};
}

NodeDecision decide(const Planner& planner, const Node& node, IommuRequests& requests) {
  if (node.depth() == 0) return {};
  if (const NodeReason reason = reason_to_keep(planner, node, requests);
      reason != NodeReason::kNone)
    return drop(reason);
  const Node parent = node.parent();
  const NodeDecision above = planner.decision(parent.id());
  if (above.action == NodeAction::kDrop || above.action == NodeAction::kKeepDisabled) return above;
  // The rewritten GIC keeps only children that stand for devices (a GICv2m frame).
  const bool below_gic = above.reason == NodeReason::kInterruptController;
  if (below_gic && !node.has("compatible")) return drop(NodeReason::kInterruptController);
  return decide_by_itself(planner, node);
}

bool describes_as_a_whole(const Node& node) {
  const policy::Rule* rule = policy::find_rule(traits_of(node).view());
  return rule != nullptr && rule->outer_region_only;
}

}  // namespace

IommuRequests::IommuRequests(const Planner& planner) {
  for (const std::string_view name : planner.input.options->iommu_passthrough) {
    const NodeId node = name.starts_with('/') ? planner.tree().find(name).id() : fw::dt::kNoNode;
    CHECK(requests_.push_back({.name = name, .node = node}).has_value());
  }
}

bool IommuRequests::names(const Node& iommu) {
  bool found = false;
  for (Request& request : requests_) {
    const bool is_meant =
        request.name == "all" || request.node == iommu.id() || iommu.is_compatible(request.name);
    request.is_met = request.is_met || is_meant;
    found = found || is_meant;
  }
  return found;
}

void IommuRequests::warn(Planner& planner) const {
  for (const Request& request : requests_)
    if (!request.is_met)
      planner.notes.warning("iommu-passthrough={}: no IOMMU of this path or compatible",
                            request.name);
}

Result<> decide_nodes(Planner& planner) {
  const std::size_t count = planner.tree().node_count();
  const std::span<NodeDecision> decisions = TRY(planner.arena.allocate<NodeDecision>(count));
  planner.out.nodes = decisions;
  IommuRequests requests(planner);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Node node = planner.tree().node(NodeId{i});
    decisions[i] = decide(planner, node, requests);
    if (i == 0) continue;
    const Node parent = node.parent();
    decisions[i].part_of_parent =
        decisions[index_of(parent.id())].part_of_parent || describes_as_a_whole(parent);
  }
  requests.warn(planner);
  return {};
}

}  // namespace socle::hwdom
