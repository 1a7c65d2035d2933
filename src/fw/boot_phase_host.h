// SPDX-License-Identifier: Apache-2.0
#pragma once

// Host programs may write trees whenever they like: their SIMD registers are their own.

#include "fw/boot_phase.h"

namespace socle::image {
struct BootPhaseMaker {
  static fw::BootPhase make() { return fw::BootPhase(); }
};
}  // namespace socle::image
