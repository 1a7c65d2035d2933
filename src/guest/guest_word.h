// SPDX-License-Identifier: Apache-2.0
#pragma once

// Atomic changes of words in pages that a guest can write to.
//
// Without FEAT_LSE an atomic read-modify-write is a loop of exclusive load and store, which another
// CPU can make fail for as long as it likes by writing to the same line: a hostile guest could keep
// Socle in such a loop for ever (Xen's advisory XSA-295). So every change here tries a bounded
// number of times. Giving up harms only the guest whose word it is: it loses an event.
//
// The words need natural alignment. All orders are sequentially consistent: these are doorbells.

#include <atomic>
#include <cstdint>
#include <optional>

namespace socle::guest {

// A guest that uses its words as intended makes a handful of tries fail at most.
inline constexpr unsigned kGuestWordTries = 1000;

template <typename Word>
Word read_guest_word(const Word& word) {
  return std::atomic_ref<Word>(const_cast<Word&>(word)).load(std::memory_order_seq_cst);
}
template <typename Word>
void write_guest_word(Word& word, Word value) {
  std::atomic_ref<Word>(word).store(value, std::memory_order_seq_cst);
}

// Replaces the word by change(word), as often as it takes within the bound. Returns the old value,
// or nothing if it gave up; then the word was not changed. `change` must have no side effects.
template <typename Word, typename Change>
std::optional<Word> update_guest_word(Word& word, Change change) {
  std::atomic_ref<Word> shared(word);
  Word old = shared.load(std::memory_order_seq_cst);
  for (unsigned tries = 0; tries < kGuestWordTries; ++tries) {
    const Word wanted = static_cast<Word>(change(old));
    if (wanted == old) {
      // Nothing to write, but the read must count as part of the doorbell's order.
      std::atomic_thread_fence(std::memory_order_seq_cst);
      return old;
    }
    if (shared.compare_exchange_weak(old, wanted, std::memory_order_seq_cst)) return old;
  }
  return std::nullopt;
}

template <typename Word>
std::optional<Word> set_guest_bits(Word& word, Word bits) {
  return update_guest_word(word, [bits](Word old) { return old | bits; });
}
template <typename Word>
std::optional<Word> clear_guest_bits(Word& word, Word bits) {
  return update_guest_word(word, [bits](Word old) { return old & ~bits; });
}

}  // namespace socle::guest
