// SPDX-License-Identifier: Apache-2.0
#include "el2/address_map.h"

#include "base/test.h"
#include "el2/early_boot.h"
#include "el2/probe.h"
#include "el2/registers.h"
#include "port/cache.h"
#include "port/memory_features.h"
#include "port/mmio.h"
#include "port/phys_window.h"

namespace socle::el2 {
namespace {

alignas(kFrameSize) constinit std::uint64_t frame_a[512]{1};
alignas(kFrameSize) constinit std::uint64_t frame_b[512]{2};
constinit volatile std::uint64_t* target = nullptr;

std::uint64_t number(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}
bool survives_write(const void* address) {
  target = const_cast<std::uint64_t*>(static_cast<const std::uint64_t*>(address));
  return survives([] { *target = 0; });
}
bool survives_read(std::uint64_t address) {
  target = reinterpret_cast<std::uint64_t*>(address);
  return survives([] { static_cast<void>(*target); });
}

TEST(AddressMap, TextCannotBeWritten) {
  EXPECT_FALSE(survives_write(socle_text_start));
}

TEST(AddressMap, ReadOnlyDataCannotBeWritten) {
  EXPECT_FALSE(survives_write(socle_text_end));
}

TEST(AddressMap, DataCannotBeExecuted) {
  static constinit std::uint32_t code[2] = {0xd65f03c0, 0xd65f03c0};  // ret
  static constinit void (*volatile function)() = nullptr;
  function = reinterpret_cast<void (*)()>(number(code));
  EXPECT_FALSE(survives([] { function(); }));
}

// A CPU without FEAT_BTI lets the jump through.
TEST(AddressMap, AnIndirectBranchMustLandOnABranchTarget) {
  const bool has_targets = (SOCLE_READ_REGISTER(id_aa64pfr1_el1) & 0xf) != 0;
  const bool survived = survives([] { asm volatile("adr x16, 1f\n\tbr x16\n1: nop" ::: "x16"); });
  EXPECT_EQ(survived, !has_targets);
}

TEST(AddressMap, GuardPagesBelowTheBootStackAndTheCrashStackAreNotMapped) {
  EXPECT_FALSE(survives_read(number(socle_boot_stack) - 8));
  EXPECT_FALSE(survives_read(number(socle_boot_cpu_block) - 8));
  EXPECT_TRUE(survives_read(number(socle_boot_stack)));
}

TEST(AddressMap, MappingTheSameAgainIsFineAndInAnotherWayIsRefused) {
  const Pa text(number(socle_text_start));
  const PaRange range(text, text + kFrameSize);
  EXPECT_TRUE(map_identity(range, Mapping::kText).has_value());
  const Result<> other = map_identity(range, Mapping::kReadWrite);
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error(), Error::kExists);
  EXPECT_FALSE(port::mmio_map(range));
}

TEST(AddressMap, WhatTheCpuHasNoAddressForCannotBeMapped) {
  const std::uint64_t end = std::uint64_t{1} << port::memory_features().pa_bits;
  constexpr std::uint64_t kTop = ~std::uint64_t{0};
  const PaRange ranges[] = {PaRange(Pa(end - 1), Pa(end + 1)),
                            PaRange(Pa(end), Pa(end + kFrameSize)),
                            PaRange(Pa(kTop - kFrameSize), Pa(kTop)),  // ends at 0, as frames
                            PaRange(Pa(kTop - 8), Pa(kTop))};
  for (const PaRange& range : ranges) {
    const Result<> result = map_identity(range, Mapping::kDevice);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error(), Error::kUnsupported);
  }
}

TEST(AddressMap, AnAddressInThePrivateAreaCannotBeMapped) {
  const PaRange range(Pa(kPrivateArea - kFrameSize), Pa(kPrivateArea + kFrameSize));
  const Result<> result = map_identity(range, Mapping::kDevice);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), Error::kUnsupported);
}

TEST(AddressMap, WindowsShowTheFrameThatWasAskedFor) {
  const Mfn a = port::owned_frame_of(frame_a);
  const Mfn b = port::owned_frame_of(frame_b);
  for (unsigned i = 0; i < 4; ++i) {
    const port::PhysWindow outer(i % 2 == 0 ? a : b);
    const port::PhysWindow inner(b);
    EXPECT_EQ(*outer.as<std::uint64_t>(), i % 2 == 0 ? 1u : 2u);
    EXPECT_EQ(*inner.as<std::uint64_t>(), 2u);
    EXPECT_NE(outer.data(), inner.data());
  }
}

// Under other windows, and with the last mapping of its place still in the TLB.
TEST(AddressMap, CleaningAFrameLeavesItsContentsAndNoMapping) {
  const Mfn a = port::owned_frame_of(frame_a);
  const Mfn b = port::owned_frame_of(frame_b);
  const port::PhysWindow outer(a);
  std::uint64_t inner = 0;
  {
    const port::PhysWindow window(b);
    inner = number(window.data());
    window.as<std::uint64_t>()[5] = 55;
  }
  EXPECT_TRUE(survives_read(inner));  // RAM's stay
  port::cache_clean_invalidate_frame(a);
  EXPECT_FALSE(survives_read(inner));
  EXPECT_EQ(*outer.as<std::uint64_t>(), 1u);
  const port::PhysWindow again(b);
  EXPECT_EQ(number(again.data()), inner);
  EXPECT_EQ(again.as<std::uint64_t>()[5], 55u);
}

TEST(AddressMap, WritesThroughAWindowAreSeenAtTheFrame) {
  {
    const port::PhysWindow window(port::owned_frame_of(frame_a));
    window.as<std::uint64_t>()[3] = 33;
  }
  EXPECT_EQ(frame_a[3], 33u);
}

TEST(AddressMap, WindowsCanNotBeExecuted) {
  const port::PhysWindow window(port::owned_frame_of(frame_a));
  EXPECT_NE(walk(number(window.data())) & entry::kExecuteNever, 0u);
}

TEST(AddressMap, APersistentMapStaysUntilItIsUnmappedAndThenFaults) {
  const Result<std::byte*> map = port::persistent_map(port::owned_frame_of(frame_b));
  ASSERT_TRUE(map.has_value());
  const Result<std::byte*> second = port::persistent_map(port::owned_frame_of(frame_a));
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(*map), 2u);
  EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(*second), 1u);
  port::persistent_unmap(*map);
  EXPECT_FALSE(survives_read(number(*map)));
  EXPECT_TRUE(survives_read(number(*second)));
  port::persistent_unmap(*second);
}

}  // namespace
}  // namespace socle::el2
