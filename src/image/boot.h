// SPDX-License-Identifier: Apache-2.0
#pragma once

// From a console that works to a hardware domain that runs: reads what the firmware left, plans,
// applies, starts. Boot CPU, once.
//
// A problem that cannot be lived with is one error line and a machine that stands still (or
// restarts, as `noreboot` and the crash settings say): boot() returns only then.

#include "base/range.h"
#include "base/types.h"
#include "image/early_console.h"

namespace socle::image {

// `tree` is the device tree, mapped read-only; `console` what open_early_console() answered.
void boot(const PaRange& tree, const EarlyConsole& console);

// What a secondary CPU does once it can run C++: waits for its vCPU and runs it.
[[noreturn]] void run_secondary(CpuIndex cpu);

}  // namespace socle::image
