// SPDX-License-Identifier: Apache-2.0
#include "el2/probe.h"

#include <atomic>

#include "base/check.h"
#include "el2/exceptions.h"

namespace socle::el2 {
namespace {

// PSTATE.BTYPE in SPSR_EL2.
constexpr std::uint64_t kBranchType = 3 << 10;

constexpr unsigned kKeptRegisters = 12;  // x19 to x30
struct Probe {
  std::uint64_t kept[kKeptRegisters + 1];
  bool is_active;
};
thread_local constinit Probe probe{};

}  // namespace

extern "C" bool socle_probe(void (*action)(), std::uint64_t* kept);

bool survives(void (*action)()) {
  CHECK(!probe.is_active);
  probe.is_active = true;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  const bool returned = socle_probe(action, probe.kept);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  probe.is_active = false;
  return returned;
}

bool divert_probe(ExceptionRegisters& registers) {
  if (!probe.is_active) return false;
  probe.is_active = false;
  for (unsigned i = 0; i < kKeptRegisters; ++i)
    registers.x[19 + i] = probe.kept[i];
  registers.sp = probe.kept[kKeptRegisters];
  registers.pc = registers.x[30];
  registers.x[0] = 0;
  registers.pstate &= ~kBranchType;  // it returns, whatever branch ended in the exception
  return true;
}

}  // namespace socle::el2
