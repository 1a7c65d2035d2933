// SPDX-License-Identifier: Apache-2.0
#pragma once

// VcpuEvents: the event-channel state of one vCPU. Owned by guest/event_channel.h; everything here
// is protected by the lock of the domain's EventChannels, except `info`, which is read without it
// (it changes from the slot in shared_info to the registered page, once).

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/event_channel.h"
#include "guest/guest_page.h"

namespace socle::guest {

struct VcpuEvents {
  // Where the guest looks for evtchn_upcall_pending and, in the 2-level flavour, for the selector.
  // Null: a vCPU other than 0 that has not registered one; nothing can be delivered to it yet, and
  // registration makes the guest scan everything.
  std::atomic<abi::VcpuInfo*> info{nullptr};
  GuestPage info_page;

  // Bound port of each VIRQ; 0 is unbound. A global VIRQ is bound on vCPU 0.
  std::array<abi::Port, abi::kVirqCount> virq_port{};

  // The FIFO flavour: null until EVTCHNOP_init_control. Last event of each queue, 0 if unknown.
  abi::FifoControlBlock* fifo_control = nullptr;
  GuestPage fifo_control_page;
  std::array<abi::Port, abi::kFifoPriorities> fifo_tail{};

  // SCHEDOP_poll: this vCPU sleeps until one of the ports it named is pending. Shared.
  std::atomic<bool> polling{false};
};

}  // namespace socle::guest
