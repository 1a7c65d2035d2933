// SPDX-License-Identifier: Apache-2.0
#include "drivers/gic.h"

#include "base/lock.h"
#include "base/log.h"
#include "drivers/gic_driver.h"
#include "hw/gic.h"
#include "port/cpu.h"
#include "port/irq.h"

namespace socle::gic {

namespace detail {

namespace gicd = hw::gicd;

constinit void (*dispatcher)() = [] {};
constinit std::array<std::atomic<std::uint8_t>, kEndOfNumbers> owners{};
constinit std::array<Handler, kMaxHandlers> handlers{};

void reset_word(const Bank& bank, unsigned word, std::uint32_t groups) {
  const std::uint64_t bits = bank.base + word * 4;
  bank.registers->write32(bits + gicd::kICENABLER, ~0u);
  bank.registers->write32(bits + gicd::kIGROUPR, groups);
  bank.registers->write32(bits + gicd::kICPENDR, ~0u);
  bank.registers->write32(bits + gicd::kICACTIVER, ~0u);
  for (unsigned n = 0; n < 8; ++n)
    bank.registers->write32(bank.base + gicd::kIPRIORITYR + word * 32 + n * 4, kPriorities);
}

void enable_claimed_private(CpuIndex cpu) {
  std::uint32_t mask = 0;
  for (unsigned n = 0; n < 32; ++n) {
    const std::uint8_t owner = owners[n].load(std::memory_order_acquire);
    if (owner != kNobody && owner != kGuest) mask |= 1u << n;
  }
  port::irq_change(port::IrqState::kEnabled, cpu, 0, mask, true);
}

void silence(IntId interrupt) {
  const std::uint32_t bit = 1u << (interrupt.value() % 32);
  port::irq_change(port::IrqState::kEnabled, port::current_cpu(), interrupt.value() / 32, bit,
                   false);
  port::irq_deactivate(interrupt);
  log_warning("gic: interrupt {} has no handler and was disabled", interrupt.value());
}

Result<> map_registers(const PaRange& registers, const char* what) {
  if (port::mmio_map(registers)) return {};
  log_error("gic: cannot map the {} at {:#x}", what, registers.begin().value());
  return fail(Error::kNoMemory);
}

}  // namespace detail

using namespace detail;

namespace {

constinit const Driver* const kDrivers[] = {&kGicv3Driver, &kGicv2Driver};

constinit SpinLock lock{LockRank::kGicDistributor};
constinit unsigned handler_count SOCLE_GUARDED_BY(lock) = 0;
// For registers that are changed by reading and writing (ICFGR).
constinit SpinLock register_lock{LockRank::kGicDistributor};
// Null and 0 before init_distributor().
constinit const Driver* driver = nullptr;
constinit unsigned line_count = 0;

void take_maintenance(IntId) {
  port::irq_maintenance();
}

Result<> claim(IntId interrupt, std::uint8_t owner) SOCLE_REQUIRES(lock) {
  if (interrupt.value() >= line_count || interrupt.value() >= kEndOfNumbers)
    return fail(Error::kOutOfRange);
  if (owners[interrupt.value()].load(std::memory_order_relaxed) != kNobody)
    return fail(Error::kBusy);
  owners[interrupt.value()].store(owner, std::memory_order_release);
  return {};
}

Result<> forget_owners() {
  const LockGuard guard(lock);
  for (auto& owner : owners)
    owner.store(kNobody, std::memory_order_relaxed);
  handler_count = 0;
  return claim(IntId(kKickSgi), kKick);
}

Bank bank_of(CpuIndex cpu, unsigned word) {
  if (driver == nullptr || word >= line_count / 32) return {};
  return driver->bank_of(cpu, word);
}

}  // namespace

Result<> init_distributor(const platform::Gic& description) {
  driver = nullptr;
  for (const Driver* candidate : kDrivers) {
    if (candidate->version != description.version) continue;
    line_count = TRY(candidate->open(description));
    driver = candidate;
  }
  if (driver == nullptr) {
    log_error("gic: firmware describes no interrupt controller; Socle needs a GICv3 or GICv2");
    return fail(Error::kUnsupported);
  }
  log_info("gic: {}, {} interrupts", driver->name, line_count);
  dispatcher = driver->dispatch;
  TRY(forget_owners());
  IntId maintenance(25);  // what the Base System Architecture (DEN0094) gives it
  if (description.maintenance.has_value() && description.maintenance->id.is_ppi())
    maintenance = description.maintenance->id;
  else
    log_warning("gic: firmware names no maintenance interrupt; {} is assumed", maintenance.value());
  TRY(set_handler(maintenance, take_maintenance, false));
  port::set_kick_sender(driver->kick);
  return {};
}

Result<> init_cpu() {
  if (driver == nullptr) return fail(Error::kUnsupported);
  const CpuIndex cpu = port::current_cpu();
  TRY(driver->open_cpu(cpu));
  enable_claimed_private(cpu);
  return {};
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
  if (driver != nullptr) driver->kick(cpu);
}

void mask_all_but(IntId ppi) {
  const Bank bank = bank_of(port::current_cpu(), 0);
  if (bank.registers == nullptr || ppi.value() >= 32) return;
  const std::uint64_t word = bank.base + gicd::kIPRIORITYR + ppi.value() / 4 * 4;
  const unsigned shift = ppi.value() % 4 * 8;
  const std::uint32_t others = bank.registers->read32(word) & ~(0xffu << shift);
  bank.registers->write32(word, others | kUrgentPriority << shift);
  driver->set_mask(kMaskUsual);
}
void unmask_all() {
  if (driver != nullptr) driver->set_mask(kMaskNone);
}

bool is_present() {
  return driver != nullptr;
}
unsigned lines() {
  return line_count;
}

}  // namespace socle::gic

namespace socle::port {

namespace {

namespace gicd = hw::gicd;
using gic::detail::Bank;

constexpr std::uint32_t set_offset(IrqState state) {
  switch (state) {
    case IrqState::kEnabled:
      return gicd::kISENABLER;
    case IrqState::kPending:
      return gicd::kISPENDR;
    case IrqState::kActive:
      return gicd::kISACTIVER;
  }
  return gicd::kISENABLER;
}
constexpr std::uint32_t kFromSetToClear = gicd::kICENABLER - gicd::kISENABLER;
static_assert(gicd::kICPENDR - gicd::kISPENDR == kFromSetToClear);
static_assert(gicd::kICACTIVER - gicd::kISACTIVER == kFromSetToClear);

}  // namespace

unsigned irq_lines() {
  return gic::lines();
}

std::uint32_t irq_read(IrqState state, CpuIndex cpu, unsigned word) {
  const Bank bank = gic::bank_of(cpu, word);
  if (bank.registers == nullptr) return 0;
  return bank.registers->read32(bank.base + set_offset(state) + word * 4);
}

void irq_change(IrqState state, CpuIndex cpu, unsigned word, std::uint32_t mask, bool set) {
  const Bank bank = gic::bank_of(cpu, word);
  if (bank.registers == nullptr || mask == 0) return;
  const std::uint32_t offset = set_offset(state) + (set ? 0 : kFromSetToClear);
  bank.registers->write32(bank.base + offset + word * 4, mask);
  if (set || state != IrqState::kEnabled) return;
  gic::driver->wait_for_writes(bank, word);
}

std::uint32_t irq_edges(CpuIndex cpu, unsigned word) {
  const Bank bank = gic::bank_of(cpu, word);
  if (bank.registers == nullptr) return 0;
  std::uint32_t edges = 0;
  for (unsigned half = 0; half < 2; ++half) {
    const std::uint32_t fields =
        bank.registers->read32(bank.base + gicd::kICFGR + word * 8 + half * 4);
    for (unsigned n = 0; n < 16; ++n)
      edges |= (fields >> (2 * n + 1) & 1) << (half * 16 + n);
  }
  return edges;
}

void irq_set_edges(CpuIndex cpu, unsigned word, std::uint32_t mask, std::uint32_t edges) {
  const Bank bank = gic::bank_of(cpu, word);
  if (bank.registers == nullptr) return;
  const LockGuard guard(gic::register_lock);
  for (unsigned half = 0; half < 2; ++half) {
    const std::uint64_t offset = bank.base + gicd::kICFGR + word * 8 + half * 4;
    const std::uint32_t before = bank.registers->read32(offset);
    std::uint32_t after = before;
    for (unsigned n = 0; n < 16; ++n) {
      const unsigned bit = half * 16 + n;
      if ((mask >> bit & 1) == 0) continue;
      after = (after & ~(2u << (2 * n))) | (edges >> bit & 1) << (2 * n + 1);
    }
    if (after != before) bank.registers->write32(offset, after);
  }
}

void irq_set_target(IntId spi, CpuIndex cpu) {
  if (!spi.is_spi() || spi.value() >= gic::lines() || gic::driver == nullptr) return;
  gic::driver->set_target(spi, cpu);
}

void irq_deactivate(IntId interrupt) {
  if (gic::driver != nullptr) gic::driver->deactivate(interrupt);
}

void irq_look_again() {
  if (gic::driver != nullptr && gic::driver->look_again != nullptr) gic::driver->look_again();
}

Result<> irq_give_to_guest(IntId spi) {
  if (!spi.is_spi()) return fail(Error::kOutOfRange);
  const LockGuard guard(gic::lock);
  return gic::claim(spi, gic::detail::kGuest);
}

Result<> irq_give_ppi_to_guest(IntId ppi) {
  if (!ppi.is_ppi()) return fail(Error::kOutOfRange);
  const LockGuard guard(gic::lock);
  const std::uint8_t owner = gic::detail::owners[ppi.value()].load(std::memory_order_relaxed);
  if (owner == gic::detail::kGuest) return {};
  return gic::claim(ppi, gic::detail::kGuest);
}

}  // namespace socle::port
