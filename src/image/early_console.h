// SPDX-License-Identifier: Apache-2.0
#pragma once

// The first steps of every image: the device tree becomes readable, the console opens, the log
// shows what it holds. Boot CPU, once, in this order; nothing else must have happened before.
//
// Which port: dtuart= of the command line (a path or an alias, ":options" allowed), else
// /chosen/stdout-path, else the first enabled node that a driver knows. If no driver knows the port
// that is named, it is dom0's (platform::choose_console() answers the same). Without any:
// semihosting, if a debugger or emulator answers; else the log ring only. console=none opens
// nothing.

#include <cstdint>
#include <optional>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "el2/early_tree.h"

namespace socle::image {

// Maps the whole tree read-only. Failures are the boot loader's: kNotFound (no tree where x0
// points), kCorrupt, kTooLarge, kExists (it overlaps the image).
Result<PaRange> map_tree(Pa tree);

struct EarlyConsole {
  bool is_port = false;     // a serial port, not a substitute
  PaRange registers;        // of the port: Socle keeps this device
  const char* origin = "";  // what named it, for the log
};

// Opens the console that `tree` (a mapped tree, or nothing) names.
EarlyConsole open_early_console(std::optional<PaRange> tree);

// The hypervisor's command line by Xen's rules, as far as they can be known without the modules:
// xen,xen-bootargs, else bootargs of /chosen. For early options only; fw/cmdline has the real one.
std::string_view early_command_line(const el2::EarlyTree& tree);

}  // namespace socle::image
