// SPDX-License-Identifier: Apache-2.0
#include "drivers/cadence.h"

#include "platform/uarts.h"

namespace socle {
namespace {

using port::MmioRegion;

constexpr std::uint64_t kControl = 0x00;
constexpr std::uint64_t kMode = 0x04;
constexpr std::uint64_t kInterruptEnable = 0x08;
constexpr std::uint64_t kInterruptDisable = 0x0c;
constexpr std::uint64_t kInterruptStatus = 0x14;  // latched; a 1 clears
constexpr std::uint64_t kBaudGenerator = 0x18;
constexpr std::uint64_t kReceiveTimeout = 0x1c;
constexpr std::uint64_t kReceiveTrigger = 0x20;
constexpr std::uint64_t kStatus = 0x2c;
constexpr std::uint64_t kFifo = 0x30;
constexpr std::uint64_t kBaudDivider = 0x34;

constexpr std::uint32_t kControlResetReceiver = 1u << 0;
constexpr std::uint32_t kControlResetTransmitter = 1u << 1;
constexpr std::uint32_t kControlReceive = 1u << 2;
constexpr std::uint32_t kControlNoReceive = 1u << 3;
constexpr std::uint32_t kControlTransmit = 1u << 4;
constexpr std::uint32_t kControlNoTransmit = 1u << 5;
constexpr std::uint32_t kControlResets = kControlResetReceiver | kControlResetTransmitter;

constexpr std::uint32_t kModeEightBitsNoParity = 4u << 3;

constexpr std::uint32_t kStatusReceiveEmpty = 1u << 1;
constexpr std::uint32_t kStatusTransmitEmpty = 1u << 3;
constexpr std::uint32_t kStatusTransmitFull = 1u << 4;
constexpr std::uint32_t kStatusTransmitActive = 1u << 11;

constexpr std::uint32_t kInterruptReceiveTrigger = 1u << 0;
constexpr std::uint32_t kInterruptTransmitEmpty = 1u << 3;
constexpr std::uint32_t kInterruptOverrun = 1u << 5;
constexpr std::uint32_t kInterruptFraming = 1u << 6;
constexpr std::uint32_t kInterruptParity = 1u << 7;
constexpr std::uint32_t kAllInterrupts = 0x3fff;

// A port that hangs must not hang Socle.
constexpr unsigned kPatience = 1u << 20;

bool is_drained(const MmioRegion& registers) {
  const std::uint32_t status = registers.read32(kStatus);
  return (status & kStatusTransmitEmpty) != 0 && (status & kStatusTransmitActive) == 0;
}

// Speed is clock / (generator * (divider + 1)); the divider is 4 to 255. The one that comes
// closest.
void set_speed(const MmioRegion& registers, std::uint32_t baud, std::uint32_t clock_hz) {
  std::uint32_t best_error = ~0u;
  std::uint32_t best_generator = 0;
  std::uint32_t best_divider = 0;
  for (std::uint32_t divider = 4; divider < 256; ++divider) {
    const std::uint64_t step = std::uint64_t{baud} * (divider + 1);
    const std::uint64_t generator = (clock_hz + step / 2) / step;
    if (generator == 0 || generator > 0xffff) continue;
    const auto actual = static_cast<std::uint32_t>(clock_hz / (generator * (divider + 1)));
    const std::uint32_t error = actual > baud ? actual - baud : baud - actual;
    if (error >= best_error) continue;
    best_error = error;
    best_generator = static_cast<std::uint32_t>(generator);
    best_divider = divider;
  }
  if (best_generator == 0 || best_error > baud / 20) return;
  registers.write32(kBaudGenerator, best_generator);
  registers.write32(kBaudDivider, best_divider);
  registers.write32(kMode, kModeEightBitsNoParity);
}

void initialise(const MmioRegion& registers, std::uint32_t baud, std::uint32_t clock_hz) {
  registers.write32(kInterruptDisable, kAllInterrupts);
  if ((registers.read32(kControl) & kControlTransmit) != 0) {
    for (unsigned i = 0; i < kPatience && !is_drained(registers); ++i) {
    }
  }
  registers.write32(kControl, kControlNoReceive | kControlNoTransmit);
  if (baud != 0 && clock_hz != 0) set_speed(registers, baud, clock_hz);
  registers.write32(kControl, kControlResets | kControlNoReceive | kControlNoTransmit);
  for (unsigned i = 0; i < kPatience && (registers.read32(kControl) & kControlResets) != 0; ++i) {
  }
  registers.write32(kReceiveTimeout, 0);
  registers.write32(kReceiveTrigger, 1);  // interrupt at the first byte
  registers.write32(kInterruptStatus, kAllInterrupts);
  registers.write32(kControl, kControlReceive | kControlTransmit);
}

bool put(const MmioRegion& registers, std::uint8_t byte) {
  if ((registers.read32(kStatus) & kStatusTransmitFull) != 0) return false;
  registers.write32(kFifo, byte);
  return true;
}

bool has_byte(const MmioRegion& registers) {
  return (registers.read32(kStatus) & kStatusReceiveEmpty) == 0;
}

int get(const MmioRegion& registers) {
  constexpr std::uint32_t kErrors = kInterruptFraming | kInterruptParity;
  for (;;) {
    if (!has_byte(registers)) {
      // The trigger is latched. Once it is cleared, a byte that came meanwhile must be seen here:
      // it may not raise it again.
      registers.write32(kInterruptStatus, kInterruptReceiveTrigger | kInterruptOverrun);
      if (!has_byte(registers)) return -1;
    }
    const std::uint32_t errors = registers.read32(kInterruptStatus) & kErrors;
    const std::uint32_t byte = registers.read32(kFifo) & 0xff;
    if (errors == 0) return static_cast<int>(byte);
    registers.write32(kInterruptStatus, errors);
  }
}

// The transmit interrupt is that of an empty FIFO.
void set_interrupts(const MmioRegion& registers, bool receive, bool transmit) {
  const std::uint32_t wanted =
      (receive ? kInterruptReceiveTrigger : 0) | (transmit ? kInterruptTransmitEmpty : 0);
  registers.write32(kInterruptDisable, kAllInterrupts & ~wanted);
  registers.write32(kInterruptEnable, wanted);
}

// Not the receive trigger: get() clears it when all is read.
void acknowledge(const MmioRegion& registers) {
  registers.write32(kInterruptStatus, kInterruptTransmitEmpty);
}

static_assert(platform::kCadenceUart.register_bytes == kBaudDivider + 4);

}  // namespace

constinit const UartDriver kCadenceUartDriver{
    .name = "Cadence UART",
    .compatible = platform::kCadenceUart.compatibles,
    .register_bytes = platform::kCadenceUart.register_bytes,
    .initialise = initialise,
    .put = put,
    .is_drained = is_drained,
    .get = get,
    .set_interrupts = set_interrupts,
    .acknowledge = acknowledge,
};

}  // namespace socle
