// SPDX-License-Identifier: Apache-2.0
#include "image/keys.h"

#include <array>

#include "base/check.h"
#include "base/log.h"
#include "drivers/console.h"
#include "el2/guest_state.h"
#include "guest/domain.h"
#include "guest/mmio_faults.h"
#include "guest/vcpu.h"
#include "hypercall/hypercall.h"
#include "mem/memory.h"
#include "port/power.h"

namespace socle::image {
namespace {

constinit guest::Domain* domain = nullptr;

const char* state_of(const guest::Vcpu& vcpu) {
  using State = guest::PowerState::State;
  if (vcpu.power.state.load(std::memory_order_relaxed) != State::kOn) return "off";
  return vcpu.blocked.load(std::memory_order_relaxed) ? "waiting" : "running";
}

void show_domains() {
  log_warning("d{}: {} MiB of RAM, {} table frames used of {}", domain->id,
              domain->ram_frames.load(std::memory_order_relaxed) >> 8, domain->table_pool.used(),
              domain->table_pool.quota());
  for (const guest::Vcpu* vcpu : domain->vcpus) {
    // Of another CPU's vCPU: the values of its last exit.
    log_warning("d{}v{} on CPU {}: {}, PC {016x} PSTATE {08x} work {#x}", domain->id, vcpu->id,
                vcpu->cpu, state_of(*vcpu), vcpu->frame->pc, vcpu->frame->pstate,
                vcpu->pending_work.load(std::memory_order_relaxed));
  }
}

void show_memory() {
  const mem::Statistics now = mem::statistics();
  log_warning("memory: RAM {} MiB, free {} KiB, heap {} KiB of which {} KiB are in stock",
              now.ram.bytes() >> 20, now.free.bytes() >> 10, now.heap.bytes() >> 10,
              now.heap_stock.bytes() >> 10);
}

void show_map() {
  const stage2::Coverage held = domain->address_space.coverage();
  log_warning("d{}: stage 2: {} entries of 1 GiB, {} of 2 MiB, {} of 4 KiB; {} tables", domain->id,
              held.entries_1g, held.entries_2m, held.entries_4k, held.tables);
}

void show_mmio_faults_of(guest::MmioFaults::Outcome outcome, const char* name) {
  const guest::MmioFaults& faults = *domain->mmio_faults;
  const guest::MmioFaults::Totals totals = faults.totals(outcome);
  log_warning("d{}: MMIO {} on {} faults, {} not on record", domain->id, name, totals.faults,
              totals.lost);
  std::array<guest::MmioFaults::Entry, 8> some;
  Gfn from(0);
  while (const std::size_t count = faults.list(outcome, from, some)) {
    for (const guest::MmioFaults::Entry& entry : std::span(some).first(count)) {
      log_warning("  {}: {} faults, blocks of {} KiB, first by v{} at pc {#x}, {}",
                  Range<Ipa>(Ipa(entry.frames.begin()), Ipa(entry.frames.end())), entry.count,
                  entry.block.bytes() >> 10, entry.vcpu, entry.pc, to_string(entry.type));
      from = entry.frames.begin() + FrameCount(1);
    }
  }
}

void show_mmio_faults() {
  if (domain->mmio_faults == nullptr) {
    log_warning("mmio-fault=deny: no record");
    return;
  }
  show_mmio_faults_of(guest::MmioFaults::Outcome::kMapped, "mapped");
  show_mmio_faults_of(guest::MmioFaults::Outcome::kDenied, "denied");
}

}  // namespace

void register_keys(guest::Domain& hardware_domain) {
  domain = &hardware_domain;
  console::register_key('q', "domains and vCPUs", show_domains);
  console::register_key('m', "memory", show_memory);
  console::register_key('e', "the stage-2 map's entries", show_map);
  console::register_key('f', "faults where nothing was mapped", show_mmio_faults);
  console::register_key('u', "hypercalls that were refused", hypercall::log_unimplemented);
  console::register_key('d', "registers of this CPU's vCPU", el2::log_current_guest);
  console::register_key('C', "crash Socle on purpose", [] {
    constexpr bool kKeyForCrashWasPressed = true;
    CHECK(!kKeyForCrashWasPressed);
  });
  console::register_key('R', "restart the machine", [] { port::power_reset(); });
}

}  // namespace socle::image
