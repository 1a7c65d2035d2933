// SPDX-License-Identifier: Apache-2.0
#include "hwdom/kernel_image.h"

#include <array>
#include <cstring>

#include "base/test.h"

namespace socle::hwdom {
namespace {

struct Header {
  std::array<std::byte, kKernelHeaderBytes> bytes{};
  template <typename T>
  Header& put(std::size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return *this;
  }
};

Header image() {
  Header header;
  header.put<std::uint64_t>(16, 0x200'0000).put<std::uint64_t>(24, 0xa);
  header.put<std::uint32_t>(56, 0x644d'5241);
  return header;
}

struct Case {
  std::array<std::byte, 4096> memory{};
  fw::Arena arena{memory};
  fw::Diagnostics notes{arena};
  Result<KernelIdentity> identify(const Header& header, std::uint64_t size) {
    return identify_kernel(header.bytes, size, notes);
  }
};

TEST(KernelImage, AnImageIsTakenByItsHeader) {
  Case test;
  const auto found = test.identify(image().put<std::uint64_t>(8, 0x8'0000), 0x100'0000);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->format == KernelFormat::kImage);
  EXPECT_EQ(found->image.text_offset, 0x8'0000u);
  EXPECT_EQ(found->image.memory_size, 0x200'0000u);
  EXPECT_EQ(found->image.file_size, 0x100'0000u);
  EXPECT_TRUE(found->image.runs_anywhere);
}

TEST(KernelImage, AFileLongerThanItsImageStillGetsRoom) {
  Case test;
  const auto found = test.identify(image(), 0x300'0000);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->image.memory_size, 0x300'0000u);
}

TEST(KernelImage, AHeaderThatCannotBeTrueIsRefusedWithItsField) {
  Case test;
  EXPECT_FALSE(test.identify(image().put<std::uint64_t>(24, 0xb), 0x1000).has_value());
  EXPECT_TRUE(test.notes.mentions("big-endian"));
  EXPECT_FALSE(test.identify(image().put<std::uint64_t>(16, 0), 0x1000).has_value());
  EXPECT_TRUE(test.notes.mentions("no image_size"));
  EXPECT_FALSE(test.identify(image().put<std::uint64_t>(8, ~0ull), 0x1000).has_value());
  EXPECT_TRUE(test.notes.mentions("text_offset"));
  EXPECT_FALSE(test.identify(image().put<std::uint64_t>(16, ~0ull), 0x1000).has_value());
  EXPECT_TRUE(test.notes.mentions("image_size 0xffffffffffffffff"));
}

TEST(KernelImage, GzipIsRecognised) {
  Case test;
  Header header;
  header.put<std::uint16_t>(0, 0x8b1f);
  const auto found = test.identify(header, 500);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->format == KernelFormat::kGzip);
  EXPECT_EQ(found->payload_size, 500u);
}

TEST(KernelImage, AZbootPayloadMustLieInItsFile) {
  Case test;
  Header header;
  header.put<std::uint32_t>(4, 0x676d'697a).put<std::uint32_t>(8, 0x1000);
  header.put<std::uint32_t>(12, 0x2000).put<std::uint64_t>(24, 0x7069'7a67);  // "gzip"
  const auto found = test.identify(header, 0x3000);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->payload_offset, 0x1000u);
  EXPECT_EQ(found->payload_size, 0x2000u);
  EXPECT_FALSE(test.identify(header, 0x2fff).has_value());
  header.put<std::uint64_t>(24, 0x6474'737a);  // "zstd"
  EXPECT_FALSE(test.identify(header, 0x3000).has_value());
  EXPECT_TRUE(test.notes.mentions("other means than gzip"));
}

TEST(KernelImage, WhatIsNoKernelIsNamed) {
  Case test;
  EXPECT_FALSE(test.identify(Header{}, 0x1000).has_value());
  EXPECT_TRUE(test.notes.mentions("neither an arm64 Image nor gzip"));
  const std::array<std::byte, 3> tiny{};
  EXPECT_FALSE(identify_kernel(tiny, 3, test.notes).has_value());
  EXPECT_TRUE(test.notes.mentions("3 bytes are too few"));
}

}  // namespace
}  // namespace socle::hwdom
