// SPDX-License-Identifier: Apache-2.0
#include "drivers/gicv3.h"

#include <array>
#include <atomic>

#include "base/log.h"
#include "drivers/gic_driver.h"
#include "drivers/gicv3_registers.h"
#include "hw/gic.h"
#include "port/cpu.h"
#include "port/icc.h"
#include "port/irq.h"

namespace socle::gic {
namespace {

using namespace detail;

// By CPU; 0 while it is not up.
constinit std::array<std::atomic<std::uint64_t>, kMaxCpus> kick_values{};

// Out of line: a guest's interrupts pay for no register that this needs.
[[gnu::noinline]] void take_own(IntId interrupt, std::uint8_t owner) {
  if (owner == kKick) {
    port::icc_deactivate(interrupt.value());
    port::receive_kick();
    return;
  }
  if (owner == kNobody) {
    silence(interrupt);
    return;
  }
  handlers[owner - 1u](interrupt);
  port::icc_deactivate(interrupt.value());
}

// What to write to ICC_SGI1R_EL1 to reach the CPU with this affinity.
std::uint64_t kick_value(std::uint32_t affinity) {
  namespace sgir = hw::icc::sgir;
  const std::uint64_t aff0 = affinity & 0xff;
  return sgir::Aff3::make(affinity >> 24) | sgir::RS::make(aff0 >> 4) |
         sgir::Aff2::make(affinity >> 16 & 0xff) | sgir::INTID::make(kKickSgi) |
         sgir::Aff1::make(affinity >> 8 & 0xff) |
         sgir::TargetList::make(std::uint64_t{1} << (aff0 & 0xf));
}

Result<> open_cpu_interface() {
  namespace sre = hw::icc::sre;
  if (!port::icc_is_implemented()) {
    log_error("gic: this CPU has no GIC system registers");
    return fail(Error::kUnsupported);
  }
  port::icc_set_system_registers(port::icc_system_registers() | sre::SRE::kMask |
                                 sre::Enable::kMask);
  if ((port::icc_system_registers() & sre::SRE::kMask) == 0) {
    log_error("gic: firmware keeps the GIC system registers from EL2 (ICC_SRE_EL2.SRE)");
    return fail(Error::kUnsupported);
  }
  const std::uint64_t priority_bits = hw::icc::ctlr::PRIbits::get(port::icc_control()) + 1;
  port::icc_clear_active_priorities(priority_bits <= 5 ? 1 : priority_bits == 6 ? 2 : 4);
  port::icc_set_priority_mask(kMaskNone);
  port::icc_set_binary_point(0);
  port::icc_set_control(hw::icc::ctlr::EOImode::kMask);
  port::icc_enable_group1(true);
  port::icc_sync();
  return {};
}

Result<unsigned> open(const platform::Gic& description) {
  const unsigned lines = TRY(open_distributor(description.distributor));
  TRY(open_redistributors(description.redistributors.span(), description.redistributor_stride));
  reset_distributor();
  for (auto& value : kick_values)
    value.store(0, std::memory_order_relaxed);
  return lines;
}

Result<> open_cpu(CpuIndex cpu) {
  TRY(open_cpu_interface());
  const std::uint32_t affinity = port::icc_own_affinity();
  TRY(open_own_redistributor(cpu, affinity));
  kick_values[index_of(cpu)].store(kick_value(affinity), std::memory_order_relaxed);
  return {};
}

void dispatch() {
  for (unsigned n = 0; n < kMaxPerVisit; ++n) {
    const std::uint32_t number = port::icc_acknowledge();
    if (number >= hw::icc::kFirstSpecial) {
      // Spurious; or one of the extended or message-signalled ranges, which are never enabled.
      if (number > hw::icc::kSpurious) {
        port::icc_end(number);
        port::icc_deactivate(number);
      }
      return;
    }
    port::icc_end(number);
    const std::uint8_t owner = owners[number].load(std::memory_order_relaxed);
    if (owner == kGuest)
      port::irq_for_guest(IntId(number));
    else
      take_own(IntId(number), owner);
    if (!port::icc_is_interrupt_pending()) return;
  }
}

void send_kick(CpuIndex cpu) {
  const std::uint64_t value = kick_values[index_of(cpu)].load(std::memory_order_relaxed);
  if (value != 0) port::icc_send_sgi(value);
}

}  // namespace

IntId acknowledge() {
  return IntId(port::icc_acknowledge());
}
void end(IntId interrupt) {
  port::icc_end(interrupt.value());
}
void deactivate(IntId interrupt) {
  port::icc_deactivate(interrupt.value());
}

constinit const Driver kGicv3Driver{
    .name = "GICv3",
    .version = platform::Gic::Version::kV3,
    .open = open,
    .open_cpu = open_cpu,
    .dispatch = dispatch,
    .kick = send_kick,
    .set_mask = [](std::uint8_t priority) { port::icc_set_priority_mask(priority); },
    .bank_of = bank_of,
    .wait_for_writes = wait_for_writes,
    .set_target = set_target,
    .deactivate = deactivate,
};

}  // namespace socle::gic
