// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/iort.h"

#include <algorithm>

namespace socle::fw::acpi {

namespace {

// The table and the header of nodes.
constexpr std::size_t kNodeCount = 36;
constexpr std::size_t kFirstNode = 40;
constexpr std::size_t kTableHeader = 48;
constexpr std::size_t kMappingCount = 8;
constexpr std::size_t kMappings = 12;
constexpr std::size_t kNodeHeader = 16;
constexpr std::size_t kMapping = 20;
constexpr std::size_t kRmrEntry = 20;
constexpr std::size_t kMaxNodes = 4096;
constexpr std::size_t kMaxContexts = 128;  // of an SMMUv2
constexpr std::uint64_t kSmmuV3Size = 128 * kKiB;
// This one has no second page of registers.
constexpr std::uint32_t kCaviumThunderX2 = 2;

PaRange range_of(std::uint64_t base, std::uint64_t size) {
  return base == 0 ? PaRange() : PaRange::from_size(Pa(base), size).value_or(PaRange());
}

IortInterrupt interrupt_at(const IortNode& node, std::uint64_t at) {
  return {node.fields.u32(at), (node.fields.u32(at + 4) & 1) != 0};
}

// Mappings stand in their node, behind its header.
std::uint32_t count_mappings(const Fields& fields, std::size_t offset, Diagnostics& notes) {
  const std::uint32_t stated = fields.u32(kMappingCount);
  const std::uint32_t at = fields.u32(kMappings);
  const std::size_t room = at < kNodeHeader || at > fields.size() ? 0 : fields.size() - at;
  if (stated <= room / kMapping) return stated;
  notes.warning("IORT: the node at {#x} has room for {} of its {} ID mappings", offset,
                room / kMapping, stated);
  return static_cast<std::uint32_t>(room / kMapping);
}

// A line for each node with a mapping that leads nowhere; who uses mappings leaves it out.
void check_references(const Iort& iort, Diagnostics& notes) {
  for (const IortNode& node : iort.nodes())
    for (std::uint32_t i = 0; i < node.mapping_count; ++i) {
      const IdMapping mapping = read_id_mapping(node, i);
      const IortNode* target = iort.node_at(mapping.target);
      if (target != nullptr && target != &node) continue;
      notes.warning("IORT: the node at {#x}: ID mapping {} leads to {#x}, where no other node is",
                    node.offset, i, mapping.target);
      break;
    }
}

}  // namespace

Result<Iort> Iort::read(const Table& table, Arena& arena, Diagnostics& notes) {
  ArenaVector<IortNode> nodes(arena);
  const std::uint32_t first = table.fields.u32(kFirstNode);
  const std::uint32_t count = first < kTableHeader ? 0 : table.fields.u32(kNodeCount);
  if (count == 0) notes.warning("IORT: no nodes at {#x}", first);
  Structures walk(table.fields, "IORT", first, StructureHeader::kWordLength, notes, count);
  while (const auto found = walk.next()) {
    if (nodes.size() == kMaxNodes) {
      notes.warning("IORT: more than {} nodes, the rest is ignored", kMaxNodes);
      break;
    }
    if (found->fields.size() < kNodeHeader) {
      notes.warning("IORT: the node at {#x} is too short, ignored", found->offset);
      continue;
    }
    TRY(nodes.push_back({found->type, static_cast<std::uint32_t>(found->offset), found->fields,
                         count_mappings(found->fields, found->offset, notes)}));
  }
  Iort out;
  out.nodes_ = nodes.finish();
  check_references(out, notes);
  return out;
}

const IortNode* Iort::node_at(std::uint32_t offset) const {
  const auto found = std::ranges::lower_bound(nodes_, offset, {}, &IortNode::offset);
  return found == nodes_.end() || found->offset != offset ? nullptr : &*found;
}

IdMapping read_id_mapping(const IortNode& node, std::uint32_t index) {
  const std::uint64_t at = node.fields.u32(kMappings) + std::uint64_t{index} * kMapping;
  return {.input = node.fields.u32(at),
          .count = std::uint64_t{node.fields.u32(at + 4)} + 1,
          .output = node.fields.u32(at + 8),
          .target = node.fields.u32(at + 12),
          .is_single = (node.fields.u32(at + 16) & 1) != 0};
}

RootComplex read_root_complex(const IortNode& node) {
  return {.segment = node.fields.u32(28), .is_coherent = node.fields.u32(16) == 1};
}

std::string_view named_component_path(const IortNode& node) {
  return node.fields.text(29, node.fields.size());
}

Smmu read_smmu(const IortNode& node) {
  const std::size_t interrupts = node.fields.u32(48);
  const std::size_t room =
      interrupts > node.fields.size() ? 0 : (node.fields.size() - interrupts) / 8;
  return {
      range_of(node.fields.u64(16), node.fields.u64(24)),
      static_cast<std::uint32_t>(std::min<std::size_t>({node.fields.u32(44), room, kMaxContexts}))};
}

IortInterrupt smmu_global_interrupt(const IortNode& node) {
  return interrupt_at(node, node.fields.u32(40));
}

IortInterrupt smmu_context_interrupt(const IortNode& node, std::uint32_t index) {
  return interrupt_at(node, node.fields.u32(48) + std::uint64_t{index} * 8);
}

SmmuV3 read_smmu_v3(const IortNode& node) {
  const Fields& fields = node.fields;
  const std::uint32_t model = fields.u32(40);
  return {
      .range = range_of(fields.u64(16), model == kCaviumThunderX2 ? kSmmuV3Size / 2 : kSmmuV3Size),
      .is_coherent = (fields.u32(24) & 1) != 0,
      .model = model,
      .event_gsiv = fields.u32(44),
      .pri_gsiv = fields.u32(48),
      .error_gsiv = fields.u32(52),
      .sync_gsiv = fields.u32(56)};
}

Pmcg read_pmcg(const IortNode& node) {
  return {Pa(node.fields.u64(16)), Pa(node.fields.u64(32)), node.fields.u32(24)};
}

std::uint32_t rmr_count(const IortNode& node) {
  const std::uint32_t at = node.fields.u32(24);
  if (at < kNodeHeader || at > node.fields.size()) return 0;
  const std::size_t room = (node.fields.size() - at) / kRmrEntry;
  return static_cast<std::uint32_t>(std::min<std::size_t>(node.fields.u32(20), room));
}

std::uint32_t rmr_flags(const IortNode& node) {
  return node.fields.u32(16);
}

PaRange read_rmr(const IortNode& node, std::uint32_t index) {
  const std::uint64_t at = node.fields.u32(24) + std::uint64_t{index} * kRmrEntry;
  return range_of(node.fields.u64(at), node.fields.u64(at + 8));
}

}  // namespace socle::fw::acpi
