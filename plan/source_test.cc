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

std::string refusal_of(const std::string& name, const std::string& contents) {
  const auto source = source_of(name, contents);
  return source ? "" : source.error().message;
}

TEST(PlanSource, WhatCannotBePlannedSaysWhatToDo) {
  EXPECT_EQ(refusal_of("x", ""), "x: empty");
  EXPECT_EQ(refusal_of("-", ""), "standard input: empty");
  EXPECT_EQ(refusal_of("a.dtb.gz", "\x1f\x8b\x08..."),
            "a.dtb.gz: compressed by gzip: zcat a.dtb.gz | ./socle plan -");
  EXPECT_NE(refusal_of("a.xz",
                       "\xfd"
                       "7zXZ...")
                .find("xzcat a.xz"),
            std::string::npos);
  EXPECT_NE(refusal_of("iomem", "40000000-4fffffff : System RAM\n").find("--memory-map"),
            std::string::npos);
  EXPECT_NE(refusal_of("x", "dom0_mem=1G").find("neither a device tree"), std::string::npos);
}

TEST(PlanSource, SourceForThePreprocessorSaysSo) {
  const std::string said = refusal_of("b.dts", "#include <x.h>\n/dts-v1/;\n/ { a = <X>; };\n");
  EXPECT_NE(said.find("Error: b.dts:1"), std::string::npos) << said;
  EXPECT_NE(said.find("cpp -nostdinc"), std::string::npos) << said;
  EXPECT_EQ(refusal_of("b.dts", "/dts-v1/;\n/ { oops").find("cpp"), std::string::npos);
}

// A folder of its own for each test, gone with it.
struct Scratch {
  Scratch() {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~Scratch() { std::filesystem::remove_all(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void put(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << bytes;
  }
  std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "socle_plan_source";
};

TEST(PlanSource, SourceFindsWhatLiesBesideIt) {
  const Scratch scratch;
  scratch.put("a.dts", "/dts-v1/;\n/include/ \"part.dtsi\"\n");
  scratch.put("part.dtsi", "/ { model = \"of two parts\"; };\n");
  const auto source = load_source((scratch.path / "a.dts").string());
  ASSERT_TRUE(source) << source.error().message;
}

TEST(PlanSource, AFolderOfTreesNamesOneOfThem) {
  const Scratch scratch;
  scratch.put("vendor/board.dtb", "\xd0\x0d\xfe\xed");
  const auto source = load_source(scratch.path.string());
  ASSERT_FALSE(source);
  EXPECT_NE(source.error().message.find("as " + (scratch.path / "vendor/board.dtb").string()),
            std::string::npos)
      << source.error().message;
}

TEST(PlanSource, ATreeMayBeAFolderAsProcHasIt) {
  const Scratch scratch;
  scratch.put("#address-cells", std::string_view("\0\0\0\2", 4));
  scratch.put("model", std::string_view("as files\0", 9));
  scratch.put("memory@0/device_type", std::string_view("memory\0", 7));
  const auto source = load_source(scratch.path.string());
  ASSERT_TRUE(source) << source.error().message;
  const auto bytes = std::get<Blob>(source->description).bytes();
  const auto text = decompile_tree({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("model = \"as files\""), std::string::npos) << *text;
  EXPECT_NE(text->find("memory@0"), std::string::npos) << *text;
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
  EXPECT_FALSE(parse({"a.dtb", "--check", "--diff", "b.dtb"}));
  EXPECT_FALSE(parse({"a.dtb", "--diff", ""}));
  EXPECT_FALSE(parse({"a.dtb", "--memory-map", ""}));
  EXPECT_FALSE(parse({"-", "--diff", "-"}));
  EXPECT_FALSE(parse({"-", "--memory-map", "-"}));
}

TEST(PlanOptions, RefusalsNameTheWord) {
  EXPECT_EQ(parse({"a.dtb", "--nonsense"}).error(), "no such option: --nonsense");
  EXPECT_EQ(parse({"a.dtb", "b.dtb"}).error(), "one FILE only, not 'b.dtb', too");
  EXPECT_EQ(parse({"a.dtb", "--diff"}).error().find("--diff: its value is missing"), 0u);
  EXPECT_EQ(parse({"a.dtb", "--json", "--svg"}).error().find("only one of --text"), 0u);
}

TEST(PlanOptions, AfterTwoDashesAnyNameIsAFile) {
  EXPECT_EQ(parse({"--", "a.dtb"})->file, "a.dtb");
  EXPECT_EQ(parse({"--json", "--", "-a.dtb"})->file, "-a.dtb");
}

TEST(PlanOptions, HelpNeedsNoFile) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"-h"})->help);
}

}  // namespace
}  // namespace socle::plan
