// SPDX-License-Identifier: Apache-2.0
#pragma once

// The one maker of fw::BootPhase at EL2: while it exists, SIMD registers may be used at EL2,
// because no guest has run whose values they could hold. Boot CPU only.

#include "fw/boot_phase.h"

namespace socle::image {

struct BootPhaseMaker {
  // Opens SIMD at EL2 (CPTR_EL2.TFP) and gives the token.
  static fw::BootPhase begin();
  // Closes it. No token may be used any more.
  static void end();
};

}  // namespace socle::image
