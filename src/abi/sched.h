// SPDX-License-Identifier: Apache-2.0
#pragma once

// sched_op. Source: xen/sched.h.

#include <cstddef>
#include <cstdint>

#include "abi/xen_public.h"

namespace socle::abi {

using SchedShutdown = ::sched_shutdown;
using SchedPoll = ::sched_poll;
using SchedRemoteShutdown = ::sched_remote_shutdown;
using SchedWatchdog = ::sched_watchdog;
static_assert(sizeof(SchedShutdown) == 4 && sizeof(SchedWatchdog) == 8);
static_assert(sizeof(SchedPoll) == 24 && offsetof(SchedPoll, nr_ports) == 8 &&
              offsetof(SchedPoll, timeout) == 16);
static_assert(sizeof(SchedRemoteShutdown) == 8);

}  // namespace socle::abi
