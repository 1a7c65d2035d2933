// SPDX-License-Identifier: Apache-2.0
#pragma once

// BootPhase: the right to call code that may use SIMD registers at EL2.
//
// Debian's libfdt is compiled for Linux programs: the part that *writes* trees uses SIMD registers,
// which belong to guests once one has run. Functions that reach it take a BootPhase. There is one
// maker: image/main gives itself one before the first guest runs, with SIMD enabled at EL2
// (CPTR_EL2), and destroys it before it starts a guest. Host programs make theirs by
// fw/boot_phase_host.h.

namespace socle::image {
struct BootPhaseMaker;
}

namespace socle::fw {

class BootPhase {
 public:
  BootPhase(const BootPhase&) = delete;
  BootPhase& operator=(const BootPhase&) = delete;

 private:
  friend struct image::BootPhaseMaker;
  BootPhase() = default;
};

}  // namespace socle::fw
