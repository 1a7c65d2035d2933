// SPDX-License-Identifier: Apache-2.0
#include "drivers/cadence.h"
#include "drivers/pl011.h"
#include "drivers/uart.h"

namespace socle {
namespace {

// Every serial port that Socle can use as its console.
constinit const UartDriver* const kDrivers[] = {&kPl011Driver, &kSbsaUartDriver,
                                                &kCadenceUartDriver};

}  // namespace

const UartDriver* find_uart_driver(std::string_view compatible) {
  while (!compatible.empty()) {
    const std::string_view one = compatible.substr(0, compatible.find('\0'));
    for (const UartDriver* driver : kDrivers) {
      for (const std::string_view known : driver->compatible) {
        if (known == one) return driver;
      }
    }
    compatible.remove_prefix(one.size() < compatible.size() ? one.size() + 1 : one.size());
  }
  return nullptr;
}

}  // namespace socle
