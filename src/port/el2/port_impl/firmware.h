// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

// Firmware of SMCCC 1.0 may clobber x4-x17; naming them costs nothing here.
inline FirmwareResult firmware_call(std::uint64_t function, std::uint64_t a1, std::uint64_t a2,
                                    std::uint64_t a3) {
  register std::uint64_t x0 asm("x0") = function;
  register std::uint64_t x1 asm("x1") = a1;
  register std::uint64_t x2 asm("x2") = a2;
  register std::uint64_t x3 asm("x3") = a3;
  asm volatile("smc #0"
               : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9", "x10",
                 "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
  return FirmwareResult{x0, x1, x2, x3};
}

}  // namespace socle::port
