// SPDX-License-Identifier: Apache-2.0
#include "drivers/pl011.h"

#include <map>
#include <string>
#include <string_view>

#include "base/test.h"
#include "sim/register_model.h"

namespace socle {
namespace {

constexpr Pa kBase(0x900'0000);

// The registers as DDI 0183 describes them, as far as the driver may touch them.
class Model : public sim::RegisterModel {
 public:
  Model() : RegisterModel(PaRange(kBase, kBase + 0x1000)) {}

  std::uint64_t read(std::uint64_t offset, unsigned) override {
    if (offset == 0x00) {
      const std::uint64_t byte = static_cast<unsigned char>(received.at(0));
      received.erase(0, 1);
      return byte | errors;
    }
    if (offset == 0x18) {
      const bool busy = busy_polls != 0;
      if (busy) --busy_polls;
      return (received.empty() ? 1u << 4 : 0) | (room == 0 ? 1u << 5 : 0) | (busy ? 1u << 3 : 0);
    }
    return registers[offset];
  }
  void write(std::uint64_t offset, unsigned, std::uint64_t value) override {
    // A line control write while the port is enabled is what 3.3.7 forbids.
    if (offset == 0x2c) line_control_while_enabled |= (registers[0x30] & 1) != 0;
    if (offset == 0x00) {
      EXPECT_NE(room, 0u);
      --room;
      sent.push_back(static_cast<char>(value));
    }
    registers[offset] = value;
  }

  std::map<std::uint64_t, std::uint64_t> registers;
  std::string sent;
  std::string received;
  std::uint64_t errors = 0;
  unsigned room = 16;
  unsigned busy_polls = 0;
  bool line_control_while_enabled = false;
};

port::MmioRegion region() {
  return port::MmioRegion(kBase.value(), 0x1000);
}

TEST(Pl011, IsEnabledWithFifosAndMaskedInterrupts) {
  Model model;
  model.registers[0x38] = 0x7ff;
  kPl011Driver.initialise(region(), 0, 0);
  EXPECT_EQ(model.registers[0x30], 0x301u);
  EXPECT_EQ(model.registers[0x2c], 0x70u);
  EXPECT_EQ(model.registers[0x38], 0u);
  EXPECT_FALSE(model.line_control_while_enabled);
}

TEST(Pl011, WaitsForTheLastCharacterAndKeepsFlowControl) {
  Model model;
  model.registers[0x30] = 0xc301;
  model.busy_polls = 5;
  kPl011Driver.initialise(region(), 0, 0);
  EXPECT_EQ(model.busy_polls, 0u);
  EXPECT_EQ(model.registers[0x30], 0xc301u);
  EXPECT_FALSE(model.line_control_while_enabled);
}

TEST(Pl011, SetsTheSpeedOnlyWhenTheClockIsKnown) {
  Model model;
  kPl011Driver.initialise(region(), 115200, 0);
  EXPECT_FALSE(model.registers.contains(0x24));
  kPl011Driver.initialise(region(), 115200, 24'000'000);
  EXPECT_EQ(model.registers[0x24], 13u);  // 24 MHz / (16 * 115200) = 13.02
  EXPECT_EQ(model.registers[0x28], 1u);
}

TEST(Pl011, SendsUntilTheFifoIsFull) {
  Model model;
  model.room = 2;
  EXPECT_TRUE(kPl011Driver.put(region(), 'a'));
  EXPECT_TRUE(kPl011Driver.put(region(), 'b'));
  EXPECT_FALSE(kPl011Driver.put(region(), 'c'));
  EXPECT_EQ(model.sent, "ab");
}

TEST(Pl011, DropsCharactersThatCameWithErrors) {
  Model model;
  model.received = "x";
  model.errors = 1u << 8;
  EXPECT_EQ(kPl011Driver.get(region()), -1);
  model.received = "y";
  model.errors = 0;
  EXPECT_EQ(kPl011Driver.get(region()), 'y');
  EXPECT_EQ(kPl011Driver.get(region()), -1);
}

TEST(Pl011, TheInterruptOfUnreadBytesIsNotAcknowledgedAway) {
  Model model;
  kPl011Driver.acknowledge(region());
  EXPECT_EQ(model.registers[0x44] & 0x50, 0u);
  kSbsaUartDriver.acknowledge(region());
  EXPECT_EQ(model.registers[0x44] & 0x50, 0u);
}

TEST(Pl011, TheServerSubsetIsNeitherConfiguredNorEnabled) {
  Model model;
  kSbsaUartDriver.initialise(region(), 115200, 24'000'000);
  EXPECT_FALSE(model.registers.contains(0x24));
  EXPECT_FALSE(model.registers.contains(0x2c));
  EXPECT_FALSE(model.registers.contains(0x30));
}

TEST(UartDrivers, AreFoundByAnyCompatibleStringOfANode) {
  EXPECT_EQ(find_uart_driver(std::string_view("arm,pl011\0arm,primecell\0", 24)), &kPl011Driver);
  EXPECT_EQ(find_uart_driver(std::string_view("vendor,uart\0arm,sbsa-uart\0", 26)),
            &kSbsaUartDriver);
  EXPECT_EQ(find_uart_driver(std::string_view("arm,pl0\0", 8)), nullptr);
  EXPECT_EQ(find_uart_driver("arm,pl011"), &kPl011Driver);
  EXPECT_EQ(find_uart_driver(""), nullptr);
}

}  // namespace
}  // namespace socle
