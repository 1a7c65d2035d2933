// SPDX-License-Identifier: Apache-2.0
#include "base/function_ref.h"

#include "base/test.h"

namespace socle {
namespace {

int apply(FunctionRef<int(int)> function, int value) {
  return function(value);
}
int twice(int value) {
  return 2 * value;
}

TEST(FunctionRef, CallsWhatItRefersTo) {
  int calls = 0;
  const auto count = [&calls](int value) {
    ++calls;
    return value + 1;
  };
  EXPECT_EQ(apply(count, 4), 5);
  EXPECT_EQ(apply(count, 5), 6);
  EXPECT_EQ(calls, 2);
}

TEST(FunctionRef, ChangesTheCallableItself) {
  auto counter = [n = 0](int step) mutable { return n += step; };
  EXPECT_EQ(apply(counter, 2), 2);
  EXPECT_EQ(apply(counter, 3), 5);
}

TEST(FunctionRef, TakesFunctionPointersAndTemporaries) {
  EXPECT_EQ(apply(&twice, 21), 42);
  EXPECT_EQ(apply([](int value) { return -value; }, 7), -7);
}

}  // namespace
}  // namespace socle
