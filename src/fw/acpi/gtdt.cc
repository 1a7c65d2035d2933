// SPDX-License-Identifier: Apache-2.0
#include "fw/acpi/gtdt.h"

#include <algorithm>

namespace socle::fw::acpi {

namespace {

constexpr std::uint32_t kMaxFrames = 8;  // Arm ARM, I2.3.1
constexpr std::size_t kFrameEntry = 40;
constexpr std::uint32_t kMaxPlatformTimers = 256;

TimerInterrupt interrupt_at(const Fields& fields, std::size_t at) {
  const std::uint32_t flags = fields.u32(at + 4);
  return {fields.u32(at), (flags & 1) != 0, (flags & 2) != 0};
}

// Both zero and all ones are in use for "none".
std::optional<Pa> frame_at(const Fields& fields, std::size_t at) {
  const std::uint64_t address = fields.u64(at);
  if (address == 0 || address == ~std::uint64_t{0}) return std::nullopt;
  return Pa(address);
}

void say_too_short(const Structure& structure, Diagnostics& notes) {
  notes.warning("GTDT: the structure at {#x} (type {}) ends too early, ignored", structure.offset,
                structure.type);
}

}  // namespace

Gtdt read_gtdt(const Table& table) {
  namespace field = gtdt_field;
  const Fields& fields = table.fields;
  return {.control_frame = frame_at(fields, field::kControlFrame),
          .read_frame = frame_at(fields, field::kReadFrame),
          .secure_physical = interrupt_at(fields, field::kSecurePhysical),
          .physical = interrupt_at(fields, field::kPhysical),
          .virt = interrupt_at(fields, field::kVirtual),
          .hypervisor = interrupt_at(fields, field::kHypervisor),
          .hypervisor_virtual = table.revision() >= 3
                                    ? interrupt_at(fields, field::kHypervisorVirtual)
                                    : TimerInterrupt{}};
}

Structures gtdt_structures(const Table& table, Diagnostics& notes) {
  const std::uint32_t offset = table.fields.u32(gtdt_field::kPlatformTimers);
  std::uint32_t count = table.fields.u32(gtdt_field::kPlatformTimerCount);
  if (table.revision() < 2) count = 0;
  // They cannot stand in the table's own fields.
  if (count != 0 && offset < gtdt_field::kHypervisorVirtual) {
    notes.warning("GTDT: its platform timers cannot be at {#x}, ignored", offset);
    count = 0;
  }
  if (count > kMaxPlatformTimers) {
    notes.warning("GTDT: more than {} platform timers, the rest is ignored", kMaxPlatformTimers);
    count = kMaxPlatformTimers;
  }
  return {table.fields, "GTDT", offset, StructureHeader::kWordLength, notes, count};
}

std::optional<TimerBlock> read_timer_block(const Structure& structure, Diagnostics& notes) {
  const Fields& fields = structure.fields;
  const std::uint32_t count = std::min(fields.u32(12), kMaxFrames);
  const std::uint32_t offset = fields.u32(16);
  if (!fields.has(0, 20) || !fields.has(offset, count * kFrameEntry)) {
    say_too_short(structure, notes);
    return std::nullopt;
  }
  return TimerBlock{Pa(fields.u64(4)), fields.part(offset, count * kFrameEntry), count};
}

TimerFrame read_timer_frame(const TimerBlock& block, std::uint32_t index) {
  const Fields fields = block.frames.part(index * kFrameEntry, kFrameEntry);
  return {.number = fields.u8(0),
          .is_secure = (fields.u32(36) & 1) != 0,
          .base = Pa(fields.u64(4)),
          .el0_base = frame_at(fields, 12),
          .physical = interrupt_at(fields, 20),
          .virt = interrupt_at(fields, 28)};
}

std::optional<Watchdog> read_watchdog(const Structure& structure, Diagnostics& notes) {
  const Fields& fields = structure.fields;
  if (!fields.has(0, 28)) {
    say_too_short(structure, notes);
    return std::nullopt;
  }
  return Watchdog{Pa(fields.u64(4)), Pa(fields.u64(12)), interrupt_at(fields, 20),
                  (fields.u32(24) & 4) != 0};
}

}  // namespace socle::fw::acpi
