// SPDX-License-Identifier: Apache-2.0
#include "guest/rate_limit.h"

#include "base/test.h"

namespace socle::guest {

TEST(RateLimit, LetsABurstThroughThenCountsWhatItHeldBack) {
  RateLimit limit;
  for (unsigned i = 0; i < RateLimit::kLinesPerPeriod; ++i)
    EXPECT_TRUE(limit.allow_at(i));
  EXPECT_FALSE(limit.allow_at(100));
  EXPECT_FALSE(limit.allow_at(200));
  EXPECT_EQ(limit.take_held_back(), 2u);
  EXPECT_EQ(limit.take_held_back(), 0u);
}

TEST(RateLimit, OpensAgainAfterItsPeriod) {
  RateLimit limit;
  for (unsigned i = 0; i < 50; ++i)
    (void)limit.allow_at(0);
  EXPECT_FALSE(limit.allow_at(RateLimit::kPeriodNs - 1));
  EXPECT_TRUE(limit.allow_at(RateLimit::kPeriodNs));
}

}  // namespace socle::guest
