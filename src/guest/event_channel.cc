// SPDX-License-Identifier: Apache-2.0
#include "guest/event_channel.h"

#include "base/check.h"
#include "guest/domain.h"
#include "guest/vcpu.h"
#include "mem/object.h"
#include "port/phys_window.h"

namespace socle::guest {

namespace {

using abi::Errno;
using abi::Port;
using abi::refuse;
using abi::Status;
using State = EventChannel::State;

// Closed ports that are still on a queue of the guest are passed over when a port is given out. A
// guest that pretends to have more of them than this gets -ENOSPC instead of our time.
constexpr unsigned kMaxBusyPorts = 1024;
// Ports looked at in one piece of a reset.
constexpr std::uint32_t kResetSlice = 1024;

bool is_per_vcpu(std::uint32_t virq) {
  return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

}  // namespace

void EventChannels::init(Domain& owner, Port max_port) {
  owner_ = &owner;
  max_port_ = max_port;
  // How a guest without a device tree learns its event interrupt.
  owner.hvm_params.values[HVM_PARAM_CALLBACK_IRQ].store(
      abi::callback_irq_ppi(owner.event_channel_ppi.value()), std::memory_order_relaxed);
  if (!owner.vcpus.empty()) {
    auto* shared = port::owned_frame_as<abi::SharedInfo>(owner.shared_info_frame);
    owner.vcpus[0]->events.info.store(&shared->vcpu_info[0], std::memory_order_release);
  }
}

Vcpu* EventChannels::vcpu_of(std::uint32_t number) const {
  return number < owner_->vcpus.size() ? owner_->vcpus[number] : nullptr;
}

// One beyond the last usable port.
Port EventChannels::port_limit() const {
  const Port of_flavour = fifo_ != nullptr ? abi::kFifoPorts : abi::kTwoLevelPorts;
  return max_port_ < of_flavour ? max_port_ + 1 : of_flavour;
}

// The channel of a port that has ever been near one in use; port 0 exists but is never open.
EventChannel* EventChannels::find(Port port) {
  if (port >= port_limit() || port >= known_end_ || directory_ == nullptr) return nullptr;
  ChannelFrame* frame = directory_->frames[port / kChannelsPerFrame];
  return frame != nullptr ? &(*frame)[port % kChannelsPerFrame] : nullptr;
}

Status<EventChannel*> EventChannels::open_channel(Port port) {
  EventChannel* channel = find(port);
  if (channel == nullptr || channel->state == State::kClosed) return refuse(Errno::kEINVAL);
  return channel;
}

Status<Port> EventChannels::first_free_in(std::uint32_t frame_index, unsigned& busy_left) {
  ChannelFrame*& frame = directory_->frames[frame_index];
  if (frame == nullptr) frame = ABI_TRY(mem::create<ChannelFrame>());
  const Port base = frame_index * kChannelsPerFrame;
  for (std::uint32_t i = base == 0 ? 1 : 0; i < kChannelsPerFrame; ++i) {
    if (base + i >= port_limit()) break;
    if (base + i < lowest_free_ || (*frame)[i].state != State::kClosed) continue;
    if (!is_busy(base + i)) return base + i;
    if (busy_left-- == 0) return refuse(Errno::kENOSPC);
  }
  return Port{0};
}

// The lowest port that may be given out. Nothing is changed but memory for its channel.
Status<Port> EventChannels::find_free_port() {
  if (directory_ == nullptr) directory_ = ABI_TRY(mem::create<Directory>());
  unsigned busy_left = kMaxBusyPorts;
  const Port limit = port_limit();
  for (std::uint32_t i = lowest_free_ / kChannelsPerFrame; i * kChannelsPerFrame < limit; ++i) {
    if (directory_->used[i] == kChannelsPerFrame) continue;
    const Port port = ABI_TRY(first_free_in(i, busy_left));
    if (port != 0) {
      // Ports passed over as busy become free when the guest likes: they stay below the hint only
      // if there was none.
      if (busy_left == kMaxBusyPorts) lowest_free_ = port;
      return port;
    }
  }
  return refuse(Errno::kENOSPC);
}

EventChannel& EventChannels::open(Port port, State state) {
  // As on Xen, which makes them in pieces of this size.
  constexpr Port kPiece = 64;
  if (port >= known_end_) known_end_ = align_up(port + 1, kPiece);
  EventChannel* channel = find(port);
  CHECK(channel != nullptr && channel->state == State::kClosed);
  const EventChannel before = *channel;
  *channel = EventChannel{};
  channel->state = state;
  channel->priority = abi::kFifoDefaultPriority;
  // It may still be the tail of the queue that its previous life was put on.
  channel->last_priority = before.last_priority;
  channel->last_vcpu = before.last_vcpu;
  ++directory_->used[port / kChannelsPerFrame];
  ++open_count_;
  if (port == lowest_free_) ++lowest_free_;
  return *channel;
}

Status<Port> EventChannels::alloc_unbound(DomainId remote) {
  LockGuard guard(lock_);
  const Port port = ABI_TRY(find_free_port());
  open(port, State::kUnbound).remote_domain = remote;
  return port;
}

Status<Port> EventChannels::bind_interdomain(DomainId remote, Port remote_port) {
  if (remote != owner_->id) return refuse(Errno::kESRCH);
  LockGuard guard(lock_);
  const Port port = ABI_TRY(find_free_port());
  EventChannel* peer = find(remote_port);
  if (peer == nullptr || peer->state != State::kUnbound || peer->remote_domain != owner_->id) {
    return refuse(Errno::kEINVAL);
  }
  EventChannel& channel = open(port, State::kInterdomain);
  channel.remote_domain = remote;
  channel.remote_port = remote_port;
  peer->state = State::kInterdomain;
  peer->remote_domain = owner_->id;
  peer->remote_port = port;
  // What was sent to the unbound port is lost: tell the binder to look.
  set_pending(channel, port);
  return port;
}

Status<Port> EventChannels::bind_virq(std::uint32_t virq, std::uint32_t vcpu) {
  if (virq >= abi::kVirqCount) return refuse(Errno::kEINVAL);
  if (!is_per_vcpu(virq) && vcpu != 0) return refuse(Errno::kEINVAL);
  Vcpu* target = vcpu_of(vcpu);
  if (target == nullptr) return refuse(Errno::kENOENT);
  LockGuard guard(lock_);
  if (target->events.virq_port[virq] != 0) return refuse(Errno::kEEXIST);
  const Port port = ABI_TRY(find_free_port());
  EventChannel& channel = open(port, State::kVirq);
  channel.vcpu = static_cast<std::uint16_t>(vcpu);
  channel.remote_port = virq;
  target->events.virq_port[virq] = port;
  return port;
}

Status<Port> EventChannels::bind_ipi(std::uint32_t vcpu) {
  if (vcpu_of(vcpu) == nullptr) return refuse(Errno::kENOENT);
  LockGuard guard(lock_);
  const Port port = ABI_TRY(find_free_port());
  open(port, State::kIpi).vcpu = static_cast<std::uint16_t>(vcpu);
  return port;
}

void EventChannels::forget_virq(Port port, std::uint32_t virq) {
  for (Vcpu* vcpu : owner_->vcpus) {
    if (vcpu->events.virq_port[virq] == port) vcpu->events.virq_port[virq] = 0;
  }
}

Status<> EventChannels::close_locked(Port port) {
  EventChannel* channel = ABI_TRY(open_channel(port));
  if (channel->state == State::kVirq) forget_virq(port, channel->remote_port);
  if (channel->state == State::kInterdomain) {
    EventChannel* peer = find(channel->remote_port);
    CHECK(peer != nullptr && peer->state == State::kInterdomain && peer->remote_port == port);
    peer->state = State::kUnbound;
    peer->remote_domain = owner_->id;
    peer->remote_port = 0;
  }
  clear_pending(*channel, port);
  channel->state = State::kClosed;
  channel->vcpu = 0;
  --directory_->used[port / kChannelsPerFrame];
  --open_count_;
  if (port < lowest_free_) lowest_free_ = port;
  return {};
}

Status<> EventChannels::close(Port port) {
  LockGuard guard(lock_);
  return close_locked(port);
}

Status<> EventChannels::send(Port port) {
  LockGuard guard(lock_);
  EventChannel* channel = ABI_TRY(open_channel(port));
  switch (channel->state) {
    case State::kInterdomain: {
      EventChannel* peer = find(channel->remote_port);
      CHECK(peer != nullptr);
      set_pending(*peer, channel->remote_port);
      return {};
    }
    case State::kIpi:
      set_pending(*channel, port);
      return {};
    case State::kUnbound:  // nobody listens: dropped
      return {};
    case State::kVirq:
    case State::kClosed:
      return refuse(Errno::kEINVAL);
  }
  return refuse(Errno::kEINVAL);
}

Status<> EventChannels::status(abi::EventStatus& answer) {
  LockGuard guard(lock_);
  const EventChannel* channel = find(answer.port);
  if (channel == nullptr) return refuse(Errno::kEINVAL);
  switch (channel->state) {
    case State::kClosed:
      answer.status = EVTCHNSTAT_closed;
      break;
    case State::kUnbound:
      answer.status = EVTCHNSTAT_unbound;
      answer.u.unbound.dom = static_cast<domid_t>(channel->remote_domain);
      break;
    case State::kInterdomain:
      answer.status = EVTCHNSTAT_interdomain;
      answer.u.interdomain.dom = static_cast<domid_t>(channel->remote_domain);
      answer.u.interdomain.port = channel->remote_port;
      break;
    case State::kVirq:
      answer.status = EVTCHNSTAT_virq;
      answer.u.virq = channel->remote_port;
      break;
    case State::kIpi:
      answer.status = EVTCHNSTAT_ipi;
      break;
  }
  answer.vcpu = channel->vcpu;
  return {};
}

Status<> EventChannels::bind_vcpu(Port port, std::uint32_t vcpu) {
  if (vcpu_of(vcpu) == nullptr) return refuse(Errno::kENOENT);
  LockGuard guard(lock_);
  EventChannel* channel = ABI_TRY(open_channel(port));
  const bool fixed = channel->state == State::kIpi ||
                     (channel->state == State::kVirq && is_per_vcpu(channel->remote_port));
  if (fixed) return refuse(Errno::kEINVAL);
  channel->vcpu = static_cast<std::uint16_t>(vcpu);
  return {};
}

Status<> EventChannels::unmask(Port port) {
  LockGuard guard(lock_);
  EventChannel* channel = find(port);
  if (channel == nullptr) return refuse(Errno::kEINVAL);
  if (channel->state != State::kClosed) unmask_locked(*channel, port);
  return {};
}

Status<> EventChannels::set_priority(Port port, std::uint32_t priority) {
  LockGuard guard(lock_);
  EventChannel* channel = find(port);
  if (channel == nullptr) return refuse(Errno::kEINVAL);
  if (fifo_ == nullptr) return refuse(Errno::kENOSYS);
  if (channel->state == State::kClosed) return refuse(Errno::kEACCES);
  if (priority >= abi::kFifoPriorities) return refuse(Errno::kEINVAL);
  // An event that is on a queue already stays on it; the next one goes to the new queue.
  channel->priority = static_cast<std::uint8_t>(priority);
  return {};
}

Status<bool> EventChannels::is_pending(Port port) {
  LockGuard guard(lock_);
  const EventChannel* channel = find(port);
  if (channel == nullptr) return refuse(Errno::kEINVAL);
  return is_pending_locked(*channel, port);
}

Status<bool> EventChannels::reset() {
  LockGuard guard(lock_);
  const Port limit = port_limit();
  for (std::uint32_t looked_at = 0; reset_next_ < limit && open_count_ != 0; ++looked_at) {
    if (looked_at == kResetSlice) return false;
    if (find(reset_next_) == nullptr) {
      reset_next_ += kChannelsPerFrame;
      continue;
    }
    (void)close_locked(reset_next_);
    ++reset_next_;
  }
  reset_next_ = 0;
  if (open_count_ != 0) return refuse(Errno::kEAGAIN);
  fifo_destroy();
  return true;
}

void EventChannels::destroy() {
  LockGuard guard(lock_);
  fifo_destroy();
  for (Vcpu* vcpu : owner_->vcpus) {
    vcpu->events.info.store(nullptr, std::memory_order_release);
    vcpu->events.info_page.release();
  }
  if (directory_ == nullptr) return;
  for (ChannelFrame* frame : directory_->frames)
    mem::destroy(frame);
  mem::destroy(directory_);
  directory_ = nullptr;
}

}  // namespace socle::guest
