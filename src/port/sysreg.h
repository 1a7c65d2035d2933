// SPDX-License-Identifier: Apache-2.0
#pragma once

// System registers of this CPU, named by the types of hw/sysreg.h. One instruction each; what a
// write needs to take effect (ISB) is the caller's business. On the host: a map of values, per
// thread, that starts empty (every register 0).
//
//   const std::uint64_t value = port::read_register<hw::FAR_EL2>();
//   port::write_register<hw::VBAR_EL1>(value);

#include <cstdint>

#include "hw/sysreg.h"

namespace socle::port {

template <typename Register>
std::uint64_t read_register();

template <typename Register>
void write_register(std::uint64_t value);

}  // namespace socle::port

#include "port_impl/sysreg.h"
