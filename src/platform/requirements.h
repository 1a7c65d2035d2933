// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Socle cannot do without, beyond what a plan needs. Boot refuses a machine that lacks it, and
// `socle plan` says so beforehand: both ask here. So they do about CPUs.

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "platform/platform.h"

namespace socle::platform {

struct Missing {
  Error error;
  std::string_view text;
};

// The first thing that is missing; nothing if Socle can run on this machine. Pure.
std::optional<Missing> find_missing(const Platform& platform);

// Can this one of platform.cpus be had? The first one runs; PSCI starts the others, or nobody.
// Pure.
bool can_start(const Platform& platform, std::size_t cpu);

}  // namespace socle::platform
