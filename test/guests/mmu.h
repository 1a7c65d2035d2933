// SPDX-License-Identifier: Apache-2.0
#pragma once

// Stage 1 of a bare-metal guest: its own memory as Normal write-back where it is, and pages
// elsewhere with the type that a test asks for.

#include <cstdint>

#include "guest.h"

namespace guest::mmu {

// The index is that of MAIR_EL1.
enum class Type : std::uint8_t {
  kDeviceNGnRnE,
  kDeviceNGnRE,
  kDeviceGRE,
  kNormalNonCacheable,
  kNormalWriteBack,
};
inline constexpr Type kAllTypes[] = {Type::kDeviceNGnRnE, Type::kDeviceNGnRE, Type::kDeviceGRE,
                                     Type::kNormalNonCacheable, Type::kNormalWriteBack};
std::string_view name_of(Type type);

// On the first CPU, once: maps the image and the tree, executable, and turns MMU and caches on.
void turn_on(const Tree& tree);

// On another CPU, afterwards: the same tables.
void turn_on_here();

// One page more at an address of its own: readable, writable and executable at stage 1, so that
// what is refused is refused by stage 2.
std::uint64_t map(std::uint64_t physical, Type type);
// Forgets what map() made.
void forget();

// One page whose physical address changes with each call; one for each CPU and slot (below 8). As
// map() has them. `as_table`: the address is not that of the page but of the table that leads to
// it, so that the CPU's table walk reads there.
std::uint64_t show(unsigned slot, std::uint64_t physical, Type type, bool as_table = false);

}  // namespace guest::mmu
