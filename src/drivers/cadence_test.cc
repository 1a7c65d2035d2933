// SPDX-License-Identifier: Apache-2.0
#include "drivers/cadence.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/test.h"
#include "sim/register_model.h"

namespace socle {
namespace {

constexpr Pa kBase(0xff00'0000);

// The registers as UG1087 describes them, as far as the driver may touch them. The trigger of the
// receiver is latched when a byte comes into an empty FIFO, and only then.
class Model : public sim::RegisterModel {
 public:
  Model() : RegisterModel(PaRange(kBase, kBase + 0x1000)) {}

  std::uint64_t read(std::uint64_t offset, unsigned) override {
    switch (offset) {
      case 0x00:
        if (resets_left != 0) --resets_left;
        return resets_left != 0 ? control | 3 : control & ~std::uint64_t{3};
      case 0x14:
        return latched;
      case 0x2c:
        if (late_after != 0) --late_after;
        if (late_after == 0) receive(std::exchange(late, ""));
        return status();
      case 0x30: {
        const std::uint64_t byte = static_cast<unsigned char>(received.at(0));
        received.erase(0, 1);
        return byte;
      }
      default:
        return registers[offset];
    }
  }
  void write(std::uint64_t offset, unsigned, std::uint64_t value) override {
    if (offset == 0x00) {
      if ((value & 3) != 0) resets_left = 3;
      control = value;
    } else if (offset == 0x08) {
      mask |= value;
    } else if (offset == 0x0c) {
      mask &= ~value;
    } else if (offset == 0x14) {
      latched &= ~value;
    } else if (offset == 0x30) {
      EXPECT_NE(room, 0u);
      EXPECT_EQ(control & 0x30, 0x10u);
      --room;
      sent.push_back(static_cast<char>(value));
    } else {
      // The divisors may change only while both directions are off.
      if (offset == 0x18 || offset == 0x34) {
        EXPECT_EQ(control & 0x3c, 0x28u);
      }
      registers[offset] = value;
    }
  }

  void receive(std::string_view bytes) {
    if (received.empty() && !bytes.empty()) latched |= 1;
    received += bytes;
  }
  std::uint64_t status() {
    const bool is_empty = busy_polls == 0;
    if (!is_empty) --busy_polls;
    return (received.empty() ? 2u : 0u) | (is_empty ? 8u : 0u) | (room == 0 ? 16u : 0u) |
           (is_empty ? 0u : 1u << 11);
  }

  std::map<std::uint64_t, std::uint64_t> registers;
  std::uint64_t control = 0x28;
  std::uint64_t mask = 0x3fff;
  std::uint64_t latched = 0;
  std::string sent;
  std::string received;
  std::string late;  // comes when the status has been read that often
  unsigned late_after = 0;
  unsigned room = 64;
  unsigned busy_polls = 0;
  unsigned resets_left = 0;
};

port::MmioRegion region() {
  return port::MmioRegion(kBase.value(), 0x1000);
}

TEST(Cadence, IsEnabledWithMaskedInterrupts) {
  Model model;
  model.latched = 0x1fff;
  kCadenceUartDriver.initialise(region(), 0, 0);
  EXPECT_EQ(model.control, 0x14u);
  EXPECT_EQ(model.mask, 0u);
  EXPECT_EQ(model.latched, 0u);
  EXPECT_EQ(model.registers[0x20], 1u);
  EXPECT_FALSE(model.registers.contains(0x04));
}

TEST(Cadence, WaitsForTheLastCharacterOfWhoeverWasThereBefore) {
  Model model;
  model.control = 0x14;
  model.busy_polls = 5;
  kCadenceUartDriver.initialise(region(), 0, 0);
  EXPECT_EQ(model.busy_polls, 0u);
}

TEST(Cadence, SetsTheSpeedOnlyWhenTheClockIsKnown) {
  Model model;
  kCadenceUartDriver.initialise(region(), 115200, 0);
  EXPECT_FALSE(model.registers.contains(0x18));
  kCadenceUartDriver.initialise(region(), 115200, 100'000'000);
  const std::uint64_t divisor = model.registers[0x18] * (model.registers[0x34] + 1);
  EXPECT_EQ(divisor, 868u);  // 100 MHz / 868 = 115207
  EXPECT_EQ(model.registers[0x04], 0x20u);
}

TEST(Cadence, ASpeedThatTheClockCannotMakeIsLeftAlone) {
  Model model;
  kCadenceUartDriver.initialise(region(), 4'000'000, 1'000'000);
  EXPECT_FALSE(model.registers.contains(0x18));
}

TEST(Cadence, SendsUntilTheFifoIsFull) {
  Model model;
  model.room = 2;
  model.control = 0x14;
  EXPECT_TRUE(kCadenceUartDriver.put(region(), 'a'));
  EXPECT_TRUE(kCadenceUartDriver.put(region(), 'b'));
  EXPECT_FALSE(kCadenceUartDriver.put(region(), 'c'));
  EXPECT_EQ(model.sent, "ab");
}

TEST(Cadence, TheTriggerStaysUntilAllIsRead) {
  Model model;
  model.receive("xy");
  kCadenceUartDriver.acknowledge(region());
  EXPECT_EQ(model.latched & 1, 1u);
  EXPECT_EQ(kCadenceUartDriver.get(region()), 'x');
  EXPECT_EQ(model.latched & 1, 1u);
  EXPECT_EQ(kCadenceUartDriver.get(region()), 'y');
  EXPECT_EQ(kCadenceUartDriver.get(region()), -1);
  EXPECT_EQ(model.latched & 1, 0u);
}

TEST(Cadence, AByteThatComesWhileTheTriggerIsClearedIsNotLost) {
  for (unsigned after = 1; after <= 2; ++after) {
    Model model;
    model.late = "z";
    model.late_after = after;
    EXPECT_EQ(kCadenceUartDriver.get(region()), 'z');
  }
}

TEST(Cadence, DropsCharactersThatCameWithErrors) {
  Model model;
  model.receive("xy");
  model.latched |= 1u << 6;
  EXPECT_EQ(kCadenceUartDriver.get(region()), 'y');
  EXPECT_EQ(kCadenceUartDriver.get(region()), -1);
}

TEST(Cadence, InterruptsAreSwitchedOneByOne) {
  Model model;
  kCadenceUartDriver.set_interrupts(region(), true, true);
  EXPECT_EQ(model.mask, 9u);
  kCadenceUartDriver.set_interrupts(region(), true, false);
  EXPECT_EQ(model.mask, 1u);
  kCadenceUartDriver.set_interrupts(region(), false, false);
  EXPECT_EQ(model.mask, 0u);
}

TEST(Cadence, IsFoundByTheStringsOfBothFamilies) {
  EXPECT_EQ(find_uart_driver(std::string_view("xlnx,zynqmp-uart\0cdns,uart-r1p12\0", 33)),
            &kCadenceUartDriver);
  EXPECT_EQ(find_uart_driver("xlnx,xuartps"), &kCadenceUartDriver);
}

}  // namespace
}  // namespace socle
