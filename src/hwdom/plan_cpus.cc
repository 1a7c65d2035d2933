// SPDX-License-Identifier: Apache-2.0

// Virtual CPUs, virtual GIC, timer and interrupts.

#include <algorithm>
#include <tuple>

#include "fw/sort.h"
#include "hwdom/plan_parts.h"

namespace socle::hwdom {

namespace {

// xen-abi 2.1: sixteen vCPUs to a cluster, as a GICv3 SGI can address them.
std::uint64_t virtual_mpidr(unsigned vcpu) {
  return (vcpu & 0xf) | (std::uint64_t{vcpu >> 4} << 8);
}

constexpr std::uint64_t kRedistributorSize = 128 * kKiB;

}  // namespace

Result<> plan_vcpus(Planner& planner) {
  const platform::Platform& platform = planner.platform();
  const fw::Options& options = *planner.input.options;
  const std::span<const std::uint16_t> given = planner.input.cpus;
  std::size_t count = given.empty() ? platform.cpus.size() : given.size();
  count = std::min<std::size_t>(count, options.maxcpus.value_or(kMaxCpus));
  if (options.dom0_max_vcpus && *options.dom0_max_vcpus > count)
    planner.notes.warning("dom0_max_vcpus={}: there are only {} CPUs", *options.dom0_max_vcpus,
                          count);
  count = std::min<std::size_t>(count, options.dom0_max_vcpus.value_or(kMaxCpus));
  for (std::size_t i = 0; i < count; ++i) {
    const auto cpu = given.empty() ? static_cast<std::uint16_t>(i) : given[i];
    CHECK(cpu < platform.cpus.size());
    TRY(planner.out.vcpus.push_back({cpu, virtual_mpidr(static_cast<unsigned>(i))}));
  }
  const platform::Timer& timer = platform.timer;
  TimerInterrupts& ours = planner.out.timer;
  const auto take = [](const std::optional<platform::Interrupt>& host, IntId& id) {
    if (host && host->id.is_ppi()) id = host->id;
  };
  take(timer.secure_physical, ours.secure_physical);
  take(timer.physical, ours.physical);
  take(timer.virt, ours.virt);
  take(timer.hypervisor, ours.hypervisor);
  if (!timer.virt || timer.virt->id != ours.virt)
    planner.notes.warning("timer: firmware names no virtual timer interrupt; {} is assumed",
                          ours.virt);
  return {};
}

namespace {

// Neighbours are one region: where firmware names each CPU's for itself (ACPI's GICC structures),
// it does so in the order of its CPUs. False if there are too many that are not.
bool add_redistributors(VirtualGic& gic, Ipa base, unsigned count) {
  if (!gic.redistributors.empty()) {
    VirtualGic::RedistributorRegion& last = gic.redistributors.back();
    if (last.base + last.count * kRedistributorSize == base) {
      last.count += count;
      return true;
    }
  }
  return gic.redistributors.push_back({base, count}).has_value();
}

// In the order of their addresses; behind null comes the first.
const PaRange* region_behind(const platform::Gic& gic, const PaRange* last) {
  const PaRange* next = nullptr;
  for (const PaRange& region : gic.redistributors)
    if ((last == nullptr || region.begin() > last->begin()) &&
        (next == nullptr || region.begin() < next->begin()))
      next = &region;
  return next;
}

Result<> plan_redistributors(Planner& planner) {
  const platform::Gic& gic = planner.platform().gic;
  const std::size_t vcpus = planner.out.vcpus.size();
  std::size_t left = vcpus;
  const PaRange* region = region_behind(gic, nullptr);
  for (; region != nullptr && left != 0; region = region_behind(gic, region)) {
    const auto count =
        static_cast<unsigned>(std::min<std::uint64_t>(region->size() / kRedistributorSize, left));
    if (count == 0) continue;
    if (!add_redistributors(planner.out.gic, direct_mapped(region->begin()), count))
      return planner.notes.error(
          Error::kUnsupported, "{}: redistributors in more than {} regions that are not neighbours",
          planner.name_of(gic.node, gic.name).view(), VirtualGic::kMaxRegions);
    left -= count;
  }
  if (left != 0)
    return planner.notes.error(Error::kCorrupt,
                               "{}: reg: the redistributor regions have no room for {} of {} vCPUs",
                               planner.name_of(gic.node, gic.name).view(), left, vcpus);
  return {};
}

// Its registers stand at the host's addresses in the domain's space, too.
Result<> check_gic_is_within_space(const Planner& planner) {
  const platform::Gic& gic = planner.platform().gic;
  Pa end = std::max({gic.distributor.end(), gic.cpu_interface.end(), gic.virtual_interface.end()});
  for (const PaRange& region : gic.redistributors)
    end = std::max(end, region.end());
  if (end.value() <= std::uint64_t{1} << planner.input.ipa_bits) return {};
  return planner.notes.error(Error::kOutOfRange, "{}: reg: beyond the CPUs' {} address bits",
                             planner.name_of(gic.node, gic.name).view(), planner.input.ipa_bits);
}

}  // namespace

Result<> plan_gic(Planner& planner) {
  const platform::Gic& gic = planner.platform().gic;
  TRY(check_gic_is_within_space(planner));
  VirtualGic& ours = planner.out.gic;
  ours.version = gic.version;
  ours.distributor = direct_mapped(gic.distributor.begin());
  switch (gic.version) {
    case platform::Gic::Version::kNone:
      return planner.notes.error(Error::kNotFound,
                                 "no interrupt controller that Socle knows (a GICv2 or GICv3)");
    case platform::Gic::Version::kV2:
      ours.cpu_interface = direct_mapped(gic.cpu_interface.begin());
      if (gic.cpu_interface.empty() || gic.virtual_interface.empty())
        return planner.notes.error(Error::kUnsupported,
                                   "{}: reg: no virtual CPU interface (GICV), so no guests",
                                   planner.name_of(gic.node, gic.name).view());
      if (planner.out.vcpus.size() > 8) planner.out.vcpus.truncate(8);
      return {};
    case platform::Gic::Version::kV3:
      return plan_redistributors(planner);
  }
  return {};
}

namespace {

// The first private interrupt that nothing on the host uses.
Result<IntId> free_private_interrupt(const Planner& planner) {
  std::uint32_t used = 0;
  const auto use = [&used](IntId id) {
    if (id.is_private()) used |= std::uint32_t{1} << id.value();
  };
  const auto use_if = [&use](const std::optional<platform::Interrupt>& interrupt) {
    if (interrupt) use(interrupt->id);
  };
  const platform::Timer& timer = planner.platform().timer;
  use_if(timer.hypervisor_virtual);
  use_if(planner.platform().gic.maintenance);
  use(planner.out.timer.secure_physical);
  use(planner.out.timer.physical);
  use(planner.out.timer.virt);
  use(planner.out.timer.hypervisor);
  for (const platform::Device& device : planner.platform().devices)
    for (const platform::Interrupt& interrupt : device.interrupts)
      use(interrupt.id);
  for (std::uint32_t id = 16; id < 32; ++id)
    if ((used & (std::uint32_t{1} << id)) == 0) return IntId(id);
  return planner.notes.error(Error::kNotFound,
                             "device tree: every private interrupt is in use, none is left for "
                             "event channels");
}

bool is_socles(const Planner& planner, IntId id) {
  const platform::Console* const console = planner.console();
  return console != nullptr && console->interrupt && console->interrupt->id == id;
}

Result<> collect_routes(Planner& planner, fw::ArenaVector<InterruptRoute>& routes) {
  for (const platform::Device& device : planner.platform().devices) {
    if (!planner.is_domains(device)) continue;
    for (const platform::Interrupt& interrupt : device.interrupts) {
      if (!interrupt.id.is_spi()) continue;
      if (is_socles(planner, interrupt.id)) {
        if (device.enabled)
          planner.notes.warning("{}: interrupts: {} is the console's too: not the domain's",
                                planner.name_of(device).view(), interrupt.id);
        continue;
      }
      TRY(routes.push_back({interrupt, device.node, device.name}));
    }
  }
  return {};
}

}  // namespace

Result<> plan_interrupts(Planner& planner) {
  planner.out.event_channel_ppi = TRY(free_private_interrupt(planner));
  fw::ArenaVector<InterruptRoute> routes(planner.arena);
  TRY(collect_routes(planner, routes));
  // Of several nodes that share an interrupt the first enabled one stands for it.
  fw::sort_by(routes.span(), [&](const InterruptRoute& route) {
    const bool enabled =
        route.node == fw::dt::kNoNode || planner.platform().device(route.node)->enabled;
    return std::tuple(route.interrupt.id, !enabled, index_of(route.node));
  });
  std::size_t kept = 0;
  for (const InterruptRoute& route : routes)
    if (kept == 0 || routes[kept - 1].interrupt.id != route.interrupt.id) routes[kept++] = route;
  routes.truncate(kept);
  planner.out.interrupts = routes.finish();
  planner.out.all_spis_because_of = planner.platform().opaque_interrupt_controller;
  planner.out.has_all_spis =
      planner.is_acpi() || planner.out.all_spis_because_of != fw::dt::kNoNode;
  return {};
}

}  // namespace socle::hwdom
