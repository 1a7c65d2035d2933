// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include "base/test.h"
#include "sim/host_seams.h"

namespace socle {
namespace {

TEST(Log, ALineReachesTheSinkWithItsLevelAndText) {
  const sim::LogCapture capture;
  log_warning("cpu {} did not answer", CpuIndex{3});
  ASSERT_EQ(capture.lines().size(), 1u);
  EXPECT_TRUE(capture.lines()[0].level == LogLevel::kWarning);
  EXPECT_EQ(capture.lines()[0].text, "cpu 3 did not answer");
}

TEST(Log, ALineThatIsTooLongIsCutAndMarked) {
  const sim::LogCapture capture;
  const std::string text(kLogLineLength + 1, 'x');
  log_info("{}", std::string_view(text));
  ASSERT_EQ(capture.lines().size(), 1u);
  EXPECT_EQ(capture.lines()[0].text.size(), kLogLineLength);
  EXPECT_TRUE(capture.lines()[0].text.ends_with("x..."));
}

TEST(Log, CapturesNestAndTheInnermostReceives) {
  const sim::LogCapture outer;
  {
    const sim::LogCapture inner;
    log_error("inside");
    EXPECT_TRUE(inner.contains("inside"));
  }
  EXPECT_FALSE(outer.contains("inside"));
  log_error("outside");
  EXPECT_TRUE(outer.contains("outside"));
}

}  // namespace
}  // namespace socle
