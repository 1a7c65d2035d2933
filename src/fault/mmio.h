// SPDX-License-Identifier: Apache-2.0
#pragma once

// The words of emulated registers live in guest/ (emulators are there and may not include fault/).

#include "guest/mmio_access.h"

namespace socle::fault {

using guest::MmioAccess;
using guest::MmioEmulator;
using guest::MmioRegions;

}  // namespace socle::fault
