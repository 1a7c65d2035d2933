// SPDX-License-Identifier: Apache-2.0

// From an access to a register: which frame, which part of which 32-bit register.

#include "guest/vdev/vgic_core.h"

namespace socle::guest::vgic {

using namespace detail;

namespace {

namespace gicd = hw::gicd;

// Registers are 32 bits wide. A narrower access is a part of one; a wider one two of them, lower
// first, except where the architecture has 64-bit registers.
template <typename Read>
std::uint64_t read_parts(std::uint32_t offset, unsigned bytes, Read read) {
  if (bytes == 8) return read(offset) | std::uint64_t{read(offset + 4)} << 32;
  const std::uint32_t word = read(offset & ~3u) >> (offset % 4 * 8);
  return bytes == 4 ? word : word & ((1u << bytes * 8) - 1);
}

template <typename Write>
void write_parts(std::uint32_t offset, unsigned bytes, std::uint64_t value, Write write) {
  if (bytes == 8) {
    write(offset, Part{static_cast<std::uint32_t>(value), ~0u});
    write(offset + 4, Part{static_cast<std::uint32_t>(value >> 32), ~0u});
    return;
  }
  const unsigned shift = offset % 4 * 8;
  const std::uint32_t mask = bytes == 4 ? ~0u : ((1u << bytes * 8) - 1) << shift;
  write(offset & ~3u, Part{static_cast<std::uint32_t>(value) << shift & mask, mask});
}

bool is_possible(const MmioAccess& access) {
  const unsigned bytes = access.bytes;
  return (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) && access.address.is_aligned(bytes);
}

void access_distributor(Vcpu& self, std::uint32_t offset, MmioAccess& access) {
  if (!is_possible(access)) {
    if (!access.is_write) access.value = 0;
    return;
  }
  if (!access.is_write) {
    access.value = read_parts(offset, access.bytes,
                              [&self](std::uint32_t at) { return read_distributor(self, at); });
    return;
  }
  if (access.bytes == 8 && is_route(offset)) {
    write_route(self, (offset - gicd::kIROUTER) / 8, access.value, ~std::uint64_t{0});
    return;
  }
  write_parts(offset, access.bytes, access.value,
              [&self](std::uint32_t at, Part part) { write_distributor(self, at, part); });
}

[[gnu::noinline]] bool access_redistributor(Vcpu& self, MmioAccess& access) {
  const DomainState& state = self.domain.gic;
  for (unsigned n = 0; n < state.redistributor_regions; ++n) {
    const DomainState::Redistributors& region = state.redistributors[n];
    const std::uint64_t address = access.address.value();
    if (address < region.begin || address >= region.end) continue;
    const std::uint64_t place = (address - region.begin) / kRedistributorSize;
    if (!access.is_write) access.value = 0;
    if (place >= region.count || !is_possible(access)) return true;  // nobody's: RAZ/WI
    Vcpu& target = *self.domain.vcpus[region.first_vcpu + place];
    const auto offset = static_cast<std::uint32_t>((address - region.begin) % kRedistributorSize);
    if (access.is_write) {
      write_parts(offset, access.bytes, access.value, [&](std::uint32_t at, Part part) {
        write_redistributor(self, target, at, part);
      });
    } else {
      const bool is_last = place + 1 == region.count;
      access.value = read_parts(offset, access.bytes, [&](std::uint32_t at) {
        return read_redistributor(self, target, is_last, at);
      });
    }
    return true;
  }
  return false;
}

}  // namespace

bool emulate_mmio(Vcpu& vcpu, MmioAccess& access) {
  const std::uint64_t offset = access.address.value() - vcpu.domain.gic.distributor;
  if (offset >= kDistributorSize) return access_redistributor(vcpu, access);
  access_distributor(vcpu, static_cast<std::uint32_t>(offset), access);
  return true;
}

bool emulate_gicv2_mmio(Vcpu& vcpu, MmioAccess& access) {
  const std::uint64_t place = access.address.value() - vcpu.domain.gic.distributor;
  if (place >= kGicv2DistributorSize) return false;
  const auto offset = static_cast<std::uint32_t>(place);
  if (!is_possible(access)) {
    if (!access.is_write) access.value = 0;
  } else if (access.is_write) {
    write_parts(offset, access.bytes, access.value,
                [&vcpu](std::uint32_t at, Part part) { write_gicv2(vcpu, at, part); });
  } else {
    access.value = read_parts(offset, access.bytes,
                              [&vcpu](std::uint32_t at) { return read_gicv2(vcpu, at); });
  }
  return true;
}

std::uint32_t read_gicv2_distributor(Vcpu& vcpu, std::uint64_t offset) {
  return read_gicv2(vcpu, static_cast<std::uint32_t>(offset));
}

namespace detail {

std::uint32_t read_identification(std::uint32_t offset) {
  // PIDR4..7, PIDR0..3, CIDR0..3: a GICv3 by Arm's JEP106 code (Arm IHI 0069, 12.9).
  constexpr std::uint8_t kValues[] = {0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
  const std::uint32_t index = (offset - kIdentification) / 4;
  return offset >= kIdentification && index < sizeof kValues ? kValues[index] : 0;
}

}  // namespace detail

}  // namespace socle::guest::vgic
