// SPDX-License-Identifier: Apache-2.0
#pragma once

// The vCPU of this CPU in the log: who it is, and its registers at its last exit. For the crash
// dump and a debug key; takes no lock.

namespace socle::el2 {

void log_current_guest();

}  // namespace socle::el2
