// SPDX-License-Identifier: Apache-2.0
#pragma once

// Every way to touch a page. What a guest must not reach, it must not reach by any.

#include "guest.h"

namespace guest {

enum class Way : std::uint8_t {
  kRead,
  kWrite,
  kReadPair,
  kWritePair,
  kAtomic,
  kZero,
  kClean,
  kWalk,
  kExecute,
};
inline constexpr Way kAllWays[] = {Way::kRead,   Way::kReadPair, Way::kWritePair,
                                   Way::kAtomic, Way::kZero,     Way::kExecute,
                                   Way::kWrite,  Way::kWalk,     Way::kClean};
inline constexpr unsigned kWays = sizeof kAllWays / sizeof kAllWays[0];
std::string_view name_of(Way way);

// The first bytes of the page, as Normal memory, so that stage 1 allows everything. Writes are of
// zeroes. Needs mmu::turn_on(); its slot 0.
Fault touch(std::uint64_t physical, Way way);

}  // namespace guest
