// SPDX-License-Identifier: Apache-2.0
#pragma once

// The checksum of gzip files. Pure. Source: RFC 1952, section 8.

#include <cstddef>
#include <cstdint>
#include <span>

namespace socle::hwdom {

// Of `bytes` behind others whose checksum is `before`; 0 for none.
std::uint32_t crc32_of(std::uint32_t before, std::span<const std::byte> bytes);

}  // namespace socle::hwdom
