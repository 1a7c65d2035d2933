// SPDX-License-Identifier: Apache-2.0

// From the machine's devices and memory to the domain's mappings.

#include <algorithm>
#include <array>

#include "fw/sort.h"
#include "hwdom/plan_parts.h"
#include "hwdom/plan_sweep.h"

namespace socle::hwdom {

using fw::dt::Node;
using Outcome = RegionDecision::Outcome;

namespace {

MfnRange address_space(const Planner& planner) {
  return MfnRange(Mfn(0), Mfn(std::uint64_t{1} << (planner.input.ipa_bits - kFrameShift)));
}

// --- what the domain asks for ---

// Memory, where firmware's memory map agrees that it is.
bool is_shared_memory(const Planner& planner, const platform::Region& region) {
  return region.kind == platform::Region::Kind::kMemory &&
         std::ranges::any_of(planner.input.efi_memory, [&](const fw::EfiMemoryRange& range) {
           return range.is_shared_by_firmware() && range.range.contains(region.range);
         });
}

Attributes attributes_of(const Planner& planner, const platform::Device& device,
                         const platform::Region& region) {
  if (is_shared_memory(planner, region)) return policy::reserved_memory(true);
  // Where a tree has a node with a rule, a MADT has a structure.
  if (device.origin == platform::Device::Origin::kMsiFrame) return policy::interrupt_controller();
  NodeTraits traits;
  if (device.node != fw::dt::kNoNode) traits = traits_of(planner.tree().node(device.node));
  traits.is_pci_window = region.kind == platform::Region::Kind::kPciMemory ||
                         region.kind == platform::Region::Kind::kPciIo;
  return policy::device(policy::DomainKind::kHardware, traits.view());
}

Outcome outcome_of(const Planner& planner, const platform::Device& device, const MfnRange& frames) {
  const std::span<const MfnRange> kept = planner.kept_device_frames;
  const NodeDecision decision = planner.decision(device.node);
  if (!planner.is_domains(device)) {
    const bool is_kept = contained_in_one(kept, frames);
    return is_kept ? Outcome::kKept : Outcome::kNotDescribed;
  }
  if (decision.part_of_parent) return Outcome::kMapped;
  if (!address_space(planner).overlaps(frames)) return Outcome::kBeyondSpace;
  if (contained_in_one(planner.domain_ram, frames)) return Outcome::kInRam;
  if (overlaps_any(planner.host_ram, frames) || overlaps_any(planner.kept_frames, frames))
    return Outcome::kInOtherRam;
  if (overlaps_any(planner.firmware_frames, frames)) return Outcome::kFirmwares;
  if (contained_in_one(kept, frames)) return Outcome::kKept;
  if (overlaps_any(kept, frames)) return Outcome::kPartlyKept;
  return Outcome::kMapped;
}

bool is_bus(const Planner& planner, NodeId id) {
  if (id == fw::dt::kNoNode) return false;
  const Node node = planner.tree().node(id);
  return node.first_child() && node.has("ranges");
}

void explain(Planner& planner, const RegionDecision& decision) {
  const auto path = planner.name_of(decision.node, decision.name);
  const PaRange& range = decision.region.range;
  switch (decision.outcome) {
    case Outcome::kInOtherRam:
      planner.notes.warning("{}: {} meets RAM that is not dom0's: that part is not mapped",
                            path.view(), range);
      return;
    case Outcome::kKept:
    case Outcome::kPartlyKept:
      if (is_bus(planner, decision.node)) return;  // its children say more
      planner.notes.warning("{}: {} meets a device that Socle keeps: that part is not mapped",
                            path.view(), range);
      return;
    case Outcome::kFirmwares:
      planner.notes.warning("{}: {} meets memory of firmware's own: that part is not mapped",
                            path.view(), range);
      return;
    case Outcome::kBeyondSpace:
      planner.notes.warning("{}: {} lies beyond the CPUs' {} address bits: not mapped", path.view(),
                            range, planner.input.ipa_bits);
      return;
    case Outcome::kMapped:
    case Outcome::kInRam:
    case Outcome::kNotDescribed:
    case Outcome::kEmpty:
      return;
  }
}

Result<> claim_device(Planner& planner, const platform::Device& device,
                      fw::ArenaVector<Claim>& claims, fw::ArenaVector<RegionDecision>& decisions) {
  for (const platform::Region& region : device.regions) {
    RegionDecision decision{
        .node = device.node, .name = device.name, .region = region, .outcome = Outcome::kEmpty};
    const MfnRange frames = frames_touched(region.range);
    if (!frames.empty()) decision.outcome = outcome_of(planner, device, frames);
    TRY(decisions.push_back(decision));
    const bool matters = device.enabled && planner.is_domains(device);
    if (frames.empty()) {
      if (matters && region.kind == platform::Region::Kind::kRegisters)
        planner.notes.warning("{}: reg: size zero at {}", planner.name_of(device).view(),
                              region.range.begin());
      continue;
    }
    if (matters) explain(planner, decision);
    if (!planner.is_domains(device) || planner.decision(device.node).part_of_parent) continue;
    const MfnRange inside = frames.intersection(address_space(planner));
    if (!inside.empty())
      TRY(claims.push_back(
          {inside, attributes_of(planner, device, region), device.node, device.enabled}));
  }
  return {};
}

// What firmware's memory map calls devices (1.17): registers that no driver of ACPI's names,
// firmware's flash.
Result<> claim_efi_devices(Planner& planner, fw::ArenaVector<Claim>& claims) {
  for (const fw::EfiMemoryRange& range : planner.input.efi_memory) {
    if (range.use() != fw::EfiMemoryRange::Use::kDevice) continue;
    const MfnRange inside = frames_touched(range.range).intersection(address_space(planner));
    if (!inside.empty())
      TRY(claims.push_back(
          {inside, policy::device(policy::DomainKind::kHardware, {}), fw::dt::kNoNode, true}));
  }
  return {};
}

// Firmware's tables and what their code works with are mapped; what else firmware has set aside is
// told, and mapped where a table names it. A domain on a tree knows of none.
Result<> claim_firmware_memory(Planner& planner, fw::ArenaVector<Claim>& claims) {
  if (!planner.is_acpi()) return {};
  fw::ArenaVector<FirmwareMemory> list(planner.arena);
  for (const fw::EfiMemoryRange& range : planner.input.efi_memory) {
    if (!range.is_shared_by_firmware()) continue;
    const MfnRange frames = frames_touched(range.range).intersection(address_space(planner));
    if (frames.empty()) continue;
    TRY(list.push_back(range));
    if (range.type == fw::EfiMemoryType::kReserved) continue;
    TRY(claims.push_back({frames, policy::reserved_memory(true), fw::dt::kNoNode, true}));
  }
  planner.out.firmware_memory = list.finish();
  return {};
}

// Reserved memory: outside RAM it is nobody's RAM; inside, the banks hold it already unless
// dom0_mem left it out.
Result<> map_reserved(Planner& planner, MappingList& out) {
  fw::ArenaVector<Claim> claims(planner.arena);
  TRY(claim_firmware_memory(planner, claims));
  for (const platform::ReservedRange& reserved : planner.platform().reserved) {
    const MfnRange frames = frames_touched(reserved.range).intersection(address_space(planner));
    if (frames.empty()) continue;
    // Firmware's own memory is nothing a domain on a tree knows of.
    if (reserved.origin == platform::ReservedRange::Origin::kFirmware) continue;
    // /memreserve/ outside RAM is a boot loader's mistake: there is nothing to keep away from.
    if (reserved.origin == platform::ReservedRange::Origin::kMemoryReservation &&
        !overlaps_any(planner.host_ram, frames))
      continue;
    if (reserved.node != fw::dt::kNoNode && overlaps_any(planner.kept_device_frames, frames))
      planner.notes.warning("{}: {} meets a device that Socle keeps: that part is not mapped",
                            planner.path(reserved.node).view(), reserved.range);
    const Attributes attributes = reserved.is_frame_buffer
                                      ? policy::frame_buffer(policy::DomainKind::kHardware)
                                      : policy::reserved_memory(reserved.no_map);
    TRY(claims.push_back({frames, attributes, reserved.node, true}));
  }
  MappingList all(planner.arena);
  MappingList not_in_banks(planner.arena);
  MappingList not_kept(planner.arena);
  TRY(sweep(planner.arena, claims.span(), all));
  TRY(cut_out(all.span(), planner.out.ram, not_in_banks));
  TRY(cut_out(not_in_banks.span(), planner.kept_frames, not_kept));
  return cut_out(not_kept.span(), planner.kept_device_frames, out);
}

// --- pages that a kept device shares with the domain's ---

struct PartialPage {
  Mfn page;
  std::size_t kept = 0;  // index in the list of kept devices
};

Result<> find_partial_pages(const Planner& planner, fw::ArenaVector<PartialPage>& out) {
  const std::span<const KeptDevice> kept = planner.kept_devices;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (!may_share_pages(planner, kept[i].reason)) continue;
    const PaRange& bytes = kept[i].region.range;
    const Mfn first = bytes.begin().frame();
    const Mfn last = (bytes.end() - 1).frame();
    const bool cuts_first = bytes.begin().offset_in_frame() != 0;
    const bool cuts_last = bytes.end().offset_in_frame() != 0;
    if (cuts_first) TRY(out.push_back({first, i}));
    if (cuts_last && (last != first || !cuts_first)) TRY(out.push_back({last, i}));
  }
  fw::sort_by(out.span(), [](const PartialPage& partial) { return partial.page; });
  return {};
}

bool is_ancestor(const Planner& planner, NodeId above, NodeId below) {
  if (above == fw::dt::kNoNode || below == fw::dt::kNoNode) return false;
  Node at = planner.tree().node(below);
  while (at && at.depth() > 0 && at.id() != above)
    at = at.parent();
  return at.id() == above;
}

// Finds who else is in such pages. A bus whose own `reg` spans its children is nobody: pages that
// only it names stay with Socle.
Result<> settle_shared_pages(Planner& planner, std::span<const Claim> claims, RangeList& withheld) {
  fw::ArenaVector<PartialPage> pages(planner.arena);
  TRY(find_partial_pages(planner, pages));
  const std::span<bool> is_shared = TRY(planner.arena.allocate<bool>(pages.size(), false));
  for (const Claim& claim : claims) {
    auto page = std::ranges::lower_bound(pages, claim.frames.begin(), {}, &PartialPage::page);
    for (; page != pages.end() && page->page < claim.frames.end(); ++page) {
      TRY(planner.tree().charge(1));
      KeptDevice& device = planner.kept_devices[page->kept];
      if (is_ancestor(planner, claim.node, device.node)) continue;
      is_shared[static_cast<std::size_t>(page - pages.begin())] = true;
      if (device.shares_page_with != fw::dt::kNoNode) continue;
      device.shares_page_with = claim.node;
      if (claim.enabled)
        planner.notes.warning(
            "{}: shares a page with {} ({}): dom0 can reach both", planner.path(claim.node).view(),
            planner.name_of(device.node, device.name).view(), to_string(device.reason));
    }
  }
  for (std::size_t i = 0; i < pages.size(); ++i)
    if (!is_shared[i])
      TRY(withheld.push_back(MfnRange(pages[i].page, pages[i].page + FrameCount(1))));
  normalise(withheld);
  return {};
}

// --- frames that nodes want in different ways ---

// Names two of them. Rounding a small `reg` outwards is the usual cause. A bus that spans its
// children's registers has no wish of its own. False: there are no two.
bool explain(Planner& planner, const Conflict& conflict, std::span<const Claim> claims) {
  const Claim* first = nullptr;
  for (const Claim& claim : claims) {
    if (!claim.frames.overlaps(conflict.frames)) continue;
    if (first == nullptr || is_ancestor(planner, first->node, claim.node)) first = &claim;
    if (claim.attributes.same_mapping(first->attributes)) continue;
    planner.notes.warning("{} and {} share {}: mapped as {}{}", planner.path(first->node).view(),
                          planner.path(claim.node).view(), conflict.frames,
                          to_string(conflict.attributes.type()),
                          conflict.attributes.permissions().execute ? ", executable" : "");
    return true;
  }
  return false;
}

Result<> warn_of_conflicts(Planner& planner, const ConflictList& conflicts,
                           std::span<const Claim> claims, std::span<const MfnRange> forbidden) {
  constexpr std::size_t kMaxLines = 8;
  std::size_t count = 0;
  for (const Conflict& conflict : conflicts) {
    if (contained_in_one(forbidden, conflict.frames)) continue;  // nobody gets it
    if (count < kMaxLines) TRY(planner.tree().charge(claims.size()));
    if (count >= kMaxLines || explain(planner, conflict, claims)) ++count;
  }
  if (count > kMaxLines)
    planner.notes.warning("{} more places are wanted by nodes in different ways",
                          count - kMaxLines);
  return {};
}

// --- all together ---

// Device pages: never RAM, Socle's frames, its devices, firmware's own memory, or what is mapped
// as reserved memory.
Result<> map_devices(Planner& planner, std::span<Claim> claims, std::span<const Mapping> reserved,
                     MappingList& out) {
  RangeList forbidden(planner.arena);
  TRY(settle_shared_pages(planner, claims, forbidden));
  for (const auto list :
       {planner.host_ram, planner.kept_frames, planner.kept_device_frames, planner.firmware_frames})
    for (const MfnRange& range : list)
      TRY(forbidden.push_back(range));
  for (const Mapping& mapping : reserved)
    TRY(forbidden.push_back(mapping.mfns()));
  normalise(forbidden);
  MappingList all(planner.arena);
  ConflictList conflicts(planner.arena);
  TRY(sweep(planner.arena, claims, all, &conflicts));
  TRY(warn_of_conflicts(planner, conflicts, claims, forbidden.span()));
  return cut_out(all.span(), forbidden.span(), out);
}

Result<> add_ram(Planner& planner, MappingList& out) {
  for (const MfnRange& bank : planner.out.ram)
    TRY(out.push_back({.first = direct_mapped(bank.begin()),
                       .machine = bank.begin(),
                       .count = FrameCount(bank.size()),
                       .attributes = policy::domain_ram()}));
  return {};
}

// Socle's memory or firmware's, the physical GIC, or another device that Socle keeps. (Other RAM
// there is none: list_host_ram().) The GIC's parts as platform/ read them, for in the tree they may
// overlap.
bool is_something_else(const Planner& planner, const MfnRange& frames) {
  const platform::Gic& gic = planner.platform().gic;
  const auto meets = [&](const PaRange& range) { return frames_touched(range).overlaps(frames); };
  return meets(gic.distributor) || meets(gic.cpu_interface) || meets(gic.hypervisor_interface) ||
         std::ranges::any_of(planner.kept_devices,
                             [&](const KeptDevice& kept) {
                               return kept.reason != NodeReason::kInterruptController &&
                                      meets(kept.region.range);
                             }) ||
         overlaps_any(planner.kept_frames, frames) || overlaps_any(planner.firmware_frames, frames);
}

// A GICv2 guest talks to the virtual CPU interface where it expects the physical one.
Result<> add_gicv2_interface(Planner& planner, MappingList& out) {
  const platform::Gic& gic = planner.platform().gic;
  if (gic.version != platform::Gic::Version::kV2) return {};
  const std::uint64_t size = std::min(gic.cpu_interface.size(), gic.virtual_interface.size());
  if (gic.cpu_interface.begin().offset_in_frame() != 0 ||
      gic.virtual_interface.begin().offset_in_frame() != 0 || size < kFrameSize)
    return planner.notes.error(Error::kUnsupported,
                               "{}: reg: the virtual CPU interface is not page-aligned",
                               planner.name_of(gic.node, gic.name).view());
  const FrameCount count(size >> kFrameShift);
  const Mfn machine = gic.virtual_interface.begin().frame();
  if (is_something_else(planner, MfnRange(machine, machine + count)))
    return planner.notes.error(Error::kCorrupt,
                               "{}: reg: the virtual CPU interface at {} is something else, too",
                               planner.name_of(gic.node, gic.name).view(), Pa(machine));
  return out.push_back({.first = direct_mapped(gic.cpu_interface.begin().frame()),
                        .machine = machine,
                        .count = count,
                        .attributes = policy::interrupt_controller(),
                        .source = gic.node});
}

Result<> assemble(Planner& planner, std::span<const Mapping> reserved,
                  std::span<const Mapping> devices) {
  MappingList all(planner.arena);
  TRY(add_ram(planner, all));
  for (const Mapping& mapping : reserved)
    TRY(all.push_back(mapping));
  for (const Mapping& mapping : devices)
    TRY(all.push_back(mapping));
  TRY(add_gicv2_interface(planner, all));
  fw::sort_by(all.span(), [](const Mapping& mapping) { return mapping.first; });
  for (std::size_t i = 1; i < all.size(); ++i)
    CHECK(all[i - 1].gfns().end() <= all[i].first);
  planner.out.mappings = all.finish();
  return {};
}

}  // namespace

NodeTraits traits_of(const Node& node) {
  NodeTraits traits;
  const auto property = node.property("compatible");
  for (std::size_t i = 0; property && !traits.compatibles.full(); ++i) {
    const auto name = property->string_at(i);
    if (!name || !traits.compatibles.push_back(*name)) break;
  }
  traits.no_memory_wc = node.has("no-memory-wc");
  return traits;
}

Result<> plan_devices(Planner& planner) {
  planner.firmware_frames = TRY(unshared_memory(planner.input, planner.arena));
  fw::ArenaVector<Claim> claims(planner.arena);
  fw::ArenaVector<RegionDecision> decisions(planner.arena);
  for (const platform::Device& device : planner.platform().devices)
    TRY(claim_device(planner, device, claims, decisions));
  planner.out.regions = decisions.span();
  if (planner.is_acpi()) TRY(claim_efi_devices(planner, claims));

  MappingList reserved(planner.arena);
  MappingList devices(planner.arena);
  TRY(map_reserved(planner, reserved));
  TRY(map_devices(planner, claims.span(), reserved.span(), devices));
  return assemble(planner, reserved.span(), devices.span());
}

}  // namespace socle::hwdom
