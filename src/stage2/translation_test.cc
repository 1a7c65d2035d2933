// SPDX-License-Identifier: Apache-2.0
// At EL2 only: the machine's own MMU is asked what our tables mean (AT S12E1R, AT S12E1W), with
// stage 1 off. Proves what no model can: that the registers and descriptors are the architecture's.
// Source: Arm ARM DDI 0487, C5.4 "AT S12E1R", D24.2 "PAR_EL1".
#include "hw/sysreg.h"
#include "port/barrier.h"
#include "port/memory_features.h"
#include "port/sysreg.h"
#include "stage2/test_space.h"

namespace socle::stage2 {
namespace {

// PAR_EL1
using Failed = Flag<0>;
using Status = Field<6, 1>;  // of a failure, as in ESR_ELx.FSC
using Shared = Field<8, 7>;
using Frame = Field<47, 12>;
using Type = Field<63, 56>;  // as in MAIR_EL1

struct Answer {
  std::uint64_t par;
  [[nodiscard]] bool is_fault() const { return Failed::get(par) != 0; }
  [[nodiscard]] Mfn mfn() const { return Mfn(Frame::get(par)); }
};

// This CPU as if it were about to enter a guest whose stage 1 is off, but says Normal write-back
// (HCR_EL2.DC): so stage 2 alone decides. Puts everything back.
class Entered {
 public:
  explicit Entered(AddressSpace& space)
      : hcr_(port::read_register<hw::HCR_EL2>()), sctlr_(port::read_register<hw::SCTLR_EL1>()) {
    constexpr std::uint64_t kRw = std::uint64_t{1} << 31;
    constexpr std::uint64_t kDefaultCacheable = std::uint64_t{1} << 12;
    constexpr std::uint64_t kForcedWriteBack = std::uint64_t{1} << 46;
    port::write_register<hw::SCTLR_EL1>(hw::SCTLR_EL1::kReset);
    port::write_register<hw::VTCR_EL2>(space.vtcr());
    port::write_register<hw::VTTBR_EL2>(space.activate(CpuIndex{0}).vttbr);
    port::write_register<hw::HCR_EL2>(1 | kRw | kDefaultCacheable |
                                      (space.forced_write_back() ? kForcedWriteBack : 0));
    port::barrier_context();
  }
  ~Entered() {
    port::write_register<hw::HCR_EL2>(hcr_);
    port::write_register<hw::SCTLR_EL1>(sctlr_);
    port::write_register<hw::VTTBR_EL2>(0);
    port::barrier_context();
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

  static Answer read(Gfn gfn) {
    asm volatile("at s12e1r, %0\n\tisb" ::"r"(Ipa(gfn).value()) : "memory");
    return {port::read_register<hw::PAR_EL1>()};
  }
  static Answer write(Gfn gfn) {
    asm volatile("at s12e1w, %0\n\tisb" ::"r"(Ipa(gfn).value()) : "memory");
    return {port::read_register<hw::PAR_EL1>()};
  }

 private:
  std::uint64_t hcr_;
  std::uint64_t sctlr_;
};

bool translates(Gfn gfn, Mfn mfn) {
  const Answer answer = Entered::read(gfn);
  return !answer.is_fault() && answer.mfn() == mfn;
}

TEST(Translation, TheMachineReadsOurTablesAsWeDo) {
  const unsigned sizes[] = {32, 36, 40, 42, 44, 48};
  for (const unsigned ipa_bits : sizes) {
    if (ipa_bits > port::memory_features().pa_bits) continue;
    TestSpace test(ipa_bits);
    ASSERT_TRUE(test.is_ready());
    const std::uint64_t last = test.space.all().end().value() - 1;
    ASSERT_TRUE(test.space.map(frames(0x40000, 0x40000), Mfn(0x80000), kTestRam).has_value());
    ASSERT_TRUE(test.space.map(frames(0x200, 0x200), Mfn(0x12200), kTestRam).has_value());
    ASSERT_TRUE(test.space.map(frames(last, 1), Mfn(0x12345), kTestRam).has_value());
    const Entered entered(test.space);
    EXPECT_TRUE(translates(Gfn(0x40000), Mfn(0x80000)));
    EXPECT_TRUE(translates(Gfn(0x7ffff), Mfn(0xbffff)));
    EXPECT_TRUE(translates(Gfn(0x2a5), Mfn(0x122a5)));
    EXPECT_TRUE(translates(Gfn(last), Mfn(0x12345)));
    EXPECT_TRUE(Entered::read(Gfn(0x1ff)).is_fault());
    EXPECT_TRUE(Entered::read(Gfn(0x400)).is_fault());
    EXPECT_TRUE(Entered::read(Gfn(last - 1)).is_fault());
  }
}

TEST(Translation, FollowsSplitsMergesAndHints) {
  TestSpace test(32);
  const Entered entered(test.space);
  ASSERT_TRUE(test.space.map(frames(0x40000, 0x40000), Mfn(0x80000), kTestRam).has_value());
  EXPECT_TRUE(translates(Gfn(0x41235), Mfn(0x81235)));
  ASSERT_TRUE(test.space.unmap(frames(0x41234, 1)).has_value());
  EXPECT_TRUE(Entered::read(Gfn(0x41234)).is_fault());
  EXPECT_TRUE(translates(Gfn(0x41235), Mfn(0x81235)));
  EXPECT_TRUE(translates(Gfn(0x7ffff), Mfn(0xbffff)));
  ASSERT_TRUE(test.space.replace(Gfn(0x41234), Mfn(0x5555), kTestRam).has_value());
  EXPECT_TRUE(translates(Gfn(0x41234), Mfn(0x5555)));
  ASSERT_TRUE(test.space.replace(Gfn(0x41234), Mfn(0x81234), kTestRam).has_value());
  EXPECT_EQ(test.space.coverage().entries_1g, 1u);
  EXPECT_TRUE(translates(Gfn(0x41234), Mfn(0x81234)));
}

TEST(Translation, GivesMemoryTheTypeAndShareabilityThatWereAskedFor) {
  struct Row {
    MemoryType type;
    std::uint64_t mair;
    std::uint64_t shareability;
  };
  constexpr Row kRows[] = {
      {MemoryType::kDeviceNGnRnE, 0x00, 2},    {MemoryType::kDeviceNGnRE, 0x04, 2},
      {MemoryType::kDeviceGRE, 0x0c, 2},       {MemoryType::kNormalNonCacheable, 0x44, 2},
      {MemoryType::kNormalWriteBack, 0xff, 3},
  };
  for (const bool forced_write_back : {false, true}) {
    if (forced_write_back && !port::memory_features().forced_write_back) continue;
    TestSpace test(32, forced_write_back);
    std::uint64_t frame = 0x1000;
    for (const Row& row : kRows) {
      const Attributes attributes = AttributesForTests::make(row.type, {true, true, true});
      ASSERT_TRUE(test.space.map(frames(frame, 1), Mfn(frame), attributes).has_value());
      ++frame;
    }
    const Entered entered(test.space);
    frame = 0x1000;
    for (const Row& row : kRows) {
      const Answer answer = Entered::read(Gfn(frame++));
      EXPECT_FALSE(answer.is_fault());
      EXPECT_EQ(Type::get(answer.par), row.mair);
      EXPECT_EQ(Shared::get(answer.par), row.shareability);
    }
  }
}

// Only what is permitted: QEMU (10.0) ends with an assertion when an AT instruction meets a stage-2
// permission fault.
TEST(Translation, GivesTheGuestThePermissionsThatWereAskedFor) {
  TestSpace test(32);
  const Attributes write_only =
      AttributesForTests::make(MemoryType::kNormalWriteBack, {false, true, false});
  ASSERT_TRUE(test.space.map(frames(1, 1), Mfn(1), kTestReadOnly).has_value());
  ASSERT_TRUE(test.space.map(frames(2, 1), Mfn(2), kTestRam).has_value());
  ASSERT_TRUE(test.space.map(frames(3, 1), Mfn(3), write_only).has_value());
  const Entered entered(test.space);
  EXPECT_FALSE(Entered::read(Gfn(1)).is_fault());
  EXPECT_FALSE(Entered::read(Gfn(2)).is_fault());
  EXPECT_FALSE(Entered::write(Gfn(2)).is_fault());
  EXPECT_FALSE(Entered::write(Gfn(3)).is_fault());
  // A translation fault at level 3 of stage 2.
  EXPECT_EQ(Status::get(Entered::write(Gfn(4)).par), 0b000111u);
}

}  // namespace
}  // namespace socle::stage2
