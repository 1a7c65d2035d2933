// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fmt/format.h>

#include "plan/report_parts.h"

namespace socle::plan {

namespace {

constexpr std::size_t kMostStrings = 16;  // of a `compatible` that are worth showing

std::vector<std::string> compatibles_of(const fw::dt::Node& node) {
  std::vector<std::string> out;
  const auto property = node.property("compatible");
  for (std::size_t i = 0; property && i < kMostStrings; ++i) {
    const auto text = property->string_at(i);
    if (!text) break;
    out.push_back(printable(*text));
  }
  return out;
}

std::string first_compatible(const Board& board, fw::dt::NodeId id) {
  if (id == fw::dt::kNoNode) return "";
  const auto all = compatibles_of(board.tree->node(id));
  return all.empty() ? std::string() : all.front();
}

const char* method_name(platform::Cpu::EnableMethod method) {
  switch (method) {
    case platform::Cpu::EnableMethod::kNone:
      return "none";
    case platform::Cpu::EnableMethod::kPsci:
      return "psci";
    case platform::Cpu::EnableMethod::kSpinTable:
      return "spin-table";
    case platform::Cpu::EnableMethod::kParkingProtocol:
      return "parking protocol";
    case platform::Cpu::EnableMethod::kOther:
      return "other";
  }
  return "";
}

const char* origin_name(platform::ReservedRange::Origin origin) {
  switch (origin) {
    case platform::ReservedRange::Origin::kMemoryReservation:
      return "/memreserve/";
    case platform::ReservedRange::Origin::kReservedMemory:
      return "reserved-memory";
    case platform::ReservedRange::Origin::kFrameBuffer:
      return "frame buffer";
    case platform::ReservedRange::Origin::kFirmware:
      return "firmware";
  }
  return "";
}

const char* type_name(fw::EfiMemoryType type) {
  using Type = fw::EfiMemoryType;
  switch (type) {
    case Type::kReserved:
      return "reserved";
    case Type::kLoaderCode:
    case Type::kLoaderData:
    case Type::kBootServicesCode:
    case Type::kBootServicesData:
    case Type::kConventional:
      return "special purpose, or not cached";
    case Type::kRuntimeServicesCode:
      return "runtime services, code";
    case Type::kRuntimeServicesData:
      return "runtime services, data";
    case Type::kUnusable:
      return "unusable";
    case Type::kAcpiReclaim:
      return "ACPI's tables";
    case Type::kAcpiNvs:
      return "ACPI's, kept";
    case Type::kMemoryMappedIo:
    case Type::kMemoryMappedIoPorts:
      return "devices";
    case Type::kPalCode:
      return "PAL code";
    case Type::kPersistent:
      return "persistent";
    case Type::kUnaccepted:
      return "not accepted";
  }
  return "of its own kind";
}

// What UEFI's memory map calls it.
std::string firmware_words(const Board& board, const PaRange& range) {
  const auto found = std::ranges::find(board.input.efi_memory, range, &fw::EfiMemoryRange::range);
  return found == board.input.efi_memory.end()
             ? std::string("firmware")
             : fmt::format("firmware ({})", type_name(found->type));
}

// A word for what has no node, if that is because there is no tree.
std::string_view of_acpi(const Board& board, std::string_view word) {
  return board.is_acpi() ? word : std::string_view();
}

void read_memory(const Board& board, PlatformFacts& out) {
  const std::string_view ram_source = board.has_memory_map ? "memory map" : of_acpi(board, "SRAT");
  for (const platform::RamBank& bank : board.platform->ram)
    out.ram.push_back({bank.range, "RAM", place_of(board, bank.node, ram_source)});
  for (const platform::ReservedRange& reserved : board.platform->reserved) {
    if (reserved.origin == platform::ReservedRange::Origin::kFirmware) {
      out.reserved.push_back({reserved.range, firmware_words(board, reserved.range), ""});
      continue;
    }
    std::string what = origin_name(reserved.origin);
    if (reserved.is_frame_buffer &&
        reserved.origin != platform::ReservedRange::Origin::kFrameBuffer)
      what += ", frame buffer";
    if (reserved.no_map) what += ", no-map";
    if (reserved.reusable) what += ", reusable";
    out.reserved.push_back({reserved.range, what, path_of(board, reserved.node)});
  }
}

void read_cpus(const Board& board, PlatformFacts& out) {
  for (const platform::Cpu& cpu : board.platform->cpus)
    out.cpus.push_back({cpu.mpidr, first_compatible(board, cpu.node),
                        method_name(cpu.enable_method),
                        place_of(board, cpu.node, fmt::format("APIC UID {}", cpu.uid))});
  out.cpus_left_out = board.platform->cpus_left_out;
}

void read_gic(const Board& board, PlatformFacts& out) {
  const platform::Gic& gic = board.platform->gic;
  const auto add = [&](const char* what, const PaRange& range, fw::dt::NodeId node,
                       std::string_view name) {
    if (!range.empty()) out.gic_frames.push_back({range, what, place_of(board, node, name)});
  };
  switch (gic.version) {
    case platform::Gic::Version::kNone:
      out.gic = "none";
      return;
    case platform::Gic::Version::kV2:
      out.gic = "GICv2";
      break;
    case platform::Gic::Version::kV3:
      out.gic = "GICv3";
      break;
  }
  out.gic_node = place_of(board, gic.node, gic.name);
  add("distributor", gic.distributor, gic.node, gic.name);
  for (const PaRange& range : gic.redistributors)
    add("redistributors", range, gic.node, gic.name);
  add("CPU interface", gic.cpu_interface, gic.node, gic.name);
  add("hypervisor interface", gic.hypervisor_interface, gic.node, gic.name);
  add("virtual CPU interface", gic.virtual_interface, gic.node, gic.name);
  for (const platform::Its& its : gic.its)
    add("ITS", its.range, its.node, its.name);
}

void read_timer(const Board& board, PlatformFacts& out) {
  const platform::Timer& timer = board.platform->timer;
  out.timer_node = place_of(board, timer.node, timer.name);
  const auto add = [&](const char* name, const std::optional<platform::Interrupt>& interrupt) {
    if (interrupt)
      out.timer.push_back({name, interrupt->id.value(), trigger_name(interrupt->trigger)});
  };
  add("secure physical", timer.secure_physical);
  add("physical", timer.physical);
  add("virtual", timer.virt);
  add("hypervisor", timer.hypervisor);
  add("hypervisor virtual", timer.hypervisor_virtual);
}

std::string psci_words(const platform::Psci& psci) {
  if (psci.conduit == platform::Psci::Conduit::kNone) return "none";
  const char* version = "";
  switch (psci.version) {
    case platform::Psci::Version::kNone:
      break;
    case platform::Psci::Version::k0_1:
      version = " 0.1";
      break;
    case platform::Psci::Version::k0_2:
      version = " 0.2";
      break;
    case platform::Psci::Version::k1_0:
      version = " 1.0";
      break;
  }
  const bool by_smc = psci.conduit == platform::Psci::Conduit::kSmc;
  return fmt::format("PSCI{} by {}", version, by_smc ? "SMC" : "HVC");
}

std::string kind_of(const Board& board, const platform::Console& console) {
  if (!console.compatibles.empty()) return printable(console.compatibles.front());
  if (console.node == fw::dt::kNoNode) return "";
  const auto property = board.tree->node(console.node).property("compatible");
  return printable(property ? property->string_at(0).value_or("") : "");
}

void read_console(const Board& board, PlatformFacts& out) {
  // Socle's, else the one that firmware names.
  const auto& console = board.console ? board.console : board.platform->console;
  if (!console) return;
  out.console_is_dom0s = !board.console;
  out.console = Place{console->registers, kind_of(board, *console),
                      place_of(board, console->node, console->name)};
  if (console->interrupt)
    out.console_interrupt = NamedInterrupt{"console", console->interrupt->id.value(),
                                           trigger_name(console->interrupt->trigger)};
}

class MasterReader {
 public:
  explicit MasterReader(const Board& board)
      : board_(board), masters_of_(board.platform->iommus.size()) {}

  void read(const platform::Device& device, PlatformFacts& out) {
    if (!device.enabled || !device.declares_dma || is_iommu(device.node)) return;
    MasterFacts master;
    master.node = place_of(board_, device.node, device.name);
    master.is_pci_host = device.is_pci_host;
    std::vector<const platform::Iommu*> behind;
    for (const platform::IommuBinding& binding : device.iommus) {
      behind.push_back(board_.platform->iommu(binding));
      master.streams.push_back(words(binding, behind.back()));
    }
    for (const platform::RequesterMap& row : device.iommu_map) {
      behind.push_back(board_.platform->iommu(row));
      master.streams.push_back(fmt::format("{} requesters {:#x}-{:#x}",
                                           name_of(behind.back(), row.target), row.first_requester,
                                           std::uint64_t{row.first_requester} + row.count));
    }
    count(behind, master);
    out.masters.push_back(std::move(master));
  }

  [[nodiscard]] unsigned masters_of(std::size_t iommu) const { return masters_of_[iommu]; }

 private:
  [[nodiscard]] bool is_iommu(fw::dt::NodeId node) const {
    return node != fw::dt::kNoNode &&
           std::ranges::binary_search(board_.platform->iommus, node, {}, &platform::Iommu::node);
  }

  [[nodiscard]] std::string name_of(const platform::Iommu* iommu, fw::dt::NodeId node) const {
    return place_of(board_, node, iommu == nullptr ? std::string_view() : iommu->name);
  }

  [[nodiscard]] std::string words(const platform::IommuBinding& binding,
                                  const platform::Iommu* iommu) const {
    std::string text = name_of(iommu, binding.iommu);
    for (unsigned i = 0; i < binding.count; ++i)
      text += fmt::format(" {:#x}", binding.cells[i]);
    return text;
  }

  // Each IOMMU once, and only those that are enabled.
  void count(std::vector<const platform::Iommu*>& behind, MasterFacts& master) {
    std::ranges::sort(behind);
    const auto repeated = std::ranges::unique(behind);
    behind.erase(repeated.begin(), repeated.end());
    for (const platform::Iommu* iommu : behind) {
      if (iommu == nullptr || !iommu->enabled) continue;
      ++masters_of_[static_cast<std::size_t>(iommu - board_.platform->iommus.data())];
      master.is_behind_iommu = true;
    }
  }

  const Board& board_;
  std::vector<unsigned> masters_of_;  // as Platform::iommus
};

bool is_dom0s(const Board& board, fw::dt::NodeId node) {
  return board.plan != nullptr && node != fw::dt::kNoNode &&
         board.plan->nodes[index_of(node)].action == hwdom::NodeAction::kKeep;
}

void read_dma(const Board& board, PlatformFacts& out) {
  MasterReader reader(board);
  for (const platform::Device& device : board.platform->devices)
    reader.read(device, out);
  std::size_t number = 0;
  for (const platform::Iommu& iommu : board.platform->iommus)
    out.iommus.push_back({place_of(board, iommu.node, iommu.name), platform::to_string(iommu.kind),
                          iommu.enabled, is_dom0s(board, iommu.node), reader.masters_of(number++)});
}

}  // namespace

PlatformFacts read_platform_facts(const Board& board) {
  PlatformFacts out;
  if (!board.is_acpi()) {
    const fw::dt::Node root = board.tree->root();
    const auto model = root.property("model");
    out.model = printable(model ? model->string_at(0).value_or("") : "");
    out.compatibles = compatibles_of(root);
  } else {
    read_acpi_facts(board, out);
  }
  read_cpus(board, out);
  read_memory(board, out);
  read_gic(board, out);
  read_timer(board, out);
  out.psci = psci_words(board.platform->psci);
  read_console(board, out);
  read_dma(board, out);
  return out;
}

}  // namespace socle::plan
