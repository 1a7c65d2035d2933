// SPDX-License-Identifier: Apache-2.0
#pragma once

// The delicate step of the FIFO flavour: an event joins a queue behind the event that was put on it
// last, unless the guest has emptied the queue meanwhile.
//
// A queue is a list through the LINK fields of event words. Socle appends, the guest consumes; the
// LINKED bit of a word says "on a queue". The guest takes an event off by clearing LINKED and
// reading LINK in one step, so LINK may be written only while LINKED stands, by compare-and-swap.
// Of the other bits of a LINKED word a guest may change MASKED and PENDING, MASKED over and over;
// BUSY keeps it from unmasking while Socle writes. Source: Xen's design document "FIFO-based event
// channels", sections "Event Array" and "Linking".

#include <cstdint>

#include "abi/event_channel.h"

namespace socle::guest {

enum class TailLink {
  kLinked,      // the guest will come to the new event from the tail
  kNotOnQueue,  // the tail is not on the queue any more: the new event is the queue's head
  kGaveUp,      // the guest kept changing the word: it loses the event
};

// `tail` is the word of the queue's last event. Bounded; the caller holds the lock that serialises
// all appending to the queues of the domain.
TailLink link_to_tail(std::uint32_t& tail, abi::Port port);

}  // namespace socle::guest
