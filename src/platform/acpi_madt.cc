// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/gtdt.h"
#include "hw/gicv2.h"
#include "platform/read_acpi.h"

namespace socle::platform {

namespace acpi = fw::acpi;

namespace {

// ACPI has no sizes for these (Linux: include/acpi/acrestyp.h has none, irq-gic*.c these).
constexpr std::uint64_t kFrame64K = 64 * kKiB;
constexpr std::uint64_t kItsSize = 2 * kFrame64K;
constexpr std::uint64_t kRedistributorSize = 2 * kFrame64K;
constexpr std::uint64_t kRedistributorSizeV4 = 4 * kFrame64K;
constexpr std::uint64_t kDistributorSizeV2 = 4 * kKiB;
constexpr std::uint64_t kHypervisorInterfaceSize = 4 * kKiB;
constexpr std::uint64_t kCpuInterfaceSize = hw::gicc::kSize;

class MadtReader {
 public:
  MadtReader(const AcpiReader& reader, const acpi::Table& table, const ReadOptions& options,
             Platform& out, fw::ArenaVector<Device>& devices)
      : reader_(reader), table_(table), options_(options), out_(out), devices_(devices) {}

  Result<> read() {
    acpi::Structures walk = acpi::madt_structures(table_, reader_.notes);
    std::size_t left = acpi::kMaxMadtStructures;
    for (; const auto structure = walk.next(); --left) {
      if (left == 0)
        return reader_.notes.error(Error::kTooLarge, "APIC: more than {} structures",
                                   acpi::kMaxMadtStructures);
      TRY(read_structure(*structure));
    }
    TRY(add_boot_cpu());
    finish_gic();
    if (out_.cpus_left_out != 0)
      reader_.notes.warning("APIC: {} CPUs more than the {} that Socle can use", out_.cpus_left_out,
                            kMaxCpus);
    if (out_.cpus.empty())
      return reader_.notes.error(Error::kNotFound, "APIC: no CPU that is enabled");
    return {};
  }

 private:
  Result<> read_structure(const acpi::Structure& structure) {
    switch (static_cast<acpi::MadtType>(structure.type)) {
      case acpi::MadtType::kGicc:
        return read_cpu(structure);
      case acpi::MadtType::kGicd:
        read_distributor(structure);
        return {};
      case acpi::MadtType::kMsiFrame:
        return read_msi_frame(structure);
      case acpi::MadtType::kGicr:
        if (const auto gicr = acpi::read_gicr(structure, reader_.notes)) {
          has_regions_ = true;
          add_region(gicr->range);
        }
        return {};
      case acpi::MadtType::kIts:
        return read_its(structure);
    }
    // Its number may be one of tomorrow.
    reader_.notes.info("APIC: the structure at {#x} has type {}, which is not for Arm: skipped",
                       structure.offset, structure.type);
    return {};
  }

  Result<> read_cpu(const acpi::Structure& structure) {
    const auto gicc = acpi::read_gicc(structure, reader_.notes);
    if (!gicc) return {};
    if (!gicc->is_enabled) {
      if (is_boot_cpu(gicc->mpidr) && !boot_cpu_that_is_off_) boot_cpu_that_is_off_ = gicc;
      if (gicc->is_online_capable)
        reader_.notes.info("APIC: CPU {#x} may come later; Socle takes none then", gicc->mpidr);
      return {};
    }
    return take_cpu(*gicc);
  }

  Result<> take_cpu(const acpi::Gicc& gicc) {
    if ((gicc.mpidr & ~kAffinityMask) != 0 || has_cpu(out_, gicc.mpidr)) {
      reader_.notes.warning("APIC: CPU {#x} (UID {}) is impossible or named twice, ignored",
                            gicc.mpidr, gicc.uid);
      return {};
    }
    Cpu cpu{.mpidr = gicc.mpidr, .uid = gicc.uid};
    if (out_.psci.conduit != Psci::Conduit::kNone) {
      cpu.enable_method = Cpu::EnableMethod::kPsci;
    } else if (gicc.parking_version != 0 && gicc.parked != Pa(0)) {
      cpu.enable_method = Cpu::EnableMethod::kParkingProtocol;
      cpu.release_address = gicc.parked.value();
    }
    read_interfaces(gicc);
    return add_cpu(cpu, options_.boot_mpidr, out_);
  }

  [[nodiscard]] bool is_boot_cpu(std::uint64_t mpidr) const {
    return options_.boot_mpidr && mpidr == (*options_.boot_mpidr & kAffinityMask);
  }

  // Linux goes on with a CPU that the table does not know, too. One that is not enabled counts
  // after all others: it may be an empty socket's, of any number.
  Result<> add_boot_cpu() {
    if (!options_.boot_mpidr || (!out_.cpus.empty() && is_boot_cpu(out_.cpus[0].mpidr))) return {};
    if (boot_cpu_that_is_off_) {
      const acpi::Gicc& gicc = *boot_cpu_that_is_off_;
      reader_.notes.warning("APIC: CPU {#x} (UID {}) runs, but is not enabled: used all the same",
                            gicc.mpidr, gicc.uid);
      return take_cpu(gicc);
    }
    const std::uint64_t mpidr = *options_.boot_mpidr & kAffinityMask;
    reader_.notes.warning("APIC: none of the CPUs is the one that runs ({#x}): used all the same",
                          mpidr);
    return add_cpu({.mpidr = mpidr, .uid = Cpu::kNoUid}, mpidr, out_);
  }

  // Of as many as there can be CPUs, and the boot CPU's among them, as for add_cpu().
  void add_redistributor(const acpi::Gicc& gicc) {
    if (gicc.redistributor == Pa(0)) return;
    if (is_boot_cpu(gicc.mpidr) && of_cpus_.full()) of_cpus_.truncate(kMaxCpus - 1);
    if (!of_cpus_.full()) CHECK(of_cpus_.push_back(gicc.redistributor).has_value());
  }

  // All CPUs share one address of each interface; the first states it.
  void read_interfaces(const acpi::Gicc& gicc) {
    Gic& gic = out_.gic;
    add_redistributor(gicc);
    if (has_interfaces_) return;
    has_interfaces_ = true;
    gic.cpu_interface = registers_at(gicc.cpu_interface, kCpuInterfaceSize);
    gic.hypervisor_interface = registers_at(gicc.hypervisor_interface, kHypervisorInterfaceSize);
    gic.virtual_interface = registers_at(gicc.virtual_interface, kCpuInterfaceSize);
    gic.maintenance = decode_gsiv(reader_, "APIC: GIC maintenance", gicc.maintenance_gsiv,
                                  trigger_of(gicc.maintenance_is_edge));
  }

  void read_distributor(const acpi::Structure& structure) {
    const auto gicd = acpi::read_gicd(structure, reader_.notes);
    if (!gicd) return;
    if (distributor_) {
      reader_.notes.warning("APIC: a second distributor at {}, ignored", gicd->base);
      return;
    }
    distributor_ = gicd;
  }

  Result<> read_msi_frame(const acpi::Structure& structure) {
    const auto frame = acpi::read_msi_frame(structure, reader_.notes);
    if (!frame) return {};
    const PaRange range = registers_at(frame->base, kFrameSize);
    return devices_.push_back(
        TRY(make_device(reader_, {.origin = Device::Origin::kMsiFrame,
                                  .name = TRY(make_name(reader_, "APIC MSI frame {}", frame->id)),
                                  .ranges = std::span(&range, 1),
                                  .interrupt = {}})));
  }

  Result<> read_its(const acpi::Structure& structure) {
    const auto its = acpi::read_its(structure, reader_.notes);
    if (!its) return {};
    const std::string_view name = TRY(make_name(reader_, "APIC ITS {}", its->id));
    if (!out_.gic.its.push_back({registers_at(its->base, kItsSize), fw::dt::kNoNode, name}))
      reader_.notes.warning("APIC: more than {} ITSs", Gic::kMaxIts);
    return {};
  }

  void add_region(const PaRange& range) {
    if (!out_.gic.redistributors.push_back(range))
      reader_.notes.warning("APIC: more than {} redistributor regions",
                            Gic::kMaxRedistributorRegions);
  }

  Gic::Version version() const {
    if (distributor_->version >= 3) return Gic::Version::kV3;
    if (distributor_->version != 0) return Gic::Version::kV2;
    // Not stated: only a GICv3 has redistributors.
    return has_regions_ || !of_cpus_.empty() ? Gic::Version::kV3 : Gic::Version::kV2;
  }

  void finish_gic() {
    Gic& gic = out_.gic;
    gic.name = "APIC";
    if (!distributor_) {
      reader_.notes.warning("APIC: no distributor");
      return;
    }
    gic.version = version();
    const bool is_v3 = gic.version == Gic::Version::kV3;
    gic.distributor = registers_at(distributor_->base, is_v3 ? kFrame64K : kDistributorSizeV2);
    if (gic.distributor.empty()) {
      reader_.notes.warning("APIC: a distributor at {} cannot be", distributor_->base);
      gic.version = Gic::Version::kNone;
    }
    if (!is_v3) return;
    const std::uint64_t size =
        distributor_->version >= 4 ? kRedistributorSizeV4 : kRedistributorSize;
    if (has_regions_) return check_regions(size);
    for (const Pa base : of_cpus_)
      add_region(registers_at(base, size));
  }

  // What is that large would take in other devices, or RAM.
  void check_regions(std::uint64_t size_of_one) {
    constexpr std::uint64_t kMost = 256 * kMiB;  // 1024 of the larger ones
    for (PaRange& region : out_.gic.redistributors) {
      if (region.size() <= kMost) continue;
      const std::uint64_t used = out_.cpus.size() * size_of_one;
      reader_.notes.warning("APIC: redistributors in {} bytes at {}: only {#x} of them are used",
                            region.size(), region.begin(), used);
      region = PaRange(region.begin(), region.begin() + used);
    }
  }

  const AcpiReader& reader_;
  const acpi::Table& table_;
  const ReadOptions& options_;
  Platform& out_;
  fw::ArenaVector<Device>& devices_;
  std::optional<acpi::Gicd> distributor_;
  std::optional<acpi::Gicc> boot_cpu_that_is_off_;
  InplaceVector<Pa, kMaxCpus> of_cpus_;
  bool has_regions_ = false;
  bool has_interfaces_ = false;
};

}  // namespace

Result<> read_madt(const AcpiReader& reader, const ReadOptions& options, Platform& out,
                   fw::ArenaVector<Device>& devices) {
  const acpi::Table* table = reader.find("APIC");
  if (table == nullptr)
    return reader.notes.error(Error::kNotFound, "APIC: there is none: no CPUs, no GIC");
  return MadtReader(reader, *table, options, out, devices).read();
}

namespace {

std::optional<Interrupt> timer(const AcpiReader& reader, const acpi::TimerInterrupt& interrupt) {
  return decode_gsiv(reader, "GTDT", interrupt.gsiv,
                     trigger_of(interrupt.is_edge, interrupt.is_active_low));
}

// Arm's Base System Architecture gives these interrupts their numbers (DEN 0094, PPI assignments),
// and Linux runs without them where it has another timer.
void assume_if_missing(const AcpiReader& reader, std::string_view which, std::uint32_t number,
                       const Timer& timers, std::optional<Interrupt>& interrupt) {
  unsigned users = 0;
  for (const auto* timer : {&timers.physical, &timers.virt, &timers.hypervisor})
    if (*timer && interrupt && (*timer)->id == interrupt->id) ++users;
  if (users == 1 && interrupt->id.is_ppi()) return;
  reader.notes.warning("GTDT: no PPI of its own for the {} timer: taken for {}", which, number);
  interrupt = Interrupt{IntId(number), trigger_of(false, true)};
}

Result<> add_timer_block(const AcpiReader& reader, const acpi::TimerBlock& block,
                         std::size_t number, fw::ArenaVector<Device>& devices) {
  fw::ArenaVector<Region> regions(reader.arena);
  fw::ArenaVector<Interrupt> interrupts(reader.arena);
  const auto add = [&](Pa base) -> Result<> {
    const PaRange range = registers_at(base, kFrameSize);
    return range.empty() ? Result<>() : regions.push_back({range, Region::Kind::kRegisters});
  };
  TRY(add(block.control_frame));
  for (std::uint32_t i = 0; i < block.frame_count; ++i) {
    const acpi::TimerFrame frame = acpi::read_timer_frame(block, i);
    if (frame.is_secure) continue;
    TRY(add(frame.base));
    if (frame.el0_base) TRY(add(*frame.el0_base));
    for (const acpi::TimerInterrupt& one : {frame.physical, frame.virt})
      if (const auto interrupt = timer(reader, one)) TRY(interrupts.push_back(*interrupt));
  }
  Device device;
  device.origin = Device::Origin::kTimerBlock;
  device.name = TRY(make_name(reader, "GTDT timer block {}", number));
  device.regions = regions.finish();
  device.interrupts = interrupts.finish();
  return devices.push_back(device);
}

Result<> add_watchdog(const AcpiReader& reader, const acpi::Watchdog& watchdog, std::size_t number,
                      fw::ArenaVector<Device>& devices) {
  const PaRange frames[] = {registers_at(watchdog.refresh_frame, kFrameSize),
                            registers_at(watchdog.control_frame, kFrameSize)};
  Device device =
      TRY(make_device(reader, {.origin = Device::Origin::kWatchdog,
                               .name = TRY(make_name(reader, "GTDT watchdog {}", number)),
                               .ranges = frames,
                               .interrupt = timer(reader, watchdog.interrupt)}));
  device.enabled = !watchdog.is_secure;
  return devices.push_back(device);
}

Result<> add_counter(const AcpiReader& reader, const acpi::Gtdt& gtdt,
                     fw::ArenaVector<Device>& devices) {
  if (!gtdt.control_frame && !gtdt.read_frame) return {};
  const PaRange frames[] = {registers_at(gtdt.control_frame.value_or(Pa(0)), kFrameSize),
                            registers_at(gtdt.read_frame.value_or(Pa(0)), kFrameSize)};
  return devices.push_back(TRY(make_device(reader, {.origin = Device::Origin::kCounter,
                                                    .name = "GTDT counter",
                                                    .ranges = frames,
                                                    .interrupt = {}})));
}

}  // namespace

Result<> read_gtdt(const AcpiReader& reader, Platform& out, fw::ArenaVector<Device>& devices) {
  const acpi::Table* table = reader.find("GTDT");
  if (table == nullptr) {
    reader.notes.warning("GTDT: there is none: no timers");
    return {};
  }
  const acpi::Gtdt gtdt = acpi::read_gtdt(*table);
  out.timer.name = "GTDT";
  out.timer.secure_physical = timer(reader, gtdt.secure_physical);
  out.timer.physical = timer(reader, gtdt.physical);
  out.timer.virt = timer(reader, gtdt.virt);
  out.timer.hypervisor = timer(reader, gtdt.hypervisor);
  out.timer.hypervisor_virtual = timer(reader, gtdt.hypervisor_virtual);
  assume_if_missing(reader, "virtual", 27, out.timer, out.timer.virt);
  assume_if_missing(reader, "hypervisor's", 26, out.timer, out.timer.hypervisor);
  TRY(add_counter(reader, gtdt, devices));
  acpi::Structures walk = acpi::gtdt_structures(*table, reader.notes);
  for (std::size_t number = 0; const auto structure = walk.next(); ++number) {
    if (structure->type == static_cast<std::uint8_t>(acpi::GtdtType::kTimerBlock)) {
      if (const auto block = acpi::read_timer_block(*structure, reader.notes))
        TRY(add_timer_block(reader, *block, number, devices));
    } else if (structure->type == static_cast<std::uint8_t>(acpi::GtdtType::kWatchdog)) {
      if (const auto watchdog = acpi::read_watchdog(*structure, reader.notes))
        TRY(add_watchdog(reader, *watchdog, number, devices));
    } else {
      reader.notes.info("GTDT: the structure at {#x} has the unknown type {}: skipped",
                        structure->offset, structure->type);
    }
  }
  return {};
}

}  // namespace socle::platform
