// SPDX-License-Identifier: Apache-2.0

// The delivering half of EventChannels: how an event reaches the pages that the guest looks at.

#include "base/log.h"
#include "guest/domain.h"
#include "guest/event_channel.h"
#include "guest/event_fifo.h"
#include "guest/guest_word.h"
#include "guest/vcpu.h"
#include "mem/object.h"
#include "port/phys_window.h"

namespace socle::guest {

namespace {

using abi::Errno;
using abi::Port;
using abi::refuse;
using abi::SharedInfo;
using abi::Status;
using State = EventChannel::State;

constexpr std::uint64_t bit64(Port port) {
  return std::uint64_t{1} << (port % 64);
}

SharedInfo& shared_info(Domain& domain) {
  return *port::owned_frame_as<SharedInfo>(domain.shared_info_frame);
}

// The guest's vCPU has something to look at. Always writes and posts: whether the guest has seen an
// earlier mark cannot be known.
void mark_upcall_pending(Vcpu& vcpu) {
  abi::VcpuInfo* info = vcpu.events.info.load(std::memory_order_acquire);
  if (info == nullptr) return;
  write_guest_word(info->evtchn_upcall_pending, std::uint8_t{1});
  post_work(vcpu, Work::kEvent);
}

bool newly_set(std::optional<std::uint64_t> old, std::uint64_t bit) {
  return old.has_value() && (*old & bit) == 0;
}

// 2-level flavour: `word` of the bitmap of a vCPU has a pending event that is not masked.
void mark_word_pending(Vcpu& vcpu, Port port) {
  abi::VcpuInfo* info = vcpu.events.info.load(std::memory_order_acquire);
  if (info == nullptr) return;
  const std::uint64_t selector = bit64(port / 64);
  if (newly_set(set_guest_bits(info->evtchn_pending_sel, selector), selector)) {
    mark_upcall_pending(vcpu);
  }
}

}  // namespace

// --- Either flavour -----------------------------------------------------------------------------

void EventChannels::set_pending(EventChannel& channel, Port port) {
  if (fifo_ != nullptr) {
    fifo_set_pending(channel, port);
  } else {
    two_level_set_pending(channel, port);
  }
}

void EventChannels::clear_pending(EventChannel& channel, Port port) {
  channel.pending_without_word = false;
  if (fifo_ != nullptr) {
    // Taking it off its queue is the guest's part: it passes over events that are not pending.
    std::uint32_t* word = fifo_word(port);
    if (word != nullptr) (void)clear_guest_bits(*word, abi::kFifoPending);
  } else {
    (void)clear_guest_bits(shared_info(*owner_).evtchn_pending[port / 64], bit64(port));
  }
}

void EventChannels::unmask_locked(EventChannel& channel, Port port) {
  if (fifo_ == nullptr) {
    two_level_unmask(channel, port);
    return;
  }
  std::uint32_t* word = fifo_word(port);
  if (word == nullptr) return;
  const auto old = clear_guest_bits(*word, abi::kFifoMasked);
  if (old.has_value() && (*old & abi::kFifoPending) != 0) fifo_set_pending(channel, port);
}

bool EventChannels::is_pending_locked(const EventChannel& channel, Port port) {
  if (channel.state == State::kClosed) return false;
  if (fifo_ == nullptr) {
    return (read_guest_word(shared_info(*owner_).evtchn_pending[port / 64]) & bit64(port)) != 0;
  }
  std::uint32_t* word = fifo_word(port);
  if (word == nullptr) return channel.pending_without_word;
  return (read_guest_word(*word) & abi::kFifoPending) != 0;
}

bool EventChannels::is_busy(Port port) {
  if (fifo_ == nullptr) return false;
  std::uint32_t* word = fifo_word(port);
  return word != nullptr && (read_guest_word(*word) & abi::kFifoLinked) != 0;
}

// --- 2-level ------------------------------------------------------------------------------------

void EventChannels::two_level_set_pending(EventChannel& channel, Port port) {
  SharedInfo& shared = shared_info(*owner_);
  if (!newly_set(set_guest_bits(shared.evtchn_pending[port / 64], bit64(port)), bit64(port))) {
    return;
  }
  if ((read_guest_word(shared.evtchn_mask[port / 64]) & bit64(port)) == 0) {
    mark_word_pending(*owner_->vcpus[channel.vcpu], port);
  }
  wake_pollers();
}

void EventChannels::two_level_unmask(EventChannel& channel, Port port) {
  SharedInfo& shared = shared_info(*owner_);
  const auto old = clear_guest_bits(shared.evtchn_mask[port / 64], bit64(port));
  if (!old.has_value() || (*old & bit64(port)) == 0) return;
  if ((read_guest_word(shared.evtchn_pending[port / 64]) & bit64(port)) != 0) {
    mark_word_pending(*owner_->vcpus[channel.vcpu], port);
  }
}

// --- FIFO ---------------------------------------------------------------------------------------

std::uint32_t* EventChannels::fifo_word(Port port) {
  const std::uint32_t page = port / abi::kFifoWordsPerPage;
  if (page >= fifo_->page_count) return nullptr;
  auto* words = reinterpret_cast<std::uint32_t*>(fifo_->pages[page].data());
  return &words[port % abi::kFifoWordsPerPage];
}

void EventChannels::fifo_set_pending(EventChannel& channel, Port port) {
  std::uint32_t* word = fifo_word(port);
  if (word == nullptr) {
    channel.pending_without_word = true;  // delivered when the array grows to it
    wake_pollers();
    return;
  }
  const auto old = set_guest_bits(*word, abi::kFifoPending);
  if (!old.has_value()) return;
  // If the guest unmasks, or takes the event off its queue, after this point, it sees PENDING.
  if ((*old & (abi::kFifoMasked | abi::kFifoLinked)) == 0) fifo_link(channel, port, *word);
  if ((*old & abi::kFifoPending) == 0) wake_pollers();
}

// Puts an event on the queue of its priority and vCPU.
void EventChannels::fifo_link(EventChannel& channel, Port port, std::uint32_t& word) {
  Vcpu& vcpu = *owner_->vcpus[channel.vcpu];
  abi::FifoControlBlock* control = vcpu.events.fifo_control;
  // A guest must not unmask events for a vCPU without queues; if it does, it loses them.
  if (control == nullptr) return;
  const auto old = set_guest_bits(word, abi::kFifoLinked);
  if (!old.has_value() || (*old & abi::kFifoLinked) != 0) return;

  // It was not on a queue: if it was the last that some queue saw, that queue is empty, and
  // must not be appended to through this word, which is going elsewhere.
  Port& last_tail = owner_->vcpus[channel.last_vcpu]->events.fifo_tail[channel.last_priority];
  if (last_tail == port) last_tail = 0;
  channel.last_vcpu = channel.vcpu;
  channel.last_priority = channel.priority;

  Port& tail = vcpu.events.fifo_tail[channel.priority];
  std::uint32_t* tail_word = tail != 0 ? fifo_word(tail) : nullptr;
  const TailLink link =
      tail_word != nullptr ? link_to_tail(*tail_word, port) : TailLink::kNotOnQueue;
  tail = port;
  if (link != TailLink::kNotOnQueue) return;

  write_guest_word(control->head[channel.priority], port);
  const std::uint32_t ready = 1u << channel.priority;
  const auto was_ready = set_guest_bits(control->ready, ready);
  if (!was_ready.has_value() || (*was_ready & ready) == 0) mark_upcall_pending(vcpu);
}

// Ports that were in use before the flavour changed keep what was pending.
void EventChannels::fifo_adopt_ports() {
  SharedInfo& shared = shared_info(*owner_);
  for (Port port = 1; port < abi::kTwoLevelPorts; ++port) {
    EventChannel* channel = find(port);
    if (channel == nullptr) {
      port |= kChannelsPerFrame - 1;
      continue;
    }
    if (channel->state == State::kClosed) continue;
    channel->priority = abi::kFifoDefaultPriority;
    channel->pending_without_word =
        (read_guest_word(shared.evtchn_pending[port / 64]) & bit64(port)) != 0;
  }
}

Status<> EventChannels::init_control(std::uint32_t vcpu, Gfn frame, std::uint32_t offset) {
  Vcpu* target = vcpu_of(vcpu);
  if (target == nullptr) return refuse(Errno::kENOENT);
  if (offset > kFrameSize - sizeof(abi::FifoControlBlock)) return refuse(Errno::kEINVAL);
  if (offset % 8 != 0) return refuse(Errno::kEINVAL);

  LockGuard guard(lock_);
  if (target->events.fifo_control != nullptr) return refuse(Errno::kEINVAL);
  GuestPage page = ABI_TRY(GuestPage::take(*owner_, frame));
  if (fifo_ == nullptr) {
    fifo_ = ABI_TRY(mem::create<FifoArray>());
    fifo_adopt_ports();
  }
  target->events.fifo_control = reinterpret_cast<abi::FifoControlBlock*>(page.data() + offset);
  target->events.fifo_control_page = std::move(page);
  target->events.fifo_tail = {};
  return {};
}

Status<> EventChannels::expand_array(Gfn frame) {
  LockGuard guard(lock_);
  if (fifo_ == nullptr) return refuse(Errno::kEOPNOTSUPP);
  if (fifo_->page_count == abi::kFifoPages) return refuse(Errno::kENOSPC);
  fifo_->pages[fifo_->page_count] = ABI_TRY(GuestPage::take(*owner_, frame));
  const Port first = fifo_->page_count * abi::kFifoWordsPerPage;
  ++fifo_->page_count;
  for (Port port = first; port < first + abi::kFifoWordsPerPage; ++port) {
    EventChannel* channel = find(port);
    if (channel == nullptr || !channel->pending_without_word) continue;
    channel->pending_without_word = false;
    fifo_set_pending(*channel, port);
  }
  return {};
}

void EventChannels::fifo_destroy() {
  for (Vcpu* vcpu : owner_->vcpus) {
    vcpu->events.fifo_control = nullptr;
    vcpu->events.fifo_control_page.release();
    vcpu->events.fifo_tail = {};
  }
  mem::destroy(fifo_);
  fifo_ = nullptr;
}

// --- vCPUs --------------------------------------------------------------------------------------

Status<> EventChannels::register_vcpu_info(Vcpu& vcpu, Gfn frame, std::uint32_t offset) {
  if (offset > kFrameSize - sizeof(abi::VcpuInfo) || offset % alignof(abi::VcpuInfo) != 0) {
    return refuse(Errno::kENXIO);
  }
  LockGuard guard(lock_);
  if (vcpu.events.info_page) return refuse(Errno::kEINVAL);
  GuestPage page = ABI_TRY(GuestPage::take(*owner_, frame));
  auto* info = reinterpret_cast<abi::VcpuInfo*>(page.data() + offset);
  *info = {};
  // Nothing that was or should have been signalled at the old place may be lost: the guest looks at
  // every word once.
  write_guest_word(info->evtchn_pending_sel, ~std::uint64_t{0});
  vcpu.events.info_page = std::move(page);
  vcpu.events.info.store(info, std::memory_order_release);
  mark_upcall_pending(vcpu);
  return {};
}

void EventChannels::raise_virq(Vcpu& vcpu, abi::Virq virq) {
  LockGuard guard(lock_);
  const Port port = vcpu.events.virq_port[static_cast<std::uint32_t>(virq)];
  EventChannel* channel = port != 0 ? find(port) : nullptr;
  if (channel != nullptr) set_pending(*channel, port);
}

void raise_virq(Vcpu& vcpu, abi::Virq virq) {
  vcpu.domain.event_channels.raise_virq(vcpu, virq);
}

void raise_virq(Domain& domain, abi::Virq virq) {
  if (!domain.vcpus.empty()) raise_virq(*domain.vcpus[0], virq);
}

bool event_line_is_high(const Vcpu& vcpu) {
  const abi::VcpuInfo* info = vcpu.events.info.load(std::memory_order_acquire);
  return info != nullptr && read_guest_word(info->evtchn_upcall_pending) != 0;
}

// --- SCHEDOP_poll -------------------------------------------------------------------------------

void EventChannels::start_polling(Vcpu& vcpu) {
  vcpu.events.polling.store(true, std::memory_order_seq_cst);
  pollers_.fetch_add(1, std::memory_order_seq_cst);
}

void EventChannels::stop_polling(Vcpu& vcpu) {
  vcpu.events.polling.store(false, std::memory_order_seq_cst);
  pollers_.fetch_sub(1, std::memory_order_seq_cst);
}

void EventChannels::wake_pollers() {
  if (pollers_.load(std::memory_order_seq_cst) == 0) return;
  for (Vcpu* vcpu : owner_->vcpus) {
    if (vcpu->events.polling.exchange(false, std::memory_order_seq_cst)) {
      post_work(*vcpu, Work::kEvent);
    }
  }
}

}  // namespace socle::guest
