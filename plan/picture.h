// SPDX-License-Identifier: Apache-2.0
#pragma once

// What a picture of the physical address space shows, before anything is drawn: bands of one owner
// each, ascending and disjoint, few enough to be read. Neighbours of one owner become one band when
// there are too many; holes between bands are the drawer's to show.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "plan/report.h"

namespace socle::plan {

// In the order of the legend.
enum class Owner : std::uint8_t {
  kRam,        // dom0's RAM
  kDevice,     // dom0's device registers
  kPci,        // dom0's PCI windows
  kSram,       // dom0's on-chip memory
  kReserved,   // memory that firmware or devices reserve (dom0's, marked)
  kSocle,      // kept by Socle
  kNotMapped,  // nobody's
};
inline constexpr std::array kOwners = {Owner::kRam,      Owner::kDevice,   Owner::kPci,
                                       Owner::kSram,     Owner::kReserved, Owner::kSocle,
                                       Owner::kNotMapped};
const char* to_string(Owner owner);
// One letter, for where colour does not reach.
char letter_of(Owner owner);

struct Band {
  PaRange range;
  Owner owner = Owner::kNotMapped;
  std::vector<std::string> names;  // of nodes, without their parents; each once in a row
};

struct Picture {
  std::vector<Band> bands;
  std::size_t left_out = 0;  // bands that did not fit even so: at the end
};

inline constexpr std::size_t kMostBands = 84;
Picture draw_up(const Report& report, std::size_t most_bands = kMostBands);

}  // namespace socle::plan
