// SPDX-License-Identifier: Apache-2.0
#pragma once

// Waiting at EL2 on behalf of a vCPU. No wake-up is lost: whoever has news for the vCPU publishes
// it and then kicks the CPU (post_work), and a kick is an interrupt that stays pending while
// interrupts are masked, so a wait that begins after the news was published ends at once.

#include <cstdint>

namespace socle::guest {

struct Vcpu;

// Whether `reason` ends a wait; called on the vCPU's CPU between two sleeps.
using WakeCondition = bool (*)(const Vcpu& vcpu);

inline constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};

// Returns when the current vCPU has an interrupt to take (whether it masks interrupts or not), when
// something wants it to stop, when the counter reaches `deadline`, or when `wake` says so. Serves
// its pending work meanwhile. The vCPU counts as blocked. May return early, as WFI may.
// Own CPU, no lock held. WFI, PSCI CPU_SUSPEND, SCHEDOP_block and SCHEDOP_poll.
void block(Vcpu& current, std::uint64_t deadline = kNoDeadline, WakeCondition wake = nullptr);

// One turn of a wait that something else ends: serves pending work, then sleeps until an interrupt
// has been taken, unless Work::kPower is pending. Own CPU, no lock held.
void wait_once(Vcpu& current);

// Does what pending_work asks for, except Work::kPower, whose bit it leaves and reports.
[[nodiscard]] bool serve_work(Vcpu& current);

}  // namespace socle::guest
