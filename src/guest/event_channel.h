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

// What a port is. All zeros: closed.
struct EventChannel {
  enum class State : std::uint8_t { kClosed = 0, kUnbound, kInterdomain, kVirq, kIpi };

  State state = State::kClosed;
  std::uint8_t priority = 0;
  // FIFO: the queue that the event was last put on, whose tail it may still be.
  std::uint8_t last_priority = 0;
  // FIFO: became pending before its event word existed.
  bool pending_without_word = false;
  std::uint16_t vcpu = 0;  // who is notified
  std::uint16_t last_vcpu = 0;
  DomainId remote_domain{};       // kUnbound, kInterdomain
  std::uint32_t remote_port = 0;  // kInterdomain; the number of a kVirq
};
static_assert(sizeof(EventChannel) == 16);

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
  // Closes all ports and goes back to the 2-level flavour, a bounded piece at a time: false means
  // call again. kEAGAIN: ports were opened meanwhile.
  abi::Status<bool> reset() SOCLE_EXCLUDES(lock_);
  abi::Status<> init_control(std::uint32_t vcpu, Gfn frame, std::uint32_t offset)
      SOCLE_EXCLUDES(lock_);
  abi::Status<> expand_array(Gfn frame) SOCLE_EXCLUDES(lock_);
  abi::Status<> set_priority(abi::Port port, std::uint32_t priority) SOCLE_EXCLUDES(lock_);

  // VCPUOP_register_vcpu_info.
  abi::Status<> register_vcpu_info(Vcpu& vcpu, Gfn frame, std::uint32_t offset)
      SOCLE_EXCLUDES(lock_);

  // A virtual interrupt for the guest; nothing happens if no port is bound to it.
  void raise_virq(Vcpu& vcpu, abi::Virq virq) SOCLE_EXCLUDES(lock_);

  // SCHEDOP_poll. kEINVAL if there is no such port.
  abi::Status<bool> is_pending(abi::Port port) SOCLE_EXCLUDES(lock_);
  // Between these two calls any port that becomes pending clears vcpu.events.polling and posts
  // Work::kEvent to the vCPU.
  void start_polling(Vcpu& vcpu);
  void stop_polling(Vcpu& vcpu);

  // Gives back all memory and guest pages. The domain never runs again.
  void destroy() SOCLE_EXCLUDES(lock_);

 private:
  static constexpr std::uint32_t kChannelsPerFrame = kFrameSize / sizeof(EventChannel);
  static constexpr std::uint32_t kChannelFrames = abi::kFifoPorts / kChannelsPerFrame;
  using ChannelFrame = std::array<EventChannel, kChannelsPerFrame>;
  // Heap objects, made when the first port (of 256) is opened.
  struct Directory {
    std::array<ChannelFrame*, kChannelFrames> frames{};
    std::array<std::uint16_t, kChannelFrames> used{};
  };
  // Made when a vCPU calls init_control for the first time.
  struct FifoArray {
    std::array<GuestPage, abi::kFifoPages> pages;
    std::uint32_t page_count = 0;
  };

  // event_channel.cc: ports and what they are bound to.
  EventChannel* find(abi::Port port) SOCLE_REQUIRES(lock_);
  abi::Status<EventChannel*> open_channel(abi::Port port) SOCLE_REQUIRES(lock_);
  abi::Status<abi::Port> find_free_port() SOCLE_REQUIRES(lock_);
  abi::Status<abi::Port> first_free_in(std::uint32_t frame_index, unsigned& busy_left)
      SOCLE_REQUIRES(lock_);
  EventChannel& open(abi::Port port, EventChannel::State state) SOCLE_REQUIRES(lock_);
  abi::Status<> close_locked(abi::Port port) SOCLE_REQUIRES(lock_);
  void forget_virq(abi::Port port, std::uint32_t virq) SOCLE_REQUIRES(lock_);
  Vcpu* vcpu_of(std::uint32_t number) const;
  abi::Port port_limit() const SOCLE_REQUIRES(lock_);

  // event_delivery.cc: how the guest learns of an event.
  void set_pending(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  void clear_pending(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  void unmask_locked(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  bool is_pending_locked(const EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  // The guest has not taken the closed port off its queue yet.
  bool is_busy(abi::Port port) SOCLE_REQUIRES(lock_);
  void wake_pollers();
  void two_level_set_pending(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  void two_level_unmask(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  void fifo_set_pending(EventChannel& channel, abi::Port port) SOCLE_REQUIRES(lock_);
  void fifo_link(EventChannel& channel, abi::Port port, std::uint32_t& word) SOCLE_REQUIRES(lock_);
  std::uint32_t* fifo_word(abi::Port port) SOCLE_REQUIRES(lock_);
  abi::Status<> fifo_start() SOCLE_REQUIRES(lock_);
  void fifo_adopt_ports() SOCLE_REQUIRES(lock_);
  void fifo_destroy() SOCLE_REQUIRES(lock_);

  SpinLock lock_{LockRank::kEventChannels};
  Domain* owner_ = nullptr;
  abi::Port max_port_ = 0;
  // Ports below have been near one in use since the domain was built: they can be asked about.
  abi::Port known_end_ SOCLE_GUARDED_BY(lock_) = 64;
  // Every free port is at or above it.
  abi::Port lowest_free_ SOCLE_GUARDED_BY(lock_) = 1;
  abi::Port reset_next_ SOCLE_GUARDED_BY(lock_) = 0;
  std::uint32_t open_count_ SOCLE_GUARDED_BY(lock_) = 0;
  Directory* directory_ SOCLE_GUARDED_BY(lock_) = nullptr;
  // Null: the 2-level flavour is in use.
  FifoArray* fifo_ SOCLE_GUARDED_BY(lock_) = nullptr;
  std::atomic<std::uint32_t> pollers_{0};
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
