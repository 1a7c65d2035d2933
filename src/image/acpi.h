// SPDX-License-Identifier: Apache-2.0
#pragma once

// A start with ACPI: firmware's tables become readable, and the console that they name opens. Boot
// CPU, before the heap exists.

#include <span>

#include "base/result.h"
#include "base/types.h"
#include "fw/acpi/tables.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"
#include "fw/efi_memory_map.h"
#include "image/early_console.h"
#include "platform/platform.h"

namespace socle::image {

// The tables stay where they are, mapped read-only; those in memory that was boot services' are
// copied. All else is not read: a table in free RAM or among devices is left out with a warning.
// Errors: as fw::acpi::read_tables().
Result<fw::acpi::Tables> read_acpi_tables(Pa rsdp, std::span<const fw::EfiMemoryRange> memory,
                                          fw::Arena& arena, fw::Diagnostics& notes);

// Whether a device answers there; for platform::read_acpi_console().
bool answers_at(const PaRange& registers);

// Copies memory that nothing keeps.
void copy_from(Pa from, std::span<std::byte> to);

// Opens the console that the tables name; the log shows there what it holds. Nothing (and a
// warning) if no driver knows it.
EarlyConsole open_acpi_console(const platform::Console& console, fw::Diagnostics& notes);

}  // namespace socle::image
