// SPDX-License-Identifier: Apache-2.0
#pragma once

// Socle's own keys on the console (after three times Ctrl-A): what they show is for people who look
// for a fault.

namespace socle::guest {
class Domain;
}

namespace socle::image {

// Once, when the hardware domain is complete.
void register_keys(guest::Domain& hardware_domain);

}  // namespace socle::image
