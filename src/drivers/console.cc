// SPDX-License-Identifier: Apache-2.0
#include "drivers/console.h"

#include <array>
#include <atomic>

#include "base/emergency_guard.h"
#include "base/inplace_vector.h"
#include "base/lock.h"
#include "base/log.h"

namespace socle::console {
namespace {

// Bytes between a producer and a consumer, oldest first.
template <std::size_t Size>
class ByteRing {
 public:
  [[nodiscard]] bool empty() const { return head_ == tail_; }
  [[nodiscard]] bool full() const { return head_ - tail_ == Size; }
  bool push(char byte) {
    if (full()) return false;
    bytes_[head_++ % Size] = byte;
    return true;
  }
  [[nodiscard]] char front() const { return bytes_[tail_ % Size]; }
  void pop() { ++tail_; }

 private:
  static_assert((Size & (Size - 1)) == 0);
  std::array<char, Size> bytes_{};
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

struct Key {
  char key = 0;
  std::string_view what;
  void (*function)() = nullptr;
};

constexpr char kSwitchKey = 'a' & 0x1f;  // Ctrl-A
constexpr unsigned kSwitchCount = 3;
// A pasted screenful, twice.
constexpr std::size_t kInputSize = 4096;
// Polls of a port before a character is given up: at 9600 baud one takes about a millisecond, and a
// poll of a device register at least 100 ns.
constexpr unsigned kPolls = 100'000;

constinit SpinLock lock{LockRank::kConsole};

struct State {
  const UartDriver* driver = nullptr;
  port::MmioRegion registers;
  void (*fallback)(std::string_view) = nullptr;
  bool has_interrupt = false;
  bool is_synchronous = false;
  bool is_emergency = false;
  bool is_stuck = false;
  bool is_transmitting = false;  // the transmit interrupt is on
  bool is_mid_line = false;      // the hardware domain has begun a line
  bool for_socle = false;        // the keyboard is
  unsigned switch_keys = 0;
  ByteRing<16384> output;
  ByteRing<kInputSize> input;
  InplaceVector<Key, 32> keys;
  void (*listener)() = nullptr;
};
constinit State state;

// A port that let one character wait in vain is asked once for each further one, until it takes
// one.
bool put_now(char byte) {
  const unsigned polls = state.is_stuck ? 1 : kPolls;
  for (unsigned poll = 0; poll < polls; ++poll) {
    if (state.driver->put(state.registers, static_cast<std::uint8_t>(byte))) {
      state.is_stuck = false;
      return true;
    }
  }
  state.is_stuck = true;
  return false;
}

// Moves buffered bytes into the port while it takes them.
void pump() {
  while (!state.output.empty() &&
         state.driver->put(state.registers, static_cast<std::uint8_t>(state.output.front())))
    state.output.pop();
}

// Everything buffered, waiting for the port; what it does not take in time is lost.
void flush() {
  for (; !state.output.empty(); state.output.pop())
    put_now(state.output.front());
}

bool sends_in_background() {
  return state.has_interrupt && !state.is_synchronous && !state.is_emergency;
}

void put(char byte) {
  if (state.driver == nullptr) return;
  if (!sends_in_background()) {
    flush();
    put_now(byte);
    return;
  }
  if (state.output.full()) {
    pump();
    if (state.output.full()) {
      put_now(state.output.front());
      state.output.pop();
    }
  }
  state.output.push(byte);
}

void put_text(std::string_view text) {
  if (state.fallback != nullptr) {
    state.fallback(text);
    return;
  }
  for (const char c : text) {
    if (c == '\n') put('\r');
    put(c);
  }
}

// After something was put: sends what fits, and leaves the rest to the interrupt.
void start_sending() {
  if (state.driver == nullptr || !sends_in_background()) return;
  pump();
  const bool wanted = !state.output.empty();
  if (wanted != state.is_transmitting) {
    state.is_transmitting = wanted;
    state.driver->set_interrupts(state.registers, true, wanted);
  }
}

void show_keys() {
  log_info("keys of Socle (three Ctrl-A switch back to the hardware domain):");
  for (const Key& key : state.keys)
    log_info("  {}  {}", key.key, key.what);
}

void press(char key) {
  if (key == 'h') {
    show_keys();
    return;
  }
  for (const Key& known : state.keys) {
    if (known.key == key) {
      known.function();
      return;
    }
  }
}

// What to do with one received byte; decided under the lock, done without it.
enum class Action : std::uint8_t { kNone, kSwitched, kKey, kGuestInput };

Action take(char byte) {
  if (byte == kSwitchKey) {
    if (++state.switch_keys == kSwitchCount) {
      state.switch_keys = 0;
      state.for_socle = !state.for_socle;
      return Action::kSwitched;
    }
  } else {
    state.switch_keys = 0;
  }
  if (state.for_socle) return byte == kSwitchKey ? Action::kNone : Action::kKey;
  state.input.push(byte);  // a full ring drops what nobody reads
  return Action::kGuestInput;
}

struct Received {
  Action action = Action::kNone;
  char byte = 0;
};

Received receive() {
  const EmergencyGuard guard(lock, state.is_emergency);
  const int byte = state.driver->get(state.registers);
  if (byte < 0) return {};
  return {take(static_cast<char>(byte)), static_cast<char>(byte)};
}

bool is_for_socle() {
  const EmergencyGuard guard(lock, state.is_emergency);
  return state.for_socle;
}

}  // namespace

void open(const UartDriver& driver, const port::MmioRegion& registers, std::uint32_t baud,
          std::uint32_t clock_hz) {
  const EmergencyGuard guard(lock, state.is_emergency);
  driver.initialise(registers, baud, clock_hz);
  state.registers = registers;
  state.driver = &driver;
  state.fallback = nullptr;
}

void open_fallback(void (*write)(std::string_view text)) {
  const EmergencyGuard guard(lock, state.is_emergency);
  state.fallback = write;
}

bool is_open() {
  const EmergencyGuard guard(lock, state.is_emergency);
  return state.driver != nullptr || state.fallback != nullptr;
}

void write_line(std::string_view line) {
  const EmergencyGuard guard(lock, state.is_emergency);
  // A guest's unfinished line stays whole; ours starts on a new one.
  if (state.is_mid_line) put_text("\n");
  put_text("(SOCLE) ");
  put_text(line);
  put_text("\n");
  state.is_mid_line = false;
  start_sending();
}

void write_guest(std::span<const char> text) {
  if (text.empty()) return;
  const EmergencyGuard guard(lock, state.is_emergency);
  put_text(std::string_view(text.data(), text.size()));
  state.is_mid_line = text.back() != '\n';
  start_sending();
}

std::size_t read_guest(std::span<char> out) {
  const EmergencyGuard guard(lock, state.is_emergency);
  std::size_t count = 0;
  for (; count < out.size() && !state.input.empty(); ++count) {
    out[count] = state.input.front();
    state.input.pop();
  }
  return count;
}

void set_input_listener(void (*listener)()) {
  const EmergencyGuard guard(lock, state.is_emergency);
  state.listener = listener;
}

void attach_interrupt() {
  const EmergencyGuard guard(lock, state.is_emergency);
  if (state.driver == nullptr) return;
  state.has_interrupt = true;
  state.driver->set_interrupts(state.registers, true, false);
}

void handle_interrupt(IntId) {
  if (state.driver == nullptr) return;
  state.driver->acknowledge(state.registers);
  // Bounded: a port that receives without end is left to the next interrupt, which stays asserted.
  bool has_guest_input = false;
  for (unsigned i = 0; i < 256; ++i) {
    const Received received = receive();
    if (received.action == Action::kSwitched) {
      log_info("keyboard goes to {}", is_for_socle() ? "Socle; h for help" : "the hardware domain");
    } else if (received.action == Action::kKey) {
      press(received.byte);
    } else if (received.action == Action::kGuestInput) {
      has_guest_input = true;
    } else if (received.byte == 0) {
      break;
    }
  }
  {
    const EmergencyGuard guard(lock, state.is_emergency);
    start_sending();
  }
  if (has_guest_input && state.listener != nullptr) state.listener();
}

bool register_key(char key, std::string_view what, void (*function)()) {
  const EmergencyGuard guard(lock, state.is_emergency);
  for (Key& known : state.keys.span()) {
    if (known.key == key) {
      known = {key, what, function};
      return true;
    }
  }
  return state.keys.push_back({key, what, function}).has_value();
}

void set_synchronous(bool synchronous) {
  const EmergencyGuard guard(lock, state.is_emergency);
  state.is_synchronous = synchronous;
  if (state.driver != nullptr) flush();
}

void enter_emergency() {
  state.is_emergency = true;
  if (state.driver != nullptr) flush();
}

void drain() {
  const EmergencyGuard guard(lock, state.is_emergency);
  if (state.driver == nullptr) return;
  flush();
  for (unsigned poll = 0; poll < kPolls && !state.driver->is_drained(state.registers); ++poll) {
  }
}

}  // namespace socle::console
