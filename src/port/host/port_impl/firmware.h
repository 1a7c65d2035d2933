// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace socle::port {

using HostFirmware = FirmwareResult (*)(std::uint64_t function, std::uint64_t a1, std::uint64_t a2,
                                        std::uint64_t a3);
inline HostFirmware host_firmware = nullptr;

inline FirmwareResult firmware_call(std::uint64_t function, std::uint64_t a1, std::uint64_t a2,
                                    std::uint64_t a3) {
  if (host_firmware != nullptr) return host_firmware(function, a1, a2, a3);
  return FirmwareResult{~std::uint64_t{0}, 0, 0, 0};
}

}  // namespace socle::port
