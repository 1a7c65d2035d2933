// SPDX-License-Identifier: Apache-2.0
#pragma once

// What Socle cannot do without, beyond what a plan needs. Boot refuses a machine that lacks it, and
// `socle plan` says so beforehand: both ask here.

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

}  // namespace socle::platform
