// SPDX-License-Identifier: Apache-2.0
#pragma once

// domctl, as far as it is there. Declared here, since xen/domctl.h includes what is no C++.
// Source: xen/domctl.h.

#include <cstddef>
#include <cstdint>

namespace socle::abi {

inline constexpr std::uint32_t kDomctlMemoryMapping = 39;

// XEN_DOMCTL_memory_mapping. Xen does not look at `padding`, and shipping toolstacks leave there
// what their stack held: only a value with our tag asks for a type (abi/socle.h).
struct MemoryMapping {
  std::uint64_t first_gfn;
  std::uint64_t first_mfn;
  std::uint64_t nr_mfns;
  std::uint32_t add_mapping;  // 0: remove
  std::uint32_t padding;
};

struct Domctl {
  std::uint32_t command;
  std::uint32_t interface_version;
  std::uint16_t domain;
  std::uint16_t unused[3];
  union {
    MemoryMapping memory_mapping;
    std::uint8_t all[128];
  } u;
};
static_assert(sizeof(MemoryMapping) == 32 && sizeof(Domctl) == 144 && offsetof(Domctl, u) == 16);

}  // namespace socle::abi
