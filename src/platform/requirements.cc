// SPDX-License-Identifier: Apache-2.0
#include "platform/requirements.h"

#include "hw/gicv2.h"

namespace socle::platform {

std::optional<Missing> find_missing(const Platform& platform) {
  switch (platform.gic.version) {
    case Gic::Version::kNone:
      return Missing{Error::kNotFound, "no interrupt controller: Socle needs a GICv3 or GICv2"};
    case Gic::Version::kV2:
      if (platform.gic.hypervisor_interface.empty())
        return Missing{Error::kUnsupported, "the GICv2 has no virtualisation (GICH)"};
      if (platform.gic.cpu_interface.size() < hw::gicc::kSize)
        return Missing{Error::kUnsupported, "the GICv2's CPU interface ends before GICC_DIR"};
      break;
    case Gic::Version::kV3:
      break;
  }
  const Timer& timer = platform.timer;
  if (!timer.virt || !timer.hypervisor || !timer.virt->id.is_ppi() ||
      !timer.hypervisor->id.is_ppi())
    return Missing{Error::kNotFound,
                   "no timer: firmware names no PPI of the virtual or of the hypervisor timer"};
  return std::nullopt;
}

bool can_start(const Platform& platform, std::size_t cpu) {
  return cpu == 0 || (platform.psci.conduit != Psci::Conduit::kNone &&
                      platform.cpus[cpu].enable_method == Cpu::EnableMethod::kPsci);
}

}  // namespace socle::platform
