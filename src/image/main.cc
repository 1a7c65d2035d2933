// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"
#include "drivers/console.h"
#include "el2/crash.h"
#include "el2/guest_state.h"
#include "el2/psci.h"
#include "el2/start.h"
#include "image/boot.h"
#include "image/early_console.h"
#include "port/clock.h"
#include "port/power.h"

namespace socle {

void socle_main(Pa tree) {
  const bool has_clock = port::clock_init(0);
  const Result<PaRange> tree_bytes = image::map_tree(tree);
  const image::EarlyConsole console =
      image::open_early_console(tree_bytes ? std::optional<PaRange>(*tree_bytes) : std::nullopt);
  el2::set_crash_seams(
      {.console_emergency = console::enter_emergency, .describe_guest = el2::log_current_guest});
  el2::set_console_drain(console::drain);
  log_info("Socle, a hypervisor for 64-bit Arm");
  if (console.is_port) log_info("console at {}, by {}", console.registers, console.origin);
  if (!has_clock) {
    log_error("the counter's frequency is unknown: firmware left CNTFRQ_EL0 at 0");
  } else if (!tree_bytes) {
    log_error("device tree at {}: {}", tree, tree_bytes.error());
  } else {
    image::boot(*tree_bytes, console);
  }
  log_error("Socle cannot go on");
  port::power_halt();
}

void secondary_main(CpuIndex cpu) {
  image::run_secondary(cpu);
}

}  // namespace socle
