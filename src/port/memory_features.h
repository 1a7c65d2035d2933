// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the MMUs of this machine can do: the boot CPU's identification registers, decoded. All CPUs
// run with the same tables, so a secondary CPU that can do less is refused when it comes up (el2/).
// Constant; callable anywhere. On the host: what the model machine says.

#include "hw/memory_features.h"

namespace socle::port {

hw::MemoryFeatures memory_features();

}  // namespace socle::port
