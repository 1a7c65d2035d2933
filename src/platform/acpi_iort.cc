// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "platform/read_acpi.h"

namespace socle::platform {

namespace acpi = fw::acpi;

namespace {

using acpi::IortType;

// Streams are 32 bits wide, so a count of 2^32 loses its last.
std::uint32_t count_of(const acpi::IdMapping& mapping) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(mapping.count, 0xffff'ffff));
}

class IortReader {
 public:
  IortReader(const AcpiReader& reader, const acpi::Iort& iort, Platform& out,
             fw::ArenaVector<Device>& devices)
      : reader_(reader), iort_(iort), out_(out), devices_(devices), units_(reader.arena) {}

  Result<> read() {
    TRY(read_units());
    TRY(read_hosts());
    fw::ArenaVector<DirectMapping> direct(reader_.arena);
    for (const acpi::IortNode& node : iort_.nodes()) {
      if (node.is(IortType::kNamedComponent)) TRY(read_named_component(node));
      if (node.is(IortType::kPmcg)) TRY(read_pmcg(node));
      if (node.is(IortType::kRmr)) TRY(read_rmrs(node, direct));
      if (node.type > static_cast<std::uint8_t>(IortType::kRmr))
        reader_.notes.info("IORT: the node at {#x} has the unknown type {}: skipped", node.offset,
                           node.type);
    }
    out_.direct_mappings = direct.finish();
    return {};
  }

 private:
  // --- the IOMMUs ---

  Result<> read_units() {
    fw::ArenaVector<Iommu> iommus(reader_.arena);
    for (const acpi::IortNode& node : iort_.nodes()) {
      if (!node.is(IortType::kSmmu) && !node.is(IortType::kSmmuV3)) continue;
      const Iommu iommu = node.is(IortType::kSmmu) ? TRY(read_smmu(node)) : TRY(read_smmu_v3(node));
      if (iommu.regions.empty())
        reader_.notes.warning("IORT: the SMMU at {#x} has registers that cannot be", node.offset);
      TRY(iommus.push_back(iommu));
      TRY(units_.push_back(node.offset));
    }
    out_.iommus = iommus.finish();
    return {};
  }

  Result<Iommu> read_smmu(const acpi::IortNode& node) {
    const acpi::Smmu smmu = acpi::read_smmu(node);
    fw::ArenaVector<Interrupt> interrupts(reader_.arena);
    const std::string_view name =
        TRY(make_name(reader_, "IORT SMMU at {#x}", smmu.range.begin().value()));
    TRY(add(name, acpi::smmu_global_interrupt(node), interrupts));
    for (std::uint32_t i = 0; i < smmu.context_interrupts; ++i)
      TRY(add(name, acpi::smmu_context_interrupt(node, i), interrupts));
    return finish(IommuKind::kSmmuV1V2, name, smmu.range, interrupts);
  }

  Result<Iommu> read_smmu_v3(const acpi::IortNode& node) {
    const acpi::SmmuV3 smmu = acpi::read_smmu_v3(node);
    fw::ArenaVector<Interrupt> interrupts(reader_.arena);
    const std::string_view name =
        TRY(make_name(reader_, "IORT SMMUv3 at {#x}", smmu.range.begin().value()));
    for (const std::uint32_t gsiv :
         {smmu.event_gsiv, smmu.pri_gsiv, smmu.error_gsiv, smmu.sync_gsiv})
      TRY(add(name, {gsiv, true}, interrupts));
    return finish(IommuKind::kSmmuV3, name, smmu.range, interrupts);
  }

  Result<> add(std::string_view name, const acpi::IortInterrupt& interrupt,
               fw::ArenaVector<Interrupt>& out) {
    const auto decoded = decode_gsiv(reader_, name, interrupt.gsiv, trigger_of(interrupt.is_edge));
    if (decoded && std::ranges::find(out, *decoded) == out.end()) TRY(out.push_back(*decoded));
    return {};
  }

  Result<Iommu> finish(IommuKind kind, std::string_view name, const PaRange& range,
                       fw::ArenaVector<Interrupt>& interrupts) {
    Iommu iommu;
    iommu.kind = kind;
    iommu.name = name;
    iommu.interrupts = interrupts.finish();
    if (!range.empty())
      iommu.regions = TRY(reader_.arena.allocate(1, Region{range, Region::Kind::kRegisters}));
    return iommu;
  }

  // The number of the IOMMU whose node is there.
  [[nodiscard]] std::uint32_t unit_at(std::uint32_t offset) const {
    const auto* found = std::ranges::lower_bound(units_, offset);
    return found == units_.end() || *found != offset
               ? kNoUnit
               : static_cast<std::uint32_t>(found - units_.begin());
  }

  // --- who is behind them ---

  // The mappings of a node that lead to an IOMMU. Those that lead to an ITS group go past all.
  Result<> add_rows(const acpi::IortNode& node, fw::ArenaVector<RequesterMap>& rows,
                    fw::ArenaVector<IommuBinding>* bindings) {
    for (std::uint32_t i = 0; i < node.mapping_count; ++i) {
      const acpi::IdMapping mapping = acpi::read_id_mapping(node, i);
      const std::uint32_t unit = unit_at(mapping.target);
      if (unit == kNoUnit) continue;
      if (mapping.is_single && bindings != nullptr) {
        IommuBinding binding;
        binding.cells[0] = mapping.output;
        binding.count = 1;
        binding.unit = unit;
        TRY(bindings->push_back(binding));
      } else {
        TRY(rows.push_back({.first_requester = mapping.input,
                            .first_output = mapping.output,
                            .count = mapping.is_single ? 1 : count_of(mapping),
                            .unit = unit}));
      }
    }
    return {};
  }

  Result<> find_streams(const acpi::IortNode& node, Device& device) {
    fw::ArenaVector<RequesterMap> rows(reader_.arena);
    fw::ArenaVector<IommuBinding> bindings(reader_.arena);
    TRY(add_rows(node, rows, &bindings));
    device.iommu_map = rows.finish();
    device.iommus = bindings.finish();
    return {};
  }

  // Those that MCFG named stand together among the devices. A segment's streams are those of all
  // its root complexes; the first host of a segment finds them, the others have the same.
  Result<> read_hosts() {
    std::size_t begin = 0;
    while (begin != devices_.size() && !devices_[begin].is_pci_host)
      ++begin;
    std::size_t end = begin;
    while (end != devices_.size() && devices_[end].is_pci_host)
      ++end;
    const auto hosts = devices_.span().subspan(begin, end - begin);
    for (std::size_t i = 0; i < hosts.size(); ++i)
      TRY(give_streams(hosts.first(i + 1)));
    fw::ArenaVector<Device> more(reader_.arena);
    for (const acpi::IortNode& node : iort_.nodes())
      if (node.is(IortType::kRootComplex) && !has_segment(hosts, node))
        TRY(more.push_back(TRY(lonely_root_complex(node))));
    for (const Device& device : more)
      TRY(devices_.push_back(device));
    return {};
  }

  static bool has_segment(std::span<const Device> hosts, const acpi::IortNode& node) {
    const std::uint32_t segment = acpi::read_root_complex(node).segment;
    return std::ranges::any_of(
        hosts, [segment](const Device& device) { return device.segment == segment; });
  }

  Result<Device> lonely_root_complex(const acpi::IortNode& node) {
    const std::uint32_t segment = acpi::read_root_complex(node).segment;
    Device device;
    device.origin = Device::Origin::kRootComplex;
    device.name = TRY(make_name(reader_, "IORT root complex of segment {}", segment));
    device.segment = static_cast<std::uint16_t>(segment);
    device.is_pci_host = true;
    device.declares_dma = true;
    TRY(find_streams(node, device));
    return device;
  }

  // To the last of `hosts`.
  Result<> give_streams(std::span<Device> hosts) {
    Device& device = hosts.back();
    for (const Device& before : hosts.first(hosts.size() - 1))
      if (before.segment == device.segment) {
        device.iommu_map = before.iommu_map;
        device.iommus = before.iommus;
        return {};
      }
    fw::ArenaVector<RequesterMap> rows(reader_.arena);
    fw::ArenaVector<IommuBinding> bindings(reader_.arena);
    for (const acpi::IortNode& node : iort_.nodes())
      if (node.is(IortType::kRootComplex) &&
          acpi::read_root_complex(node).segment == device.segment)
        TRY(add_rows(node, rows, &bindings));
    device.iommu_map = rows.finish();
    device.iommus = bindings.finish();
    return {};
  }

  Result<> read_named_component(const acpi::IortNode& node) {
    Device device;
    device.origin = Device::Origin::kNamedComponent;
    device.name = TRY(make_name(reader_, "IORT ", acpi::named_component_path(node)));
    device.declares_dma = true;
    TRY(find_streams(node, device));
    return devices_.push_back(device);
  }

  Result<> read_pmcg(const acpi::IortNode& node) {
    const acpi::Pmcg pmcg = acpi::read_pmcg(node);
    const PaRange pages[] = {
        registers_at(pmcg.page0, kFrameSize),
        pmcg.page1 == pmcg.page0 ? PaRange() : registers_at(pmcg.page1, kFrameSize)};
    const std::string_view name = TRY(make_name(reader_, "IORT PMCG at {#x}", pmcg.page0.value()));
    return devices_.push_back(TRY(make_device(
        reader_, {.origin = Device::Origin::kPmcg,
                  .name = name,
                  .ranges = pages,
                  .interrupt = decode_gsiv(reader_, name, pmcg.gsiv, trigger_of(true))})));
  }

  Result<> read_rmrs(const acpi::IortNode& node, fw::ArenaVector<DirectMapping>& out) {
    fw::ArenaVector<RequesterMap> streams(reader_.arena);
    TRY(add_rows(node, streams, nullptr));
    const auto rows = streams.finish();
    for (std::uint32_t i = 0; i < acpi::rmr_count(node); ++i) {
      const PaRange range = acpi::read_rmr(node, i);
      if (range.empty()) {
        reader_.notes.warning("IORT: the node at {#x}: memory range {} cannot be, ignored",
                              node.offset, i);
        continue;
      }
      TRY(out.push_back(
          {.range = range,
           .flags = acpi::rmr_flags(node),
           .streams = rows,
           .name = TRY(make_name(reader_, "IORT RMR at {#x}", range.begin().value()))}));
    }
    return {};
  }

  const AcpiReader& reader_;
  const acpi::Iort& iort_;
  Platform& out_;
  fw::ArenaVector<Device>& devices_;
  fw::ArenaVector<std::uint32_t> units_;  // offsets of their nodes
};

}  // namespace

Result<> read_iort(const AcpiReader& reader, Platform& out, fw::ArenaVector<Device>& devices) {
  const acpi::Table* table = reader.find("IORT");
  if (table == nullptr) return {};
  const acpi::Iort iort = TRY(acpi::Iort::read(*table, reader.arena, reader.notes));
  return IortReader(reader, iort, out, devices).read();
}

}  // namespace socle::platform
