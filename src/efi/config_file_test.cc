// SPDX-License-Identifier: Apache-2.0
#include "efi/config_file.h"

#include <string>
#include <vector>

#include "base/test.h"

namespace socle::efi {
namespace {

constexpr std::string_view kFile =
    "# a comment\n"
    "[global]\r\n"
    "default=debian\r\n"
    "\n"
    "[debian]\n"
    "  kernel = vmlinuz root=/dev/sda1 ro   # not this\n"
    "; kernel=other\n"
    "\tramdisk=initrd.img\n"
    "kernel=second\n"
    "options=console=dtuart dom0_mem=1G\n"
    "[debian-old]\n"
    "kernel=old";

TEST(EfiConfig, AValueIsThatOfItsSection) {
  const ConfigFile file(kFile);
  EXPECT_EQ(file.value("global", "default"), "debian");
  EXPECT_EQ(file.value("debian", "kernel"), "vmlinuz root=/dev/sda1 ro");
  EXPECT_EQ(file.value("debian", "options"), "console=dtuart dom0_mem=1G");
  EXPECT_EQ(file.value("debian", "ramdisk"), "initrd.img");
  EXPECT_FALSE(file.value("debian", "dtb").has_value());
  EXPECT_FALSE(file.value("global", "kernel").has_value());
  EXPECT_FALSE(file.value("deb", "kernel").has_value());
  EXPECT_FALSE(file.value("debian", "kern").has_value());
}

TEST(EfiConfig, TheLastLineNeedsNoEnd) {
  EXPECT_EQ(ConfigFile(kFile).value("debian-old", "kernel"), "old");
}

TEST(EfiConfig, WithoutASectionTheFirstAnywhereCounts) {
  EXPECT_EQ(ConfigFile(kFile).value("", "kernel"), "vmlinuz root=/dev/sda1 ro");
}

TEST(EfiConfig, ASectionEndsWhereTheNextBegins) {
  const ConfigFile file("[a]\nx=1\n[b]\ny=2\n[a]\nz=3\n");
  EXPECT_FALSE(file.value("a", "y").has_value());
  EXPECT_FALSE(file.value("a", "z").has_value());
}

TEST(EfiConfig, WhatIsNoLineOfThisFormatIsPassedOver) {
  const ConfigFile file("[a\nx=0\n[]\n[a]junk\n=\nx\nx=1\n");
  EXPECT_EQ(file.value("a", "x"), "0");
  EXPECT_FALSE(ConfigFile("").value("a", "x").has_value());
  EXPECT_FALSE(ConfigFile("[").value("a", "x").has_value());
}

TEST(EfiConfig, AByteOrderMarkHidesNoSection) {
  const ConfigFile file("\xef\xbb\xbf[global]\ndefault=b\n[b]\nkernel=k\n");
  EXPECT_EQ(file.value("global", "default"), "b");
}

TEST(EfiConfig, AFileIsTheFirstWord) {
  EXPECT_EQ(split_file("vmlinuz  root=/dev/sda1 ro").file, "vmlinuz");
  EXPECT_EQ(split_file("vmlinuz  root=/dev/sda1 ro").words, "root=/dev/sda1 ro");
  EXPECT_EQ(split_file("vmlinuz").words, "");
  EXPECT_EQ(split_file("").file, "");
}

TEST(EfiConfig, TheProgramsOwnNameIsNoOption) {
  const StartOptions options =
      parse_start_options("fs0:\\socle.efi -cfg=a.cfg debian -bad -- dom0_mem=1G loglvl=all");
  EXPECT_EQ(options.config, "a.cfg");
  EXPECT_EQ(options.section, "debian");
  EXPECT_EQ(options.options, "dom0_mem=1G loglvl=all");
  EXPECT_EQ(options.unknown, "-bad");
  EXPECT_EQ(options.first, "fs0:\\socle.efi");
  EXPECT_FALSE(options.wants_help);
}

TEST(EfiConfig, OptionsAreWrittenInAllOfXensWays) {
  EXPECT_EQ(parse_start_options("socle.efi -cfg b.cfg a").config, "b.cfg");
  EXPECT_EQ(parse_start_options("socle.efi -cfg b.cfg a").section, "a");
  EXPECT_EQ(parse_start_options("socle.efi -cfg").config, "");
  EXPECT_EQ(parse_start_options("socle.efi /cfg=b.cfg").config, "b.cfg");
  EXPECT_EQ(parse_start_options("socle.efi /cfg=b.cfg").unknown, "");
  EXPECT_EQ(parse_start_options("/socle.efi").first, "/socle.efi");
  EXPECT_TRUE(parse_start_options("socle.efi -help").wants_help);
  EXPECT_TRUE(parse_start_options("/help").wants_help);
}

TEST(EfiConfig, AProgramInQuotationMarksMayHaveBlanks) {
  const StartOptions options = parse_start_options("\"fs0:\\my dir\\socle.efi\" debian");
  EXPECT_EQ(options.first, "fs0:\\my dir\\socle.efi");
  EXPECT_EQ(options.section, "debian");
  EXPECT_EQ(parse_start_options("\"socle.efi a").section, "a");
}

TEST(EfiConfig, TheProgramsNameIsKnownAsTheShellMayHaveIt) {
  for (const std::string_view word : {"socle-1.efi", "socle-1", "SOCLE-1.EFI",
                                      "fs0:\\EFI\\socle-1.efi", "fs0:socle-1", "a/Socle-1"})
    EXPECT_TRUE(names_program(word, "Socle-1.efi"));
  for (const std::string_view word : {"socle", "socle-1.efi2", "", "fs0:", "socle-1.efi\\"})
    EXPECT_FALSE(names_program(word, "socle-1.efi"));
}

TEST(EfiConfig, ABootEntryHasNoProgramInFront) {
  EXPECT_EQ(parse_start_options("-cfg=b.cfg").config, "b.cfg");
  EXPECT_EQ(parse_start_options("-- loglvl=all").options, "loglvl=all");
  EXPECT_EQ(parse_start_options("").section, "");
}

std::vector<std::byte> ucs2(std::u16string_view text) {
  std::vector<std::byte> bytes;
  for (const char16_t c : text) {
    bytes.push_back(static_cast<std::byte>(c & 0xff));
    bytes.push_back(static_cast<std::byte>(c >> 8));
  }
  return bytes;
}

TEST(EfiConfig, LoadOptionsEndAtTheirNulOrTheirSize) {
  std::vector<char> room(16);
  EXPECT_EQ(ascii_of(ucs2(u"-cfg=x"), room), "-cfg=x");
  EXPECT_EQ(ascii_of(ucs2(std::u16string_view(u"ab\0cd", 5)), room), "ab");
  std::vector<std::byte> odd = ucs2(u"ab");
  odd.pop_back();
  EXPECT_EQ(ascii_of(odd, room), "a");
  EXPECT_EQ(ascii_of({}, room), "");
}

TEST(EfiConfig, LoadOptionsThatAreNoTextAreNone) {
  std::vector<char> room(4);
  EXPECT_FALSE(ascii_of(ucs2(u"\x263a"), room).has_value());
  EXPECT_FALSE(ascii_of(ucs2(u"a\nb"), room).has_value());
  EXPECT_FALSE(ascii_of(ucs2(u"12345"), room).has_value());
}

TEST(EfiConfig, NamesGetShorterFromTheirEnd) {
  std::u16string_view name = u"socle-1.0_x.efi";
  std::vector<std::u16string> tried;
  while (const std::size_t length = shorter_name(name))
    tried.emplace_back(name = name.substr(0, length));
  EXPECT_TRUE(
      (tried == std::vector<std::u16string>{u"socle-1.0_x", u"socle-1.0", u"socle-1", u"socle"}));
  EXPECT_EQ(shorter_name(u"socle"), 0u);
}

}  // namespace
}  // namespace socle::efi
