// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <set>
#include <vector>

#include "base/test.h"
#include "platform/platform.h"

#include "test/support/virt_machine.h"

namespace socle::platform {
namespace {

using fw::EfiMemoryRange;
using fw::EfiMemoryType;
using Frames = std::set<std::uint64_t>;

EfiMemoryRange range(EfiMemoryType type, std::uint64_t begin, std::uint64_t frames,
                     std::uint64_t attributes = fw::kEfiMemoryWriteBack) {
  return {.range = PaRange(Pa(begin), Pa(begin + frames * kFrameSize)),
          .type = type,
          .attributes = attributes};
}

struct Read {
  explicit Read(const std::vector<EfiMemoryRange>& map) {
    ram = read_ram(map, arena, notes);
    reserved = read_reserved(map, {}, arena);
  }
  [[nodiscard]] Frames ram_frames() const {
    Frames frames;
    for (const RamBank& bank : *ram)
      for (Mfn at = bank.range.begin().frame(); at < bank.range.end().frame(); ++at)
        EXPECT_TRUE(frames.insert(at.value()).second);
    return frames;
  }
  std::vector<std::byte> memory = std::vector<std::byte>(kMiB);
  fw::Arena arena{memory};
  fw::Diagnostics notes{arena};
  Result<std::span<const RamBank>> ram = fail(Error::kNotFound);
  Result<std::span<const ReservedRange>> reserved = fail(Error::kNotFound);
};

TEST(EfiMemory, WhatBootServicesLeaveIsRam) {
  const Read r({range(EfiMemoryType::kBootServicesData, 0x4000'0000, 16),
                range(EfiMemoryType::kConventional, 0x4001'0000, 16),
                range(EfiMemoryType::kRuntimeServicesData, 0x4002'0000, 16),
                range(EfiMemoryType::kLoaderCode, 0x4003'0000, 16),
                range(EfiMemoryType::kMemoryMappedIo, 0x9000'0000, 1)});
  ASSERT_TRUE(r.ram.has_value());
  ASSERT_EQ(r.ram->size(), 2u);
  EXPECT_EQ((*r.ram)[0].range, PaRange(Pa(0x4000'0000), Pa(0x4002'0000)));
  EXPECT_EQ((*r.ram)[1].range, PaRange(Pa(0x4003'0000), Pa(0x4004'0000)));
  ASSERT_EQ(r.reserved->size(), 1u);
  EXPECT_EQ((*r.reserved)[0].range, PaRange(Pa(0x4002'0000), Pa(0x4003'0000)));
  EXPECT_TRUE((*r.reserved)[0].origin == ReservedRange::Origin::kFirmware);
}

TEST(EfiMemory, RamThatSomethingElseClaimsIsNoRam) {
  const Read r({range(EfiMemoryType::kConventional, 0x4000'0000, 64),
                range(EfiMemoryType::kAcpiReclaim, 0x4000'8000, 2),
                range(EfiMemoryType::kMemoryMappedIo, 0x4000'9000, 4),
                range(EfiMemoryType::kConventional, 0x4000'a000, 2)});
  ASSERT_TRUE(r.ram.has_value());
  ASSERT_EQ(r.ram->size(), 2u);
  EXPECT_EQ((*r.ram)[0].range, PaRange(Pa(0x4000'0000), Pa(0x4000'8000)));
  EXPECT_EQ((*r.ram)[1].range, PaRange(Pa(0x4000'd000), Pa(0x4004'0000)));
}

TEST(EfiMemory, AMapWithoutRamIsRefused) {
  const Read r({range(EfiMemoryType::kConventional, 0x4000'0000, 4),
                range(EfiMemoryType::kReserved, 0x3fff'0000, 64)});
  ASSERT_FALSE(r.ram.has_value());
  EXPECT_EQ(r.ram.error(), Error::kNotFound);
  EXPECT_TRUE(r.notes.mentions("no RAM"));
}

TEST(EfiMemory, AnyMapGivesWhatAListOfFramesSays) {
  std::mt19937 random(1);
  const auto below = [&random](std::uint32_t limit) { return random() % limit; };
  for (int round = 0; round < 500; ++round) {
    std::vector<EfiMemoryRange> map;
    Frames wanted;
    const auto count = static_cast<std::uint32_t>(1 + below(12));
    map.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i)
      map.push_back(
          range(static_cast<EfiMemoryType>(below(16)), below(96) * kFrameSize, 1 + below(24)));
    std::ranges::sort(map, {}, [](const EfiMemoryRange& r) { return r.range.begin(); });
    for (const bool ram : {true, false})
      for (const EfiMemoryRange& r : map)
        for (Mfn at = r.range.begin().frame(); at < r.range.end().frame(); ++at)
          if ((r.use() == EfiMemoryRange::Use::kRam) == ram)
            ram ? void(wanted.insert(at.value())) : void(wanted.erase(at.value()));
    const Read r(map);
    if (wanted.empty()) {
      EXPECT_FALSE(r.ram.has_value());
      continue;
    }
    ASSERT_TRUE(r.ram.has_value());
    EXPECT_TRUE(r.ram_frames() == wanted);
    for (std::size_t i = 1; i < r.ram->size(); ++i)
      EXPECT_TRUE((*r.ram)[i - 1].range.end() < (*r.ram)[i].range.begin());
  }
}

// A machine whose tree says 2 GiB and whose firmware says otherwise.
TEST(EfiMemory, TheMapReplacesTheTreesMemoryNodes) {
  test::VirtMachine machine;
  machine.reservations = {{0x4800'0000, 0x1000}};
  test::TreeBuilder b;
  machine.write(b);
  const test::Opened opened(b);
  const std::vector<EfiMemoryRange> map = {
      range(EfiMemoryType::kConventional, 0x4000'0000, 0x10000),
      range(EfiMemoryType::kRuntimeServicesCode, 0x5000'0000, 16)};
  std::vector<std::byte> memory(kMiB);
  fw::Arena arena(memory);
  fw::Diagnostics notes(arena);
  const auto platform = read(opened.tree(), {.efi_memory = map}, arena, notes);
  ASSERT_TRUE(platform.has_value());
  EXPECT_EQ((*platform)->ram_bytes(), 0x1000'0000u);
  ASSERT_EQ((*platform)->reserved.size(), 2u);
  EXPECT_EQ((*platform)->reserved[0].range.begin(), Pa(0x4800'0000));
  EXPECT_EQ((*platform)->reserved[1].range.begin(), Pa(0x5000'0000));
}

}  // namespace
}  // namespace socle::platform
