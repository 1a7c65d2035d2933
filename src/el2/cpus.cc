// SPDX-License-Identifier: Apache-2.0
#include "el2/cpus.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <new>

#include "base/check.h"
#include "base/field.h"
#include "base/log.h"
#include "el2/address_map.h"
#include "el2/early_boot.h"
#include "el2/layout.h"
#include "el2/psci.h"
#include "el2/registers.h"
#include "el2/start.h"
#include "port/cache.h"
#include "port/clock.h"
#include "port/cpu.h"

namespace socle::el2 {
namespace {

// What TPIDR_EL2 points at; start.S reads it, thread-local data follows.
struct ThreadControlBlock {
  std::byte* stack_top;
  std::uint64_t ticket;
};
static_assert(sizeof(ThreadControlBlock) == SOCLE_TCB_SIZE);

// Each attempt to start a CPU has a state of its own: a CPU that comes after its time finds
// kGivenUp and stays out, though its logical number may have gone to another one by then.
enum class Start : std::uint8_t { kWaiting, kArrived, kGivenUp };
constinit std::atomic<Start> attempts[kMaxCpus]{};
struct Ticket {
  using Cpu = Field<15, 0>;
  using Attempt = Field<31, 16>;
};

constinit std::uint64_t mpidr_table[kMaxCpus]{};

// A CPU's block (el2/layout.h) with its thread-local data, and a stack.
Result<ThreadControlBlock*> make_cpu(CpuIndex cpu, unsigned attempt) {
  TRY(prepare_windows(cpu));
  std::byte* const stack_top = TRY(make_stack());
  std::byte* const block = TRY(make_stack(SOCLE_CPU_BLOCK_SIZE)) - SOCLE_CPU_BLOCK_SIZE;
  std::byte* const tcb = block + SOCLE_CRASH_STACK_SIZE;
  std::memcpy(tcb + SOCLE_TCB_SIZE, socle_tls_start,
              static_cast<std::size_t>(socle_tls_data_end - socle_tls_start));
  return new (tcb) ThreadControlBlock{
      .stack_top = stack_top,
      .ticket = Ticket::Cpu::make(index_of(cpu)) | Ticket::Attempt::make(attempt)};
}

// Waits up to a second. True if the CPU said that it is there.
bool wait_for(std::atomic<Start>& state) {
  const std::uint64_t deadline = port::counter() + port::counter_frequency();
  while (state.load(std::memory_order_acquire) == Start::kWaiting) {
    if (port::counter() > deadline) {
      Start expected = Start::kWaiting;
      return !state.compare_exchange_strong(expected, Start::kGivenUp);
    }
  }
  return true;
}

bool start(CpuIndex cpu, unsigned attempt, std::uint64_t mpidr) {
  const Result<ThreadControlBlock*> block = make_cpu(cpu, attempt);
  if (!block) {
    log_error("CPU with affinity {#x} not started: {}", mpidr, block.error());
    return false;
  }
  mpidr_table[index_of(cpu)] = mpidr;
  const Pa entry(reinterpret_cast<std::uintptr_t>(&socle_secondary_entry));
  const PsciStatus status = psci_cpu_on(mpidr, entry, reinterpret_cast<std::uintptr_t>(*block));
  if (status != PsciStatus::kSuccess) {
    log_error("CPU with affinity {#x} not started: PSCI says {}", mpidr, to_string(status));
    return false;
  }
  if (wait_for(attempts[attempt])) return true;
  log_error("CPU with affinity {#x} was started but did not come up", mpidr);
  return false;
}

}  // namespace

extern "C" [[noreturn]] void socle_secondary_start(std::uint64_t ticket) {
  const auto cpu = static_cast<CpuIndex>(Ticket::Cpu::get(ticket));
  port::detail::this_cpu = cpu;
  adopt_windows(cpu);
  Start expected = Start::kWaiting;
  if (!attempts[Ticket::Attempt::get(ticket)].compare_exchange_strong(expected, Start::kArrived)) {
    for (;;)
      asm volatile("wfi");
  }
  // Only the boot CPU waits for this, and only then looks at the count.
  port::detail::online_cpu_count.fetch_add(1, std::memory_order_release);
  secondary_main(cpu);
}

unsigned start_secondary_cpus(std::span<const std::uint64_t> mpidrs, unsigned limit) {
  // Read by the others with the MMU off.
  port::cache_clean(&socle_regime, sizeof(socle_regime));
  const std::uint64_t self = mpidr_of(CpuIndex{0});
  limit = std::min(limit, kMaxCpus);
  unsigned up = 1;
  unsigned attempt = 0;
  for (const std::uint64_t given : mpidrs) {
    const std::uint64_t mpidr = given & kAffinityMask;
    if (mpidr == self) continue;
    if (up == limit || attempt == kMaxCpus || !psci_is_present()) break;
    if (start(static_cast<CpuIndex>(up), attempt++, mpidr)) ++up;
  }
  while (port::online_cpus() != up)
    asm volatile("yield");
  return up;
}

std::uint64_t mpidr_of(CpuIndex cpu) {
  return mpidr_table[index_of(cpu)];
}

void set_mpidr(CpuIndex cpu, std::uint64_t mpidr) {
  mpidr_table[index_of(cpu)] = mpidr & kAffinityMask;
}

}  // namespace socle::el2
