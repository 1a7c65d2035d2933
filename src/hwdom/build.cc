// SPDX-License-Identifier: Apache-2.0
#include "hwdom/build.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/function_ref.h"
#include "base/inplace_vector.h"
#include "base/log.h"
#include "guest/mmio_faults.h"
#include "guest/vcpu.h"
#include "guest/vdev/vgic.h"
#include "hwdom/firmware_tables.h"
#include "hwdom/kernel_image.h"
#include "hwdom/unpack.h"
#include "mem/memory.h"
#include "mem/object.h"
#include "platform/platform.h"
#include "port/cache.h"
#include "port/phys_window.h"

namespace socle::hwdom {
namespace {

constexpr DomainId kHardwareDomain{0};
// Ports of a domain's event channels: all that the FIFO flavour has.
constexpr abi::Port kMaxPort = abi::kFifoPorts - 1;
// Translation tables the hardware domain may use: it maps what it likes (grants, foreign pages),
// and one table of 4 KiB covers 2 MiB.
constexpr FrameCount kTableQuota{8192};
// Always in stock, so that small changes do not depend on the heap.
constexpr FrameCount kTableReserve{16};

// --- Copies between memory that is not Socle's
// -----------------------------------------------------

std::uint64_t bytes_to_frame_end(Pa address) {
  return kFrameSize - address.offset_in_frame();
}

void copy_from_memory(void* to, Pa from, std::size_t bytes) {
  auto* out = static_cast<std::byte*>(to);
  while (bytes != 0) {
    const std::size_t now = std::min<std::uint64_t>(bytes, bytes_to_frame_end(from));
    const port::PhysWindow window(from.frame());
    std::memcpy(out, window.data() + from.offset_in_frame(), now);
    out += now;
    from = from + now;
    bytes -= now;
  }
}

// Cleans to the point of coherency what it writes: the guest begins with its caches off.
void copy_to_memory(Pa to, const void* from, std::size_t bytes) {
  const auto* in = static_cast<const std::byte*>(from);
  while (bytes != 0) {
    const std::size_t now = std::min<std::uint64_t>(bytes, bytes_to_frame_end(to));
    const port::PhysWindow window(to.frame());
    std::byte* const out = window.data() + to.offset_in_frame();
    std::memcpy(out, in, now);
    port::cache_clean(out, now);
    in += now;
    to = to + now;
    bytes -= now;
  }
}

void copy_memory(Pa to, Pa from, std::uint64_t bytes) {
  while (bytes != 0) {
    const std::uint64_t now = std::min({bytes, bytes_to_frame_end(from), bytes_to_frame_end(to)});
    const port::PhysWindow source(from.frame());
    const port::PhysWindow target(to.frame());
    std::byte* const out = target.data() + to.offset_in_frame();
    std::memcpy(out, source.data() + from.offset_in_frame(), now);
    port::cache_clean(out, now);
    from = from + now;
    to = to + now;
    bytes -= now;
  }
}

void clean_memory(const PaRange& range) {
  for (Pa at = range.begin(); at < range.end();) {
    const std::uint64_t now = std::min(range.end() - at, bytes_to_frame_end(at));
    const port::PhysWindow window(at.frame());
    port::cache_clean(window.data() + at.offset_in_frame(), now);
    at = at + now;
  }
}

// The hardware domain is mapped 1:1 (plan.h): where a guest address is in the machine.
Pa machine_address(Ipa address) {
  return Pa(address.value());
}

// --- The kernel module
// ----------------------------------------------------------------------------

Result<KernelIdentity> identify(const PaRange& module, fw::Diagnostics& notes) {
  std::array<std::byte, kKernelHeaderBytes> header{};
  const std::size_t bytes = std::min<std::uint64_t>(header.size(), module.size());
  copy_from_memory(header.data(), module.begin(), bytes);
  return identify_kernel(std::span(header).first(bytes), module.size(), notes);
}

fw::BootModule* kernel_module(fw::BootInfo& boot) {
  for (fw::BootModule& module : boot.modules) {
    if (module.kind == fw::ModuleKind::kKernel) return &module;
  }
  return nullptr;
}

// Where unpacking writes over nothing. Low, where the kernel can stay, if there is low RAM.
Result<PaRange> find_room(const fw::BootInfo& boot, const ModuleSpace& space, std::uint64_t size,
                          fw::Arena& arena) {
  fw::ArenaVector<PaRange> occupied(arena);
  for (const PaRange& range : space.occupied)
    TRY(occupied.push_back(range));
  for (const fw::BootModule& module : boot.modules)
    TRY(occupied.push_back(module.range));
  return platform::find_free_ram(
      space.ram, space.reserved, occupied.span(),
      {.size = size, .alignment = 2 * kMiB, .preferred_limit = Pa(4 * kGiB)});
}

// Replaces the kernel module by its unpacked form.
Result<> unpack_kernel(fw::BootInfo& boot, fw::BootModule& module, const KernelIdentity& packed,
                       const ModuleSpace& space, fw::Arena& arena, const fw::BootPhase& phase,
                       fw::Diagnostics& notes) {
  const Pa begin = module.range.begin() + packed.payload_offset;
  const PaRange payload(begin, begin + packed.payload_size);
  const auto size = claimed_unpacked_size(payload);
  if (!size.has_value() || *size == 0) {
    return notes.error(Error::kInvalid, "kernel: too short for a gzip file");
  }
  const auto room = find_room(boot, space, align_up<std::uint64_t>(*size, kFrameSize), arena);
  if (!room.has_value()) {
    return notes.error(room.error(), "kernel: no free RAM for its {} unpacked bytes", *size);
  }
  const PaRange target(room->begin(), room->begin() + *size);
  const std::uint64_t written = TRY(unpack_gzip(payload, target, arena, phase, notes));
  log_info("kernel: unpacked {} to {} bytes at {}", payload.size(), written, target.begin());
  module.range = PaRange(target.begin(), target.begin() + written);
  return {};
}

// --- The domain
// -----------------------------------------------------------------------------------

Result<std::uint64_t> claim_part(const guest::Domain& domain, const MfnRange& part,
                                 fw::Diagnostics& notes) {
  if (part.empty()) return 0;
  const Result<> claimed = mem::assign(part, domain.id, mem::Contents::kAsFound);
  if (!claimed.has_value()) {
    return notes.error(claimed.error(), "dom0: RAM {} cannot be claimed: {}", part,
                       claimed.error());
  }
  return part.size();
}

// Reserved memory inside a bank is mapped, but nobody owns it: what it holds is not the domain's.
// Both lists are sorted by address, so one pass does, whatever a tree reserves.
Result<> claim_ram(guest::Domain& domain, const BuildInput& input, fw::Diagnostics& notes) {
  std::uint64_t frames = 0;
  auto reserved = input.plan_input->platform->reserved.begin();
  const auto last = input.plan_input->platform->reserved.end();
  for (const MfnRange& bank : input.plan->ram) {
    Mfn from = bank.begin();
    while (reserved != last) {
      const MfnRange taken = frames_touched(reserved->range);
      if (taken.begin() >= bank.end()) break;
      if (taken.begin() > from) {
        frames += TRY(claim_part(domain, MfnRange(from, taken.begin()), notes));
      }
      from = std::max(from, taken.end());
      if (from >= bank.end()) break;  // it may meet the next bank, too
      ++reserved;
    }
    if (from < bank.end()) frames += TRY(claim_part(domain, MfnRange(from, bank.end()), notes));
  }
  domain.ram_frames.store(frames, std::memory_order_relaxed);
  domain.max_ram_frames = frames;
  return {};
}

Result<> map_everything(guest::Domain& domain, const DomainPlan& plan, fw::Diagnostics& notes) {
  for (const Mapping& mapping : plan.mappings) {
    const Result<> mapped =
        domain.address_space.map(mapping.gfns(), mapping.machine, mapping.attributes);
    if (!mapped.has_value()) {
      return notes.error(mapped.error(), "dom0: guest frames {} ({}) cannot be mapped: {}",
                         mapping.gfns(), to_string(mapping.attributes.reason()), mapped.error());
    }
  }
  return {};
}

Result<> make_address_space(guest::Domain& domain, const BuildInput& input,
                            fw::Diagnostics& notes) {
  domain.table_pool.set_quota(kTableQuota);
  TRY(domain.table_pool.reserve(kTableReserve));
  stage2::AddressSpace::Config config;
  config.tables = stage2::TableSource(domain.table_pool);
  config.ipa_bits = input.plan_input->ipa_bits;
  TRY(domain.address_space.init(config));
  return map_everything(domain, *input.plan, notes);
}

bool is_withheld(const RegionDecision& region) {
  using Outcome = RegionDecision::Outcome;
  return region.outcome != Outcome::kMapped && region.outcome != Outcome::kInRam &&
         region.outcome != Outcome::kEmpty;
}

// For log lines about faults: the end of a long path tells more than its beginning.
Result<> name_what_is_withheld(guest::MmioFaults& faults, const BuildInput& input) {
  constexpr std::size_t kMostNames = 256;
  using Named = guest::MmioFaults::Named;
  const std::span<const RegionDecision> regions = input.plan->regions;
  const std::size_t wanted = static_cast<std::size_t>(std::ranges::count_if(regions, is_withheld));
  const std::span<Named> named = TRY(mem::create_array<Named>(std::min(wanted, kMostNames)));
  auto next = named.begin();
  for (const RegionDecision& region : regions) {
    if (!is_withheld(region) || next == named.end()) continue;
    fw::dt::Path path("{}", region.name);
    if (region.name.empty()) path = input.plan_input->tree->node(region.node).path();
    const std::string_view text = path.view();
    constexpr std::size_t kRoom = 48;
    next->frames = frames_touched(region.region.range);
    next->name = Text<kRoom>("{}", text.substr(text.size() - std::min(text.size(), kRoom)));
    ++next;
  }
  faults.named = named;
  return {};
}

// The plan ends with boot; what the domain may map, it may as long as it lives.
Result<> make_permissions(guest::Domain& domain, const BuildInput& input) {
  const DomainPlan& plan = *input.plan;
  const std::span<MfnRange> ranges = TRY(mem::create_array<MfnRange>(plan.permitted.size()));
  std::ranges::copy(plan.permitted, ranges.begin());
  domain.permitted_mmio = guest::PermittedMmio(ranges);
  using Policy = guest::MmioFaults::Policy;
  if (plan.mmio_fault == fw::MmioFault::kDeny) return {};
  const Policy policy = plan.mmio_fault == fw::MmioFault::kMap ? Policy::kMap : Policy::kLog;
  const bool by_pages = input.plan_input->options->mmio_fault_by_pages;
  domain.mmio_faults = TRY(mem::create<guest::MmioFaults>(policy, by_pages ? kOrder4K : kOrder1G));
  return name_what_is_withheld(*domain.mmio_faults, input);
}

Result<> make_vcpus(guest::Domain& domain, const DomainPlan& plan) {
  const std::size_t count = plan.vcpus.size();
  domain.vcpus = TRY(mem::create_array<guest::Vcpu*>(count));
  for (std::size_t i = 0; i < count; ++i) {
    domain.vcpus[i] = TRY(mem::create<guest::Vcpu>(domain, static_cast<unsigned>(i),
                                                   CpuIndex{static_cast<std::uint16_t>(i)}));
    domain.vcpus[i]->system.vmpidr_el2 = plan.vcpus[i].vmpidr;
  }
  return {};
}

Result<> make_gic(guest::Domain& domain, const BuildInput& input, fw::Diagnostics& notes) {
  const VirtualGic& planned = input.plan->gic;
  InplaceVector<Range<Ipa>, VirtualGic::kMaxRegions> regions;
  for (const auto& region : planned.redistributors) {
    TRY(regions.push_back(
        Range<Ipa>(region.base, region.base + region.count * guest::vgic::kRedistributorSize)));
  }
  // No more lines than the domain has interrupts for: a guest initialises each of them.
  unsigned lines = 32;
  for (const InterruptRoute& route : input.plan->interrupts)
    lines = std::max(lines, align_up<unsigned>(route.interrupt.id.value() + 1, 32));
  if (input.plan->has_all_spis) lines = input.gic_lines;
  namespace vgic = guest::vgic;
  const bool is_v2 = planned.version == platform::Gic::Version::kV2;
  lines =
      std::min(lines, is_v2 ? std::min(input.gic_lines, vgic::kGicv2MaxLines) : input.gic_lines);
  TRY(vgic::init_domain(domain, {.version = is_v2 ? vgic::Version::kV2 : vgic::Version::kV3,
                                 .distributor = planned.distributor,
                                 .redistributors = regions.span(),
                                 .lines = lines}));
  if (is_v2) {
    TRY(domain.mmio.add(
        Range<Ipa>(planned.distributor, planned.distributor + vgic::kGicv2DistributorSize),
        vgic::emulate_gicv2_mmio, vgic::read_gicv2_distributor));
  } else {
    TRY(domain.mmio.add(
        Range<Ipa>(planned.distributor, planned.distributor + vgic::kDistributorSize),
        vgic::emulate_mmio, vgic::read_distributor));
  }
  for (const Range<Ipa>& region : regions)
    TRY(domain.mmio.add(region, guest::vgic::emulate_mmio));
  for (guest::Vcpu* vcpu : domain.vcpus)
    guest::vgic::init_vcpu(*vcpu);

  for (unsigned number = 32; number < lines; ++number) {
    const IntId id(number);
    const auto found = std::ranges::lower_bound(
        input.plan->interrupts, id, {}, [](const auto& route) { return route.interrupt.id; });
    const bool named = found != input.plan->interrupts.end() && found->interrupt.id == id;
    if (!named && !input.plan->has_all_spis) continue;
    const Result<> routed = guest::vgic::route_to_guest(domain, id);
    if (!routed.has_value() && named) {
      notes.warning("dom0: interrupt {} is not routed: {}", id, routed.error());
    }
  }
  return {};
}

Result<> make_xen_interface(guest::Domain& domain, const DomainPlan& plan) {
  domain.event_channel_ppi = plan.event_channel_ppi;
  domain.shared_info_frame = TRY(mem::allocate(kOrder4K));
  domain.event_channels.init(domain, kMaxPort);
  return domain.grant_table.init(domain);
}

// --- What lies in its memory when it starts
// ---------------------------------------------------------

void place(const Placement& placement, std::uint64_t bytes) {
  if (placement.in_place) {
    clean_memory(placement.source);
    return;
  }
  copy_memory(machine_address(placement.target.begin()), placement.source.begin(), bytes);
}

// Has `write` fill a buffer of that size, and puts what it wrote (it answers with how much) at the
// beginning of `slot`.
Result<> write_to(const Range<Ipa>& slot, std::size_t bound,
                  FunctionRef<Result<std::size_t>(std::span<std::byte>)> write,
                  fw::Diagnostics& notes) {
  const FrameCount room = FrameCount::containing(bound);
  const Mfn buffer = TRY(mem::allocate_frames(room));
  const std::span<std::byte> bytes(port::owned_frame(buffer), room.bytes());
  const Result<std::size_t> size = write(bytes);
  Result<> done;
  if (!size.has_value()) {
    done = fail(size.error());
  } else if (*size > slot.size()) {
    done = notes.error(Error::kTooLarge, "dom0: its firmware's data needs {} bytes, planned are {}",
                       *size, slot.size());
  } else {
    copy_to_memory(machine_address(slot.begin()), bytes.data(), *size);
  }
  mem::free_frames(buffer, room);
  return done;
}

Result<> place_tree(const BuildInput& input, const fw::BootPhase& phase, fw::Diagnostics& notes) {
  return write_to(
      input.plan->tree_slot, tree_size_bound(*input.plan_input),
      [&](std::span<std::byte> buffer) {
        return write_tree(*input.plan_input, *input.plan, buffer, phase, notes);
      },
      notes);
}

// Tables, and the stub of a tree that leads to them.
Result<> place_tables(const BuildInput& input, fw::Diagnostics& notes) {
  const PlanInput& from = *input.plan_input;
  const DomainPlan& plan = *input.plan;
  const FirmwareTablesInput tables{
      .tables = from.acpi, .platform = from.platform, .plan = &plan, .place = plan.tables_slot};
  FirmwareTables made;
  const auto write_tables = [&](std::span<std::byte> buffer) -> Result<std::size_t> {
    made = TRY(write_firmware_tables(tables, buffer, notes));
    return made.size;
  };
  TRY(write_to(plan.tables_slot, firmware_tables_bound(*from.acpi, plan), write_tables, notes));
  const auto write_stub = [&](std::span<std::byte> buffer) {
    return write_stub_tree(from, plan, made, buffer, notes);
  };
  return write_to(plan.tree_slot, stub_tree_bound(plan), write_stub, notes);
}

}  // namespace

Result<KernelImage> prepare_kernel(fw::BootInfo& boot, const ModuleSpace& space, fw::Arena& arena,
                                   const fw::BootPhase& phase, fw::Diagnostics& notes) {
  fw::BootModule* const module = kernel_module(boot);
  if (module == nullptr) return notes.error(Error::kNotFound, "no kernel among the boot modules");
  KernelIdentity identity = TRY(identify(module->range, notes));
  if (identity.format != KernelFormat::kImage) {
    TRY(unpack_kernel(boot, *module, identity, space, arena, phase, notes));
    identity = TRY(identify(module->range, notes));
    if (identity.format != KernelFormat::kImage) {
      return notes.error(Error::kInvalid, "kernel: compressed twice");
    }
  }
  return identity.image;
}

Result<Built> build(const BuildInput& input, const fw::BootPhase& phase, fw::Diagnostics& notes) {
  const DomainPlan& plan = *input.plan;
  if (!plan.kernel.has_value()) return notes.error(Error::kNotFound, "dom0: no kernel is planned");
  guest::Domain& domain = *TRY(mem::create<guest::Domain>(
      kHardwareDomain,
      guest::Domain::Properties{
          .is_hardware_domain = true, .is_direct_mapped = true, .is_privileged = true}));
  TRY(claim_ram(domain, input, notes));
  TRY(make_address_space(domain, input, notes));
  TRY(make_permissions(domain, input));
  TRY(make_vcpus(domain, plan));
  TRY(make_xen_interface(domain, plan));
  TRY(make_gic(domain, input, notes));

  place(*plan.kernel, input.plan_input->kernel.file_size);
  if (plan.initrd.has_value()) place(*plan.initrd, plan.initrd->source.size());
  TRY(input.plan_input->acpi != nullptr ? place_tables(input, notes)
                                        : place_tree(input, phase, notes));
  port::cache_invalidate_instructions();
  return Built{
      .domain = &domain, .entry = plan.kernel->target.begin(), .tree = plan.tree_slot.begin()};
}

}  // namespace socle::hwdom
