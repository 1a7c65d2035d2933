// SPDX-License-Identifier: Apache-2.0
#pragma once

// Loads and stores of entries of translation tables: memory that hardware walkers read at any time.
// Single-copy atomic, exactly one access each, no ordering: order is made with port/barrier.h. On
// the host sim/ sees each store and checks that it is one that a live table may take (Arm ARM DDI
// 0487, D8.16.1 "Using break-before-make").

#include <cstdint>

namespace socle::port {

std::uint64_t read_entry(const std::uint64_t& entry);
void write_entry(std::uint64_t& entry, std::uint64_t value);

}  // namespace socle::port

#include "port_impl/translation_entry.h"
