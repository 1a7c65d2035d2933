// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests that need mem/memory.h to work. On the host: a model machine with an initialised frame
// table, new for each TestMachine. At EL2: the selftest image has initialised the machine's own
// frame table, and tests share it; they give back what they take.

#if __STDC_HOSTED__

#include <array>

#include "mem/frame_table.h"
#include "sim/memory.h"

namespace socle::mem {

class TestMachine {
 public:
  static constexpr Mfn kRamBase{0x40000};

  explicit TestMachine(FrameCount ram = FrameCount(0x40000))
      : ram_{MfnRange(kRamBase, kRamBase + ram)}, memory_{ram_[0]} {
    MemoryLayout layout{
        .ram = ram_,
        .reserved = {},
        .boot_modules = {},
        .image = MfnRange(kRamBase + FrameCount(0x200), kRamBase + FrameCount(0x260)),
        .bootstrap = {}};
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    memory_.own(layout.bootstrap);
    init(layout).value();
  }
  [[nodiscard]] sim::Memory& memory() { return memory_; }

 private:
  std::array<MfnRange, 1> ram_;
  sim::Memory memory_;
};

}  // namespace socle::mem

#else

#include "mem/memory.h"

namespace socle::mem {

class TestMachine {
 public:
  TestMachine() { CHECK(statistics().ram > FrameCount(0)); }
};

}  // namespace socle::mem

#endif
