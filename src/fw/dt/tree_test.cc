// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/tree.h"

#include "base/test.h"
#include "fw/sort.h"

#include "test/support/tree_builder.h"

namespace socle::fw::dt {
namespace {

using test::Opened;
using test::TreeBuilder;

TreeBuilder small_tree() {
  TreeBuilder b;
  b.reserve(0x1000, 0x2000);
  b.cells("#address-cells", {2}).cells("#size-cells", {1}).text("model", "a board");
  b.begin("aliases").text("serial0", "/soc/uart@1000").text("loop", "loop").end();
  b.begin("soc").cells("#address-cells", {1}).cells("phandle", {7});
  b.begin("uart@1000").texts("compatible", {"acme,uart-2", "acme,uart"}).cells("reg", {0x1000, 8});
  b.text("status", "okay").end();
  b.begin("uart@2000").text("status", "disabled").begin("port").end().end();
  b.begin("timer@3000").text("status", "ok").cells("phandle", {9}).end();
  b.end();
  return b;
}

TEST(Tree, KnowsItsNodesByPathAliasAndPhandle) {
  TreeBuilder b = small_tree();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_EQ(t.tree().node_count(), 7u);
  EXPECT_EQ(t.node("/soc/uart@1000").name(), "uart@1000");
  EXPECT_EQ(t.node("/soc/timer").path().view(), "/soc/timer@3000");
  EXPECT_EQ(t.node("serial0").path().view(), "/soc/uart@1000");
  EXPECT_EQ(t.tree().find_phandle(9).base_name(), "timer");
  EXPECT_EQ(t.tree().largest_phandle(), 9u);
  EXPECT_EQ(t.node("/soc/timer@3000").parent().phandle(), 7u);
}

TEST(Tree, SaysThatANodeIsNotThere) {
  TreeBuilder b = small_tree();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_FALSE(t.node("/soc/uart"));  // two of that base name
  EXPECT_FALSE(t.node("/soc/uart@3000"));
  EXPECT_FALSE(t.node("serial1"));
  EXPECT_FALSE(t.node("loop"));
  EXPECT_FALSE(t.node(""));
  EXPECT_FALSE(t.tree().find_phandle(8));
}

TEST(Tree, ADisabledParentDisablesItsChildren) {
  TreeBuilder b = small_tree();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_TRUE(t.node("/soc/uart@1000").is_enabled());
  EXPECT_TRUE(t.node("/soc/timer@3000").is_enabled());
  EXPECT_FALSE(t.node("/soc/uart@2000").is_enabled());
  EXPECT_TRUE(t.node("/soc/uart@2000/port").is_available());
  EXPECT_FALSE(t.node("/soc/uart@2000/port").is_enabled());
}

TEST(Tree, ReadsPropertiesByTheirType) {
  TreeBuilder b = small_tree();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  const Node uart = t.node("/soc/uart@1000");
  EXPECT_TRUE(uart.is_compatible("acme,uart"));
  EXPECT_FALSE(uart.is_compatible("acme"));
  EXPECT_EQ(uart.property("reg")->cell(1), 8u);
  EXPECT_FALSE(uart.property("reg")->cell(2).has_value());
  EXPECT_EQ(uart.property("reg")->number(0, 2), 0x1000'0000'0008u);
  EXPECT_FALSE(uart.property("reg")->number(1, 2).has_value());
  EXPECT_EQ(uart.property("compatible")->string_at(1), "acme,uart");
  EXPECT_FALSE(uart.property("compatible")->string_at(2).has_value());
  EXPECT_FALSE(uart.cell("reg").has_value());
  EXPECT_TRUE(t.said("/soc/uart@1000: reg should be one cell"));
  EXPECT_FALSE(uart.property("missing").has_value());
}

TEST(Tree, KeepsTheMemoryReservations) {
  TreeBuilder b = small_tree();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  ASSERT_EQ(t.tree().memory_reservations().size(), 1u);
  EXPECT_EQ(t.tree().memory_reservations()[0], PaRange(Pa(0x1000), Pa(0x3000)));
}

TEST(Tree, RefusesEveryTruncation) {
  TreeBuilder b = small_tree();
  const auto blob = b.blob();
  for (std::size_t size = 0; size < blob.size(); ++size) {
    const Opened t(blob.first(size), 8 * kKiB);
    EXPECT_FALSE(t.result.has_value());
    EXPECT_TRUE(t.said("device tree:"));
  }
}

TEST(Tree, SurvivesEveryByteBeingWrong) {
  TreeBuilder b = small_tree();
  const auto blob = b.blob();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < blob.size(); ++i) {
    for (const unsigned flip : {0x01u, 0x80u, 0xffu}) {
      std::vector<std::byte> bytes(blob.begin(), blob.end());
      bytes[i] ^= static_cast<std::byte>(flip);
      const Opened t(bytes, 16 * kKiB);
      if (!t.result) {
        ++refused;
        continue;
      }
      for (std::uint32_t n = 0; n < t.tree().node_count(); ++n)
        for (const Property property : t.tree().node(NodeId{n}).properties())
          EXPECT_LE(property.size(), blob.size());
    }
  }
  EXPECT_GT(refused, 100u);
}

// The header's words, big-endian, by index.
std::vector<std::byte> with_word(std::span<const std::byte> blob, std::size_t index,
                                 std::uint32_t value) {
  std::vector<std::byte> bytes(blob.begin(), blob.end());
  store_be32(bytes.data() + 4 * index, value);
  return bytes;
}

TEST(Tree, RefusesHeadersThatContradictThemselves) {
  TreeBuilder b = small_tree();
  const auto blob = b.blob();
  const auto size = static_cast<std::uint32_t>(blob.size());
  EXPECT_TRUE(Opened(with_word(blob, 0, 0xdead'beef)).said("there is none"));
  EXPECT_TRUE(Opened(with_word(blob, 1, size + 8)).said("cut off"));
  EXPECT_TRUE(Opened(with_word(blob, 1, 20)).said("cut off"));
  EXPECT_TRUE(Opened(with_word(blob, 2, size)).said("offsets"));
  EXPECT_TRUE(Opened(with_word(blob, 2, 58)).said("offsets"));
  EXPECT_TRUE(Opened(with_word(blob, 3, 0xffff'fff0)).said("offsets"));
  EXPECT_TRUE(Opened(with_word(blob, 4, 8)).said("offsets"));
  EXPECT_TRUE(Opened(with_word(blob, 5, 16)).said("version"));
  EXPECT_TRUE(Opened(with_word(blob, 6, 18)).said("version"));
  EXPECT_TRUE(Opened(with_word(blob, 9, 4)).said("no end"));
}

TEST(Tree, RefusesNodesNestedTooDeeply) {
  TreeBuilder b;
  for (unsigned i = 0; i < kMaxDepth; ++i)
    b.begin("n");
  for (unsigned i = 0; i < kMaxDepth; ++i)
    b.end();
  const Opened t(b);
  EXPECT_FALSE(t.result.has_value());
  EXPECT_TRUE(t.said("too deeply"));
}

TEST(Tree, TakesNodesAsDeepAsAllowed) {
  TreeBuilder b;
  for (unsigned i = 0; i + 1 < kMaxDepth; ++i)
    b.begin("a-rather-long-name-for-a-node");
  for (unsigned i = 0; i + 1 < kMaxDepth; ++i)
    b.end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  const Node last = t.tree().node(NodeId{kMaxDepth - 1});
  EXPECT_EQ(last.depth(), kMaxDepth - 1);
  // A path that is too long keeps both ends.
  EXPECT_TRUE(last.path().view().starts_with("/a-rather"));
  EXPECT_TRUE(last.path().view().find("/...") != std::string_view::npos);
  EXPECT_TRUE(last.path().view().ends_with("node"));
}

TEST(Tree, WarnsOfAPhandleUsedTwiceAndTakesTheFirst) {
  TreeBuilder b;
  b.begin("a").cells("phandle", {3}).end();
  b.begin("b").cells("phandle", {3}).cells("linux,phandle", {3}).end();
  b.begin("c").cells("phandle", {0}).end();
  const Opened t(b);
  ASSERT_TRUE(t.result.has_value());
  EXPECT_TRUE(t.said("/b: phandle 0x3 belongs to /a already"));
  EXPECT_TRUE(t.said("/c: phandle is no phandle"));
  EXPECT_EQ(t.tree().find_phandle(3).name(), "a");
}

TEST(Tree, NeedsAnArenaThatIsLargeEnough) {
  TreeBuilder b = small_tree();
  const auto blob = b.blob();
  std::vector<std::byte> memory(200);
  Arena arena{std::span(memory)};
  Diagnostics notes(arena);
  const auto tree = Tree::open(blob, arena, notes);
  ASSERT_FALSE(tree.has_value());
  EXPECT_EQ(tree.error(), Error::kNoMemory);
}

TEST(Tree, AsksForItsSizeBeforeItIsRead) {
  TreeBuilder b = small_tree();
  const auto blob = b.blob();
  EXPECT_EQ(*Tree::claimed_size(blob.first(8)), blob.size());
  EXPECT_FALSE(Tree::claimed_size(blob.first(7)).has_value());
  EXPECT_FALSE(Tree::claimed_size(blob.subspan(8)).has_value());
}

TEST(Diagnostics, KeepsTheFirstLinesAndCountsTheRest) {
  std::vector<std::byte> memory(256 * kKiB);
  Arena arena{std::span(memory)};
  Diagnostics notes(arena);
  for (unsigned i = 0; i < Diagnostics::kMaxLines + 5; ++i)
    notes.warning("line {}", i);
  EXPECT_EQ(notes.lines().size(), Diagnostics::kMaxLines - 8);
  EXPECT_EQ(notes.dropped(), 13u);
  EXPECT_TRUE(notes.mentions("line 503"));
  EXPECT_FALSE(notes.mentions("line 504"));
  // Who fails after that still says why.
  for (unsigned i = 0; i < 10; ++i)
    EXPECT_EQ(notes.error(Error::kCorrupt, "error {}", i).error(), Error::kCorrupt);
  EXPECT_EQ(notes.lines().size(), Diagnostics::kMaxLines);
  EXPECT_TRUE(notes.mentions("error 7"));
  EXPECT_FALSE(notes.mentions("error 8"));
}

TEST(Sort, OrdersAnyNumberOfElementsOfAnySize) {
  struct Wide {
    std::uint32_t key;
    std::uint8_t rest[9];
  };
  std::uint32_t random = 1;
  for (std::size_t count = 0; count < 200; ++count) {
    std::vector<Wide> items(count);
    std::uint64_t sum = 0;
    for (Wide& item : items) {
      random = random * 1664525 + 1013904223;
      item.key = random >> 24;
      item.rest[8] = static_cast<std::uint8_t>(item.key);
      sum += item.key;
    }
    sort_by(std::span(items), [](const Wide& item) { return item.key; });
    for (std::size_t i = 0; i < count; ++i) {
      if (i != 0) EXPECT_LE(items[i - 1].key, items[i].key);
      EXPECT_EQ(items[i].rest[8], items[i].key);
      sum -= items[i].key;
    }
    EXPECT_EQ(sum, 0u);
  }
}

TEST(ArenaVector, KeepsItsElementsWhenItHasToMove) {
  std::vector<std::byte> memory(64 * kKiB);
  Arena arena{std::span(memory)};
  ArenaVector<unsigned> first(arena);
  ArenaVector<unsigned> second(arena);
  for (unsigned i = 0; i < 1000; ++i) {
    ASSERT_TRUE(first.push_back(i).has_value());
    ASSERT_TRUE(second.push_back(2 * i).has_value());
  }
  for (unsigned i = 0; i < 1000; ++i) {
    EXPECT_EQ(first[i], i);
    EXPECT_EQ(second[i], 2 * i);
  }
}

TEST(ArenaVector, GivesBackWhatItDidNotUse) {
  std::vector<std::byte> memory(4 * kKiB);
  Arena arena{std::span(memory)};
  ArenaVector<std::uint64_t> list(arena);
  for (std::uint64_t i = 0; i < 9; ++i)
    ASSERT_TRUE(list.push_back(i).has_value());
  const std::size_t before = arena.used();
  EXPECT_EQ(list.finish().size(), 9u);
  EXPECT_EQ(before - arena.used(), 7 * sizeof(std::uint64_t));
}

TEST(ArenaVector, SaysWhenTheArenaIsFull) {
  std::vector<std::byte> memory(100);
  Arena arena{std::span(memory)};
  ArenaVector<std::uint64_t> list(arena);
  std::uint64_t pushed = 0;
  while (list.push_back(pushed))
    ++pushed;
  EXPECT_EQ(pushed, 8u);
  EXPECT_EQ(list[7], 7u);
}

}  // namespace
}  // namespace socle::fw::dt
