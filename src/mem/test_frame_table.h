// SPDX-License-Identifier: Apache-2.0
#pragma once

// For host tests of FrameTable: one over the RAM of a model machine, before and after init().

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/test.h"
#include "mem/frame_table.h"
#include "sim/memory.h"

namespace socle::mem {

inline constexpr DomainId kDom0{0};
inline constexpr DomainId kDom1{1};
inline constexpr DomainId kDom2{2};
inline constexpr Owner kOwner0 = Owner::domain(kDom0);
inline constexpr Owner kOwner1 = Owner::domain(kDom1);

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t count) {
  return MfnRange(Mfn(begin), Mfn(begin + count));
}

template <typename T>
Error error_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result.has_value() ? Error{} : result.error();
}

// RAM in one bank from 1 GiB on (1 GiB of it unless said otherwise), Socle's image near its
// beginning, bootstrap behind.
struct Machine {
  static constexpr std::uint64_t kBase = 0x40000;

  explicit Machine(std::uint64_t ram_frames = 0x40000)
      : ram{frames(kBase, ram_frames)}, memory{ram[0]} {
    layout.ram = ram;
    layout.image = frames(kBase + 0x200, 0x60);
  }
  void start() {
    layout.bootstrap = place_bootstrap(layout, bootstrap_need(layout)).value();
    memory.own(layout.bootstrap);
    ASSERT_TRUE(table.init(layout).has_value());
    table.verify();
  }
  // Takes 2 MiB blocks until there is none.
  void use_up_blocks(DomainId domain) {
    while (table.allocate_for(domain, kOrder2M, Contents::kAsFound).has_value()) {
    }
  }
  [[nodiscard]] bool is_zero(const MfnRange& range) const {
    for (Mfn frame = range.begin(); frame < range.end(); ++frame) {
      const std::byte* const bytes = memory.frame(frame);
      if (!std::all_of(bytes, bytes + kFrameSize, [](std::byte b) { return b == std::byte{}; }))
        return false;
    }
    return true;
  }
  void soil(const MfnRange& range) {
    for (Mfn frame = range.begin(); frame < range.end(); ++frame)
      std::memset(memory.frame(frame), 0x5a, kFrameSize);
  }

  std::vector<MfnRange> ram;
  sim::Memory memory;
  MemoryLayout layout;
  FrameTable table;
};

struct StartedMachine : Machine {
  explicit StartedMachine(std::uint64_t ram_frames = 0x40000) : Machine(ram_frames) { start(); }
};

}  // namespace socle::mem
