// SPDX-License-Identifier: Apache-2.0
#pragma once

// UEFI's runtime services, for dom0 on ACPI (guest/efi_runtime.h says how they are called,
// el2/firmware_call.h how they are confined).
//
// Boot CPU, in this order. Failures are lines in `notes`; boot goes on without the services.

#include <span>

#include "base/types.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"
#include "fw/efi_memory_map.h"

namespace socle::image {

// Reads firmware's tables: before their memory may be given away (boot services' data). What was
// read stays in the arena.
void read_efi_runtime(Pa system_table, std::span<const fw::EfiMemoryRange> memory, fw::Arena& arena,
                      fw::Diagnostics& notes);
// Maps what read_efi_runtime() found, a stack and a buffer, for firmware's calls only. Needs the
// heap. `timer` is the hypervisor timer's interrupt, which has its handler: it limits calls.
void map_efi_runtime(IntId timer, fw::Diagnostics& notes);

}  // namespace socle::image
