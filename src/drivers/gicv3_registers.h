// SPDX-License-Identifier: Apache-2.0
#pragma once

// The memory-mapped half of the GICv3 driver: distributor and redistributors. Used by gicv3.cc
// only; port::irq_*() of port/irq.h are defined beside it.

#include <cstdint>
#include <span>

#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::gic::detail {

// Boot CPU. Maps and identifies; errors are logged.
[[nodiscard]] Result<> open_distributor(const PaRange& registers);
[[nodiscard]] Result<> open_redistributors(std::span<const PaRange> regions, std::uint64_t stride);
// Everything off, Group 1, level-sensitive, to this CPU; then Group 1 on. `priorities`: of four.
void reset_distributor(std::uint32_t priorities);
// Each CPU for itself: finds the redistributor of `affinity`, wakes it, puts its private interrupts
// into the same state.
[[nodiscard]] Result<> open_own_redistributor(CpuIndex cpu, std::uint32_t affinity,
                                              std::uint32_t priorities);

}  // namespace socle::gic::detail
