// SPDX-License-Identifier: Apache-2.0
#pragma once

// Serial ports that Socle has a driver for (drivers/uart_drivers.cc): what trees call them, and the
// bytes of registers that the driver touches. Here, because a plan has to know of them where no
// driver can be.

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace socle::platform {

struct KnownUart {
  std::span<const std::string_view> compatibles;
  std::uint64_t register_bytes = 0;
};

inline constexpr std::string_view kPl011Names[] = {"arm,pl011"};
inline constexpr std::string_view kSbsaUartNames[] = {"arm,sbsa-uart"};
inline constexpr std::string_view kCadenceUartNames[] = {"cdns,uart-r1p12", "cdns,uart-r1p8",
                                                         "xlnx,xuartps", "xlnx,zynqmp-uart"};
inline constexpr KnownUart kPl011{kPl011Names, 0x48};
inline constexpr KnownUart kSbsaUart{kSbsaUartNames, 0x48};
inline constexpr KnownUart kCadenceUart{kCadenceUartNames, 0x38};
inline constexpr std::array<KnownUart, 3> kKnownUarts = {kPl011, kSbsaUart, kCadenceUart};

}  // namespace socle::platform
