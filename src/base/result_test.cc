// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <cstring>
#include <iterator>
#include <utility>

#include "base/test.h"

namespace socle {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail(Error::kInvalid);
  return value / 2;
}

Result<int> quarter(int value) {
  return TRY(half(TRY(half(value))));
}

Result<> check_even(int value, int& steps) {
  ++steps;
  TRY(half(value));
  ++steps;
  return {};
}

// A value that can only be moved.
struct Token {
  explicit Token(int given) : value(given) {}
  Token(Token&& other) : value(std::exchange(other.value, 0)) {}
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  int value;
};

Result<Token> make_token(bool succeed) {
  if (!succeed) return fail(Error::kBusy);
  return Token(5);
}
Result<int> use_token(bool succeed) {
  const Token token = TRY(make_token(succeed));
  return token.value;
}

TEST(Result, TryGivesTheValue) {
  EXPECT_EQ(quarter(12).value(), 3);
}

TEST(Result, TryReturnsTheErrorOfTheInnermostFailure) {
  const Result<int> odd = quarter(6);
  ASSERT_FALSE(odd.has_value());
  EXPECT_TRUE(odd.error() == Error::kInvalid);
}

TEST(Result, TryLeavesTheFunctionAtOnce) {
  int steps = 0;
  EXPECT_FALSE(check_even(3, steps).has_value());
  EXPECT_EQ(steps, 1);
  EXPECT_TRUE(check_even(4, steps).has_value());
  EXPECT_EQ(steps, 3);
}

TEST(Result, TryMovesWhatCannotBeCopied) {
  EXPECT_EQ(use_token(true).value(), 5);
  EXPECT_TRUE(use_token(false).error() == Error::kBusy);
}

TEST(Result, ACopyOfAResultIsTheResultAndNotWhetherThereIsOne) {
  Result<bool> no = false;
  const Result<bool> copy = no;
  EXPECT_FALSE(copy.value());
  Result<bool> none = fail(Error::kBusy);
  const Result<bool> copy_of_none = none;
  EXPECT_FALSE(copy_of_none.has_value());
}

TEST(Result, EveryErrorHasANameOfItsOwn) {
  constexpr Error kAll[] = {Error::kNoMemory, Error::kInvalid,  Error::kOutOfRange,
                            Error::kNotFound, Error::kExists,   Error::kBusy,
                            Error::kDenied,   Error::kFault,    Error::kUnsupported,
                            Error::kCorrupt,  Error::kTooLarge, Error::kAgain};
  for (std::size_t i = 0; i < std::size(kAll); ++i) {
    EXPECT_NE(std::strcmp(to_string(kAll[i]), "unknown error"), 0);
    for (std::size_t j = 0; j < i; ++j)
      EXPECT_NE(std::strcmp(to_string(kAll[i]), to_string(kAll[j])), 0);
  }
}

}  // namespace
}  // namespace socle
