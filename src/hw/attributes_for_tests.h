// SPDX-License-Identifier: Apache-2.0
#pragma once

// For *_test.cc only: any Attributes, so that encoders and tables are tested for every value and
// not only for those that policy gives out.

#include "hw/attributes.h"

namespace socle {

struct AttributesForTests {
  static constexpr Attributes make(MemoryType type, Permissions permissions,
                                   Reason reason = Reason::kDomainRam) {
    return Attributes(type, permissions, reason);
  }

  // Calls `visit` with each of the 5 types x 8 permissions x 14 reasons.
  template <typename Visit>
  static constexpr void for_each(Visit visit) {
    for (const MemoryType type : kAllMemoryTypes) {
      for (unsigned bits = 0; bits < 8; ++bits) {
        for (unsigned reason = 0; reason <= static_cast<unsigned>(Reason::kSocle); ++reason) {
          const Permissions permissions{(bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0};
          visit(make(type, permissions, static_cast<Reason>(reason)));
        }
      }
    }
  }
};

// The usual ones.
inline constexpr Attributes kTestRam =
    AttributesForTests::make(MemoryType::kNormalWriteBack, {true, true, true});
inline constexpr Attributes kTestReadOnly = AttributesForTests::make(
    MemoryType::kNormalWriteBack, {true, false, false}, Reason::kGrantMapping);
inline constexpr Attributes kTestDevice = AttributesForTests::make(
    MemoryType::kDeviceNGnRE, {true, true, false}, Reason::kDeviceRegisters);

}  // namespace socle
