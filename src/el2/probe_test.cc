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

}  // namespace
}  // namespace socle::el2
