// SPDX-License-Identifier: Apache-2.0
#pragma once

// The virtual interface control of a GICv2 (GICH, Arm IHI 0048, 5.3) behind the contract of
// port/ich.h: values in the layout of hw/gic.h. Of up to 64 list registers the first 16 are used;
// each has five bits of priority; there is one register of active priorities, for both groups.
// A CPU reaches its own registers only (they are banked).

#include <cstdint>

#include "hw/gic.h"
#include "hw/gicv2.h"
#include "port/mmio.h"

namespace socle::port::gich {

inline constexpr unsigned kUsedListRegisters = 16;

constexpr std::uint64_t type_from_memory(std::uint32_t vtr) {
  namespace from = hw::gich::vtr;
  namespace to = hw::ich::vtr;
  const std::uint32_t last = from::ListRegs::get(vtr);
  return to::ListRegs::make(last < kUsedListRegisters ? last : kUsedListRegisters - 1) |
         to::PREbits::make(from::PREbits::get(vtr)) | to::PRIbits::make(from::PRIbits::get(vtr));
}

constexpr std::uint32_t list_register_to_memory(std::uint64_t value) {
  namespace from = hw::ich::lr;
  namespace to = hw::gich::lr;
  const auto field = [value](auto part) {
    return static_cast<std::uint32_t>(decltype(part)::get(value));
  };
  std::uint32_t result = to::VirtualID::make(field(from::VINTID{}) & 0x3ff) |
                         to::Priority::make(field(from::Priority{}) >> 3) |
                         to::StateField::make(field(from::StateField{})) |
                         to::Grp1::make(field(from::Group{})) | to::HW::make(field(from::HW{}));
  if (from::HW::get(value) != 0)
    result |= to::PhysicalID::make(field(from::PINTID{}) & 0x3ff);
  else
    result |= to::CPUID::make(field(from::Source{})) | to::EOI::make(field(from::EOI{}));
  return result;
}

constexpr std::uint64_t list_register_from_memory(std::uint32_t value) {
  namespace from = hw::gich::lr;
  namespace to = hw::ich::lr;
  std::uint64_t result = to::VINTID::make(from::VirtualID::get(value)) |
                         to::Priority::make(std::uint64_t{from::Priority::get(value)} << 3) |
                         to::StateField::make(from::StateField::get(value)) |
                         to::Group::make(from::Grp1::get(value)) |
                         to::HW::make(from::HW::get(value));
  if (from::HW::get(value) != 0)
    result |= to::PINTID::make(from::PhysicalID::get(value));
  else
    result |= to::Source::make(from::CPUID::get(value)) | to::EOI::make(from::EOI::get(value));
  return result;
}

inline std::uint64_t type(const MmioRegion& gich) {
  return type_from_memory(gich.read32(hw::gich::kVTR));
}
inline std::uint64_t list_register(const MmioRegion& gich, unsigned index) {
  return list_register_from_memory(gich.read32(hw::gich::kLR + index * 4));
}
inline void set_list_register(const MmioRegion& gich, unsigned index, std::uint64_t value) {
  gich.write32(hw::gich::kLR + index * 4, list_register_to_memory(value));
}
inline std::uint32_t active_priorities(const MmioRegion& gich, unsigned group, unsigned index) {
  return group == 0 && index == 0 ? gich.read32(hw::gich::kAPR) : 0;
}
inline void set_active_priorities(const MmioRegion& gich, unsigned group, unsigned index,
                                  std::uint32_t value) {
  if (group == 0 && index == 0) gich.write32(hw::gich::kAPR, value);
}

}  // namespace socle::port::gich
