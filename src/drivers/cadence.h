// SPDX-License-Identifier: Apache-2.0
#pragma once

// Cadence UART, as in AMD's Zynq (UG585, chapter 19 and appendix B.33) and Zynq UltraScale+
// (UG1085, chapter 21; registers in UG1087).

#include "drivers/uart.h"

namespace socle {

extern const UartDriver kCadenceUartDriver;

}  // namespace socle
