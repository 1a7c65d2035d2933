// SPDX-License-Identifier: Apache-2.0
#pragma once

// Runstate: how long a vCPU has been running, runnable, blocked and offline, in nanoseconds of
// system time, and the copy of it that the guest may register
// (VCPUOP_register_runstate_memory_area, by guest virtual address: it is written only while the
// vCPU's own EL1 context is loaded).
//
// The vCPU's own CPU changes the state; any CPU may read it (a sequence counter makes the four
// times one value). Source: xen/vcpu.h.

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/vcpu.h"

namespace socle::guest {

struct Vcpu;

enum class RunState : std::uint8_t {
  kRunning = RUNSTATE_running,
  kRunnable = RUNSTATE_runnable,
  kBlocked = RUNSTATE_blocked,
  kOffline = RUNSTATE_offline,
};

struct Runstate {
  // Odd while a change is under way.
  std::atomic<std::uint32_t> sequence{0};
  std::atomic<RunState> state{RunState::kOffline};
  // 0: it has never run, and its time has not begun.
  std::atomic<std::uint64_t> entered_at{0};
  std::array<std::atomic<std::uint64_t>, 4> time{};
  // Guest virtual address of the registered copy; 0: none. Shared (another vCPU may register it).
  std::atomic<std::uint64_t> guest_area{0};
};

// The state changes now. Called by the CPU of the vCPU, in the idle path and the PSCI code; does
// not touch guest memory.
void set_run_state(Vcpu& vcpu, RunState state);

// Brings the registered copy up to date, with XEN_RUNSTATE_UPDATE around it if the domain asked for
// that (VMASST_TYPE_runstate_update_flag). Called by the CPU of the vCPU, with its EL1 context
// loaded, after a change and before returning to the guest. An area that cannot be written is left
// alone: it is the guest's.
void update_runstate_area(Vcpu& vcpu);

// The values as VCPUOP_get_runstate_info shows them, up to now. Any CPU.
abi::RunstateInfo read_runstate(const Vcpu& vcpu);

}  // namespace socle::guest
