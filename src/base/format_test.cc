// SPDX-License-Identifier: Apache-2.0
#include "base/format.h"

#include <array>
#include <limits>

#include "base/test.h"

namespace socle {
namespace {

template <typename... Args>
bool formats_to(std::string_view expected, FormatString<std::type_identity_t<Args>...> format,
                const Args&... args) {
  const Text<128> text(format, args...);
  return text.view() == expected;
}

TEST(Format, PlainTextIsItself) {
  EXPECT_TRUE(formats_to("socle", "socle"));
  EXPECT_TRUE(formats_to("", ""));
}

TEST(Format, IntegersAreDecimal) {
  EXPECT_TRUE(formats_to("0", "{}", 0));
  EXPECT_TRUE(formats_to("-17", "{}", -17));
  EXPECT_TRUE(formats_to("18446744073709551615", "{}", ~std::uint64_t{0}));
  EXPECT_TRUE(formats_to("-9223372036854775808", "{}", std::numeric_limits<std::int64_t>::min()));
  EXPECT_TRUE(formats_to("255", "{}", std::uint8_t{255}));
}

TEST(Format, HexadecimalIsLowerCaseWithAPrefixOnRequest) {
  EXPECT_TRUE(formats_to("beef", "{x}", 0xbeefu));
  EXPECT_TRUE(formats_to("0xbeef", "{#x}", 0xbeefu));
  EXPECT_TRUE(formats_to("0xbeef", "{#}", 0xbeefu));
  EXPECT_TRUE(formats_to("ffffffffffffffff", "{x}", -1));
}

TEST(Format, WidthPadsOnTheLeftWithSpacesOrZeroes) {
  EXPECT_TRUE(formats_to("   7", "{4}", 7));
  EXPECT_TRUE(formats_to("0007", "{04}", 7));
  EXPECT_TRUE(formats_to("-007", "{04}", -7));
  EXPECT_TRUE(formats_to("0000beef", "{08x}", 0xbeef));
  EXPECT_TRUE(formats_to("0x00beef", "{#08x}", 0xbeef));
  EXPECT_TRUE(formats_to("12345", "{3}", 12345));
  EXPECT_TRUE(formats_to("         7", "{10}", 7));
}

TEST(Format, WidthPadsOnTheRightOnRequestAndForText) {
  EXPECT_TRUE(formats_to("7   |", "{-4}|", 7));
  EXPECT_TRUE(formats_to("gic |", "{4}|", "gic"));
  EXPECT_TRUE(formats_to("gic |", "{-4}|", std::string_view("gic")));
}

TEST(Format, AbsurdWidthsAreBounded) {
  EXPECT_EQ(Text<128>("{9999999999999999999999}", 7).size(), 64u);
}

TEST(Format, FramesAndAddressesAreHexadecimalWithPrefix) {
  EXPECT_TRUE(formats_to("0x40200", "{}", Mfn(0x40200)));
  EXPECT_TRUE(formats_to("0x9000000", "{}", Ipa(0x900'0000)));
  EXPECT_TRUE(formats_to("0000000009000000", "{016x}", Pa(0x900'0000)));
  EXPECT_TRUE(formats_to("[0x1000, 0x2000)", "{}", PaRange(Pa(0x1000), Pa(0x2000))));
}

TEST(Format, OtherWordsOfTheTradeAreNumbersOrText) {
  EXPECT_TRUE(formats_to("3 5 9 2 1 30", "{} {} {} {} {} {}", FrameCount(3), CpuIndex{5}, Order(9),
                         Level(2), DomainId{1}, IntId(30)));
  EXPECT_TRUE(formats_to("out of memory", "{}", Error::kNoMemory));
  EXPECT_TRUE(formats_to("true false", "{} {}", true, false));
  EXPECT_TRUE(formats_to("x", "{}", 'x'));
}

TEST(Format, PointersAreHexadecimal) {
  EXPECT_TRUE(formats_to("0x1000", "{}", reinterpret_cast<const void*>(0x1000)));
}

TEST(Format, BracesAreDoubled) {
  EXPECT_TRUE(formats_to("{7}", "{{{}}}", 7));
  EXPECT_TRUE(formats_to("{}", "{{}}"));
}

TEST(Format, WhatDoesNotFitIsCutAndTheWantedLengthIsTold) {
  std::array<char, 4> small{};
  EXPECT_EQ(format_to(small, "{}", 123456), 6u);
  EXPECT_TRUE(std::string_view(small.data(), 4) == "1234");
  EXPECT_EQ(format_to(std::span<char>(), "{}", "abc"), 3u);
}

TEST(Text, GrowsByAppendingUntilItIsFull) {
  Text<8> text("{}", 1234);
  text.append("-{}", 56);
  EXPECT_TRUE(text.view() == "1234-56");
  EXPECT_FALSE(text.was_cut());
  text.append("{}", 789);
  EXPECT_TRUE(text.view() == "1234-567");
  EXPECT_TRUE(text.was_cut());
  text.append("{}", 0);
  EXPECT_EQ(text.size(), 8u);
  EXPECT_EQ(text.c_str()[8], '\0');
}

TEST(Text, ACutTextCanSaySo) {
  Text<8> text("{}", 123456789);
  text.mark_if_cut();
  EXPECT_TRUE(text.view() == "12345...");
  Text<8> whole("{}", 12345678);
  whole.mark_if_cut();
  EXPECT_TRUE(whole.view() == "12345678");
}

}  // namespace
}  // namespace socle
