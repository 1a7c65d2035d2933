// SPDX-License-Identifier: Apache-2.0
#include "el2/probe.h"

#include <atomic>

#include "base/check.h"
#include "el2/exceptions.h"
#include "hw/esr.h"
#include "hw/sysreg.h"
#include "port/sysreg.h"

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

// SYS with CRn 7 and CRm 8 or 9; op1, op2 and the register are whatever they are.
bool is_address_translation(std::uint32_t instruction) {
  return (instruction & 0xfff8'fe00) == 0xd508'7800;
}

// PAR_EL1 of a translation that failed: F, FST, and a bit that is one.
std::uint64_t failed_translation(std::uint64_t esr) {
  return 0x801 | hw::FaultStatus::Code::get(esr) << 1;
}

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

bool divert_walk(ExceptionRegisters& registers) {
  using Kind = hw::FaultStatus::Kind;
  if (hw::Esr::exception_class(registers.esr) != hw::ExceptionClass::kDataAbortSame) return false;
  const Kind kind = hw::FaultStatus::kind(registers.esr);
  if (kind != Kind::kExternalOnWalk && kind != Kind::kParity) return false;
  if (!is_address_translation(*reinterpret_cast<const std::uint32_t*>(registers.pc))) return false;
  port::write_register<hw::PAR_EL1>(failed_translation(registers.esr));
  registers.pc += 4;
  return true;
}

}  // namespace socle::el2
