// SPDX-License-Identifier: Apache-2.0
#pragma once

// Memory that static tables name by address for an operating system to read and write, beside
// registers of devices: error records (BERT, HEST, ERST, EINJ), mailboxes (PCCT), logs (TPM2,
// CCEL), boot times (FPDT), non-volatile memory (NFIT). Firmware sets it aside, most often as
// EfiReservedMemoryType. What is said here is firmware's word, no more: that the memory is there,
// and whose it is, is for the caller to find out.
//
// Source: ACPI 6.5, 5.2.24, 5.2.25.6, 14.1, 18.3.1, 18.3.2.7 and .8, 18.5.1, 18.6.1; TCG ACPI
// Specification 1.3, 8; which of them an operating system touches: Linux, drivers/acpi/apei,
// drivers/mailbox/pcc.c, drivers/acpi/acpi_fpdt.c, drivers/char/tpm/eventlog/acpi.c.

#include <span>
#include <string_view>

#include "base/range.h"
#include "base/result.h"
#include "fw/acpi/tables.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"

namespace socle::fw::acpi {

struct NamedMemory {
  std::string_view signature;  // of the table; the first with that signature counts
  PaRange range;               // bytes; not empty
  // HEST: where in the table the error source begins that names it. The others are of use without.
  std::size_t source = 0;
};

// In HEST: a byte of an error source that says whether it is in use.
inline constexpr std::size_t kHestSourceEnabled = 7;
inline constexpr std::size_t kMaxNamedMemory = 512;

// In the order of the tables; neighbours in one table are merged. An error source's status block
// stands where a register says: it is read through `memory`, and left out where that cannot be
// read. Ranges that pass 64 bits end there. More than kMaxNamedMemory are left out, with a line.
// Errors: kNoMemory.
Result<std::span<const NamedMemory>> list_named_memory(std::span<const Table> tables, Memory memory,
                                                       Arena& arena, Diagnostics& notes);

}  // namespace socle::fw::acpi
