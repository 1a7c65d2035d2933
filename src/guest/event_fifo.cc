// SPDX-License-Identifier: Apache-2.0
#include "guest/event_fifo.h"

#include <atomic>

#include "guest/guest_word.h"

namespace socle::guest {

namespace {

// Before and after BUSY is set. Four is what a well-behaved guest can cost after that; exclusive
// stores also fail for reasons of the hardware.
constexpr unsigned kQuietTries = 4;

TailLink try_to_link(std::uint32_t& tail, abi::Port port, unsigned tries) {
  std::atomic_ref<std::uint32_t> word(tail);
  std::uint32_t old = word.load(std::memory_order_seq_cst);
  for (; tries > 0; --tries) {
    if ((old & abi::kFifoLinked) == 0) return TailLink::kNotOnQueue;
    const std::uint32_t linked = (old & ~(abi::kFifoBusy | abi::kFifoLinkMask)) | port;
    if (word.compare_exchange_weak(old, linked, std::memory_order_seq_cst)) {
      return TailLink::kLinked;
    }
  }
  return TailLink::kGaveUp;
}

}  // namespace

TailLink link_to_tail(std::uint32_t& tail, abi::Port port) {
  const TailLink quiet = try_to_link(tail, port, kQuietTries);
  if (quiet != TailLink::kGaveUp) return quiet;
  (void)set_guest_bits(tail, abi::kFifoBusy);
  const TailLink result = try_to_link(tail, port, kGuestWordTries);
  // Linking cleared BUSY already.
  if (result != TailLink::kLinked) (void)clear_guest_bits(tail, abi::kFifoBusy);
  return result;
}

}  // namespace socle::guest
