// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the boot loader left in /chosen: modules (kernel, ramdisk) and the two command lines.
//
// Modules are nodes below /chosen (depth up to 3) compatible with "multiboot,module" or
// "xen,multiboot-module"; a specific compatible says which ("multiboot,kernel", "xen,linux-zimage",
// "multiboot,ramdisk", "xen,linux-initrd", ...). GRUB writes only "multiboot,module": then the
// first one without a type is the kernel and the second the ramdisk.
//
// Source: Xen docs/misc/arm/device-tree/booting.txt; GRUB loader/arm64/xen_boot.c (behaviour).

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/inplace_vector.h"
#include "fw/dt/tree.h"

namespace socle::fw {

enum class ModuleKind : std::uint8_t { kKernel, kRamdisk, kXsmPolicy, kDeviceTree, kUnknown };
const char* to_string(ModuleKind kind);

struct BootModule {
  ModuleKind kind = ModuleKind::kUnknown;
  PaRange range;
  std::string_view command_line;
  dt::NodeId node = dt::kNoNode;
};

// What a start by UEFI leaves in /chosen besides, as Linux's and Xen's stubs write it
// (linux,uefi-*; Linux, Documentation/arch/arm/uefi.rst), and the place of ACPI's tables.
struct EfiHandover {
  Pa system_table;
  PaRange memory_map;
  std::uint32_t descriptor_size = 0;
  std::uint32_t descriptor_version = 0;
  std::optional<Pa> rsdp;
};

struct BootInfo {
  static constexpr std::size_t kMaxModules = 16;
  InplaceVector<BootModule, kMaxModules> modules;
  std::string_view socle_command_line;
  std::string_view dom0_command_line;
  std::optional<EfiHandover> efi;
  // The first of its kind; null without one.
  [[nodiscard]] const BootModule* find(ModuleKind kind) const;
};

// Reads all of it. Malformed modules (no reg, size zero, beyond 64 bits) are errors, and so is an
// EFI memory map of which something is missing. `is_xsm_policy`
// (may be null) looks at the first bytes of an untyped second module: GRUB passes XSM policies so.
using ModuleProbe = bool (*)(const PaRange& module);
Result<> read_boot_info(const dt::Tree& tree, BootInfo& out, ModuleProbe is_xsm_policy = nullptr);

// Whether the tree describes the machine. One with nothing but /chosen is a boot loader's, for us.
bool describes_machine(const dt::Tree& tree);

// A place in memory that something occupies while Socle boots.
struct Occupied {
  std::string_view what;  // "Socle's image", "the device tree"
  PaRange range;
};
// Checks that the modules lie in RAM, overlap neither one another nor what is `occupied`, and that
// there is a kernel. One error line for each thing that is wrong.
Result<> check_modules(const BootInfo& info, std::span<const PaRange> ram,
                       std::span<const Occupied> occupied, Diagnostics& notes);

}  // namespace socle::fw
