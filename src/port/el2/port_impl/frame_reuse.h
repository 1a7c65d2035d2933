// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace socle::port {

inline void frames_became_free(const MfnRange&) {}

}  // namespace socle::port
