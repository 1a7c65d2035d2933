// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan_check.h"

#include <algorithm>

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

namespace {

bool is_gicv2_interface(const PlanInput& input, const Mapping& mapping) {
  return input.platform->gic.version == platform::Gic::Version::kV2 &&
         mapping.source == input.platform->gic.node &&
         mapping.first == direct_mapped(input.platform->gic.cpu_interface.begin().frame()) &&
         mapping.attributes.reason() == Reason::kInterruptController;
}

bool may_be(const Attributes& attributes) {
  const bool executable = attributes.permissions().execute;
  switch (attributes.reason()) {
    case Reason::kDomainRam:
      return attributes.type() == MemoryType::kNormalWriteBack && executable;
    case Reason::kInterruptController:
      return attributes.type() == MemoryType::kDeviceNGnRE && !executable;
    case Reason::kOnChipSram:
      return executable == !is_device(attributes.type());
    case Reason::kReservedMemory:
      return attributes.type() == MemoryType::kNormalWriteBack;
    case Reason::kDeviceRegisters:
    case Reason::kPciWindow:
    case Reason::kFrameBuffer:
      return !executable;
    case Reason::kNone:
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

class Proofreader {
 public:
  Proofreader(const PlanInput& input, const DomainPlan& plan, fw::Arena& arena,
              fw::Diagnostics& notes)
      : input_(input), plan_(plan), arena_(arena), notes_(notes) {}

  Result<bool> run() {
    TRY(make_lists());
    check_order();
    for (const Mapping& mapping : plan_.mappings)
      check_mapping(mapping);
    for (const platform::Device& device : input_.platform->devices)
      for (const platform::Region& region : device.regions)
        check_region(device, region);
    check_banks();
    TRY(check_default_memory());
    check_places();
    TRY(check_free_space());
    TRY(check_permitted());
    check_interrupts();
    return ok_;
  }

 private:
  template <typename... Args>
  void wrong(FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
    notes_.add(LogLevel::kError, Text<200>(format, args...).view());
    ok_ = false;
  }

  Result<> make_lists() {
    RangeList ram(arena_);
    RangeList reserved(arena_);
    RangeList kept(arena_);
    RangeList mapped(arena_);
    for (const platform::RamBank& bank : input_.platform->ram)
      TRY(ram.push_back(frames_inside(bank.range)));
    for (const platform::ReservedRange& range : input_.platform->reserved)
      TRY(reserved.push_back(frames_touched(range.range)));
    for (const KeptMemory& memory : input_.kept)
      TRY(kept.push_back(frames_touched(memory.range)));
    TRY(add_kept_devices(kept));
    for (const Mapping& mapping : plan_.mappings)
      if (!is_gicv2_interface(input_, mapping)) TRY(mapped.push_back(mapping.mfns()));
    for (RangeList* list : {&ram, &reserved, &kept, &mapped})
      normalise(*list);
    ram_ = ram.finish();
    reserved_ = reserved.finish();
    kept_ = kept.finish();
    firmwares_ = TRY(unshared_memory(input_, arena_));
    RangeList unshared(arena_);
    TRY(list_private_memory(unshared));
    normalise(unshared);
    private_ = unshared.finish();
    RangeList pages(arena_);
    for (const MfnRange& range : kept_)
      TRY(pages.push_back(range));
    for (const KeptDevice& device : plan_.kept_devices)
      TRY(pages.push_back(device.shares_page_with == fw::dt::kNoNode
                              ? frames_touched(device.region.range)
                              : frames_inside(device.region.range)));
    normalise(pages);
    kept_pages_ = pages.finish();
    mapped_ = mapped.finish();
    return {};
  }

  // What firmware shares on ACPI may be permitted.
  Result<> list_private_memory(RangeList& out) {
    for (const platform::ReservedRange& range : input_.platform->reserved)
      if (input_.acpi == nullptr || range.origin != platform::ReservedRange::Origin::kFirmware)
        TRY(out.push_back(frames_touched(range.range)));
    for (const MfnRange& range : firmwares_)
      TRY(out.push_back(range));
    return {};
  }

  [[nodiscard]] bool is_passed_through(const platform::Iommu& iommu) const {
    return iommu.node != fw::dt::kNoNode &&
           plan_.nodes[index_of(iommu.node)].action == NodeAction::kKeep;
  }

  // From the platform, not from the plan's own list.
  Result<> add_kept_devices(RangeList& kept) {
    const platform::Gic& gic = input_.platform->gic;
    for (const PaRange& range :
         {gic.distributor, gic.cpu_interface, gic.hypervisor_interface, gic.virtual_interface})
      TRY(kept.push_back(frames_touched(range)));
    for (const PaRange& range : gic.redistributors)
      TRY(kept.push_back(frames_touched(range)));
    for (const platform::Its& its : gic.its)
      TRY(kept.push_back(frames_touched(its.range)));
    if (input_.console != nullptr) TRY(kept.push_back(frames_inside(input_.console->registers)));
    for (const platform::Iommu& iommu : input_.platform->iommus)
      for (const platform::Region& region : iommu.regions)
        if (iommu.enabled && !is_passed_through(iommu))
          TRY(kept.push_back(frames_inside(region.range)));
    return {};
  }

  void check_order() {
    const std::uint64_t space = std::uint64_t{1} << (input_.ipa_bits - kFrameShift);
    for (std::size_t i = 0; i < plan_.mappings.size(); ++i) {
      const Mapping& mapping = plan_.mappings[i];
      if (mapping.count.value() == 0) wrong("plan: empty mapping at {}", mapping.first);
      if (i != 0 && plan_.mappings[i - 1].gfns().end() > mapping.first)
        wrong("plan: mappings {} overlap", mapping.gfns());
      if (mapping.gfns().end().value() > space) wrong("plan: {} beyond space", mapping.gfns());
    }
  }

  void check_mapping(const Mapping& mapping) {
    const MfnRange frames = mapping.mfns();
    if (!may_be(mapping.attributes))
      wrong("plan: {} has type {} for {}", frames, to_string(mapping.attributes.type()),
            to_string(mapping.attributes.reason()));
    if (is_gicv2_interface(input_, mapping)) {
      if (!contained_in_one(kept_, frames)) wrong("plan: {} is no part of the GIC", frames);
      return;
    }
    if (direct_mapped(mapping.machine) != mapping.first) wrong("plan: {} is not 1:1", frames);
    if (overlaps_any(kept_, frames)) wrong("plan: {} maps what Socle keeps", frames);
    if (overlaps_any(firmwares_, frames)) wrong("plan: {} maps firmware's own memory", frames);
    switch (mapping.attributes.reason()) {
      case Reason::kDomainRam:
        if (!contained_in_one(plan_.ram, frames) || !contained_in_one(ram_, frames))
          wrong("plan: {} is no RAM of the domain", frames);
        return;
      case Reason::kFrameBuffer:
        // Reserved memory, or a device's like any other.
        if (overlaps_any(ram_, frames) && !contained_in_one(reserved_, frames))
          wrong("plan: frame buffer {} contains RAM", frames);
        if (overlaps_any(plan_.ram, frames)) wrong("plan: {} is mapped twice", frames);
        return;
      case Reason::kReservedMemory:
        if (!contained_in_one(reserved_, frames)) wrong("plan: {} is not reserved", frames);
        if (overlaps_any(plan_.ram, frames)) wrong("plan: {} is mapped twice", frames);
        return;
      case Reason::kNone:
      case Reason::kDeviceRegisters:
      case Reason::kPciWindow:
      case Reason::kOnChipSram:
      case Reason::kInterruptController:
      case Reason::kSharedInfo:
      case Reason::kGrantTable:
      case Reason::kGrantMapping:
      case Reason::kForeignMapping:
      case Reason::kOnDemand:
      case Reason::kSocle:
        if (overlaps_any(ram_, frames)) wrong("plan: device mapping {} contains RAM", frames);
        return;
    }
  }

  // ACPI: another port's place overlaps it.
  [[nodiscard]] bool is_consoles(const platform::Device& device) const {
    const platform::Console* const console = input_.console;
    return device.origin == platform::Device::Origin::kSerialPort && console != nullptr &&
           !device.regions.empty() && device.regions.front().range.overlaps(console->registers);
  }

  // Every page of a device that the domain has is mapped, or is one of those that never are.
  void check_region(const platform::Device& device, const platform::Region& region) {
    const NodeDecision decision =
        device.node == fw::dt::kNoNode ? NodeDecision() : plan_.nodes[index_of(device.node)];
    if (is_consoles(device)) return;
    if (!device.enabled || decision.action != NodeAction::kKeep || decision.part_of_parent) return;
    const MfnRange frames = frames_touched(region.range);
    const std::uint64_t space = std::uint64_t{1} << (input_.ipa_bits - kFrameShift);
    Mfn at = frames.begin();
    const Mfn end = std::min(frames.end(), Mfn(space));
    while (at < end) {
      Mfn next = at;
      for (const auto list : {mapped_, kept_pages_, ram_, firmwares_}) {
        const auto found = std::ranges::upper_bound(list, at, {}, &MfnRange::end);
        if (found != list.end() && found->contains(at)) next = std::max(next, found->end());
      }
      if (next == at) {
        wrong("plan: {}: frame {} is not mapped", input_.tree->node(device.node).path().view(), at);
        return;
      }
      at = next;
    }
  }

  // A domain that takes its memory map from UEFI may have pages of up to 64 KiB.
  static constexpr std::uint64_t kPage = 64 * kKiB;

  void check_banks() {
    if (input_.acpi == nullptr) return;
    for (const MfnRange& bank : plan_.ram)
      if (Pa(bank.begin()).value() % kPage != 0 || Pa(bank.end()).value() % kPage != 0)
        wrong("plan: the bank {} shares a page of 64 KiB with others", bank);
  }

  // As check_banks() wants them.
  [[nodiscard]] MfnRange in_pages(const MfnRange& range) const {
    if (input_.acpi == nullptr) return range;
    const std::uint64_t begin = align_up(Pa(range.begin()).value(), kPage);
    const std::uint64_t end = align_down(Pa(range.end()).value(), kPage);
    return begin < end ? frames_inside(PaRange(Pa(begin), Pa(end))) : MfnRange();
  }

  Result<> check_default_memory() {
    const fw::Dom0Memory& memory = input_.options->dom0_mem;
    if (memory.size || memory.maximum || memory.minimum) return {};
    RangeList rest(arena_);
    RangeList memory_kept(arena_);
    for (const KeptMemory& kept : input_.kept)
      TRY(memory_kept.push_back(frames_touched(kept.range)));
    TRY(add_kept_devices(memory_kept));
    // What stands below a hidden IOMMU is hidden with it.
    for (const KeptDevice& device : plan_.kept_devices)
      if (device.reason == NodeReason::kIommu)
        TRY(memory_kept.push_back(frames_inside(device.region.range)));
    normalise(memory_kept);
    TRY(subtract(ram_, memory_kept.span(), rest));
    for (MfnRange& range : rest)
      range = in_pages(range);
    normalise(rest);
    if (!std::ranges::equal(rest.span(), plan_.ram))
      wrong("plan: without dom0_mem the domain has not all RAM that Socle leaves");
    return {};
  }

  void check_place(const char* what, const Range<Ipa>& place) {
    const PaRange bytes(Pa(place.begin().value()), Pa(place.end().value()));
    if (bytes.empty() || !contained_in_one(plan_.ram, frames_touched(bytes)))
      wrong("plan: the {} at {} is in no bank", what, place);
  }

  void check_tables_place() {
    check_place("tables", plan_.tables_slot);
    const bool overlaps = plan_.tables_slot.overlaps(plan_.kernel->target) ||
                          plan_.tables_slot.overlaps(plan_.tree_slot) ||
                          (plan_.initrd && plan_.tables_slot.overlaps(plan_.initrd->target));
    if (overlaps) wrong("plan: ACPI's tables overlap kernel, tree or initrd");
  }

  void check_places() {
    if (!plan_.kernel) return;
    check_place("kernel", plan_.kernel->target);
    check_place("tree", plan_.tree_slot);
    if (input_.acpi != nullptr) check_tables_place();
    if (plan_.kernel->target.overlaps(plan_.tree_slot)) wrong("plan: kernel and tree overlap");
    if (!plan_.initrd) return;
    const Range<Ipa>& initrd = plan_.initrd->target;
    check_place("initrd", initrd);
    if (initrd.overlaps(plan_.kernel->target) || initrd.overlaps(plan_.tree_slot))
      wrong("plan: the initrd overlaps kernel or tree");
    // What is still to be read must not be written over.
    const auto spoils = [](const Placement& copy, const PaRange& source) {
      return copy.target.overlaps(
          Range<Ipa>(direct_mapped(source.begin()), direct_mapped(source.end())));
    };
    if (spoils(*plan_.kernel, plan_.initrd->source))
      wrong("plan: the kernel is copied over the initrd");
    if (!plan_.initrd->in_place && !plan_.kernel->in_place &&
        spoils(*plan_.initrd, plan_.kernel->source))
      wrong("plan: the initrd is copied over the kernel");
  }

  Result<> check_free_space() {
    RangeList busy(arena_);
    for (const Mapping& mapping : plan_.mappings)
      TRY(busy.push_back(MfnRange(Mfn(mapping.first.value()), Mfn(mapping.gfns().end().value()))));
    normalise(busy);
    const auto check = [&](const char* what, const GfnRange& range) {
      const MfnRange frames(Mfn(range.begin().value()), Mfn(range.end().value()));
      if (range.empty() || overlaps_any(busy.span(), frames))
        wrong("plan: the {} {} is not free", what, range);
    };
    if (input_.acpi == nullptr) check("grant-table window", plan_.grant_table_window);
    for (const GfnRange& region : plan_.extended_regions) {
      check("extended region", region);
      if (region.overlaps(plan_.grant_table_window)) wrong("plan: {} is used twice", region);
    }
    return {};
  }

  static bool is_of_a_device(const Mapping& mapping) {
    const Reason reason = mapping.attributes.reason();
    return reason == Reason::kDeviceRegisters || reason == Reason::kPciWindow ||
           reason == Reason::kOnChipSram || reason == Reason::kFrameBuffer;
  }

  // Sorted, and nothing of what may come on top of the device mappings is somebody else's.
  Result<> check_permitted() {
    const std::span<const MfnRange> permitted = plan_.permitted;
    for (std::size_t i = 0; i < permitted.size(); ++i)
      if (permitted[i].empty() || (i != 0 && permitted[i - 1].end() >= permitted[i].begin()))
        wrong("plan: permitted frames {} are out of order", permitted[i]);
    if (!permitted.empty() &&
        permitted.back().end().value() > std::uint64_t{1} << (input_.ipa_bits - kFrameShift))
      wrong("plan: permitted frames {} beyond space", permitted.back());
    RangeList devices(arena_);
    RangeList more(arena_);
    for (const Mapping& mapping : plan_.mappings)
      if (is_of_a_device(mapping) && !overlaps_any(ram_, mapping.mfns()))
        TRY(devices.push_back(mapping.mfns()));
    normalise(devices);
    for (const MfnRange& range : devices)
      if (!contained_in_one(permitted, range)) wrong("plan: device {} is not permitted", range);
    TRY(subtract(permitted, devices.span(), more));
    if (plan_.mmio_fault != fw::MmioFault::kMap && !more.empty())
      wrong("plan: {} is permitted without need", more[0]);
    for (const MfnRange& range : more)
      check_more(range);
    return {};
  }

  void check_more(const MfnRange& range) {
    for (const auto list : {ram_, private_, kept_pages_, mapped_})
      if (overlaps_any(list, range)) wrong("plan: {} is permitted, and not all device's", range);
    const GfnRange guest(direct_mapped(range.begin()), direct_mapped(range.end()));
    if (guest.overlaps(plan_.grant_table_window)) wrong("plan: {} is where grants go", range);
    for (const GfnRange& region : plan_.extended_regions)
      if (guest.overlaps(region)) wrong("plan: {} meets an extended region", range);
  }

  void check_interrupts() {
    for (std::size_t i = 0; i < plan_.interrupts.size(); ++i) {
      const IntId id = plan_.interrupts[i].interrupt.id;
      if (!id.is_spi()) wrong("plan: interrupt {} is no SPI", id);
      if (i != 0 && plan_.interrupts[i - 1].interrupt.id >= id)
        wrong("plan: {} is out of order", id);
      const platform::Console* const console = input_.console;
      if (console != nullptr && console->interrupt && console->interrupt->id == id)
        wrong("plan: interrupt {} is the console's", id);
    }
    if (!plan_.event_channel_ppi.is_ppi()) wrong("plan: no interrupt for event channels");
  }

  const PlanInput& input_;
  const DomainPlan& plan_;
  fw::Arena& arena_;
  fw::Diagnostics& notes_;
  std::span<const MfnRange> ram_;
  std::span<const MfnRange> reserved_;
  std::span<const MfnRange> firmwares_;   // ACPI: its own alone
  std::span<const MfnRange> private_;     // reserved, and not to be permitted
  std::span<const MfnRange> kept_;        // wholly
  std::span<const MfnRange> kept_pages_;  // wholly or in part
  std::span<const MfnRange> mapped_;
  bool ok_ = true;
};

}  // namespace

Result<bool> proofread(const PlanInput& input, const DomainPlan& plan, fw::Arena& arena,
                       fw::Diagnostics& notes) {
  return Proofreader(input, plan, arena, notes).run();
}

}  // namespace socle::hwdom
