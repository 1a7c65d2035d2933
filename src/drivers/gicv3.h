// SPDX-License-Identifier: Apache-2.0
#pragma once

// The physical GICv3: distributor, redistributors, CPU interface by system registers. Every
// interrupt that Socle takes is Group 1. drivers/gic.h is how others use it. Source: Arm IHI 0069.

#include "base/types.h"

namespace socle::gic {

// The interrupt that is pending with the highest priority, now active; 1020 and above: none.
IntId acknowledge();
void end(IntId interrupt);         // priority drop
void deactivate(IntId interrupt);  // and it may come again

}  // namespace socle::gic
