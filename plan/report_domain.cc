// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "plan/report_parts.h"

namespace socle::plan {

namespace {

using hwdom::RegionDecision;

// A node's path, or the name of what has none.
std::string name_of(const Board& board, fw::dt::NodeId node, std::string_view name) {
  return name.empty() ? path_of(board, node) : printable(name);
}

PaRange bytes_of(const MfnRange& frames) {
  return PaRange(Pa(frames.begin()), Pa(frames.end()));
}
Range<Ipa> bytes_of(const GfnRange& frames) {
  return Range<Ipa>(Ipa(frames.begin()), Ipa(frames.end()));
}

std::string permission_letters(const Permissions& permissions) {
  return {permissions.read ? 'r' : '-', permissions.write ? 'w' : '-',
          permissions.execute ? 'x' : '-'};
}

MappingFacts facts_of(const Board& board, const hwdom::Mapping& mapping) {
  MappingFacts out;
  out.guest = bytes_of(mapping.gfns());
  out.machine = bytes_of(mapping.mfns());
  out.type = to_string(mapping.attributes.type());
  out.permissions = permission_letters(mapping.attributes.permissions());
  out.reason = mapping.attributes.reason();
  if (mapping.source != fw::dt::kNoNode) out.nodes.push_back(path_of(board, mapping.source));
  return out;
}

// The names of the nodes whose regions begin in each mapping. Regions come by node, so a name that
// is there already is the last one, or the mapping's first source.
void add_nodes(const Board& board, std::vector<MappingFacts>& mappings) {
  for (const RegionDecision& decision : board.plan->regions) {
    if (decision.outcome != RegionDecision::Outcome::kMapped &&
        decision.outcome != RegionDecision::Outcome::kPartlyKept)
      continue;
    const Ipa begin(decision.region.range.begin().value());  // devices are mapped 1:1
    const auto at = std::ranges::upper_bound(
        mappings, begin, {}, [](const MappingFacts& mapping) { return mapping.guest.end(); });
    if (at == mappings.end() || !at->guest.contains(begin)) continue;
    std::string name = name_of(board, decision.node, decision.name);
    if (at->nodes.empty() || (at->nodes.front() != name && at->nodes.back() != name))
      at->nodes.push_back(std::move(name));
  }
}

// Of UEFI's devices only the addresses are known.
void name_firmwares_devices(const Board& board, std::vector<MappingFacts>& mappings) {
  for (const fw::EfiMemoryRange& range : board.input.efi_memory) {
    if (range.use() != fw::EfiMemoryRange::Use::kDevice) continue;
    const Ipa begin(range.range.begin().value());
    const auto at = std::ranges::upper_bound(
        mappings, begin, {}, [](const MappingFacts& mapping) { return mapping.guest.end(); });
    if (at != mappings.end() && at->guest.contains(begin) && at->nodes.empty())
      at->nodes.emplace_back("memory map");
  }
}

std::vector<MappingFacts> read_mappings(const Board& board) {
  std::vector<MappingFacts> out;
  for (const hwdom::Mapping& mapping : board.plan->mappings)
    out.push_back(facts_of(board, mapping));
  add_nodes(board, out);
  if (board.is_acpi()) name_firmwares_devices(board, out);
  return out;
}

std::vector<Place> read_kept(const Board& board) {
  std::vector<Place> out;
  for (const hwdom::KeptMemory& memory : board.plan->kept_memory)
    out.push_back({memory.range, fmt::format("Socle's {}", memory.what), ""});
  for (const hwdom::KeptDevice& device : board.plan->kept_devices) {
    std::string why = to_string(device.reason);
    if (device.shares_page_with != fw::dt::kNoNode)
      why += fmt::format("; its page is shared with {}", path_of(board, device.shares_page_with));
    out.push_back({device.region.range, why, name_of(board, device.node, device.name)});
  }
  return out;
}

bool is_domains(const Board& board, fw::dt::NodeId node) {
  return node != fw::dt::kNoNode &&
         board.plan->nodes[index_of(node)].action == hwdom::NodeAction::kKeep;
}

// Nothing for what is mapped, or listed elsewhere as kept.
const char* why_not_mapped(const Board& board, const RegionDecision& decision) {
  switch (decision.outcome) {
    case RegionDecision::Outcome::kMapped:
    case RegionDecision::Outcome::kInRam:
      return nullptr;
    case RegionDecision::Outcome::kKept:
      return is_domains(board, decision.node) ? "all of its pages are Socle's" : nullptr;
    case RegionDecision::Outcome::kInOtherRam:
      return "in RAM that dom0 does not have";
    case RegionDecision::Outcome::kPartlyKept:
      return "some of its pages are Socle's: those are not mapped";
    case RegionDecision::Outcome::kNotDescribed:
      return "its node is not in dom0's tree";
    case RegionDecision::Outcome::kBeyondSpace:
      return "beyond the address space";
    case RegionDecision::Outcome::kFirmwares:
      return "in memory of firmware's own";
    case RegionDecision::Outcome::kEmpty:
      return "size 0";
  }
  return nullptr;
}

std::vector<Place> read_not_mapped(const Board& board) {
  std::vector<Place> out;
  for (const RegionDecision& decision : board.plan->regions)
    if (const char* why = why_not_mapped(board, decision); why != nullptr)
      out.push_back({decision.region.range, why, name_of(board, decision.node, decision.name)});
  return out;
}

// Regions are rounded outwards. Inside dom0 that gives nobody anything new; who writes a driver, or
// gives one of the devices to another domain, wants to know.
std::vector<SharedPage> read_shared_pages(const Board& board) {
  std::map<Mfn, std::vector<std::string>> parts;
  for (const RegionDecision& decision : board.plan->regions) {
    const bool is_mapped = decision.outcome == RegionDecision::Outcome::kMapped ||
                           decision.outcome == RegionDecision::Outcome::kPartlyKept;
    const bool has_node = decision.node != fw::dt::kNoNode;
    if (!is_mapped || (has_node && board.plan->nodes[index_of(decision.node)].part_of_parent))
      continue;
    const std::string name = name_of(board, decision.node, decision.name);
    const PaRange& range = decision.region.range;
    for (const Pa edge : {range.begin(), range.end() - 1}) {
      const PaRange page(Pa(edge.frame()), Pa(edge.frame()) + kFrameSize);
      if (range.contains(page)) continue;
      std::vector<std::string>& nodes = parts[edge.frame()];
      if (nodes.empty() || nodes.back() != name) nodes.push_back(name);
    }
  }
  std::vector<SharedPage> out;
  for (const auto& [frame, nodes] : parts) {
    if (nodes.size() < 2) continue;
    out.push_back({PaRange(Pa(frame), Pa(frame) + kFrameSize), nodes});
  }
  return out;
}

const char* action_name(hwdom::NodeAction action) {
  switch (action) {
    case hwdom::NodeAction::kKeep:
      return "kept";
    case hwdom::NodeAction::kKeepDisabled:
      return "disabled";
    case hwdom::NodeAction::kRewrite:
      return "rewritten";
    case hwdom::NodeAction::kDrop:
      return "dropped";
  }
  return "";
}

// A node that goes with its parent, for the parent's reason, needs no line of its own.
bool goes_with_parent(const Board& board, const fw::dt::Node& node) {
  if (node.depth() == 0) return false;
  const auto nodes = board.plan->nodes;
  const hwdom::NodeDecision& own = nodes[index_of(node.id())];
  const hwdom::NodeDecision& above = nodes[index_of(node.parent().id())];
  return own.action == above.action && own.reason == above.reason &&
         own.action != hwdom::NodeAction::kRewrite;
}

std::vector<NodeFacts> read_nodes(const Board& board) {
  std::vector<NodeFacts> out;
  for (std::uint32_t i = 0; i < board.plan->nodes.size(); ++i) {
    const hwdom::NodeDecision& decision = board.plan->nodes[i];
    const fw::dt::Node node = board.tree->node(fw::dt::NodeId{i});
    if (decision.action == hwdom::NodeAction::kKeep || goes_with_parent(board, node)) continue;
    out.push_back(
        {path_of(board, node.id()), action_name(decision.action), to_string(decision.reason)});
  }
  return out;
}

}  // namespace

DomainFacts read_domain_facts(const Board& board) {
  const hwdom::DomainPlan& plan = *board.plan;
  DomainFacts out;
  out.vcpus = static_cast<unsigned>(plan.vcpus.size());
  out.ram_bytes = plan.ram_bytes;
  out.event_channel_interrupt = plan.event_channel_ppi.value();
  out.grant_window = bytes_of(plan.grant_table_window);
  for (const GfnRange& region : plan.extended_regions)
    out.extended_regions.push_back(bytes_of(region));
  out.mmio_fault = plan.mmio_fault;
  for (const MfnRange& range : plan.permitted)
    out.permitted.push_back(bytes_of(range));
  if (plan.kernel) out.kernel = plan.kernel->target;
  if (plan.initrd) out.initrd = plan.initrd->target;
  out.command_line = printable(plan.command_line);
  out.mappings = read_mappings(board);
  out.kept = read_kept(board);
  out.not_mapped = read_not_mapped(board);
  out.shared_pages = read_shared_pages(board);
  for (const hwdom::InterruptRoute& route : plan.interrupts)
    out.interrupts.push_back({route.interrupt.id.value(), trigger_name(route.interrupt.trigger),
                              name_of(board, route.node, route.name)});
  out.has_all_spis = plan.has_all_spis;
  out.all_spis_because_of = path_of(board, plan.all_spis_because_of);
  out.nodes = read_nodes(board);
  return out;
}

}  // namespace socle::plan
