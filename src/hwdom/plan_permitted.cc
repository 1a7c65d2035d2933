// SPDX-License-Identifier: Apache-2.0

// Which machine frames the domain may have mapped as MMIO after it was built. What its plan maps as
// devices, in any case; with mmio-fault=map every address that may be a device's: all that is
// neither memory, nor Socle's, nor another domain's, nor stands for something else in the guest.
// With ACPI, memory that firmware has set aside is permitted, too: AML works with it (hwdom.md).

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

namespace {

bool is_of_a_device(Reason reason) {
  switch (reason) {
    case Reason::kDeviceRegisters:
    case Reason::kPciWindow:
    case Reason::kOnChipSram:
    case Reason::kFrameBuffer:
      return true;
    case Reason::kNone:
    case Reason::kDomainRam:
    case Reason::kReservedMemory:
    case Reason::kInterruptController:
    case Reason::kSharedInfo:
    case Reason::kGrantTable:
    case Reason::kGrantMapping:
    case Reason::kForeignMapping:
    case Reason::kOnDemand:
    case Reason::kSocle:
      return false;
  }
  return false;
}

// Not for the domain, whatever the node's status is: a driver of Socle's, or of the domain that it
// was meant for, may find it there.
bool is_withheld(const NodeDecision& decision) {
  switch (decision.reason) {
    case NodeReason::kConsole:
    case NodeReason::kInterruptController:
    case NodeReason::kIts:
    case NodeReason::kMemoryMappedTimer:
    case NodeReason::kIommu:
    case NodeReason::kPassthrough:
      return true;
    case NodeReason::kNone:
    case NodeReason::kTimer:
    case NodeReason::kPrivateInterrupt:
    case NodeReason::kPmu:
    case NodeReason::kCpus:
    case NodeReason::kMemory:
    case NodeReason::kPsci:
    case NodeReason::kHypervisor:
    case NodeReason::kChosen:
    case NodeReason::kBootModule:
    case NodeReason::kEdac:
    case NodeReason::kNuma:
      return false;
  }
  return false;
}

Result<> list_withheld_devices(const Planner& planner, RangeList& out) {
  const platform::Platform& platform = planner.platform();
  for (const platform::Device& device : planner.platform().devices)
    for (const platform::Region& region : device.regions)
      if (is_withheld(planner.decision(device.node)) ||
          (planner.is_acpi() && !planner.is_domains(device)))
        TRY(out.push_back(frames_touched(region.range)));
  for (const platform::Iommu& iommu : platform.iommus)
    for (const platform::Region& region : iommu.regions)
      if (!planner.is_passed_through(iommu)) TRY(out.push_back(frames_touched(region.range)));
  const platform::Gic& gic = platform.gic;
  for (const PaRange& range :
       {gic.distributor, gic.cpu_interface, gic.hypervisor_interface, gic.virtual_interface})
    TRY(out.push_back(frames_touched(range)));
  for (const PaRange& range : gic.redistributors)
    TRY(out.push_back(frames_touched(range)));
  for (const platform::Its& its : gic.its)
    TRY(out.push_back(frames_touched(its.range)));
  if (planner.console() != nullptr)
    TRY(out.push_back(frames_touched(planner.console()->registers)));
  return {};
}

Result<> list_memory(const Planner& planner, RangeList& out) {
  for (const platform::RamBank& bank : planner.platform().ram)
    TRY(out.push_back(frames_touched(bank.range)));
  for (const platform::ReservedRange& reserved : planner.platform().reserved)
    if (!planner.is_acpi() || reserved.origin != platform::ReservedRange::Origin::kFirmware)
      TRY(out.push_back(frames_touched(reserved.range)));
  for (const MfnRange& range : planner.firmware_frames)
    TRY(out.push_back(range));
  for (const MfnRange& range : planner.kept_frames)
    TRY(out.push_back(range));
  return {};
}

MfnRange same_numbers(const GfnRange& range) {
  return MfnRange(Mfn(range.begin().value()), Mfn(range.end().value()));
}

// Guest addresses that mean something else than the machine's: the CPU interface of a GICv2, and
// where grants and other domains' frames are going to be.
Result<> list_taken_addresses(const Planner& planner, RangeList& out) {
  for (const Mapping& mapping : planner.out.mappings) {
    if (is_of_a_device(mapping.attributes.reason())) continue;
    TRY(out.push_back(same_numbers(mapping.gfns())));
    TRY(out.push_back(mapping.mfns()));
  }
  TRY(out.push_back(same_numbers(planner.out.grant_table_window)));
  for (const GfnRange& region : planner.out.extended_regions)
    TRY(out.push_back(same_numbers(region)));
  return {};
}

// Everything the CPU can name but for that.
Result<> permit_the_rest(Planner& planner, RangeList& permitted) {
  RangeList denied(planner.arena);
  TRY(list_memory(planner, denied));
  TRY(list_withheld_devices(planner, denied));
  TRY(list_taken_addresses(planner, denied));
  normalise(denied);
  const MfnRange space(Mfn(0), Mfn(std::uint64_t{1} << (planner.input.ipa_bits - kFrameShift)));
  return subtract(std::span(&space, 1), denied.span(), permitted);
}

}  // namespace

Result<> plan_permitted(Planner& planner) {
  // ACPI's static tables name few devices; a tree names all (1.1, 1.5).
  const fw::MmioFault usual = planner.is_acpi() ? fw::MmioFault::kMap : fw::MmioFault::kDeny;
  planner.out.mmio_fault = planner.input.options->mmio_fault.value_or(usual);
  RangeList permitted(planner.arena);
  if (planner.out.mmio_fault == fw::MmioFault::kMap) TRY(permit_the_rest(planner, permitted));
  // Pages that a kept device shares with one of the domain's are mapped: they are its, too. A frame
  // buffer in RAM is mapped and stays RAM.
  for (const Mapping& mapping : planner.out.mappings)
    if (is_of_a_device(mapping.attributes.reason()) &&
        !overlaps_any(planner.host_ram, mapping.mfns()))
      TRY(permitted.push_back(mapping.mfns()));
  normalise(permitted);
  planner.out.permitted = permitted.finish();
  return {};
}

}  // namespace socle::hwdom
