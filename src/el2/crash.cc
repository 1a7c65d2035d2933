// SPDX-License-Identifier: Apache-2.0
#include "el2/crash.h"

#include <atomic>

#include "base/check.h"
#include "base/log.h"
#include "el2/address_map.h"
#include "el2/early_boot.h"
#include "el2/exceptions.h"
#include "el2/log.h"
#include "el2/probe.h"
#include "el2/registers.h"
#include "el2/semihosting.h"
#include "el2/symbols.h"
#include "el2/syndrome_text.h"
#include "port/clock.h"
#include "port/cpu.h"
#include "port/power.h"

namespace socle::el2 {
namespace {

constexpr unsigned kMaxBacktrace = 24;

constinit CrashSeams seams;
constinit bool halt_after_crash = false;
// 0: none; else 1 + the CPU that crashed first.
constinit std::atomic<unsigned> crashed_cpu{0};
constinit std::atomic<unsigned> stopped_cpus{0};
// How often this CPU crashed: while it dumps, it may again.
thread_local constinit unsigned crash_depth = 0;

// True on the first CPU that comes here, the first time.
bool begin() {
  ++crash_depth;
  unsigned expected = 0;
  const unsigned self = index_of(port::current_cpu()) + 1;
  const bool is_first = crashed_cpu.compare_exchange_strong(expected, self);
  if (is_first) {
    enter_log_emergency();
    if (seams.console_emergency != nullptr) seams.console_emergency();
    // Before the console: better said to a debugger than to nobody.
    if (!has_log_sink() && semihosting_answers()) set_log_sink(semihosting_write_line);
  }
  return is_first;
}

[[noreturn]] void finish() {
  stop_other_cpus();
  if (halt_after_crash) {
    log_error("noreboot: the machine stays as it is");
    port::power_halt();
  }
  log_error("restarting");
  port::power_reset();
}

// A crash beside or inside a crash: one line, no more risks.
[[noreturn]] void give_up(const char* what, std::uint64_t where) {
  const Symbol symbol = symbol_at(where);
  log_error("CPU {}: {} during a crash, at {}+{#x}", port::current_cpu(), what, symbol.name(),
            symbol.offset);
  if (crash_depth > 2) port::power_halt();
  if (crashed_cpu.load() == index_of(port::current_cpu()) + 1) finish();
  port::power_halt();
}

void log_address(const char* what, std::uint64_t address) {
  const Symbol symbol = symbol_at(address);
  if (symbol.length == 0) {
    log_error("{} {016x}", what, address);
  } else {
    log_error("{} {016x}  {}+{#x}", what, address, symbol.name(), symbol.offset);
  }
}

void log_registers(const ExceptionRegisters& r) {
  for (unsigned i = 0; i + 2 < 30; i += 3)
    log_error("x{-2} {016x}  x{-2} {016x}  x{-2} {016x}", i, r.x[i], i + 1, r.x[i + 1], i + 2,
              r.x[i + 2]);
  log_error("lr  {016x}  sp  {016x}  pstate {08x}", r.x[30], r.sp, r.pstate);
  log_error("hcr {016x}  vttbr {016x}  tpidr {016x}", SOCLE_READ_REGISTER(hcr_el2),
            SOCLE_READ_REGISTER(vttbr_el2), SOCLE_READ_REGISTER(tpidr_el2));
}

void describe_guest() {
  if (seams.describe_guest != nullptr) seams.describe_guest();
}

}  // namespace

// The others leave their guests when they are told; one that spins at EL2 with a lock of ours never
// answers, so the wait is bounded.
void stop_other_cpus() {
  if (port::online_cpus() < 2) return;
  port::set_kick_receiver(stop_this_cpu);
  for (unsigned cpu = 0; cpu < port::online_cpus(); ++cpu) {
    if (CpuIndex(static_cast<std::uint16_t>(cpu)) != port::current_cpu())
      port::kick_cpu(CpuIndex(static_cast<std::uint16_t>(cpu)));
  }
  const std::uint64_t deadline = port::counter() + port::counter_frequency() / 10;
  while (stopped_cpus.load() + 1 < port::online_cpus() && port::counter() < deadline)
    asm volatile("yield");
  const unsigned stopped = stopped_cpus.load();
  if (stopped + 1 < port::online_cpus())
    log_error("{} of {} other CPUs did not stop", port::online_cpus() - 1 - stopped,
              port::online_cpus() - 1);
}

void set_crash_seams(const CrashSeams& given) {
  seams = given;
}

void set_restart_after_crash(bool restart) {
  halt_after_crash = !restart;
}

bool has_crashed() {
  return crashed_cpu.load(std::memory_order_relaxed) != 0;
}

void stop_this_cpu() {
  stopped_cpus.fetch_add(1);
  for (;;)
    asm volatile("wfi");
}

void log_backtrace(std::uint64_t frame_pointer) {
  for (unsigned depth = 0; depth < kMaxBacktrace; ++depth) {
    if ((frame_pointer & 7) != 0 || !is_readable(frame_pointer) || !is_readable(frame_pointer + 8))
      return;
    const auto* const record = reinterpret_cast<const std::uint64_t*>(frame_pointer);
    const std::uint64_t return_address = record[1];
    if (!is_text(return_address)) return;
    log_address("from", return_address - 4);
    // Frames lie at ever higher addresses; the record below the vectors holds the guest's.
    if (record[0] <= frame_pointer) return;
    frame_pointer = record[0];
  }
}

extern "C" void socle_own_exception(ExceptionRegisters* registers, std::uint64_t vector) {
  constexpr std::uint64_t kSynchronous = 4;  // current level, SP_EL2
  if (vector == kSynchronous && (divert_probe(*registers) || divert_walk(*registers))) return;
  if (!begin()) give_up("an exception", registers->pc);
  log_error("---- Socle crashed on CPU {} ----", port::current_cpu());
  describe_exception(vector, registers->esr, registers->far);
  log_registers(*registers);
  if (!is_readable(registers->sp))
    log_error("sp is not in mapped memory: the stack overflowed into its guard page");
  log_address("at  ", registers->pc);
  // A function that calls nothing, or a jump into nowhere, has its caller in the link register
  // only.
  log_address("lr  ", registers->x[30]);
  log_backtrace(registers->x[29]);
  describe_guest();
  finish();
}

}  // namespace socle::el2

namespace socle {

void check_failed(const char* expression, SourcePlace where) {
  const auto pc = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  if (!el2::begin()) el2::give_up(expression, pc);
  log_error("---- Socle crashed on CPU {} ----", port::current_cpu());
  log_error("a check failed: {}", expression);
  log_error("in {}:{}", where.file, where.line);
  el2::log_backtrace(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)));
  el2::describe_guest();
  el2::finish();
}

}  // namespace socle
