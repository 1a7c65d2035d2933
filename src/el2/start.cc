// SPDX-License-Identifier: Apache-2.0
#include "el2/start.h"

#include "base/check.h"
#include "el2/address_map.h"
#include "el2/cpus.h"
#include "el2/registers.h"

namespace socle::el2 {

extern "C" {

// From start.S, on the boot CPU.
[[noreturn]] void socle_start(std::uint64_t tree) {
  const Result<> windows = prepare_windows(CpuIndex{0});
  CHECK(windows.has_value());  // static tables
  adopt_windows(CpuIndex{0});
  set_mpidr(CpuIndex{0}, SOCLE_READ_REGISTER(mpidr_el1));
  socle_main(Pa(tree));
}

void socle_boot_refused(std::uint64_t problem, std::uint64_t value, std::uint64_t tree) {
  report_boot_problem(static_cast<BootProblem>(problem), value, Pa(tree));
}

}  // extern "C"

}  // namespace socle::el2
