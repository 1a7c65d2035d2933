// SPDX-License-Identifier: Apache-2.0
#include "guest/runstate.h"

#include "guest/domain.h"
#include "guest/guest_memory.h"
#include "guest/vcpu.h"
#include "port/clock.h"

namespace socle::guest {

namespace {

std::size_t index_of(RunState state) {
  return static_cast<std::size_t>(state);
}

// One consistent set of values, without the time since the last change.
abi::RunstateInfo snapshot(const Runstate& runstate) {
  abi::RunstateInfo info{};
  for (;;) {
    const std::uint32_t before = runstate.sequence.load(std::memory_order_acquire);
    info.state = static_cast<int>(runstate.state.load(std::memory_order_relaxed));
    info.state_entry_time = runstate.entered_at.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < runstate.time.size(); ++i)
      info.time[i] = runstate.time[i].load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint32_t after = runstate.sequence.load(std::memory_order_relaxed);
    // The writer is another CPU at EL2, which finishes its few stores without stopping.
    if (before == after && before % 2 == 0) return info;
  }
}

}  // namespace

void set_run_state(Vcpu& vcpu, RunState state) {
  Runstate& runstate = vcpu.runstate;
  const std::uint64_t now = port::system_time_ns();
  const RunState old = runstate.state.load(std::memory_order_relaxed);
  // Its life begins when it first runs: guests count time offline as stolen.
  const bool is_first = runstate.sequence.load(std::memory_order_relaxed) == 0;
  const std::uint64_t since = is_first ? now : runstate.entered_at.load(std::memory_order_relaxed);
  auto& spent = runstate.time[index_of(old)];

  const std::uint32_t sequence = runstate.sequence.load(std::memory_order_relaxed);
  runstate.sequence.store(sequence + 1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
  spent.store(spent.load(std::memory_order_relaxed) + (now - since), std::memory_order_relaxed);
  runstate.entered_at.store(now, std::memory_order_relaxed);
  runstate.state.store(state, std::memory_order_relaxed);
  runstate.sequence.store(sequence + 2, std::memory_order_release);
}

void update_runstate_area(Vcpu& vcpu) {
  const std::uint64_t address = vcpu.runstate.guest_area.load(std::memory_order_acquire);
  if (address == 0) return;
  const GuestVa area{address};
  abi::RunstateInfo info = snapshot(vcpu.runstate);
  const std::uint64_t assist = vcpu.domain.vm_assist.load(std::memory_order_relaxed);
  if ((assist >> VMASST_TYPE_runstate_update_flag & 1) == 0) {
    (void)write_guest(vcpu, area, info);
    return;
  }
  // The guest reads state_entry_time first and last, and tries again while the flag stands.
  const GuestVa entry_time = area + offsetof(abi::RunstateInfo, state_entry_time);
  info.state_entry_time |= abi::kRunstateUpdate;
  if (!write_guest(vcpu, entry_time, info.state_entry_time)) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!write_guest(vcpu, area, info)) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  info.state_entry_time &= ~abi::kRunstateUpdate;
  (void)write_guest(vcpu, entry_time, info.state_entry_time);
}

abi::RunstateInfo read_runstate(const Vcpu& vcpu) {
  abi::RunstateInfo info = snapshot(vcpu.runstate);
  const std::uint64_t now = port::system_time_ns();
  const bool has_run = info.state_entry_time != 0;
  if (has_run && now > info.state_entry_time) info.time[info.state] += now - info.state_entry_time;
  return info;
}

}  // namespace socle::guest
