// SPDX-License-Identifier: Apache-2.0
#include "platform/platform.h"

#include <algorithm>

#include "platform/read.h"

namespace socle::platform {

using fw::dt::Node;

std::uint64_t Platform::ram_bytes() const {
  std::uint64_t total = 0;
  for (const RamBank& bank : ram)
    total += bank.range.size();
  return total;
}

const Device* Platform::device(NodeId node) const {
  if (node == fw::dt::kNoNode) return nullptr;
  const auto found = std::ranges::lower_bound(devices, node, {}, &Device::node);
  return found == devices.end() || found->node != node ? nullptr : &*found;
}

namespace {

const Iommu* find_iommu(std::span<const Iommu> iommus, std::uint32_t unit, NodeId node) {
  if (unit < iommus.size()) return &iommus[unit];
  if (node == fw::dt::kNoNode) return nullptr;
  const auto found = std::ranges::lower_bound(iommus, node, {}, &Iommu::node);
  return found == iommus.end() || found->node != node ? nullptr : &*found;
}

}  // namespace

const Iommu* Platform::iommu(const IommuBinding& binding) const {
  return find_iommu(iommus, binding.unit, binding.iommu);
}

const Iommu* Platform::iommu(const RequesterMap& row) const {
  return find_iommu(iommus, row.unit, row.target);
}

namespace {

Result<std::span<const PaRange>> read_allowed(const Reader& reader, const Node& node) {
  fw::ArenaVector<PaRange> out(reader.arena);
  const auto property = node.property("alloc-ranges");
  const unsigned address_cells = node.parent().address_cells();
  const unsigned size_cells = node.parent().size_cells();
  if (!property || address_cells == 0 || address_cells > 2 || size_cells == 0 || size_cells > 2)
    return out.finish();
  const std::size_t entry = address_cells + size_cells;
  for (std::size_t at = 0; at + entry <= property->cell_count(); at += entry) {
    const auto begin = property->number(at, address_cells);
    const auto size = property->number(at + address_cells, size_cells);
    if (const auto range = PaRange::from_size(Pa(*begin), *size)) TRY(out.push_back(*range));
  }
  return out.finish();
}

Result<> read_dynamic_reservations(const Reader& reader, Platform& out) {
  const Node parent = reader.tree.root().child("reserved-memory");
  if (!parent) return {};
  fw::ArenaVector<DynamicReservation> list(reader.arena);
  for (const Node node : parent.children()) {
    if (!node.is_available() || node.has("reg")) continue;
    const auto size = node.property("size");
    if (!size) continue;
    DynamicReservation wanted;
    wanted.node = node.id();
    wanted.size = size->as_number().value_or(0);
    if (const auto alignment = node.property("alignment"))
      wanted.alignment = alignment->as_number().value_or(0);
    wanted.allowed = TRY(read_allowed(reader, node));
    TRY(list.push_back(wanted));
  }
  out.dynamic_reservations = list.span();
  return {};
}

}  // namespace

Result<const Platform*> read(const fw::dt::Tree& tree, const ReadOptions& options, fw::Arena& arena,
                             fw::Diagnostics& notes) {
  const Reader reader{tree, arena, notes};
  Platform* platform = TRY(arena.make<Platform>());
  TRY(read_cpus(reader, options, *platform));
  const bool has_map = !options.efi_memory.empty();
  platform->ram =
      TRY(has_map ? read_ram(options.efi_memory, arena, notes) : read_ram(tree, arena, notes));
  platform->reserved = TRY(read_reserved(tree, arena, notes));
  if (has_map)
    platform->reserved = TRY(read_reserved(options.efi_memory, platform->reserved, arena));
  TRY(read_dynamic_reservations(reader, *platform));
  read_gic(reader, *platform);
  read_timer(reader, *platform);
  read_psci(reader, *platform);
  platform->console = read_console(tree, options.dtuart, arena, notes, &platform->gic);
  TRY(read_devices(reader, *platform));
  return platform;
}

}  // namespace socle::platform
