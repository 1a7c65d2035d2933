// SPDX-License-Identifier: Apache-2.0
#pragma once

// Frames that a guest could reach are nobody's from now on. Hardware does not care; on the host the
// model MMU ends the test if a TLB may still lead to them (sim/violation.h, kFreedTooEarly).
//
// Caller: mem, when it takes frames back. Any lock may be held.

#include "base/range.h"
#include "base/types.h"

namespace socle::port {

void frames_became_free(const MfnRange& frames);

}  // namespace socle::port

#include "port_impl/frame_reuse.h"
