// SPDX-License-Identifier: Apache-2.0
#pragma once

// The seams between el2/ and the program that it starts (image/: the hypervisor or the selftests).

#include <cstdint>

#include "base/types.h"
#include "el2/layout.h"

namespace socle::el2 {

// Why start.S did not go on. The console is looked for, one line is printed, the CPU stops.
enum class BootProblem : std::uint64_t {
  kExceptionLevel = SOCLE_PROBLEM_EXCEPTION_LEVEL,  // value: the level
  kHostExtensions = SOCLE_PROBLEM_HOST_EXTENSIONS,  // HCR_EL2.E2H cannot be cleared
  kTables = SOCLE_PROBLEM_TABLES,                   // the early translation tables ran out
};

}  // namespace socle::el2

namespace socle {

// Defined by image/. MMU on, this CPU's thread-local data, vectors and windows ready; nothing else.
// `tree` is what the boot loader passed, possibly nonsense; its first page is mapped read-only.
[[noreturn]] void socle_main(Pa tree);

// Defined by image/. A CPU that start_secondary_cpus() started, in the same state.
[[noreturn]] void secondary_main(CpuIndex cpu);

// Defined by image/. MMU off, possibly not at EL2, no thread-local data: may only use registers of
// a serial port and el2/early_tree.h.
void report_boot_problem(el2::BootProblem problem, std::uint64_t value, Pa tree);

}  // namespace socle
