// SPDX-License-Identifier: Apache-2.0
#pragma once

// From UEFI to the arm64 Image protocol: what runs under firmware, before Socle's own boot.
//
// load() finds the modules (GRUB's in the device tree, else those that the configuration file
// names), writes a tree that tells all, and ends boot services. Until then it may refuse: it says
// why on firmware's console, gives back what it took, and returns a status. Boot CPU, firmware's
// stack and map, at the exception level it is told; touches nothing but memory it allocated.
//
// What the tree says: modules (fw/boot_modules.h), linux,uefi-* and socle,acpi-rsdp.

#include <cstdint>
#include <span>

#include "base/range.h"

#include "efi/uefi.h"

namespace socle::efi {

struct Loaded {
  Status status = kLoadError;
  std::uint64_t tree = 0;  // if `status` is kSuccess
};

// What load() needs of the machine.
struct LoaderSeams {
  unsigned exception_level = 0;
  // Makes memory that was written through the caches visible below them.
  void (*clean)(const PaRange& range) = nullptr;
};

Loaded load(Handle image, const SystemTable& system, const LoaderSeams& seams);

}  // namespace socle::efi
