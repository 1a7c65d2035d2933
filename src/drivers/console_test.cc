// SPDX-License-Identifier: Apache-2.0
#include "drivers/console.h"

#include <string>
#include <string_view>

#include "base/test.h"

namespace socle::console {
namespace {

// A serial port made of strings.
struct Port {
  std::string sent;
  std::string received;
  std::size_t room = std::string::npos;
  bool receive = false;
  bool transmit = false;
};
Port wire;

constexpr UartDriver kDriver{
    .name = "test",
    .compatible = {},
    .register_bytes = 0,
    .initialise = [](const port::MmioRegion&, std::uint32_t, std::uint32_t) {},
    .put =
        [](const port::MmioRegion&, std::uint8_t byte) {
          if (wire.room == 0) return false;
          --wire.room;
          wire.sent.push_back(static_cast<char>(byte));
          return true;
        },
    .is_drained = [](const port::MmioRegion&) { return true; },
    .get =
        [](const port::MmioRegion&) {
          if (wire.received.empty()) return -1;
          const int byte = static_cast<unsigned char>(wire.received.front());
          wire.received.erase(0, 1);
          return byte;
        },
    .set_interrupts =
        [](const port::MmioRegion&, bool receive, bool transmit) {
          wire.receive = receive;
          wire.transmit = transmit;
        },
    .acknowledge = [](const port::MmioRegion&) {},
};

void start() {
  wire = Port{};
  open(kDriver, port::MmioRegion(), 0, 0);
  set_synchronous(false);
}
void type(std::string_view keys) {
  wire.received.append(keys);
  handle_interrupt(IntId(33));
}
std::string guest_input() {
  char buffer[64];
  return std::string(buffer, read_guest(buffer));
}
void write(std::string_view text) {
  write_guest(std::span(text.data(), text.size()));
}

constexpr std::string_view kSwitch = "\x01\x01\x01";
int pressed = 0;
int listened = 0;

TEST(Console, ALineOfSoclesDoesNotBeginInsideAGuestsLine) {
  start();
  write("login: ");
  write_line("hello");
  write("again\n");
  write_line("there");
  EXPECT_EQ(wire.sent, "login: \r\n(SOCLE) hello\r\nagain\r\n(SOCLE) there\r\n");
}

TEST(Console, InputGoesToTheGuestAndItsListenerIsCalled) {
  start();
  attach_interrupt();
  EXPECT_TRUE(wire.receive);
  set_input_listener([] { ++listened; });
  listened = 0;
  type("ls\r");
  EXPECT_EQ(listened, 1);
  EXPECT_EQ(guest_input(), "ls\r");
  EXPECT_EQ(guest_input(), "");
  set_input_listener(nullptr);
}

TEST(Console, ThreeTimesCtrlASwitchesAndSwitchesBack) {
  start();
  attach_interrupt();
  EXPECT_TRUE(register_key('t', "test", [] { ++pressed; }));
  pressed = 0;
  static_cast<void>(guest_input());
  type(kSwitch);
  static_cast<void>(guest_input());  // the keys on the way there were the guest's
  type("tt");
  EXPECT_EQ(pressed, 2);
  EXPECT_EQ(guest_input(), "");
  type(kSwitch);
  type("t");
  EXPECT_EQ(pressed, 2);
  EXPECT_EQ(guest_input(), "t");
}

TEST(Console, TwoTimesCtrlAIsTheGuests) {
  start();
  attach_interrupt();
  type("\x01\x01z");
  EXPECT_EQ(guest_input(), "\x01\x01z");
}

TEST(Console, WhatThePortDoesNotTakeIsSentByTheInterrupt) {
  start();
  attach_interrupt();
  wire.room = 3;
  write("abcdef");
  EXPECT_EQ(wire.sent, "abc");
  EXPECT_TRUE(wire.transmit);
  wire.room = 100;
  handle_interrupt(IntId(33));
  EXPECT_EQ(wire.sent, "abcdef");
  EXPECT_FALSE(wire.transmit);
}

TEST(Console, AFullInputBufferDropsAndNeverBlocks) {
  start();
  attach_interrupt();
  for (int i = 0; i < 100; ++i)
    type(std::string(100, 'x'));
  std::size_t total = 0;
  for (std::string piece = guest_input(); !piece.empty(); piece = guest_input())
    total += piece.size();
  EXPECT_EQ(total, 4096u);
}

TEST(Console, APortThatNeverTakesAnythingDoesNotHangTheMachine) {
  start();
  set_synchronous(true);
  wire.room = 0;
  write_line("lost");
  EXPECT_EQ(wire.sent, "");
  wire.room = std::string::npos;
  write_line("seen");
  EXPECT_EQ(wire.sent, "(SOCLE) seen\r\n");
  set_synchronous(false);
}

}  // namespace
}  // namespace socle::console
