// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>

#include "platform/read.h"

namespace socle::platform {

using fw::dt::InterruptMapReader;
using fw::dt::InterruptReader;
using fw::dt::Node;

namespace {

struct KnownIommu {
  std::string_view compatible;
  IommuKind kind;
};
constexpr std::array<KnownIommu, 21> kKnownIommus = {
    {{"arm,smmu-v3", IommuKind::kSmmuV3},
     {"arm,smmu-v1", IommuKind::kSmmuV1V2},
     {"arm,smmu-v2", IommuKind::kSmmuV1V2},
     {"arm,mmu-400", IommuKind::kSmmuV1V2},
     {"arm,mmu-401", IommuKind::kSmmuV1V2},
     {"arm,mmu-500", IommuKind::kSmmuV1V2},
     {"cavium,smmu-v2", IommuKind::kSmmuV1V2},
     {"nvidia,smmu-500", IommuKind::kSmmuV1V2},
     {"marvell,ap806-smmu-500", IommuKind::kSmmuV1V2},
     {"qcom,smmu-v2", IommuKind::kQualcommSmmu},
     {"qcom,smmu-500", IommuKind::kQualcommSmmu},
     {"qcom,msm-iommu-v1", IommuKind::kQualcommSmmu},
     {"qcom,msm-iommu-v2", IommuKind::kQualcommSmmu},
     {"apple,t8103-dart", IommuKind::kApple},
     {"apple,t6000-dart", IommuKind::kApple},
     {"samsung,exynos-sysmmu", IommuKind::kExynos},
     {"rockchip,iommu", IommuKind::kRockchip},
     {"rockchip,rk3568-iommu", IommuKind::kRockchip},
     {"nvidia,tegra210-mc", IommuKind::kTegra},
     {"virtio,pci-iommu", IommuKind::kVirtio},
     {"virtio,mmio", IommuKind::kVirtio}}};

IommuKind kind_by_prefix(const fw::dt::Property& compatible) {
  for (std::size_t i = 0; i < 16; ++i) {
    const auto name = compatible.string_at(i);
    if (!name) break;
    if (name->starts_with("renesas,ipmmu-")) return IommuKind::kIpmmu;
    if (name->starts_with("mediatek,") && name->find("m4u") != std::string_view::npos)
      return IommuKind::kMediatek;
    if (name->starts_with("mediatek,") && name->find("iommu") != std::string_view::npos)
      return IommuKind::kMediatek;
    if (name->starts_with("allwinner,") && name->ends_with("-iommu")) return IommuKind::kSunxi;
    if (name->starts_with("qcom,") && name->find("smmu") != std::string_view::npos)
      return IommuKind::kQualcommSmmu;
    if (name->starts_with("apple,") && name->ends_with("-dart")) return IommuKind::kApple;
  }
  return IommuKind::kOther;
}

}  // namespace

const char* to_string(IommuKind kind) {
  switch (kind) {
    case IommuKind::kSmmuV1V2:
      return "SMMUv1/v2";
    case IommuKind::kSmmuV3:
      return "SMMUv3";
    case IommuKind::kQualcommSmmu:
      return "Qualcomm SMMU";
    case IommuKind::kIpmmu:
      return "IPMMU";
    case IommuKind::kApple:
      return "DART";
    case IommuKind::kExynos:
      return "Exynos SYSMMU";
    case IommuKind::kMediatek:
      return "MediaTek M4U";
    case IommuKind::kRockchip:
      return "Rockchip IOMMU";
    case IommuKind::kSunxi:
      return "Allwinner IOMMU";
    case IommuKind::kTegra:
      return "Tegra MC";
    case IommuKind::kVirtio:
      return "virtio-iommu";
    case IommuKind::kOther:
      return "IOMMU";
  }
  return "IOMMU";
}

bool is_iommu(const Node& node) {
  if (node.has("#iommu-cells")) return true;
  const auto compatible = node.property("compatible");
  if (!compatible) return false;
  // An IOMMU without #iommu-cells uses an old binding of the devices' side; it is one all the same.
  for (const KnownIommu& known : kKnownIommus)
    if (known.kind != IommuKind::kVirtio && known.kind != IommuKind::kTegra &&
        compatible->contains(known.compatible))
      return true;
  return kind_by_prefix(*compatible) != IommuKind::kOther;
}

IommuKind iommu_kind(const Node& node) {
  const auto compatible = node.property("compatible");
  if (!compatible) return IommuKind::kOther;
  for (const KnownIommu& known : kKnownIommus)
    if (compatible->contains(known.compatible)) return known.kind;
  return kind_by_prefix(*compatible);
}

namespace {

bool is_fatal(Error error) {
  return error == Error::kNoMemory || error == Error::kTooLarge;
}

Region::Kind register_kind(const Node& node, bool is_pci_host, std::size_t index) {
  if (!is_pci_host) return Region::Kind::kRegisters;
  if (node.is_compatible("pci-host-ecam-generic") || node.is_compatible("pci-host-cam-generic"))
    return Region::Kind::kPciConfiguration;
  const auto names = node.property("reg-names");
  const auto name = names ? names->string_at(index) : std::nullopt;
  return name && (*name == "config" || *name == "cfg") ? Region::Kind::kPciConfiguration
                                                       : Region::Kind::kRegisters;
}

Result<> add_registers(const Node& node, bool is_pci_host, fw::ArenaVector<Region>& out) {
  const auto count = fw::dt::reg_count(node);
  if (!count) return {};
  for (std::size_t i = 0; i < *count; ++i) {
    const auto range = fw::dt::reg(node, i);
    if (!range && is_fatal(range.error())) return fail(range.error());
    // No way from the CPU to this entry, or malformed (said already): nothing to map. The next one
    // may lie elsewhere on the bus.
    if (!range) continue;
    TRY(out.push_back({*range, register_kind(node, is_pci_host, i)}));
  }
  return {};
}

Result<> add_pci_windows(const Node& host, fw::ArenaVector<Region>& out) {
  const auto count = fw::dt::window_count(host);
  if (!count) return is_fatal(count.error()) ? fail(count.error()) : Result<>();
  for (std::size_t i = 0; i < *count; ++i) {
    const auto window = fw::dt::window(host, i);
    if (!window && is_fatal(window.error())) return fail(window.error());
    if (!window || window->cpu.empty()) continue;
    TRY(out.push_back(
        {window->cpu, window->is_pci_io() ? Region::Kind::kPciIo : Region::Kind::kPciMemory}));
  }
  return {};
}

Result<std::span<const Region>> read_regions(const Reader& reader, const Node& node,
                                             bool is_pci_host) {
  fw::ArenaVector<Region> regions(reader.arena);
  TRY(add_registers(node, is_pci_host, regions));
  if (is_pci_host) TRY(add_pci_windows(node, regions));
  return regions.finish();
}

template <typename SpecReader>
Result<> add_interrupts(const Node& node, const Gic& gic, SpecReader specs,
                        fw::ArenaVector<Interrupt>& out) {
  for (;;) {
    const auto spec = specs.next();
    if (!spec && (is_fatal(spec.error()) || spec.error() == Error::kCorrupt))
      return is_fatal(spec.error()) ? fail(spec.error()) : Result<>();
    if (!spec) continue;
    if (!*spec) return {};
    const auto interrupt = decode_interrupt(gic, node, **spec);
    if (interrupt && std::ranges::find(out, *interrupt) == out.end())
      TRY(out.push_back(*interrupt));
  }
}

Result<std::span<const Interrupt>> read_interrupts(const Reader& reader, const Node& node,
                                                   const Gic& gic) {
  fw::ArenaVector<Interrupt> interrupts(reader.arena);
  TRY(add_interrupts(node, gic, InterruptReader(node), interrupts));
  if (node.has_interrupt_map())
    TRY(add_interrupts(node, gic, InterruptMapReader(node), interrupts));
  return interrupts.finish();
}

Result<std::span<const IommuBinding>> read_iommus(const Reader& reader, const Node& node) {
  fw::ArenaVector<IommuBinding> bindings(reader.arena);
  const auto property = node.property("iommus");
  if (!property) return bindings.finish();
  for (std::size_t at = 0; at < property->cell_count();) {
    TRY(reader.tree.charge(1));
    IommuBinding binding;
    const Node iommu = reader.tree.find_phandle(*property->cell(at++));
    const auto cells = iommu ? iommu.cell("#iommu-cells") : std::nullopt;
    if (!cells || *cells > binding.cells.size() || at + *cells > property->cell_count()) {
      reader.notes.warning("{}: iommus: leads to no IOMMU or is cut off", node.path().view());
      break;
    }
    binding.iommu = iommu.id();
    binding.count = *cells;
    for (unsigned i = 0; i < *cells; ++i)
      binding.cells[i] = *property->cell(at++);
    TRY(bindings.push_back(binding));
  }
  return bindings.finish();
}

Result<std::span<const RequesterMap>> read_requester_map(const Reader& reader, const Node& node,
                                                         std::string_view name) {
  fw::ArenaVector<RequesterMap> rows(reader.arena);
  const auto property = node.property(name);
  if (!property) return rows.finish();
  constexpr std::size_t kRowCells = 4;
  if (property->cell_count() % kRowCells != 0)
    reader.notes.warning("{}: {}: cut off", node.path().view(), name);
  for (std::size_t at = 0; at + kRowCells <= property->cell_count(); at += kRowCells) {
    const Node target = reader.tree.find_phandle(*property->cell(at + 1));
    if (!target) {
      reader.notes.warning("{}: {}: leads to a phandle that no node has", node.path().view(), name);
      continue;
    }
    TRY(rows.push_back(
        {*property->cell(at), target.id(), *property->cell(at + 2), *property->cell(at + 3)}));
  }
  return rows.finish();
}

// A controller with registers, below the GIC, that names no interrupt of its own: it passes its
// inputs on to SPIs that the tree does not tell.
bool is_opaque_controller(const Node& node, const Device& device, const Gic& gic) {
  if (node.id() == gic.node || !device.enabled || device.regions.empty() ||
      !device.interrupts.empty() || node.interrupt_parent().id() != gic.node)
    return false;
  if (node.is_compatible("arm,gic-v3-its")) return false;
  return node.is_interrupt_controller() || node.has("msi-controller");
}

// Nodes whose `reg` is no device's.
bool is_no_device(const Node& node) {
  if (node.depth() == 0 || is_memory_node(node)) return true;
  const std::string_view parent = node.depth() == 2 ? node.parent().name() : std::string_view();
  return parent == "reserved-memory" || node.is_compatible("multiboot,module") ||
         node.is_compatible("xen,multiboot-module");
}

Result<std::optional<Device>> read_device(const Reader& reader, const Node& node, const Gic& gic) {
  Device device;
  device.node = node.id();
  device.enabled = node.is_enabled();
  device.is_pci_host = node.is_pci_bus() && !node.parent().is_pci_bus();
  device.regions = TRY(read_regions(reader, node, device.is_pci_host));
  device.interrupts = TRY(read_interrupts(reader, node, gic));
  device.iommus = TRY(read_iommus(reader, node));
  device.iommu_map = TRY(read_requester_map(reader, node, "iommu-map"));
  // Streams that lead nowhere are streams.
  device.declares_dma = device.is_pci_host || node.has("iommus") || node.has("iommu-map") ||
                        node.has("dma-coherent") || node.has("dma-ranges");
  if (device.regions.empty() && device.interrupts.empty() && device.iommus.empty() &&
      device.iommu_map.empty())
    return std::nullopt;
  return device;
}

Iommu iommu_at(const Node& node, const std::optional<Device>& device) {
  Iommu iommu;
  iommu.kind = iommu_kind(node);
  iommu.node = node.id();
  iommu.enabled = node.is_enabled();
  if (device) {
    iommu.regions = device->regions;
    iommu.interrupts = device->interrupts;
  }
  return iommu;
}

bool is_leftover(const Node& node) {
  return node.depth() != 0 && node.is_compatible("xen,xen");
}

}  // namespace

Result<> read_devices(const Reader& reader, Platform& out) {
  fw::ArenaVector<Device> devices(reader.arena);
  fw::ArenaVector<Iommu> iommus(reader.arena);
  fw::ArenaVector<Leftover> leftovers(reader.arena);
  for (std::uint32_t i = 0; i < reader.tree.node_count(); ++i) {
    const Node node = reader.tree.node(NodeId{i});
    if (is_no_device(node)) continue;
    if (is_leftover(node)) TRY(leftovers.push_back({node.id()}));
    const auto device = TRY(read_device(reader, node, out.gic));
    // An IOMMU is one even if its registers cannot be read: nobody else's, in any case.
    if (is_iommu(node)) TRY(iommus.push_back(iommu_at(node, device)));
    if (!device) continue;
    TRY(devices.push_back(*device));
    if (out.opaque_interrupt_controller == fw::dt::kNoNode &&
        is_opaque_controller(node, *device, out.gic))
      out.opaque_interrupt_controller = node.id();
  }
  out.devices = devices.span();
  out.iommus = iommus.span();
  out.leftovers = leftovers.span();
  return {};
}

}  // namespace socle::platform
