// SPDX-License-Identifier: Apache-2.0
#pragma once

// One access of a guest to an emulated device register, decoded, and the table that says which
// guest-physical ranges are emulated for a domain.
//
// An emulator is called on the CPU of the vCPU, without locks. For a write, `value` holds the data,
// zero-extended from `bytes`. For a read it sets `value`; only the low `bytes` count. The address
// is inside its region; it need not be aligned, and the access may reach past the end of a
// register: the emulator decides. It returns false to refuse: the guest then takes an external
// abort.

#include <cstddef>
#include <cstdint>

#include "base/inplace_vector.h"
#include "base/range.h"
#include "base/result.h"
#include "base/types.h"

namespace socle::guest {

struct Vcpu;

struct MmioAccess {
  Ipa address;
  unsigned bytes = 4;  // 1, 2, 4 or 8
  bool is_write = false;
  std::uint64_t value = 0;
};

using MmioEmulator = bool (*)(Vcpu& vcpu, MmioAccess& access);
// The same answer in fewer instructions, for the access that is frequent: a read of 32 bits at a
// multiple of 4, counted from the region's begin, that is never refused.
using MmioReader = std::uint32_t (*)(Vcpu& vcpu, std::uint64_t offset);

// Written by the builder before the domain runs, constant afterwards; hence no lock.
class MmioRegions {
 public:
  struct Region {
    Range<Ipa> range;
    MmioEmulator emulate = nullptr;
    MmioReader read = nullptr;  // or null
  };

  // kInvalid: empty or overlaps another region; kTooLarge: table full.
  [[nodiscard]] Result<> add(const Range<Ipa>& range, MmioEmulator emulate,
                             MmioReader read = nullptr) {
    if (range.empty() || emulate == nullptr) return fail(Error::kInvalid);
    for (const Region& region : regions_) {
      if (region.range.overlaps(range)) return fail(Error::kInvalid);
    }
    return regions_.push_back(Region{range, emulate, read});
  }

  // On the path of every emulated access: the first region added is found the soonest.
  [[nodiscard]] const Region* find(Ipa address) const {
    const Region* region = regions_.begin();
    for (std::size_t left = regions_.size(); left != 0; --left, ++region) {
      if (address - region->range.begin() < region->range.size()) return region;
    }
    return nullptr;
  }

  [[nodiscard]] bool overlaps(const Range<Ipa>& range) const {
    for (const Region& region : regions_)
      if (region.range.overlaps(range)) return true;
    return false;
  }

 private:
  // A distributor, 32 regions of redistributors, and what else is emulated.
  InplaceVector<Region, 40> regions_;
};

}  // namespace socle::guest
