// SPDX-License-Identifier: Apache-2.0
#pragma once

// Calls to the firmware below us by SMC, after the SMC calling convention. Any CPU, any lock; the
// call takes as long as firmware likes. On the host: a function that a test sets; unset, everything
// is unknown. Source: Arm DEN0028 (SMCCC 1.1 and later; x4-x17 are kept).

#include <cstdint>

namespace socle::port {

struct FirmwareResult {
  std::uint64_t x0 = 0;
  std::uint64_t x1 = 0;
  std::uint64_t x2 = 0;
  std::uint64_t x3 = 0;
};

FirmwareResult firmware_call(std::uint64_t function, std::uint64_t a1 = 0, std::uint64_t a2 = 0,
                             std::uint64_t a3 = 0);

}  // namespace socle::port

#include "port_impl/firmware.h"
