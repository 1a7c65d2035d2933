// SPDX-License-Identifier: Apache-2.0
#pragma once

// The memory-mapped half of the GICv3 driver: distributor and redistributors. Used by gicv3.cc
// only.

#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "drivers/gic_driver.h"

namespace socle::gic::detail {

// Boot CPU. Maps and identifies; errors are logged. The number of lines.
[[nodiscard]] Result<unsigned> open_distributor(const PaRange& registers);
[[nodiscard]] Result<> open_redistributors(std::span<const PaRange> regions, std::uint64_t stride);
// Everything off, Group 1, level-sensitive, to this CPU; then Group 1 on.
void reset_distributor();
// Each CPU for itself: finds the redistributor of `affinity`, wakes it, puts its private interrupts
// into the same state.
[[nodiscard]] Result<> open_own_redistributor(CpuIndex cpu, std::uint32_t affinity);

// What Driver wants.
Bank bank_of(CpuIndex cpu, unsigned word);
void wait_for_writes(const Bank& bank, unsigned word);
void set_target(IntId spi, CpuIndex cpu);

}  // namespace socle::gic::detail
