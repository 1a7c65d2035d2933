// SPDX-License-Identifier: Apache-2.0
#include "hwdom/crc32.h"

#include <string_view>

#include "base/test.h"

namespace socle::hwdom {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(Crc32, TheCheckValueOfTheCatalogueComesOut) {
  EXPECT_EQ(crc32_of(0, bytes_of("123456789")), 0xcbf4'3926u);
}

TEST(Crc32, NothingHasTheChecksumZero) {
  EXPECT_EQ(crc32_of(0, {}), 0u);
}

TEST(Crc32, ItGoesOnWhereItStopped) {
  const std::string_view text = "a checksum may be taken in parts";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const std::uint32_t first = crc32_of(0, bytes_of(text.substr(0, i)));
    EXPECT_EQ(crc32_of(first, bytes_of(text.substr(i))), crc32_of(0, bytes_of(text)));
  }
}

}  // namespace
}  // namespace socle::hwdom
