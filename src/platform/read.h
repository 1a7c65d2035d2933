// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside platform/: the parts of read(). Each fills its part of a Platform; errors are fatal for
// the whole and have a line, everything else is a warning.

#include "fw/dt/address.h"
#include "fw/dt/interrupts.h"
#include "platform/platform.h"

namespace socle::platform {

struct Reader {
  const fw::dt::Tree& tree;
  fw::Arena& arena;
  fw::Diagnostics& notes;
};

Result<> read_cpus(const Reader& reader, const ReadOptions& options, Platform& out);
void read_gic(const Reader& reader, Platform& out);
void read_timer(const Reader& reader, Platform& out);
void read_psci(const Reader& reader, Platform& out);
Result<> read_devices(const Reader& reader, Platform& out);

// What an interrupt is to the GIC: nothing if it does not get there, or is of a kind that no
// virtual GIC carries (with a line).
std::optional<Interrupt> decode_interrupt(const Gic& gic, const fw::dt::Node& node,
                                          const fw::dt::InterruptSpec& spec);

// Aff3 and Aff2 to Aff0 of MPIDR_EL1 (Arm ARM, D19.2.99).
inline constexpr std::uint64_t kAffinityMask = 0xff'00ff'ffff;
bool has_cpu(const Platform& platform, std::uint64_t mpidr);
// The boot CPU becomes the first, and is not the one that is left out when there are too many.
Result<> add_cpu(const Cpu& cpu, std::optional<std::uint64_t> boot_mpidr, Platform& out);

bool is_memory_node(const fw::dt::Node& node);
bool is_iommu(const fw::dt::Node& node);
IommuKind iommu_kind(const fw::dt::Node& node);

}  // namespace socle::platform
