// SPDX-License-Identifier: Apache-2.0
#pragma once

// The time of day: what shared_info's wc_* fields add to system time. One for the machine, set by
// the hardware domain (XENPF_settime). Any CPU.
//
// A guest reads wc_version, the fields, wc_version again, and starts over if it was odd or changed.
// Source: xen/xen.h, struct shared_info.

#include <cstdint>

namespace socle::guest {

class Domain;

// It was `seconds` and `nanoseconds` after 1970 (UTC) when system time was `system_time_ns`.
// Arithmetic wraps, as the guest's numbers may be any.
void set_wallclock(std::uint64_t seconds, std::uint32_t nanoseconds, std::uint64_t system_time_ns);
// Writes it into the domain's shared_info. The builder calls it for a new domain; a change is
// followed by one call for each domain.
void publish_wallclock(Domain& domain);

}  // namespace socle::guest
