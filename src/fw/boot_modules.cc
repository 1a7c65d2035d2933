// SPDX-License-Identifier: Apache-2.0
#include "fw/boot_modules.h"

#include <algorithm>
#include <array>

#include "fw/dt/address.h"

namespace socle::fw {

namespace {

constexpr unsigned kMaxModuleDepth = 3;

struct KnownKind {
  std::string_view compatible;
  ModuleKind kind;
};
constexpr std::array<KnownKind, 6> kKnownKinds = {
    {{"multiboot,kernel", ModuleKind::kKernel},
     {"xen,linux-zimage", ModuleKind::kKernel},
     {"multiboot,ramdisk", ModuleKind::kRamdisk},
     {"xen,linux-initrd", ModuleKind::kRamdisk},
     {"xen,xsm-policy", ModuleKind::kXsmPolicy},
     {"multiboot,device-tree", ModuleKind::kDeviceTree}}};

std::optional<ModuleKind> stated_kind(const dt::Property& compatible) {
  for (const KnownKind& known : kKnownKinds)
    if (compatible.contains(known.compatible)) return known.kind;
  return std::nullopt;
}

// Modules without a stated kind are known by their order.
ModuleKind kind_by_order(unsigned number, const PaRange& range, ModuleProbe is_xsm_policy) {
  if (number == 0) return ModuleKind::kKernel;
  if (number != 1) return ModuleKind::kUnknown;
  const bool is_policy = is_xsm_policy != nullptr && is_xsm_policy(range);
  return is_policy ? ModuleKind::kXsmPolicy : ModuleKind::kRamdisk;
}

// Cells of a module's `reg`: what the nearest parent that says so says. The specification gives a
// silent parent 2 and 1; boot loaders that write modules below a silent /chosen (QEMU's does) mean
// the root's, and Xen reads them so.
unsigned inherited_cells(dt::Node node, std::string_view name, unsigned otherwise) {
  for (dt::Node parent = node.parent(); parent; parent = parent.parent())
    if (const auto cells = parent.cell(name)) return *cells;
  return otherwise;
}

// A module lies in memory, whatever buses its node pretends to be on: `reg` as it stands.
Result<PaRange> module_range(const dt::Node& node) {
  const dt::Tree& tree = node.tree();
  const unsigned address_cells = inherited_cells(node, "#address-cells", 2);
  const unsigned size_cells = inherited_cells(node, "#size-cells", 1);
  const auto reg = node.property("reg");
  if (!reg || address_cells > 2 || size_cells > 2 || reg->cell_count() < address_cells + size_cells)
    return tree.notes().error(Error::kCorrupt, "{}: module without a usable reg",
                              node.path().view());
  const std::uint64_t address = reg->number(0, address_cells).value_or(0);
  const std::uint64_t size = reg->number(address_cells, size_cells).value_or(0);
  const auto range = PaRange::from_size(Pa(address), size);
  if (!range)
    return tree.notes().error(Error::kOutOfRange, "{}: reg: {#x} + {#x} passes 64 bits",
                              node.path().view(), address, size);
  return *range;
}

Result<> read_module(const dt::Node& node, unsigned& untyped, BootInfo& out,
                     ModuleProbe is_xsm_policy) {
  const auto compatible = node.property("compatible");
  if (!compatible ||
      (!compatible->contains("multiboot,module") && !compatible->contains("xen,multiboot-module")))
    return {};
  BootModule module;
  module.node = node.id();
  module.range = TRY(module_range(node));
  if (module.range.empty())
    return node.tree().notes().error(Error::kInvalid, "{}: module of size zero",
                                     node.path().view());
  if (const auto kind = stated_kind(*compatible))
    module.kind = *kind;
  else
    module.kind = kind_by_order(untyped++, module.range, is_xsm_policy);
  // Up to its NUL: GRUB's property is a byte too long.
  const auto line = node.property("bootargs");
  module.command_line = line ? line->string_at(0).value_or(std::string_view()) : std::string_view();
  if (!out.modules.push_back(module))
    node.tree().notes().warning("{}: more than {} modules, ignored", node.path().view(),
                                BootInfo::kMaxModules);
  return {};
}

Result<> read_modules(const dt::Node& parent, unsigned depth, unsigned& untyped, BootInfo& out,
                      ModuleProbe is_xsm_policy) {
  for (const dt::Node child : parent.children()) {
    TRY(read_module(child, untyped, out, is_xsm_policy));
    if (depth < kMaxModuleDepth) TRY(read_modules(child, depth + 1, untyped, out, is_xsm_policy));
  }
  return {};
}

// Which line is whose (xen-abi 1.2). A line for dom0 elsewhere makes /chosen's own ours.
void choose_command_lines(const dt::Node& chosen, BootInfo& out) {
  const auto bootargs = chosen.string("bootargs");
  const auto for_socle = chosen.string("xen,xen-bootargs");
  const auto for_dom0 = chosen.string("xen,dom0-bootargs");
  const BootModule* kernel = out.find(ModuleKind::kKernel);
  const bool kernel_has_line =
      kernel != nullptr && chosen.tree().node(kernel->node).has("bootargs");

  if (for_socle)
    out.socle_command_line = *for_socle;
  else if (bootargs && (for_dom0 || kernel_has_line))
    out.socle_command_line = *bootargs;

  if (kernel_has_line)
    out.dom0_command_line = kernel->command_line;
  else if (for_dom0)
    out.dom0_command_line = *for_dom0;
  else if (for_socle && bootargs)
    out.dom0_command_line = *bootargs;
}

// Addresses of a stub: one or two cells.
std::optional<std::uint64_t> number(const dt::Node& node, std::string_view name) {
  const auto property = node.property(name);
  return property ? property->as_number() : std::nullopt;
}

Result<> read_efi_handover(const dt::Node& chosen, BootInfo& out) {
  const auto start = number(chosen, "linux,uefi-mmap-start");
  const auto size = number(chosen, "linux,uefi-mmap-size");
  const auto table = number(chosen, "linux,uefi-system-table");
  if (!start && !table) return {};
  const auto stride = chosen.cell("linux,uefi-mmap-desc-size");
  const auto version = chosen.cell("linux,uefi-mmap-desc-ver");
  const auto range =
      start && size ? PaRange::from_size(Pa(*start), *size) : std::optional<PaRange>();
  if (!table || !range || !stride || !version)
    return chosen.tree().notes().error(Error::kCorrupt, "/chosen: half of linux,uefi-* is missing");
  out.efi = EfiHandover{.system_table = Pa(*table),
                        .memory_map = *range,
                        .descriptor_size = *stride,
                        .descriptor_version = *version,
                        .rsdp = std::nullopt};
  if (const auto rsdp = number(chosen, "socle,acpi-rsdp")) out.efi->rsdp = Pa(*rsdp);
  return {};
}

bool lies_in(const PaRange& range, std::span<const PaRange> ram) {
  return std::ranges::any_of(ram, [&](const PaRange& bank) { return bank.contains(range); });
}

}  // namespace

const char* to_string(ModuleKind kind) {
  switch (kind) {
    case ModuleKind::kKernel:
      return "kernel";
    case ModuleKind::kRamdisk:
      return "ramdisk";
    case ModuleKind::kXsmPolicy:
      return "XSM policy";
    case ModuleKind::kDeviceTree:
      return "device tree";
    case ModuleKind::kUnknown:
      return "module of unknown kind";
  }
  return "module";
}

const BootModule* BootInfo::find(ModuleKind kind) const {
  for (const BootModule& module : modules)
    if (module.kind == kind) return &module;
  return nullptr;
}

Result<> read_boot_info(const dt::Tree& tree, BootInfo& out, ModuleProbe is_xsm_policy) {
  const dt::Node chosen = tree.root().child("chosen");
  if (!chosen) return {};
  unsigned untyped = 0;
  TRY(read_modules(chosen, 2, untyped, out, is_xsm_policy));
  choose_command_lines(chosen, out);
  return read_efi_handover(chosen, out);
}

bool describes_machine(const dt::Tree& tree) {
  for (const dt::Node node : tree.root().children())
    if (node.name() != "chosen") return true;
  return false;
}

Result<> check_modules(const BootInfo& info, std::span<const PaRange> ram,
                       std::span<const Occupied> occupied, Diagnostics& notes) {
  Result<> verdict{};
  for (std::size_t i = 0; i < info.modules.size(); ++i) {
    const BootModule& module = info.modules[i];
    if (!lies_in(module.range, ram))
      verdict = notes.error(Error::kInvalid, "boot modules: the {} at {} does not lie in RAM",
                            to_string(module.kind), module.range);
    for (std::size_t j = 0; j < i; ++j)
      if (module.range.overlaps(info.modules[j].range))
        verdict = notes.error(Error::kInvalid, "boot modules: the {} at {} overlaps the {} at {}",
                              to_string(module.kind), module.range, to_string(info.modules[j].kind),
                              info.modules[j].range);
    for (const Occupied& other : occupied)
      if (module.range.overlaps(other.range))
        verdict = notes.error(Error::kInvalid, "boot modules: the {} at {} overlaps {} at {}",
                              to_string(module.kind), module.range, other.what, other.range);
  }
  if (info.find(ModuleKind::kKernel) == nullptr)
    verdict = notes.error(Error::kNotFound,
                          "boot modules: no kernel for dom0 (no multiboot,module in /chosen)");
  return verdict;
}

}  // namespace socle::fw
