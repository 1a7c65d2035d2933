// SPDX-License-Identifier: Apache-2.0
#include "sim/data_cache.h"

#include <gtest/gtest.h>

#include "port/cache.h"

namespace socle::sim {
namespace {

constexpr Mfn kFrame{0x9000};
constexpr Pa kAddress{0x900'0040};

TEST(DataCache, ACachedWriteIsNotInMemoryUntilHardwareWritesItBack) {
  DataCache cache;
  cache.write_cached(kAddress, 1);
  EXPECT_EQ(cache.read_memory(kAddress), 0u);
  cache.write_memory(kAddress, 2);
  EXPECT_EQ(cache.read_cached(kAddress), 1u);
  cache.evict_all();
  EXPECT_EQ(cache.read_memory(kAddress), 1u);
}

TEST(DataCache, ALineThatWasReadAnswersWhateverMemorySays) {
  DataCache cache;
  EXPECT_EQ(cache.read_cached(kAddress), 0u);
  cache.write_memory(kAddress, 3);
  EXPECT_EQ(cache.read_cached(kAddress), 0u);
  cache.evict_all();  // it was clean: nothing is written back
  EXPECT_EQ(cache.read_cached(kAddress), 3u);
}

TEST(DataCache, CleaningAFrameWritesItsLinesBackAndForgetsThemAndNoOthers) {
  DataCache cache;
  const Pa other(kAddress.value() + kFrameSize);
  cache.write_cached(kAddress, 1);
  cache.write_cached(other, 2);
  port::cache_clean_invalidate_frame(kFrame);
  EXPECT_FALSE(cache.holds(kFrame));
  EXPECT_TRUE(cache.holds(kFrame + FrameCount(1)));
  EXPECT_EQ(cache.read_memory(kAddress), 1u);
  EXPECT_EQ(cache.read_memory(other), 0u);
}

}  // namespace
}  // namespace socle::sim
