// SPDX-License-Identifier: Apache-2.0
#include "fw/efi_memory_map.h"

#include <cstring>
#include <vector>

#include "base/test.h"

namespace socle::fw {
namespace {

struct Descriptor {
  std::uint32_t type;
  std::uint64_t start;
  std::uint64_t pages;
  std::uint64_t attributes = kEfiMemoryWriteBack;
};
constexpr std::uint32_t kConventional = 7;
constexpr std::uint32_t kRuntimeData = 6;

// A map with longer descriptors than the specification's, as real firmware has.
struct Read {
  explicit Read(const std::vector<Descriptor>& descriptors, std::uint64_t stride = 48)
      : bytes(descriptors.size() * stride, std::byte{0xff}) {
    for (std::size_t i = 0; i < descriptors.size(); ++i) {
      const Descriptor& from = descriptors[i];
      std::byte* const to = bytes.data() + i * stride;
      std::memcpy(to, &from.type, 4);
      std::memcpy(to + 8, &from.start, 8);
      std::memcpy(to + 24, &from.pages, 8);
      std::memcpy(to + 32, &from.attributes, 8);
    }
    read(stride, 1);
  }
  Read(std::vector<std::byte> raw, std::uint64_t stride, std::uint32_t version)
      : bytes(std::move(raw)) {
    read(stride, version);
  }
  void read(std::uint64_t stride, std::uint32_t version) {
    map = read_efi_memory_map(
        {.bytes = bytes, .descriptor_size = stride, .descriptor_version = version}, arena, notes);
  }
  std::vector<std::byte> bytes;
  std::vector<std::byte> memory = std::vector<std::byte>(64 * kKiB);
  Arena arena{memory};
  Diagnostics notes{arena};
  Result<std::span<const EfiMemoryRange>> map = fail(Error::kNotFound);
};

using Use = EfiMemoryRange::Use;

TEST(EfiMemoryMap, IsSortedAndMerged) {
  const Read r({{kConventional, 0x5000'0000, 16},
                {kRuntimeData, 0x4800'0000, 1},
                {kConventional, 0x4fff'0000, 16}});
  ASSERT_TRUE(r.map.has_value());
  ASSERT_EQ(r.map->size(), 2u);
  EXPECT_TRUE((*r.map)[0].type == EfiMemoryType::kRuntimeServicesData);
  EXPECT_EQ((*r.map)[1].range, PaRange(Pa(0x4fff'0000), Pa(0x5001'0000)));
  EXPECT_EQ(r.notes.lines().size(), 0u);
}

TEST(EfiMemoryMap, OnlyOrdinaryCachedMemoryIsRam) {
  const auto use = [](std::uint32_t type, std::uint64_t attributes) {
    return EfiMemoryRange{
        .range = {}, .type = static_cast<EfiMemoryType>(type), .attributes = attributes}
        .use();
  };
  for (const std::uint32_t type : {1u, 2u, 3u, 4u, 7u}) {
    EXPECT_TRUE(use(type, kEfiMemoryWriteBack) == Use::kRam);
    EXPECT_TRUE(use(type, 0x7) == Use::kFirmware);
    EXPECT_TRUE(use(type, kEfiMemoryWriteBack | kEfiMemorySpecificPurpose) == Use::kFirmware);
  }
  for (const std::uint32_t type : {0u, 5u, 6u, 8u, 9u, 10u, 13u, 14u, 15u, 16u, 0x8000'0000u})
    EXPECT_TRUE(use(type, kEfiMemoryWriteBack) == Use::kFirmware);
  for (const std::uint32_t type : {11u, 12u})
    EXPECT_TRUE(use(type, kEfiMemoryWriteBack) == Use::kDevice);
}

TEST(EfiMemoryMap, DescriptorsOfAnotherKindAreRefused) {
  for (const std::uint64_t stride : {0u, 8u, 39u, 4097u, 1u << 30}) {
    const Read r(std::vector<std::byte>(96), stride, 1);
    EXPECT_EQ(r.map.error(), Error::kUnsupported);
    EXPECT_TRUE(r.notes.mentions("EFI memory map"));
  }
  const Read version(std::vector<std::byte>(96), 48, 2);
  EXPECT_EQ(version.map.error(), Error::kUnsupported);
}

TEST(EfiMemoryMap, HalfADescriptorIsRefused) {
  EXPECT_EQ(Read(std::vector<std::byte>(100), 48, 1).map.error(), Error::kCorrupt);
  EXPECT_EQ(Read(std::vector<std::byte>(), 48, 1).map.error(), Error::kCorrupt);
  EXPECT_EQ(Read(std::vector<std::byte>(kMiB + 48), 48, 1).map.error(), Error::kTooLarge);
}

TEST(EfiMemoryMap, WhatPasses64BitsIsLeftOut) {
  const Read r({{kConventional, 0xffff'ffff'ffff'f000, 1},
                {kConventional, 0xffff'ffff'ffff'0000, 0x100},
                {kConventional, 0x1000, ~std::uint64_t{0}},
                {kConventional, 0x1000, std::uint64_t{1} << 52},
                {kConventional, 0x4000'0000, 1}});
  ASSERT_TRUE(r.map.has_value());
  ASSERT_EQ(r.map->size(), 1u);
  EXPECT_EQ((*r.map)[0].range.begin(), Pa(0x4000'0000));
  EXPECT_EQ(r.notes.lines().size(), 4u);
}

TEST(EfiMemoryMap, PartsOfFramesAreNoRam) {
  const Read r({{kConventional, 0x4000'0800, 2},
                {kRuntimeData, 0x5000'0800, 2},
                {kConventional, 0x6000'0800, 1},
                {kConventional, 0x7000'0000, 0}});
  ASSERT_TRUE(r.map.has_value());
  ASSERT_EQ(r.map->size(), 2u);
  EXPECT_EQ((*r.map)[0].range, PaRange(Pa(0x4000'1000), Pa(0x4000'2000)));
  EXPECT_EQ((*r.map)[1].range, PaRange(Pa(0x5000'0000), Pa(0x5000'3000)));
}

TEST(EfiMemoryMap, AnOverlapIsSaidOnce) {
  const Read r({{kConventional, 0x4000'0000, 64},
                {kRuntimeData, 0x4000'1000, 2},
                {kRuntimeData, 0x4000'8000, 2}});
  ASSERT_TRUE(r.map.has_value());
  EXPECT_EQ(r.map->size(), 3u);
  EXPECT_EQ(r.notes.lines().size(), 1u);
}

TEST(EfiMemoryMap, AFullArenaIsAnAnswer) {
  std::vector<Descriptor> many;
  for (std::uint64_t i = 0; i < 8000; ++i)
    many.push_back({kConventional, i * 0x2000, 1});
  EXPECT_EQ(Read(many).map.error(), Error::kNoMemory);
}

}  // namespace
}  // namespace socle::fw
