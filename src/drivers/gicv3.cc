// SPDX-License-Identifier: Apache-2.0
#include "drivers/gicv3.h"

#include <array>
#include <atomic>

#include "base/lock.h"
#include "base/log.h"
#include "drivers/gicv3_registers.h"
#include "hw/gic.h"
#include "port/cpu.h"
#include "port/icc.h"
#include "port/irq.h"

namespace socle::gic {
namespace {

using namespace detail;

// One priority for all physical interrupts. Non-secure software sees the upper half of the
// priorities shifted; the value is in the middle either way.
constexpr std::uint32_t kPriorities = 0xa0a0'a0a0;
constexpr std::uint64_t kPriorityMask = 0xff;
constexpr std::uint32_t kKickSgi = 0;
constexpr unsigned kMaxPerVisit = 64;

// Who gets an interrupt: 1 .. kMaxHandlers is a handler's place + 1.
constexpr std::uint8_t kNobody = 0;
constexpr std::uint8_t kGuest = 0xff;
constexpr std::uint8_t kKick = 0xfe;
constexpr unsigned kMaxHandlers = 32;

constinit SpinLock lock{LockRank::kGicDistributor};
constinit std::array<std::atomic<std::uint8_t>, hw::icc::kFirstSpecial> owners{};
constinit std::array<Handler, kMaxHandlers> handlers{};
constinit unsigned handler_count SOCLE_GUARDED_BY(lock) = 0;
// By CPU; 0 while it is not up.
constinit std::array<std::atomic<std::uint64_t>, kMaxCpus> kick_values{};
constinit bool present = false;

bool exists(IntId interrupt) {
  return interrupt.value() < lines() && interrupt.value() < hw::icc::kFirstSpecial;
}

void take_maintenance(IntId) {
  port::irq_maintenance();
}

// An interrupt that nobody claimed and that came all the same.
void silence(IntId interrupt) {
  const std::uint32_t bit = 1u << (interrupt.value() % 32);
  port::irq_change(port::IrqState::kEnabled, port::current_cpu(), interrupt.value() / 32, bit,
                   false);
  port::icc_deactivate(interrupt.value());
  log_warning("gic: interrupt {} has no handler and was disabled", interrupt.value());
}

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

Result<> claim(IntId interrupt, std::uint8_t owner) SOCLE_REQUIRES(lock) {
  if (!exists(interrupt)) return fail(Error::kOutOfRange);
  if (owners[interrupt.value()].load(std::memory_order_relaxed) != kNobody)
    return fail(Error::kBusy);
  owners[interrupt.value()].store(owner, std::memory_order_release);
  return {};
}

void enable_claimed_private(CpuIndex cpu) {
  std::uint32_t mask = 0;
  for (unsigned n = 0; n < 32; ++n) {
    const std::uint8_t owner = owners[n].load(std::memory_order_acquire);
    if (owner != kNobody && owner != kGuest) mask |= 1u << n;
  }
  port::irq_change(port::IrqState::kEnabled, cpu, 0, mask, true);
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
  port::icc_set_priority_mask(kPriorityMask);
  port::icc_set_binary_point(0);
  port::icc_set_control(hw::icc::ctlr::EOImode::kMask);
  port::icc_enable_group1(true);
  port::icc_sync();
  return {};
}

}  // namespace

Result<> init_distributor(const platform::Gic& description) {
  if (description.version != platform::Gic::Version::kV3) {
    if (description.version == platform::Gic::Version::kNone)
      log_error("gic: firmware describes no interrupt controller; Socle needs a GICv3");
    else
      log_error("gic: this machine has a GICv2; Socle needs a GICv3");
    return fail(Error::kUnsupported);
  }
  TRY(open_distributor(description.distributor));
  TRY(open_redistributors(description.redistributors.span(), description.redistributor_stride));
  reset_distributor(kPriorities);
  present = true;
  {
    const LockGuard guard(lock);
    for (auto& owner : owners)
      owner.store(kNobody, std::memory_order_relaxed);
    for (auto& value : kick_values)
      value.store(0, std::memory_order_relaxed);
    handler_count = 0;
    TRY(claim(IntId(kKickSgi), kKick));
  }
  IntId maintenance(25);  // what the Base System Architecture (DEN0094) gives it
  if (description.maintenance.has_value() && description.maintenance->id.is_ppi())
    maintenance = description.maintenance->id;
  else
    log_warning("gic: firmware names no maintenance interrupt; {} is assumed", maintenance.value());
  TRY(set_handler(maintenance, take_maintenance, false));
  port::set_kick_sender(kick);
  return {};
}

Result<> init_cpu() {
  const CpuIndex cpu = port::current_cpu();
  TRY(open_cpu_interface());
  const std::uint32_t affinity = port::icc_own_affinity();
  TRY(open_own_redistributor(cpu, affinity, kPriorities));
  enable_claimed_private(cpu);
  kick_values[index_of(cpu)].store(kick_value(affinity), std::memory_order_relaxed);
  return {};
}

IntId acknowledge() {
  return IntId(port::icc_acknowledge());
}
void end(IntId interrupt) {
  port::icc_end(interrupt.value());
}
void deactivate(IntId interrupt) {
  port::icc_deactivate(interrupt.value());
}

void dispatch_physical() {
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

Result<> set_handler(IntId interrupt, Handler handler, bool edge) {
  {
    const LockGuard guard(lock);
    if (handler_count == kMaxHandlers) return fail(Error::kTooLarge);
    handlers[handler_count] = handler;
    TRY(claim(interrupt, static_cast<std::uint8_t>(handler_count + 1)));
    ++handler_count;
  }
  const unsigned word = interrupt.value() / 32;
  const std::uint32_t bit = 1u << (interrupt.value() % 32);
  const CpuIndex cpu = port::current_cpu();
  port::irq_set_edges(cpu, word, bit, edge ? bit : 0);
  if (interrupt.is_spi()) port::irq_set_target(interrupt, cpu);
  port::irq_change(port::IrqState::kEnabled, cpu, word, bit, true);
  return {};
}

void kick(CpuIndex cpu) {
  const std::uint64_t value = kick_values[index_of(cpu)].load(std::memory_order_relaxed);
  if (value != 0) port::icc_send_sgi(value);
}

bool is_present() {
  return present;
}

namespace {
constexpr std::string_view kCompatible[] = {"arm,gic-v3"};
}
constinit const Driver kGicv3Driver{
    .name = "GICv3",
    .compatible = kCompatible,
    .version = platform::Gic::Version::kV3,
    .init_distributor = init_distributor,
    .init_cpu = init_cpu,
};

}  // namespace socle::gic

namespace socle::port {

Result<> irq_give_to_guest(IntId spi) {
  if (!spi.is_spi()) return fail(Error::kOutOfRange);
  const LockGuard guard(gic::lock);
  return gic::claim(spi, gic::kGuest);
}

Result<> irq_give_ppi_to_guest(IntId ppi) {
  if (!ppi.is_ppi()) return fail(Error::kOutOfRange);
  const LockGuard guard(gic::lock);
  if (gic::owners[ppi.value()].load(std::memory_order_relaxed) == gic::kGuest) return {};
  return gic::claim(ppi, gic::kGuest);
}

}  // namespace socle::port
