// SPDX-License-Identifier: Apache-2.0
#pragma once

// For tests that need mem/memory.h to work: each TestMachine initialises the frame table anew, over
// a model machine's RAM on the host, over a part of the selftest image's own memory at EL2 (which
// is mapped for Socle from the beginning).

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
    bootstrap_ = place_bootstrap(layout, bootstrap_need(layout)).value();
    layout.bootstrap = bootstrap_;
    memory_.own(layout.bootstrap);
    init(layout).value();
  }
  [[nodiscard]] MfnRange bootstrap() const { return bootstrap_; }
  [[nodiscard]] sim::Memory& memory() { return memory_; }

 private:
  std::array<MfnRange, 1> ram_;
  sim::Memory memory_;
  MfnRange bootstrap_;
};

}  // namespace socle::mem

#else

#include <array>
#include <cstddef>

#include "mem/memory.h"
#include "port/phys_window.h"

namespace socle::mem {

alignas(kFrameSize) inline constinit std::array<std::byte, 16 * kMiB> test_ram{};

class TestMachine {
 public:
  TestMachine() {
    const Mfn first = port::owned_frame_of(test_ram.data());
    const std::array ram{MfnRange(first, first + FrameCount::containing(test_ram.size()))};
    MemoryLayout layout{
        .ram = ram, .reserved = {}, .boot_modules = {}, .image = {}, .bootstrap = {}};
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    const Result<> initialised = init(layout);
    CHECK(initialised.has_value());
  }
};

}  // namespace socle::mem

#endif
