// SPDX-License-Identifier: Apache-2.0
#pragma once

// Arm PrimeCell UART (PL011, DDI 0183) and its subset that servers have (SBSA Generic UART, Arm
// DEN0029, appendix B): the subset has neither line control nor an enable bit nor a divisor.

#include "drivers/uart.h"

namespace socle {

extern const UartDriver kPl011Driver;
extern const UartDriver kSbsaUartDriver;

}  // namespace socle
