// SPDX-License-Identifier: Apache-2.0
#include "platform/requirements.h"

namespace socle::platform {

std::optional<Missing> find_missing(const Platform& platform) {
  switch (platform.gic.version) {
    case Gic::Version::kNone:
      return Missing{Error::kNotFound, "no interrupt controller: Socle needs a GICv3"};
    case Gic::Version::kV2:
      return Missing{Error::kUnsupported,
                     "the interrupt controller is a GICv2: Socle needs a GICv3"};
    case Gic::Version::kV3:
      break;
  }
  if (!platform.timer.virt || !platform.timer.hypervisor)
    return Missing{Error::kNotFound,
                   "no timer: the device tree names no virtual or no hypervisor timer interrupt"};
  return std::nullopt;
}

}  // namespace socle::platform
