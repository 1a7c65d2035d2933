// SPDX-License-Identifier: Apache-2.0
#include "el2/probe.h"

#include "base/test.h"
#include "el2/address_map.h"

namespace socle::el2 {
namespace {

void undefined_instruction() {
  asm volatile("udf #0");
}
void read_of_nothing() {
  static_cast<void>(*reinterpret_cast<volatile std::uint32_t*>(kStackArea));
}
void nothing() {}

TEST(Probe, ReturnsTrueForWhatRuns) {
  EXPECT_TRUE(survives(nothing));
}

TEST(Probe, ReturnsFalseForAnUndefinedInstruction) {
  EXPECT_FALSE(survives(undefined_instruction));
}

TEST(Probe, ReturnsFalseForAnUnmappedAddressAndCanBeUsedAgain) {
  EXPECT_FALSE(survives(read_of_nothing));
  EXPECT_TRUE(survives(nothing));
  EXPECT_FALSE(survives(read_of_nothing));
}

TEST(Probe, AFaultIsToldAndTheGuestsStackPointerKept) {
  EXPECT_FALSE(fault_of(nothing).has_value());
  constexpr std::uint64_t kGuests = 0x1234'5678'9abc'def0;
  asm volatile("msr sp_el0, %0" ::"r"(kGuests));
  const auto fault = fault_of(undefined_instruction);
  std::uint64_t after = 0;
  asm volatile("mrs %0, sp_el0" : "=r"(after));
  EXPECT_EQ(after, kGuests);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->esr >> 26, 0u);  // unknown reason
  EXPECT_NE(fault->pc, 0u);
}

}  // namespace
}  // namespace socle::el2
