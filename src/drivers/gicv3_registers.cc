// SPDX-License-Identifier: Apache-2.0
#include "drivers/gicv3_registers.h"

#include <array>
#include <atomic>

#include "base/inplace_vector.h"
#include "base/log.h"
#include "hw/gic.h"
#include "port/clock.h"
#include "port/icc.h"
#include "port/mmio.h"

namespace socle::gic {
namespace detail {
namespace {

namespace gicd = hw::gicd;
namespace gicr = hw::gicr;

struct Redistributor {
  port::MmioRegion registers;
  std::uint32_t affinity = 0;
  std::atomic<bool> is_up{false};
};

constinit port::MmioRegion distributor;
constinit unsigned line_count = 0;
constinit InplaceVector<port::MmioRegion, platform::Gic::kMaxRedistributorRegions> regions;
constinit std::uint64_t stated_stride = 0;
constinit std::array<Redistributor, kMaxCpus> redistributors{};

constexpr std::uint64_t kPatienceNs = 100'000'000;

bool is_gicv3(std::uint32_t pidr2) {
  const std::uint32_t revision = hw::gic_pidr2::ArchRev::get(pidr2);
  return revision == 3 || revision == 4;
}

// Waits until the bits are clear. A GIC that never finishes is reported once per call, not obeyed.
void wait_until_clear(const port::MmioRegion& registers, std::uint64_t offset, std::uint32_t bits,
                      const char* what) {
  if ((registers.read32(offset) & bits) == 0) return;
  const std::uint64_t start = port::system_time_ns();
  while ((registers.read32(offset) & bits) != 0) {
    if (port::system_time_ns() - start < kPatienceNs) continue;
    log_error("gic: {} takes more than {} ms", what, kPatienceNs / 1'000'000);
    return;
  }
}

void wait_for_distributor() {
  wait_until_clear(distributor, gicd::kCTLR, gicd::ctlr::RWP::kMask, "a distributor write");
}

void wait_for(const port::MmioRegion& redistributor) {
  wait_until_clear(redistributor, gicr::kCTLR, gicr::ctlr::RWP::kMask, "a redistributor write");
}

std::uint64_t route_to(std::uint32_t affinity) {
  return gicd::irouter::Aff3::make(affinity >> 24) | (affinity & 0xff'ffff);
}

std::uint64_t frame_size(const port::MmioRegion& region, std::uint64_t offset) {
  if (stated_stride != 0) return stated_stride;
  const std::uint64_t type = region.read64(offset + gicr::kTYPER);
  return gicr::typer::VLPIS::get(type) != 0 ? gicr::kSizeV4 : gicr::kSizeV3;
}

// Looks through one region; regions come from firmware, so every step is bounded by their size.
const char* find_in_region(const port::MmioRegion& region, std::uint32_t affinity,
                           port::MmioRegion& found) {
  std::uint64_t offset = 0;
  while (region.size() - offset >= gicr::kSizeV3) {
    if (!is_gicv3(region.read32(offset + gicr::kPIDR2))) return "no redistributor there";
    const std::uint64_t type = region.read64(offset + gicr::kTYPER);
    if (gicr::typer::Affinity::get(type) == affinity) {
      found = port::MmioRegion(region.base() + offset, gicr::kSizeV3);
      return nullptr;
    }
    if (gicr::typer::Last::get(type) != 0) return nullptr;
    const std::uint64_t step = frame_size(region, offset);
    if (step > region.size() - offset) return nullptr;
    offset += step;
  }
  return nullptr;
}

void wake(const port::MmioRegion& redistributor) {
  namespace waker = gicr::waker;
  const std::uint32_t value = redistributor.read32(gicr::kWAKER);
  redistributor.write32(gicr::kWAKER, value & ~waker::ProcessorSleep::kMask);
  wait_until_clear(redistributor, gicr::kWAKER, waker::ChildrenAsleep::kMask,
                   "waking a redistributor");
}

}  // namespace

Result<unsigned> open_distributor(const PaRange& registers) {
  if (registers.size() < gicd::kSize || !registers.begin().is_aligned(kFrameSize)) {
    log_error("gic: {:#x} bytes at {:#x} cannot be a distributor", registers.size(),
              registers.begin().value());
    return fail(Error::kInvalid);
  }
  TRY(map_registers(registers, "distributor"));
  distributor = port::MmioRegion(registers.begin().value(), gicd::kSize);
  if (!is_gicv3(distributor.read32(gicd::kPIDR2))) {
    log_error("gic: no GICv3 distributor at {:#x} (GICD_PIDR2 {:#x})", registers.begin().value(),
              distributor.read32(gicd::kPIDR2));
    return fail(Error::kUnsupported);
  }
  const std::uint32_t type = distributor.read32(gicd::kTYPER);
  line_count = (gicd::typer::ITLinesNumber::get(type) + 1) * 32;
  if (gicd::typer::ESPI::get(type) != 0) log_info("gic: extended SPIs (4096 and up) are not used");
  return line_count;
}

Result<> open_redistributors(std::span<const PaRange> stated, std::uint64_t stride) {
  regions.clear();
  stated_stride = stride;
  for (Redistributor& redistributor : redistributors)
    redistributor.is_up.store(false, std::memory_order_relaxed);
  if (stride != 0 && (stride < gicr::kSizeV3 || !is_aligned(stride, gicr::kFrameSize))) {
    log_error("gic: a redistributor stride of {:#x} bytes is not possible", stride);
    return fail(Error::kInvalid);
  }
  for (const PaRange& region : stated) {
    if (region.size() < gicr::kSizeV3 || !region.begin().is_aligned(kFrameSize)) {
      log_error("gic: {:#x} bytes at {:#x} cannot hold redistributors", region.size(),
                region.begin().value());
      return fail(Error::kInvalid);
    }
    TRY(map_registers(region, "redistributors"));
    TRY(regions.push_back(port::MmioRegion(region.begin().value(), region.size())));
  }
  if (regions.empty()) {
    log_error("gic: firmware names no redistributors");
    return fail(Error::kInvalid);
  }
  return {};
}

void reset_distributor() {
  namespace ctlr = gicd::ctlr;
  distributor.write32(gicd::kCTLR, 0);
  wait_for_distributor();
  // Affinity routing first: it decides what the other registers mean.
  distributor.write32(gicd::kCTLR, ctlr::ARE::kMask);
  wait_for_distributor();
  const std::uint64_t here = route_to(port::icc_own_affinity());
  for (unsigned word = 1; word < line_count / 32; ++word) {
    reset_word({&distributor, 0}, word, ~0u);
    distributor.write32(gicd::kICFGR + word * 8, 0);
    distributor.write32(gicd::kICFGR + word * 8 + 4, 0);
    for (unsigned n = 0; n < 32 && word * 32 + n < hw::icc::kFirstSpecial; ++n)
      distributor.write64(gicd::kIROUTER + (word * 32 + n) * 8, here);
  }
  wait_for_distributor();
  distributor.write32(gicd::kCTLR, ctlr::ARE::kMask | ctlr::EnableGrp1A::kMask);
  wait_for_distributor();
}

Result<> open_own_redistributor(CpuIndex cpu, std::uint32_t affinity) {
  Redistributor& own = redistributors[index_of(cpu)];
  port::MmioRegion found;
  for (const port::MmioRegion& region : regions) {
    if (const char* reason = find_in_region(region, affinity, found))
      log_warning("gic: redistributors at {:#x}: {}", region.base(), reason);
    if (found.size() != 0) break;
  }
  if (found.size() == 0) {
    log_error("gic: no redistributor for the CPU with affinity {:#x}", affinity);
    return fail(Error::kNotFound);
  }
  wake(found);
  reset_word({&found, gicr::kSgiBase}, 0, ~0u);
  wait_for(found);
  own.registers = found;
  own.affinity = affinity;
  own.is_up.store(true, std::memory_order_release);
  return {};
}

Bank bank_of(CpuIndex cpu, unsigned word) {
  if (word != 0) return {&distributor, 0};
  const Redistributor& own = redistributors[index_of(cpu)];
  if (!own.is_up.load(std::memory_order_acquire)) return {};
  return {&own.registers, gicr::kSgiBase};
}

void wait_for_writes(const Bank& bank, unsigned word) {
  if (word == 0)
    wait_for(*bank.registers);
  else
    wait_for_distributor();
}

void set_target(IntId spi, CpuIndex cpu) {
  const Redistributor& own = redistributors[index_of(cpu)];
  if (!own.is_up.load(std::memory_order_acquire)) return;
  distributor.write64(gicd::kIROUTER + spi.value() * 8, route_to(own.affinity));
}

}  // namespace detail
}  // namespace socle::gic
