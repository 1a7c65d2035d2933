// SPDX-License-Identifier: Apache-2.0

// Files, dtc and the command line.

#include "plan/source.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "plan/dtc.h"
#include "plan/options.h"
#include "plan/test_report.h"

namespace socle::plan {
namespace {

constexpr const char* kSource = "/dts-v1/;\n/ { model = \"small\"; };\n";

TEST(PlanSource, FilesAreToldApartByTheirContents) {
  EXPECT_EQ(kind_of("\xd0\x0d\xfe\xed...."), Kind::kTree);
  EXPECT_EQ(kind_of(kSource), Kind::kTreeSource);
  EXPECT_EQ(kind_of("FACP @ 0x0000000000000000\n"), Kind::kAcpi);
  EXPECT_EQ(kind_of("RSD PTR ...."), Kind::kAcpi);
  EXPECT_EQ(kind_of(std::string("XSDT\x24\0\0\0", 8) + std::string(28, '\0')), Kind::kAcpi);
  EXPECT_EQ(kind_of("NOTE: a text of more than thirty-six characters"), Kind::kUnknown);
  EXPECT_EQ(kind_of("dom0_mem=1G"), Kind::kUnknown);
  EXPECT_EQ(kind_of(""), Kind::kUnknown);
}

TEST(PlanSource, ADumpWithoutTablesIsAnError) {
  const auto source = source_of("acpi.txt", "FACP @ 0x0000000000000000\n");
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("no ACPI tables"), std::string::npos);
}

TEST(PlanSource, AMissingFileIsAnErrorThatNamesIt) {
  const auto tree = load_source("/no/such/file.dtb");
  ASSERT_FALSE(tree);
  EXPECT_NE(tree.error().message.find("/no/such/file.dtb"), std::string::npos);
}

TEST(PlanDtc, SourceBecomesATreeAndBackAgain) {
  const auto blob = compile_tree(kSource);
  ASSERT_TRUE(blob) << blob.error().message;
  EXPECT_EQ(kind_of(*blob), Kind::kTree);
  const auto source = decompile_tree(*blob);
  ASSERT_TRUE(source);
  EXPECT_NE(source->find("model = \"small\""), std::string::npos);
}

TEST(PlanDtc, WhatItDoesNotAcceptIsAnErrorInItsWords) {
  const auto blob = compile_tree("/dts-v1/;\n/ { oops");
  ASSERT_FALSE(blob);
  EXPECT_NE(blob.error().message.find("syntax error"), std::string::npos) << blob.error().message;
}

TEST(PlanDtc, MoreThanAPipeHoldsGoesBothWays) {
  std::string source = "/dts-v1/;\n/ {\n";
  for (int i = 0; i < 5000; ++i)
    source += "n@" + std::to_string(i) + " { x = \"" + std::string(100, 'y') + "\"; };\n";
  const auto blob = compile_tree(source + "};\n");
  ASSERT_TRUE(blob) << blob.error().message.substr(0, 200);
  EXPECT_GT(blob->size(), 500000u);
}

std::expected<Arguments, std::string> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "socle-plan");
  return parse_arguments(static_cast<int>(words.size()), words.data());
}

TEST(PlanOptions, TextIsTheDefaultUnlessSomethingElseIsAskedFor) {
  EXPECT_EQ(parse({"a.dtb"})->format, Format::kText);
  EXPECT_EQ(parse({"a.dtb", "--svg"})->format, Format::kSvg);
  EXPECT_EQ(parse({"a.dtb", "--tree", "-"})->format, Format::kNone);
  EXPECT_EQ(parse({"a.dtb", "--tree", "x.dts", "--json"})->format, Format::kJson);
  EXPECT_EQ(parse({"a.dtb", "--check"})->format, Format::kNone);
  EXPECT_EQ(parse({"-", "--cmdline", ""})->command_line, "");
  EXPECT_EQ(parse({"-"})->command_line, std::nullopt);
}

TEST(PlanOptions, WrongUseIsRefused) {
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse({"a.dtb", "b.dtb"}));
  EXPECT_FALSE(parse({"a.dtb", "--json", "--svg"}));
  EXPECT_FALSE(parse({"a.dtb", "--check", "--text"}));
  EXPECT_FALSE(parse({"a.dtb", "--cmdline"}));
  EXPECT_FALSE(parse({"a.dtb", "--nonsense"}));
  EXPECT_FALSE(parse({"a.dtb", "--check", "--tree", "-"}));
}

TEST(PlanOptions, HelpNeedsNoFile) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"-h"})->help);
}

}  // namespace
}  // namespace socle::plan
