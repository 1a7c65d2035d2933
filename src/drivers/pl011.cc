// SPDX-License-Identifier: Apache-2.0
#include "drivers/pl011.h"

#include "base/field.h"
#include "platform/uarts.h"

namespace socle {
namespace {

using port::MmioRegion;

constexpr std::uint64_t kData = 0x00;
constexpr std::uint64_t kFlags = 0x18;
constexpr std::uint64_t kIntegerDivisor = 0x24;
constexpr std::uint64_t kFractionalDivisor = 0x28;
constexpr std::uint64_t kLineControl = 0x2c;
constexpr std::uint64_t kControl = 0x30;
constexpr std::uint64_t kFifoLevel = 0x34;
constexpr std::uint64_t kInterruptMask = 0x38;
constexpr std::uint64_t kInterruptClear = 0x44;

constexpr std::uint32_t kDataErrors = 0xf00;  // overrun, break, parity, framing

constexpr std::uint32_t kFlagBusy = 1u << 3;
constexpr std::uint32_t kFlagReceiveEmpty = 1u << 4;
constexpr std::uint32_t kFlagTransmitFull = 1u << 5;

constexpr std::uint32_t kLineFifo = 1u << 4;
constexpr std::uint32_t kLineEightBits = 3u << 5;

constexpr std::uint32_t kControlEnable = 1u << 0;
constexpr std::uint32_t kControlTransmit = 1u << 8;
constexpr std::uint32_t kControlReceive = 1u << 9;
// Firmware's choice of modem lines and flow control: DTR, RTS, OUT1, OUT2, RTSEn, CTSEn.
constexpr std::uint32_t kControlKept = 0xfc00;

constexpr std::uint32_t kInterruptReceive = 1u << 4;
constexpr std::uint32_t kInterruptTransmit = 1u << 5;
constexpr std::uint32_t kInterruptReceiveTimeout = 1u << 6;
constexpr std::uint32_t kInterruptOverrun = 1u << 10;
constexpr std::uint32_t kAllInterrupts = 0x7ff;

// A port that hangs must not hang Socle: 2^20 polls are more than any FIFO needs.
void wait_until_idle(const MmioRegion& registers) {
  for (unsigned i = 0; i < 1u << 20; ++i) {
    if ((registers.read32(kFlags) & kFlagBusy) == 0) return;
  }
}

// Divisor in 1/64: clock / (16 * baud).
void set_speed(const MmioRegion& registers, std::uint32_t baud, std::uint32_t clock_hz) {
  const std::uint64_t divisor = (std::uint64_t{clock_hz} * 4 + baud / 2) / baud;
  if (divisor < 64 || divisor >> 6 > 0xffff) return;
  registers.write32(kIntegerDivisor, static_cast<std::uint32_t>(divisor >> 6));
  registers.write32(kFractionalDivisor, static_cast<std::uint32_t>(divisor & 0x3f));
}

// DDI 0183, 3.3.8: disable, wait for the last character, then line control (whose write also takes
// over the divisor), then enable.
void initialise_pl011(const MmioRegion& registers, std::uint32_t baud, std::uint32_t clock_hz) {
  registers.write32(kInterruptMask, 0);
  const std::uint32_t control = registers.read32(kControl);
  if ((control & kControlEnable) != 0) wait_until_idle(registers);
  registers.write32(kControl, control & kControlKept);
  if (baud != 0 && clock_hz != 0) set_speed(registers, baud, clock_hz);
  registers.write32(kLineControl, kLineEightBits | kLineFifo);
  registers.write32(kFifoLevel, 0);  // interrupt at 1/8: as early as possible
  registers.write32(kInterruptClear, kAllInterrupts);
  registers.write32(kControl,
                    (control & kControlKept) | kControlEnable | kControlTransmit | kControlReceive);
}

void initialise_sbsa(const MmioRegion& registers, std::uint32_t, std::uint32_t) {
  registers.write32(kInterruptMask, 0);
  registers.write32(kInterruptClear, kAllInterrupts);
}

bool put(const MmioRegion& registers, std::uint8_t byte) {
  if ((registers.read32(kFlags) & kFlagTransmitFull) != 0) return false;
  registers.write32(kData, byte);
  return true;
}

bool is_drained(const MmioRegion& registers) {
  return (registers.read32(kFlags) & kFlagBusy) == 0;
}

int get(const MmioRegion& registers) {
  while ((registers.read32(kFlags) & kFlagReceiveEmpty) == 0) {
    const std::uint32_t data = registers.read32(kData);
    if ((data & kDataErrors) == 0) return static_cast<int>(data & 0xff);
    registers.write32(kInterruptClear, kInterruptOverrun);
  }
  return -1;
}

void set_interrupts(const MmioRegion& registers, bool receive, bool transmit) {
  registers.write32(kInterruptMask, (receive ? kInterruptReceive | kInterruptReceiveTimeout : 0) |
                                        (transmit ? kInterruptTransmit : 0));
}

// Not the receive interrupts: reading the FIFO empty takes them back, and one that is cleared while
// bytes are left is not raised again until that many more have come (DDI 0183, 2.4).
void acknowledge(const MmioRegion& registers) {
  registers.write32(kInterruptClear, kInterruptTransmit);
}

static_assert(platform::kPl011.register_bytes == kInterruptClear + 4);
static_assert(platform::kSbsaUart.register_bytes == kInterruptClear + 4);

constexpr UartDriver kFullDriver{
    .name = "PL011",
    .compatible = platform::kPl011.compatibles,
    .register_bytes = platform::kPl011.register_bytes,
    .initialise = initialise_pl011,
    .put = put,
    .is_drained = is_drained,
    .get = get,
    .set_interrupts = set_interrupts,
    .acknowledge = acknowledge,
};
// The same registers, of which the line is set up by somebody else.
constexpr UartDriver kSbsaDriver = [] {
  UartDriver driver = kFullDriver;
  driver.name = "SBSA UART";
  driver.compatible = platform::kSbsaUart.compatibles;
  driver.initialise = initialise_sbsa;
  return driver;
}();

}  // namespace

constinit const UartDriver kPl011Driver = kFullDriver;
constinit const UartDriver kSbsaUartDriver = kSbsaDriver;

}  // namespace socle
