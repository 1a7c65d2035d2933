// SPDX-License-Identifier: Apache-2.0
#pragma once

// SCHEDOP_poll: a vCPU sleeps until one of some ports is pending. Own CPU, no lock held.

#include <cstdint>
#include <span>

#include "abi/errno.h"
#include "abi/event_channel.h"

namespace socle::guest {

struct Vcpu;

// As in Xen.
inline constexpr std::uint32_t kMaxPolledPorts = 128;

// Returns when one of `ports` is pending, when the vCPU has an interrupt to take, or when system
// time reaches `deadline_ns` (0: no deadline). Which of them, the guest has to find out. kEINVAL: a
// port that does not exist.
abi::Status<> poll_ports(Vcpu& current, std::span<const abi::Port> ports,
                         std::uint64_t deadline_ns);

}  // namespace socle::guest
