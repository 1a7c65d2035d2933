// SPDX-License-Identifier: Apache-2.0
#pragma once

// What PSCI answers. Source: Arm DEN0022, PSCI 1.1, 5.2.2 "Return error codes".

#include <cstdint>

namespace socle::hw {

enum class PsciStatus : std::int32_t {
  kSuccess = 0,
  kNotSupported = -1,
  kInvalidParameters = -2,
  kDenied = -3,
  kAlreadyOn = -4,
  kOnPending = -5,
  kInternalFailure = -6,
  kNotPresent = -7,
  kDisabled = -8,
  kInvalidAddress = -9,
};

}  // namespace socle::hw
