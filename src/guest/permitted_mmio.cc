// SPDX-License-Identifier: Apache-2.0
#include "guest/permitted_mmio.h"

#include <algorithm>

namespace socle::guest {

MfnRange PermittedMmio::run_around(Mfn frame) const {
  const auto found = std::ranges::upper_bound(ranges_, frame, {}, &MfnRange::end);
  if (found == ranges_.end() || !found->contains(frame)) return MfnRange(frame, frame);
  return *found;
}

bool PermittedMmio::permits(const MfnRange& frames) const {
  return frames.empty() || run_around(frames.begin()).contains(frames);
}

}  // namespace socle::guest
