// SPDX-License-Identifier: Apache-2.0

// Text, JSON and page: what is in them, and that hostile names stay names.

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "plan/escape.h"
#include "plan/html.h"
#include "plan/json.h"
#include "plan/svg.h"
#include "plan/test_report.h"
#include "plan/text.h"

namespace socle::plan {
namespace {

using nlohmann::json;
using test::TreeBuilder;
using test::VirtMachine;

// Names and words as nasty as the format allows.
VirtMachine hostile_machine() {
  VirtMachine machine;
  machine.command_line = "\x1b[2J\xff</svg><b>";
  machine.more = [](TreeBuilder& b) {
    b.begin("<script>alert('1')&\"@c000000").text("compatible", "</svg><b>\xc3\x28");
    b.wide("reg", {0xc00'0000, 0x1000}).flag("dma-coherent").end();
  };
  return machine;
}

TEST(PlanText, LinesFitTheTerminalAndEndWithoutBlanks) {
  VirtMachine machine;
  machine.more = [](TreeBuilder& b) {
    b.begin(std::string(150, 'x').append("@c000000").c_str());
    b.wide("reg", {0xc00'0000, 0x1000}).end();
  };
  EXPECT_EQ(TextOptions{}.width, 100u);
  for (const std::size_t width : {kWidestText, std::size_t{90}, kNarrowestText}) {
    std::istringstream lines(to_text(report_of(machine), {.width = width}));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), width) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

TEST(PlanText, HasNoControlBytesUnlessColourIsAskedFor) {
  const Report report = report_of(hostile_machine());
  for (const char c : to_text(report))
    EXPECT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
  EXPECT_NE(to_text(report, {.with_colour = true}).find('\x1b'), std::string::npos);
}

TEST(PlanText, ShowsWhatMayBeMappedLaterIfThatIsMoreThanTheMap) {
  const std::string plain = to_text(report_of(VirtMachine{}));
  EXPECT_EQ(plain.find("may have mapped"), std::string::npos);
  EXPECT_EQ(plain.find("mmio-fault"), std::string::npos);
  const std::string text = to_text(report_of(VirtMachine{}, "mmio-fault=map"));
  EXPECT_NE(text.find("mmio-fault"), std::string::npos);
  EXPECT_NE(text.find("may have mapped"), std::string::npos);
  // From behind the console to RAM, the PCI window and what lies between.
  EXPECT_NE(text.find("009001000     040000000"), std::string::npos) << text;
}

TEST(PlanJson, TellsWhatMayBeMappedLater) {
  const json map = json::parse(to_json(report_of(VirtMachine{}, "mmio-fault=map")))["domain"];
  EXPECT_EQ(map["mmio_fault"], "map");
  EXPECT_EQ(map["permitted"][0]["begin"], "0x0");
  const json deny = json::parse(to_json(report_of(VirtMachine{})))["domain"];
  EXPECT_EQ(deny["mmio_fault"], "deny");
  EXPECT_EQ(deny["permitted"][0]["begin"], "0x9010000");
}

TEST(PlanText, ShowsTheMapWithTypeRightsReasonAndNode) {
  const std::string text = to_text(report_of(VirtMachine{}));
  EXPECT_NE(text.find("Normal-WB  rw-  device registers  /pl031@9010000"), std::string::npos)
      << text;
  EXPECT_NE(text.find("Socle's console"), std::string::npos);
  EXPECT_NE(text.find("ready: planned"), std::string::npos);
}

TEST(PlanText, ALongPathLosesItsMiddle) {
  EXPECT_EQ(shortened("short", 8), "short");
  EXPECT_EQ(shortened("/soc/bus@1/uart@2", 14), "/so...1/uart@2");
}

TEST(PlanJson, HasSchemaVersionAndTheWholePlan) {
  const json out = json::parse(to_json(report_of(VirtMachine{})));
  EXPECT_EQ(out["schema"], "socle-plan");
  EXPECT_EQ(out["version"], kJsonVersion);
  EXPECT_EQ(out["verdict"], "ready");
  EXPECT_TRUE(out["reason"].is_null());
  EXPECT_EQ(out["platform"]["cpus"].size(), 2u);
  const json& first = out["domain"]["mappings"].front();
  EXPECT_EQ(first["guest"]["begin"], "0x9010000");
  EXPECT_EQ(first["permissions"], "rw-");
  EXPECT_EQ(first["nodes"][0], "/pl031@9010000");
}

TEST(PlanJson, OfARefusedMachineHasNoDomain) {
  const json out = json::parse(to_json(report_of(VirtMachine{.with_gic = false})));
  EXPECT_EQ(out["verdict"], "refused");
  EXPECT_TRUE(out["domain"].is_null());
  EXPECT_TRUE(out["reason"].is_string());
}

TEST(PlanJson, IsTheSameEveryTimeAndSurvivesHostileNames) {
  const Report report = report_of(hostile_machine());
  EXPECT_EQ(to_json(report), to_json(report_of(hostile_machine())));
  EXPECT_FALSE(json::parse(to_json(report), nullptr, false).is_discarded());
}

TEST(PlanMarkup, EscapesWhatHasMeaning) {
  EXPECT_EQ(escaped("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(PlanMarkup, HostileNamesStayText) {
  const Report report = report_of(hostile_machine());
  ASSERT_TRUE(report.domain) << report.reason;
  for (const std::string& page : {to_svg(report), to_html(report)}) {
    EXPECT_EQ(page.find("<script>alert"), std::string::npos);
    EXPECT_EQ(page.find("</svg><b>"), std::string::npos);
    EXPECT_NE(page.find("&lt;script&gt;alert"), std::string::npos);
    EXPECT_EQ(page.find('\x1b'), std::string::npos);
  }
}

TEST(PlanMarkup, ThePageNeedsNothingElse) {
  const std::string page = to_html(report_of(VirtMachine{}));
  EXPECT_EQ(page.find("src="), std::string::npos);
  EXPECT_EQ(page.find("href="), std::string::npos);
  EXPECT_EQ(count_of(page, "http"), count_of(page, "http-equiv") + 1);  // the SVG's name space
  EXPECT_NE(page.find("<input id=\"search\""), std::string::npos);
  EXPECT_EQ(count_of(page, "<section>"), count_of(page, "</section>"));
  EXPECT_EQ(count_of(page, "<div>"), count_of(page, "</div>"));
  EXPECT_NE(page.find("<output id=\"found\""), std::string::npos);
}

TEST(PlanMarkup, ThePictureShrinksRatherThanBeingCut) {
  const std::string picture = to_svg(report_of(VirtMachine{}));
  EXPECT_NE(picture.find("max-width:100%;height:auto"), std::string::npos);
  EXPECT_NE(picture.find("\" height=\""), std::string::npos);
}

TEST(PlanMarkup, EveryOwnerIsInTheLegend) {
  const std::string picture = to_svg(report_of(VirtMachine{}));
  for (const char* words :
       {"dom0 RAM", "dom0 device registers", "dom0 PCI window", "dom0 on-chip memory",
        "reserved memory", "kept by Socle", "not mapped"})
    EXPECT_NE(picture.find(words), std::string::npos) << words;
}

}  // namespace
}  // namespace socle::plan
