// SPDX-License-Identifier: Apache-2.0
#pragma once

// One face for unit tests in two places: GoogleTest on the host, a small runner at EL2 (the
// selftest image). Use only this subset, so that every test runs in both:
//   TEST(Room, SentenceAboutBehaviour) { ... }
//   EXPECT_TRUE EXPECT_FALSE EXPECT_EQ EXPECT_NE EXPECT_LT EXPECT_LE EXPECT_GT EXPECT_GE
//   ASSERT_TRUE ASSERT_FALSE ASSERT_EQ ASSERT_NE
// (No messages streamed with <<, no fixtures: those exist on the host only.)

#if __STDC_HOSTED__
#include <gtest/gtest.h>
#else

#include <cstddef>

namespace socle::test {

// One registered test; the linker collects them in the section "socle_tests".
struct Case {
  const char* suite;
  const char* name;
  void (*run)();
};

// Called by the macros; defined by the selftest image. Reports a failed expectation of the test
// that runs.
void expectation_failed(const char* file, int line, const char* text);

template <typename A, typename B, typename Op>
bool compare(const A& a, const B& b, Op op) {
  return op(a, b);
}

}  // namespace socle::test

#define TEST(suite, name)                                                               \
  static void suite##_##name##_body();                                                  \
  [[gnu::used, gnu::section("socle_tests")]] static constinit const ::socle::test::Case \
      suite##_##name##_case{#suite, #name, suite##_##name##_body};                      \
  static void suite##_##name##_body()

#define SOCLE_EXPECT_(condition, text, otherwise)                  \
  do {                                                             \
    if (!(condition)) {                                            \
      ::socle::test::expectation_failed(__FILE__, __LINE__, text); \
      otherwise;                                                   \
    }                                                              \
  } while (false)
#define SOCLE_COMPARE_(a, b, op, otherwise)                                                  \
  SOCLE_EXPECT_(                                                                             \
      ::socle::test::compare((a), (b), [](const auto& l, const auto& r) { return l op r; }), \
      #a " " #op " " #b, otherwise)

#define EXPECT_TRUE(c) SOCLE_EXPECT_(static_cast<bool>(c), #c, (void)0)
#define EXPECT_FALSE(c) SOCLE_EXPECT_(!static_cast<bool>(c), "!(" #c ")", (void)0)
#define EXPECT_EQ(a, b) SOCLE_COMPARE_(a, b, ==, (void)0)
#define EXPECT_NE(a, b) SOCLE_COMPARE_(a, b, !=, (void)0)
#define EXPECT_LT(a, b) SOCLE_COMPARE_(a, b, <, (void)0)
#define EXPECT_LE(a, b) SOCLE_COMPARE_(a, b, <=, (void)0)
#define EXPECT_GT(a, b) SOCLE_COMPARE_(a, b, >, (void)0)
#define EXPECT_GE(a, b) SOCLE_COMPARE_(a, b, >=, (void)0)
#define ASSERT_TRUE(c) SOCLE_EXPECT_(static_cast<bool>(c), #c, return)
#define ASSERT_FALSE(c) SOCLE_EXPECT_(!static_cast<bool>(c), "!(" #c ")", return)
#define ASSERT_EQ(a, b) SOCLE_COMPARE_(a, b, ==, return)
#define ASSERT_NE(a, b) SOCLE_COMPARE_(a, b, !=, return)

#endif
