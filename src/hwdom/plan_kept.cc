// SPDX-License-Identifier: Apache-2.0

// What stays Socle's: its own memory, and the devices it uses or must not let go of.

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

// A page that such a device has only a part of may go to the domain for its other part. Never for
// the GIC: what a guest could do there concerns all.
bool may_share_pages(const Planner& planner, NodeReason reason) {
  return !planner.is_acpi() && reason != NodeReason::kInterruptController &&
         reason != NodeReason::kIts;
}

namespace {

Result<> keep_device(const Planner& planner, const platform::Device& device, NodeReason reason,
                     fw::ArenaVector<KeptDevice>& kept, RangeList& frames) {
  for (const platform::Region& region : device.regions) {
    if (region.range.empty()) continue;
    TRY(kept.push_back(
        {.node = device.node, .name = device.name, .region = region, .reason = reason}));
    TRY(frames.push_back(may_share_pages(planner, reason) ? frames_inside(region.range)
                                                          : frames_touched(region.range)));
  }
  return {};
}

// A console that is no node's: ACPI's, or a port that the tree turns out not to describe.
Result<> keep_console(const Planner& planner, fw::ArenaVector<KeptDevice>& kept,
                      RangeList& frames) {
  const platform::Console* const console = planner.console();
  if (console == nullptr || console->node != fw::dt::kNoNode) return {};
  const platform::Region region{.range = console->registers};
  platform::Device device;
  device.name = console->name;
  device.regions = std::span(&region, 1);
  return keep_device(planner, device, NodeReason::kConsole, kept, frames);
}

// ACPI's tables name these apart from other devices.
Result<> list_acpi_devices(const Planner& planner, fw::ArenaVector<KeptDevice>& kept,
                           RangeList& frames) {
  const auto keep = [&](const PaRange& range, std::string_view name,
                        NodeReason reason) -> Result<> {
    const platform::Region region{.range = range};
    platform::Device device;
    device.name = name;
    device.regions = std::span(&region, 1);
    return keep_device(planner, device, reason, kept, frames);
  };
  const platform::Platform& machine = planner.platform();
  const platform::Gic& gic = machine.gic;
  for (const PaRange& range :
       {gic.distributor, gic.cpu_interface, gic.hypervisor_interface, gic.virtual_interface})
    TRY(keep(range, gic.name, NodeReason::kInterruptController));
  for (const PaRange& range : gic.redistributors)
    TRY(keep(range, gic.name, NodeReason::kInterruptController));
  for (const platform::Its& its : gic.its)
    TRY(keep(its.range, its.name, NodeReason::kIts));
  for (const platform::Iommu& iommu : machine.iommus)
    for (const platform::Region& region : iommu.regions)
      TRY(keep(region.range, iommu.name, NodeReason::kIommu));
  for (const platform::Device& device : machine.devices)
    if (device.origin == platform::Device::Origin::kPmcg)
      TRY(keep_device(planner, device, NodeReason::kIommu, kept, frames));
  return {};
}

Result<> list_kept_devices(const Planner& planner, fw::ArenaVector<KeptDevice>& kept,
                           RangeList& frames) {
  for (const platform::Device& device : planner.platform().devices) {
    const NodeDecision decision = planner.decision(device.node);
    switch (decision.reason) {
      case NodeReason::kConsole:
        // Even if the tree says "disabled": dtuart= may name such a one.
        TRY(keep_device(planner, device, decision.reason, kept, frames));
        break;
      case NodeReason::kInterruptController:
      case NodeReason::kIts:
      case NodeReason::kIommu:
        // A disabled one is nobody's; it must not take pages from others.
        if (device.enabled) TRY(keep_device(planner, device, decision.reason, kept, frames));
        break;
      case NodeReason::kNone:
      case NodeReason::kTimer:
      case NodeReason::kMemoryMappedTimer:
      case NodeReason::kPrivateInterrupt:
      case NodeReason::kPmu:
      case NodeReason::kCpus:
      case NodeReason::kMemory:
      case NodeReason::kPsci:
      case NodeReason::kHypervisor:
      case NodeReason::kChosen:
      case NodeReason::kBootModule:
      case NodeReason::kEdac:
      case NodeReason::kPassthrough:
      case NodeReason::kNuma:
        break;
    }
  }
  return {};
}

// ACPI's static tables name few masters, and nothing else shows them at boot.
void warn_of_unprotected_masters(Planner& planner) {
  Text<160> names;
  std::size_t count = 0;
  for (const platform::Device& device : planner.platform().devices) {
    if (!device.declares_dma && device.iommus.empty() && device.iommu_map.empty()) continue;
    if (++count <= 6) names.append("{}{}", count == 1 ? "" : ", ", device.name);
  }
  if (count != 0)
    planner.notes.warning("not protected from each other's DMA: {}{}", names.view(),
                          count <= 6 ? "" : ", ...");
}

void warn_of_undriven_iommus(Planner& planner) {
  std::size_t count = 0;
  const platform::Iommu* first = nullptr;
  for (const platform::Iommu& iommu : planner.platform().iommus) {
    if (!iommu.enabled) continue;
    if (planner.is_passed_through(iommu)) {
      planner.notes.warning(
          "{} ({}) is passed through: dom0 decides where DMA behind it goes; Linux 6.1 needs "
          "iommu.passthrough=1",
          planner.name_of(iommu.node, iommu.name).view(), platform::to_string(iommu.kind));
      continue;
    }
    if (first == nullptr) first = &iommu;
    ++count;
  }
  if (count != 0 && planner.is_acpi()) warn_of_unprotected_masters(planner);
  if (count != 0)
    planner.notes.warning(
        "{} IOMMUs ({}, {}, ...) are hidden from dom0 and not driven: DMA is as firmware left it",
        count, planner.name_of(first->node, first->name).view(), platform::to_string(first->kind));
}

Result<> list_kept_memory(Planner& planner) {
  RangeList kept(planner.arena);
  for (const KeptMemory& memory : planner.input.kept) {
    TRY(kept.push_back(frames_touched(memory.range)));
    for (const platform::ReservedRange& reserved : planner.platform().reserved)
      if (reserved.range.overlaps(memory.range))
        planner.notes.warning("Socle's {} at {} lies in memory that the tree reserves ({})",
                              memory.what, memory.range, reserved.range);
  }
  normalise(kept);
  planner.kept_frames = kept.finish();
  planner.out.kept_memory = planner.input.kept;
  return {};
}

}  // namespace

Result<> plan_kept(Planner& planner) {
  TRY(list_kept_memory(planner));
  fw::ArenaVector<KeptDevice> devices(planner.arena);
  RangeList frames(planner.arena);
  TRY(planner.is_acpi() ? list_acpi_devices(planner, devices, frames)
                        : list_kept_devices(planner, devices, frames));
  TRY(keep_console(planner, devices, frames));
  normalise(frames);
  planner.kept_devices = devices.span();
  planner.out.kept_devices = planner.kept_devices;
  planner.kept_device_frames = frames.span();
  warn_of_undriven_iommus(planner);
  return {};
}

}  // namespace socle::hwdom
