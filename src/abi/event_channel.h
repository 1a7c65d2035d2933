// SPDX-License-Identifier: Apache-2.0
#pragma once

// Event channels as the guest sees them. Source: xen/event_channel.h, xen/xen.h (VIRQ_*).

#include <cstddef>
#include <cstdint>

#include "abi/shared_info.h"
#include "abi/xen_public.h"

namespace socle::abi {

using Port = ::evtchn_port_t;

using EventAllocUnbound = ::evtchn_alloc_unbound;
using EventBindInterdomain = ::evtchn_bind_interdomain;
using EventBindVirq = ::evtchn_bind_virq;
using EventBindPirq = ::evtchn_bind_pirq;
using EventBindIpi = ::evtchn_bind_ipi;
using EventClose = ::evtchn_close;
using EventSend = ::evtchn_send;
using EventStatus = ::evtchn_status;
using EventBindVcpu = ::evtchn_bind_vcpu;
using EventUnmask = ::evtchn_unmask;
using EventReset = ::evtchn_reset;
using EventInitControl = ::evtchn_init_control;
using EventExpandArray = ::evtchn_expand_array;
using EventSetPriority = ::evtchn_set_priority;
static_assert(sizeof(EventAllocUnbound) == 8 && sizeof(EventBindInterdomain) == 12);
static_assert(sizeof(EventBindVirq) == 12 && sizeof(EventBindPirq) == 12);
static_assert(sizeof(EventBindIpi) == 8 && sizeof(EventClose) == 4 && sizeof(EventSend) == 4);
static_assert(sizeof(EventStatus) == 24 && offsetof(EventStatus, u) == 16);
static_assert(sizeof(EventBindVcpu) == 8 && sizeof(EventUnmask) == 4 && sizeof(EventReset) == 2);
static_assert(sizeof(EventInitControl) == 24 && offsetof(EventInitControl, link_bits) == 16);
static_assert(sizeof(EventExpandArray) == 8 && sizeof(EventSetPriority) == 8);

// EVTCHNSTAT_*
enum class EventState : std::uint32_t {
  kClosed = EVTCHNSTAT_closed,
  kUnbound = EVTCHNSTAT_unbound,
  kInterdomain = EVTCHNSTAT_interdomain,
  kPirq = EVTCHNSTAT_pirq,
  kVirq = EVTCHNSTAT_virq,
  kIpi = EVTCHNSTAT_ipi,
};

enum class Virq : std::uint32_t {
  kTimer = VIRQ_TIMER,
  kDebug = VIRQ_DEBUG,
  kConsole = VIRQ_CONSOLE,
  kDomainException = VIRQ_DOM_EXC,
};
inline constexpr unsigned kVirqCount = NR_VIRQS;
static_assert(kVirqCount == 24);

// The FIFO flavour.
inline constexpr unsigned kFifoPriorities = EVTCHN_FIFO_MAX_QUEUES;
inline constexpr unsigned kFifoDefaultPriority = EVTCHN_FIFO_PRIORITY_DEFAULT;
inline constexpr unsigned kFifoLinkBits = EVTCHN_FIFO_LINK_BITS;
inline constexpr std::uint32_t kFifoPorts = EVTCHN_FIFO_NR_CHANNELS;
inline constexpr std::uint32_t kFifoWordsPerPage = 4096 / sizeof(::event_word_t);
inline constexpr std::uint32_t kFifoPages = kFifoPorts / kFifoWordsPerPage;
inline constexpr std::uint32_t kFifoPending = 1u << EVTCHN_FIFO_PENDING;
inline constexpr std::uint32_t kFifoMasked = 1u << EVTCHN_FIFO_MASKED;
inline constexpr std::uint32_t kFifoLinked = 1u << EVTCHN_FIFO_LINKED;
inline constexpr std::uint32_t kFifoBusy = 1u << EVTCHN_FIFO_BUSY;
inline constexpr std::uint32_t kFifoLinkMask = EVTCHN_FIFO_LINK_MASK;
using FifoControlBlock = ::evtchn_fifo_control_block;
static_assert(sizeof(FifoControlBlock) == 72 && offsetof(FifoControlBlock, head) == 8);

}  // namespace socle::abi
