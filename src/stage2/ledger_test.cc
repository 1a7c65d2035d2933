// SPDX-License-Identifier: Apache-2.0
#include "stage2/ledger.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "port/phys_window.h"
#include "stage2/test_pool.h"

namespace socle::stage2 {
namespace {

// Writes down what it is asked for.
class Recorder final : public Invalidator {
 public:
  void invalidate(const InputRange& range, Level level, port::TlbReach reach) override {
    calls.push_back(std::to_string(range.begin().value()) + "+" + std::to_string(range.size()) +
                    "@" + std::to_string(level.value()) +
                    (reach == port::TlbReach::kTables ? " tables" : ""));
  }
  void invalidate_all() override { calls.emplace_back("all"); }
  void complete() override { calls.emplace_back("wait"); }
  std::vector<std::string> calls;
};

InputRange frames(std::uint64_t first, std::uint64_t count) {
  return InputRange(InputFrame(first), InputFrame(first + count));
}

using Calls = std::vector<std::string>;
constexpr auto kLeaf = port::TlbReach::kLeaf;
constexpr auto kTables = port::TlbReach::kTables;

class LedgerTest : public testing::Test {
 protected:
  static constexpr MfnRange kFrames{Mfn(0x40000), Mfn(0x40100)};
  sim::Memory memory{kFrames};
  TestPool pool{memory, kFrames};
  Recorder recorder;
};

TEST_F(LedgerTest, OwingNothingCostsNothing) {
  {
    const Ledger ledger(recorder, TableSource(pool));
  }
  EXPECT_TRUE(recorder.calls.empty());
}

TEST_F(LedgerTest, PaysNeighboursTogetherWhenItEnds) {
  {
    Ledger ledger(recorder, TableSource(pool));
    ledger.owe(frames(10, 1), Level(3), kLeaf);
    ledger.owe(frames(11, 1), Level(3), kLeaf);
    ledger.owe(frames(9, 1), Level(3), kLeaf);
    EXPECT_TRUE(recorder.calls.empty());
  }
  EXPECT_EQ(recorder.calls, (Calls{"9+3@3", "wait"}));
}

TEST_F(LedgerTest, KeepsLevelsAndReachesApart) {
  {
    Ledger ledger(recorder, TableSource(pool));
    ledger.owe(frames(0, 512), Level(2), kLeaf);
    ledger.owe(frames(512, 1), Level(3), kLeaf);
    ledger.owe(frames(513, 1), Level(3), kTables);
  }
  EXPECT_EQ(recorder.calls, (Calls{"0+512@2", "512+1@3", "513+1@3 tables", "wait"}));
}

TEST_F(LedgerTest, OwesEverythingWhenItCannotRemember) {
  {
    Ledger ledger(recorder, TableSource(pool));
    for (std::uint64_t i = 0; i < 100; ++i)
      ledger.owe(frames(2 * i, 1), Level(3), kLeaf);
    EXPECT_TRUE(ledger.owes(frames(1, 1)));
    ledger.flush();
    EXPECT_EQ(recorder.calls, (Calls{"all", "wait"}));
    EXPECT_FALSE(ledger.owes(frames(0, 1)));
  }
  EXPECT_EQ(recorder.calls.size(), 2u);
}

TEST_F(LedgerTest, KnowsWhereNothingMayBeMade) {
  Ledger ledger(recorder, TableSource(pool));
  ledger.owe(frames(10, 2), Level(3), kLeaf);
  EXPECT_TRUE(ledger.owes(frames(11, 1)));
  EXPECT_TRUE(ledger.owes(frames(0, 512)));
  EXPECT_FALSE(ledger.owes(frames(12, 1)));
  ledger.flush();
  EXPECT_FALSE(ledger.owes(frames(11, 1)));
}

TEST_F(LedgerTest, GivesTablesBackOnlyAfterItHasPaid) {
  const Mfn first = pool.take().value();
  const Mfn second = pool.take().value();
  {
    Ledger ledger(recorder, TableSource(pool));
    ledger.owe(frames(0, 512), Level(2), kTables);
    ledger.owe_table(first);
    ledger.owe_table(second);
    // A walker that is still in there finds nothing.
    EXPECT_EQ(*port::owned_frame_as<std::uint64_t>(second) & 1, 0u);
    ledger.flush();
    EXPECT_EQ(pool.used(), 2u);
  }
  EXPECT_EQ(pool.used(), 0u);
}

}  // namespace
}  // namespace socle::stage2
