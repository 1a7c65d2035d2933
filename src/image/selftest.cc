// SPDX-License-Identifier: Apache-2.0
// The selftest image: the unit tests of the lower rooms on the bare machine, MMU on, at EL2. One
// line for each test, a total, and an exit status for the emulator (semihosting): 0 if all passed.
#include <span>

#include "base/log.h"
#include "base/test.h"
#include "drivers/console.h"
#include "el2/crash.h"
#include "el2/psci.h"
#include "el2/semihosting.h"
#include "el2/start.h"
#include "image/early_console.h"
#include "port/clock.h"
#include "port/power.h"

extern "C" {
// Made by the linker script around the section that TEST() fills.
extern const socle::test::Case __start_socle_tests[];
extern const socle::test::Case __stop_socle_tests[];
}

namespace socle::test {
namespace {

constinit unsigned failed_expectations = 0;

bool passes(const Case& test) {
  failed_expectations = 0;
  test.run();
  return failed_expectations == 0;
}

}  // namespace

void expectation_failed(const char* file, int line, const char* text) {
  ++failed_expectations;
  log_error("{}:{}: not so: {}", file, line, text);
}

// Runs every test; true if all passed.
bool run_all() {
  unsigned passed = 0;
  unsigned failed = 0;
  for (const Case& test : std::span(__start_socle_tests, __stop_socle_tests)) {
    const bool ok = passes(test);
    ++(ok ? passed : failed);
    log_info("{} {}.{}", ok ? "passed" : "FAILED", test.suite, test.name);
  }
  log_info("{} passed, {} failed", passed, failed);
  return failed == 0 && passed != 0;
}

}  // namespace socle::test

namespace socle {

void socle_main(Pa tree) {
  static_cast<void>(port::clock_init(0));
  const Result<PaRange> tree_bytes = image::map_tree(tree);
  image::open_early_console(tree_bytes ? std::optional(*tree_bytes) : std::nullopt);
  el2::set_crash_seams({.console_emergency = console::enter_emergency});
  el2::set_console_drain(console::drain);
  el2::psci_init({.is_present = true});
  const bool ok = test::run_all();
  console::drain();
  if (el2::semihosting_answers()) el2::semihosting_exit(ok ? 0 : 1);
  port::power_off();
}

void secondary_main(CpuIndex) {
  port::power_halt();
}

}  // namespace socle
