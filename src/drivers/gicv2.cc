// SPDX-License-Identifier: Apache-2.0

// The physical GICv2 (GIC-400 and its like): a distributor and a CPU interface in memory, both
// banked by CPU; at most eight CPUs. Frames are 4 KiB or 64 KiB apart, as the device tree and the
// registers say. Interrupts are in the group that the view has by itself: Group 1 for Non-secure
// software, Group 0 on a GIC without Security Extensions. Also opens the virtual interface control
// (GICH) behind port/ich.h. Source: Arm IHI 0048.

#include "hw/gicv2.h"

#include <array>
#include <atomic>

#include "base/log.h"
#include "drivers/gic_driver.h"
#include "hw/gic.h"
#include "port/barrier.h"
#include "port/cpu.h"
#include "port/ich.h"
#include "port/irq.h"

namespace socle::gic {
namespace {

using namespace detail;

namespace gicd = hw::gicd;
namespace gicd2 = hw::gicd2;
namespace gicc = hw::gicc;

constinit port::MmioRegion distributor;
constinit port::MmioRegion interface;
constinit port::MmioRegion deactivation;  // the frame that begins with GICC_DIR
constinit bool has_one_cpu = false;
// By CPU, its bit in ITARGETSR and SGIR; 0 while it is not up.
constinit std::array<std::atomic<std::uint8_t>, kMaxCpus> target_bits{};

Result<> complain(const PaRange& registers, const char* what) {
  log_error("gic: {:#x} bytes at {:#x} cannot be a GICv2's {}", registers.size(),
            registers.begin().value(), what);
  return fail(Error::kInvalid);
}

Result<> open_distributor(const PaRange& registers) {
  if (registers.size() < gicd2::kSize || !registers.begin().is_aligned(kFrameSize))
    return complain(registers, "distributor");
  TRY(map_registers(PaRange(registers.begin(), registers.begin() + gicd2::kSize), "distributor"));
  distributor = port::MmioRegion(registers.begin().value(), gicd2::kSize);
  has_one_cpu = gicd::typer::CPUNumber::get(distributor.read32(gicd::kTYPER)) == 0;
  return {};
}

// With frames 64 KiB apart the first one repeats up to the second; otherwise what lies there is
// nothing, or reserved.
bool has_wide_frames() {
  if (interface.size() < 2 * gicc::kWideFrame) return false;
  const std::uint32_t id = interface.read32(gicc::kIIDR);
  return id != 0 && interface.read32(gicc::kAliasOfIIDR) == id;
}

Result<> open_interface(const PaRange& registers) {
  if (registers.size() < gicc::kSize || !registers.begin().is_aligned(kFrameSize))
    return complain(registers, "CPU interface");
  TRY(map_registers(registers, "CPU interface"));
  interface = port::MmioRegion(registers.begin().value(), registers.size());
  const std::uint64_t second = has_wide_frames() ? gicc::kWideFrame : gicc::kDIR;
  deactivation = port::MmioRegion(registers.begin().value() + second, kFrameSize);
  return {};
}

Result<> open_hypervisor_interface(const PaRange& registers) {
  if (registers.empty()) {
    log_error("gic: this GICv2 has no virtualisation (GICH), or the device tree does not name it");
    return fail(Error::kUnsupported);
  }
  if (registers.size() < hw::gich::kSize || !registers.begin().is_aligned(kFrameSize))
    return complain(registers, "hypervisor interface");
  const PaRange frame(registers.begin(), registers.begin() + kFrameSize);
  TRY(map_registers(frame, "hypervisor interface"));
  port::ich_use_memory(port::MmioRegion(registers.begin().value(), kFrameSize));
  return {};
}

// This CPU's bit: each CPU reads its own in the targets of private interrupts. With one CPU they
// read as zero, and every target is that CPU.
std::uint8_t own_target_bit() {
  if (has_one_cpu) return 1;
  std::uint32_t any = 0;
  for (unsigned n = 0; n < 8; ++n)
    any |= distributor.read32(gicd::kITARGETSR + n * 4);
  return static_cast<std::uint8_t>(any | any >> 8 | any >> 16 | any >> 24);
}

void reset_distributor(unsigned lines) {
  distributor.write32(gicd::kCTLR, 0);
  const std::uint32_t here = own_target_bit() * 0x0101'0101u;
  for (unsigned word = 1; word < lines / 32; ++word) {
    reset_word({&distributor, 0}, word, 0);
    distributor.write32(gicd::kICFGR + word * 8, 0);
    distributor.write32(gicd::kICFGR + word * 8 + 4, 0);
    for (unsigned n = 0; n < 32; n += 4)
      distributor.write32(gicd::kITARGETSR + word * 32 + n, here);
  }
  distributor.write32(gicd::kCTLR, gicd2::ctlr::Enable::kMask);
}

Result<unsigned> open(const platform::Gic& description) {
  TRY(open_distributor(description.distributor));
  TRY(open_interface(description.cpu_interface));
  TRY(open_hypervisor_interface(description.hypervisor_interface));
  const unsigned lines =
      (gicd::typer::ITLinesNumber::get(distributor.read32(gicd::kTYPER)) + 1) * 32;
  for (auto& bit : target_bits)
    bit.store(0, std::memory_order_relaxed);
  reset_distributor(lines);
  return lines;
}

Result<> open_cpu(CpuIndex cpu) {
  const std::uint8_t bit = own_target_bit();
  if (bit == 0) {
    log_error("gic: this GICv2 does not reach CPU {}", cpu);
    return fail(Error::kNotFound);
  }
  reset_word({&distributor, 0}, 0, 0);
  interface.write32(gicc::kCTLR, 0);
  for (unsigned n = 0; n < 4; ++n)
    interface.write32(gicc::kAPR + n * 4, 0);
  interface.write32(gicc::kPMR, kMaskNone);
  interface.write32(gicc::kBPR, 0);
  interface.write32(gicc::kCTLR, gicc::ctlr::Enable::kMask | gicc::ctlr::EOImode::kMask);
  target_bits[index_of(cpu)].store(bit, std::memory_order_relaxed);
  return {};
}

// `acknowledged` as GICC_IAR gave it: for an SGI with its source, which its end must name.
void take_own(std::uint32_t acknowledged, std::uint8_t owner) {
  const IntId interrupt(gicc::iar::InterruptID::get(acknowledged));
  if (owner == kKick) {
    deactivation.write32(0, acknowledged);
    port::receive_kick();
  } else if (owner == kNobody) {
    silence(interrupt);
    if (interrupt.is_sgi()) deactivation.write32(0, acknowledged);
  } else {
    handlers[owner - 1u](interrupt);
    deactivation.write32(0, acknowledged);
  }
}

void dispatch() {
  for (unsigned n = 0; n < kMaxPerVisit; ++n) {
    const std::uint32_t acknowledged = interface.read32(gicc::kIAR);
    const std::uint32_t number = gicc::iar::InterruptID::get(acknowledged);
    if (number >= hw::icc::kFirstSpecial) return;
    // Active, before memory that its source wrote is read.
    port::barrier_complete_system();
    interface.write32(gicc::kEOIR, acknowledged);
    const std::uint8_t owner = owners[number].load(std::memory_order_relaxed);
    if (owner == kGuest)
      port::irq_for_guest_in_memory(IntId(number));
    else
      take_own(acknowledged, owner);
  }
}

void send_kick(CpuIndex cpu) {
  namespace sgir = gicd2::sgir;
  const std::uint8_t bit = target_bits[index_of(cpu)].load(std::memory_order_relaxed);
  if (bit == 0) return;
  port::barrier_complete_system();
  distributor.write32(gicd2::kSGIR,
                      sgir::CPUTargetList::make(bit) | sgir::SGIINTID::make(kKickSgi));
}

// Private interrupts are banked: only a CPU itself reaches its own.
Bank bank_of(CpuIndex cpu, unsigned word) {
  if (word == 0 && cpu != port::current_cpu()) return {};
  return {&distributor, 0};
}

// A GICv2 does not say when; a read after a write has the write behind it.
void wait_for_writes(const Bank& bank, unsigned) {
  (void)bank.registers->read32(gicd::kCTLR);
}

void set_target(IntId spi, CpuIndex cpu) {
  const std::uint8_t bit = target_bits[index_of(cpu)].load(std::memory_order_relaxed);
  if (bit != 0) port::mmio_write8(distributor.base() + gicd::kITARGETSR + spi.value(), bit);
}

void deactivate_interrupt(IntId interrupt) {
  deactivation.write32(0, interrupt.value());
}

}  // namespace

constinit const Driver kGicv2Driver{
    .name = "GICv2",
    .version = platform::Gic::Version::kV2,
    .open = open,
    .open_cpu = open_cpu,
    .dispatch = dispatch,
    .kick = send_kick,
    .set_mask = [](std::uint8_t priority) { interface.write32(gicc::kPMR, priority); },
    .bank_of = bank_of,
    .wait_for_writes = wait_for_writes,
    .set_target = set_target,
    .deactivate = deactivate_interrupt,
    .look_again = [] { interface.write32(gicc::kPMR, kMaskNone); },
};

}  // namespace socle::gic
