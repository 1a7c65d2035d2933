// SPDX-License-Identifier: Apache-2.0
#pragma once

// PowerState: whether a vCPU is on, for PSCI. Source: Arm DEN0022 (PSCI 1.1), 5.6 and 6.6.
//
//   kOff --CPU_ON by any vCPU (compare-and-swap)--> kTurningOn (claimed: arguments being written)
//        --same caller--> kOnPending --the vCPU's own CPU--> kOn --CPU_OFF, itself--> kOff
//
// `state` is shared; `entry` and `context` are written by the one that won kTurningOn and read by
// the vCPU's CPU after it has seen kOnPending (acquire).

#include <atomic>
#include <cstdint>

namespace socle::guest {

struct PowerState {
  enum class State : std::uint8_t { kOff, kTurningOn, kOnPending, kOn };

  std::atomic<State> state{State::kOff};
  std::uint64_t entry = 0;    // where it starts, a guest physical address
  std::uint64_t context = 0;  // x0 at its start
};

}  // namespace socle::guest
