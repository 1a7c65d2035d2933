// SPDX-License-Identifier: Apache-2.0
#pragma once

// UEFI's runtime services, for dom0 on ACPI (guest/efi_runtime.h says how they are called).
//
// Firmware's code and data stay where they are (SetVirtualAddressMap is not called) and are mapped
// into Socle's own address space 1:1: as EFI_MEMORY_ATTRIBUTES_TABLE says, code without write and
// data without execute permission; without that table there are no runtime services. So are the
// registers that firmware keeps for itself (a clock, flash memory).
//
// Boot CPU, in this order. Failures are lines in `notes`; boot goes on without the services.

#include <span>

#include "base/types.h"
#include "fw/diagnostics.h"
#include "fw/efi_memory_map.h"

namespace socle::image {

// Reads firmware's tables: before their memory may be given away (boot services' data).
void read_efi_runtime(Pa system_table, std::span<const fw::EfiMemoryRange> memory,
                      fw::Diagnostics& notes);
// Maps what read_efi_runtime() found. Needs the heap.
void map_efi_runtime(fw::Diagnostics& notes);

}  // namespace socle::image
