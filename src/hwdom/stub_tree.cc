// SPDX-License-Identifier: Apache-2.0

// The device tree of a domain that boots with ACPI (xen-abi 9): Linux takes a tree with other nodes
// than these two for the description of the machine.

#include "hwdom/firmware_tables.h"
#include "hwdom/tree_writer.h"

namespace socle::hwdom {
namespace {

using fw::dt::Property;

void add_address(Writer& out, const char* name, Ipa address) {
  Cells cells;
  cells.add(address.value(), 2);
  out.property(name, cells.bytes());
}

// Entropy that the boot loader left for the operating system.
void copy_seeds(Writer& out, const fw::dt::Tree& tree) {
  const fw::dt::Node chosen = tree.find("/chosen");
  if (!chosen) return;
  for (const Property property : chosen.properties())
    if (property.name() == "kaslr-seed" || property.name() == "rng-seed") out.copy(property);
}

void write_chosen(Writer& out, const PlanInput& input, const DomainPlan& plan) {
  out.begin("chosen");
  if (!plan.command_line.empty()) {
    // In the host's blob, so its NUL follows it.
    const char* const text = plan.command_line.data();
    out.property("bootargs", bytes_of(std::string_view(text, plan.command_line.size() + 1)));
  }
  if (plan.initrd) {
    add_address(out, "linux,initrd-start", plan.initrd->target.begin());
    add_address(out, "linux,initrd-end", plan.initrd->target.end());
  }
  copy_seeds(out, *input.tree);
  out.end();
}

void write_hypervisor(Writer& out, std::string_view version, const FirmwareTables& tables) {
  out.begin("hypervisor");
  Text<64> compatible("xen,xen-{}", version);
  compatible.append("{}xen,xen{}", '\0', '\0');
  out.property("compatible", bytes_of(compatible.view()));
  out.begin("uefi");
  add_address(out, "xen,uefi-system-table", tables.system_table);
  add_address(out, "xen,uefi-mmap-start", tables.memory_map);
  out.cell("xen,uefi-mmap-size", tables.memory_map_size);
  out.cell("xen,uefi-mmap-desc-size", tables.descriptor_size);
  out.cell("xen,uefi-mmap-desc-ver", tables.descriptor_version);
  out.end();
  out.end();
}

}  // namespace

std::size_t stub_tree_bound(const DomainPlan& plan) {
  constexpr std::size_t kNodesAndSeeds = 4 * kKiB;
  return kNodesAndSeeds + align_up<std::size_t>(plan.command_line.size(), 8);
}

Result<std::size_t> write_stub_tree(const PlanInput& input, const DomainPlan& plan,
                                    const FirmwareTables& tables, std::span<std::byte> buffer,
                                    fw::Diagnostics& notes) {
  Writer out(buffer, true);
  out.end_reservations();
  out.begin("");
  out.cell("#address-cells", 2);
  out.cell("#size-cells", 1);
  write_chosen(out, input, plan);
  write_hypervisor(out, input.xen_version, tables);
  out.end();
  const auto size = out.finish();
  if (!size)
    return notes.error(size.error(), "dom0's device tree: cannot be written: {}", size.error());
  return size;
}

}  // namespace socle::hwdom
