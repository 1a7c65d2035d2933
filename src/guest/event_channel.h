// SPDX-License-Identifier: Apache-2.0
#pragma once

// EventChannels: the event channels of one domain: ports, what they are bound to, and the delivery
// of an event into the pages that the guest sees (2-level or FIFO flavour) and, by
// evtchn_upcall_pending and the event interrupt, to its vCPU.
//
// Any CPU may call everything except init(). Own lock (LockRank::kEventChannels): callers hold no
// lock of that rank or above. What a function is named after is the EVTCHNOP_ it implements; its
// errors are the numbers that the guest gets. Pages shared with the guest may change at any
// moment; a hostile guest can lose its own events but can neither stop nor corrupt Socle.
//
// Source: xen/event_channel.h; for the FIFO protocol, Xen's design document "FIFO-based event
// channels" (David Vrabel, draft H).

#include <array>
#include <atomic>
#include <cstdint>

#include "abi/errno.h"
#include "abi/event_channel.h"
#include "base/lock.h"
#include "base/types.h"
#include "guest/guest_page.h"

namespace socle::guest {

class Domain;
struct Vcpu;

// Calls everything that a bound port needs to know. 24 bytes; tables of them are heap frames.
struct EventChannel {
  abi::EventState state = abi::EventState::kClosed;
  std::uint8_t priority = abi::kFifoDefaultPriority;
  // FIFO: the queue that the event was last put on, whose tail it may still be.
  std::uint8_t last_priority = abi::kFifoDefaultPriority;
  // FIFO: became pending before its event word existed.
  bool pending_without_word = false;
  std::uint16_t vcpu = 0;
  std::uint16_t last_vcpu = 0;
  DomainId remote_domain{};       // kUnbound, kInterdomain
  std::uint32_t remote_port = 0;  // kInterdomain; the VIRQ number of kVirq
};

class EventChannels {
 public:
  constexpr EventChannels() = default;
  EventChannels(const EventChannels&) = delete;
  EventChannels& operator=(const EventChannels&) = delete;

  // Builder, before the domain runs and after its vCPUs and its shared_info frame exist. Ports
  // 1..max_port may be used (as far as the flavour in use has them).
  void init(Domain& owner, abi::Port max_port);

  abi::Status<abi::Port> alloc_unbound(DomainId remote) SOCLE_EXCLUDES(lock_);
  abi::Status<abi::Port> bind_interdomain(DomainId remote, abi::Port remote_port)
      SOCLE_EXCLUDES(lock_);
  abi::Status<abi::Port> bind_virq(std::uint32_t virq, std::uint32_t vcpu) SOCLE_EXCLUDES(lock_);
  abi::Status<abi::Port> bind_ipi(std::uint32_t vcpu) SOCLE_EXCLUDES(lock_);
  abi::Status<> close(abi::Port port) SOCLE_EXCLUDES(lock_);
  abi::Status<> send(abi::Port port) SOCLE_EXCLUDES(lock_);
  // Fills everything but `dom`.
  abi::Status<> status(abi::EventStatus& answer) SOCLE_EXCLUDES(lock_);
  abi::Status<> bind_vcpu(abi::Port port, std::uint32_t vcpu) SOCLE_EXCLUDES(lock_);
  abi::Status<> unmask(abi::Port port) SOCLE_EXCLUDES(lock_);
  // Closes up to a bounded number of ports, from *next on; false: call again to go on.
  abi::Status<bool> reset(abi::Port* next) SOCLE_EXCLUDES(lock_);
  abi::Status<> init_control(std::uint32_t vcpu, Gfn frame, std::uint32_t offset)
      SOCLE_EXCLUDES(lock_);
  abi::Status<> expand_array(Gfn frame) SOCLE_EXCLUDES(lock_);
  abi::Status<> set_priority(abi::Port port, std::uint32_t priority) SOCLE_EXCLUDES(lock_);

  // VCPUOP_register_vcpu_info.
  abi::Status<> register_vcpu_info(Vcpu& vcpu, Gfn frame, std::uint32_t offset)
      SOCLE_EXCLUDES(lock_);

  // A virtual interrupt for the guest; nothing happens if no port is bound to it.
  void raise_virq(Vcpu& vcpu, abi::Virq virq) SOCLE_EXCLUDES(lock_);

  // For SCHEDOP_poll: is the port pending? kEINVAL if there is no such port.
  abi::Status<bool> is_pending(abi::Port port) SOCLE_EXCLUDES(lock_);

 private:
  // Tables of channels: a directory frame of 512 pointers each, to frames of kChannelsPerFrame.
  struct ChannelFrame;
  struct ChannelDirectory;
  static constexpr unsigned kDirectories = 2;

  SpinLock lock_{LockRank::kEventChannels};
  Domain* owner_ = nullptr;
  abi::Port max_port_ = 0;
  std::array<ChannelDirectory*, kDirectories> directories_ SOCLE_GUARDED_BY(lock_){};
  // FIFO flavour, once the first vCPU called init_control: a heap frame of GuestPage.
  struct FifoArray;
  FifoArray* fifo_ SOCLE_GUARDED_BY(lock_) = nullptr;
};

// A global VIRQ (VIRQ_CONSOLE, VIRQ_DOM_EXC) of a domain. Any CPU, no lock of rank kEventChannels
// or above held.
void raise_virq(Domain& domain, abi::Virq virq);
// A per-vCPU VIRQ.
void raise_virq(Vcpu& vcpu, abi::Virq virq);

// The level of the vCPU's event interrupt line: evtchn_upcall_pending as the guest left it. Any
// CPU, any lock held; cheap.
bool event_line_is_high(const Vcpu& vcpu);

// Work::kEvent: compares the line with evtchn_upcall_pending and sets the virtual interrupt
// accordingly. Called by the vCPU's own CPU before it returns to the guest.
void event_entry_work(Vcpu& vcpu);

}  // namespace socle::guest
