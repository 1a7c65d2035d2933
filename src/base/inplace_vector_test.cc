// SPDX-License-Identifier: Apache-2.0
#include "base/inplace_vector.h"

#include "base/test.h"

namespace socle {
namespace {

using Vector = InplaceVector<int, 4>;

bool holds(const Vector& vector, std::initializer_list<int> expected) {
  if (vector.size() != expected.size()) return false;
  std::size_t i = 0;
  for (const int value : expected) {
    if (vector[i++] != value) return false;
  }
  return true;
}

Vector of(std::initializer_list<int> values) {
  Vector vector;
  for (const int value : values)
    EXPECT_TRUE(vector.push_back(value).has_value());
  return vector;
}

TEST(InplaceVector, ANewOneIsEmpty) {
  const Vector vector;
  EXPECT_TRUE(vector.empty());
  EXPECT_FALSE(vector.full());
  EXPECT_EQ(Vector::capacity(), 4u);
  EXPECT_TRUE(vector.span().empty());
}

TEST(InplaceVector, AFullOneRefusesMoreAndKeepsWhatItHas) {
  Vector vector = of({1, 2, 3, 4});
  EXPECT_TRUE(vector.full());
  const auto pushed = vector.push_back(5);
  EXPECT_TRUE(!pushed && pushed.error() == Error::kTooLarge);
  const auto inserted = vector.insert(0, 5);
  EXPECT_TRUE(!inserted && inserted.error() == Error::kTooLarge);
  EXPECT_TRUE(holds(vector, {1, 2, 3, 4}));
}

TEST(InplaceVector, InsertingMovesWhatFollows) {
  Vector vector = of({1, 3});
  EXPECT_TRUE(vector.insert(1, 2).has_value());
  EXPECT_TRUE(vector.insert(3, 4).has_value());
  EXPECT_TRUE(holds(vector, {1, 2, 3, 4}));
}

TEST(InplaceVector, ErasingClosesTheGap) {
  Vector vector = of({1, 2, 3});
  vector.erase(0);
  EXPECT_TRUE(holds(vector, {2, 3}));
  vector.erase(1);
  EXPECT_TRUE(holds(vector, {2}));
}

TEST(InplaceVector, TruncatingAndClearingForget) {
  Vector vector = of({1, 2, 3});
  vector.truncate(2);
  EXPECT_TRUE(holds(vector, {1, 2}));
  EXPECT_EQ(vector.back(), 2);
  vector.clear();
  EXPECT_TRUE(vector.empty());
}

TEST(InplaceVector, IteratesInOrder) {
  int sum = 0;
  int last = 0;
  for (const int value : of({1, 2, 3})) {
    EXPECT_GT(value, last);
    last = value;
    sum += value;
  }
  EXPECT_EQ(sum, 6);
}

#if __STDC_HOSTED__
TEST(InplaceVectorDeathTest, IndexesBeyondTheEndAreBrokenInvariants) {
  Vector vector = of({1});
  EXPECT_DEATH(vector[1] = 2, "CHECK");
  EXPECT_DEATH(vector.erase(1), "CHECK");
  EXPECT_DEATH(vector.truncate(2), "CHECK");
  vector.clear();
  EXPECT_DEATH(vector.back() = 1, "CHECK");
}
#endif

}  // namespace
}  // namespace socle
