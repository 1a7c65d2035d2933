// SPDX-License-Identifier: Apache-2.0
#include "sim/memory.h"

#include <gtest/gtest.h>

#include "port/heap_map.h"
#include "port/phys_window.h"
#include "sim/register_model.h"
#include "sim/violation.h"

namespace socle::sim {
namespace {

TEST(Memory, OwnedFramesAreTheSameBytesAsWindows) {
  Memory memory;
  memory.own(MfnRange(Mfn(0x40000), Mfn(0x40002)));
  *port::owned_frame_as<int>(Mfn(0x40001)) = 42;
  const port::PhysWindow window(Mfn(0x40001));
  EXPECT_EQ(*window.as<int>(), 42);
  EXPECT_EQ(port::owned_frame_of(port::owned_frame(Mfn(0x40001)) + 4095), Mfn(0x40001));
}

TEST(Memory, TouchingAFrameThatIsNotOwnedIsFound) {
  Memory memory;
  memory.own(MfnRange(Mfn(0x40000), Mfn(0x40001)));
  ViolationCapture broken;
  port::owned_frame(Mfn(0x40001));
  EXPECT_TRUE(broken.contains(Rule::kNotOwned));
}

TEST(Memory, AHeapBlockIsOwnedOnceItIsMapped) {
  Memory memory;
  EXPECT_TRUE(port::heap_block_map(Mfn(0x40200)).has_value());
  EXPECT_TRUE(memory.is_owned(Mfn(0x403ff)));
  EXPECT_FALSE(memory.is_owned(Mfn(0x40400)));
  memory.fail_maps(1);
  EXPECT_FALSE(port::heap_block_map(Mfn(0x40400)).has_value());
}

TEST(Memory, WindowsClosedOutOfOrderAreFound) {
  Memory memory;
  std::byte* const first = port::phys_window_open(Mfn(0x40000));
  std::byte* const second = port::phys_window_open(Mfn(0x40001));
  {
    ViolationCapture broken;
    port::phys_window_close(first);
    EXPECT_TRUE(broken.contains(Rule::kWindow));
  }
  port::phys_window_close(second);
  port::phys_window_close(first);
}

TEST(Memory, PersistentMapsAreCountedAndCanFail) {
  Memory memory;
  std::byte* const page = port::persistent_map(Mfn(0x50000)).value();
  EXPECT_EQ(memory.persistent_maps(), 1u);
  memory.fail_maps(1);
  EXPECT_FALSE(port::persistent_map(Mfn(0x50001)).has_value());
  port::persistent_unmap(page);
  EXPECT_EQ(memory.persistent_maps(), 0u);
}

TEST(Memory, ATebibyteCostsNothingUntilItIsTouched) {
  const Memory memory({MfnRange(Mfn(0), Mfn(std::uint64_t{1} << 28))});
  *reinterpret_cast<int*>(memory.frame(Mfn((std::uint64_t{1} << 28) - 1))) = 1;
  EXPECT_TRUE(memory.is_ram(Mfn(0)));
  EXPECT_FALSE(memory.is_ram(Mfn(std::uint64_t{1} << 28)));
}

}  // namespace
}  // namespace socle::sim
