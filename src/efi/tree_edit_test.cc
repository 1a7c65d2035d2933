// SPDX-License-Identifier: Apache-2.0
#include "efi/tree_edit.h"

#include <random>
#include <vector>

#include "base/test.h"
#include "fw/dt/tree.h"

#include "test/support/tree_builder.h"

namespace socle::efi {
namespace {

using fw::dt::Node;
using fw::dt::Tree;
using test::TreeBuilder;

struct Edited {
  const Tree* write(std::span<const std::byte> blob) {
    out.assign(edit.size_bound(blob) / 8 + 1, 0);
    const auto size = edit.write(blob, std::as_writable_bytes(std::span(out)));
    if (!size) return nullptr;
    written = *size;
    const auto tree = Tree::open(std::as_bytes(std::span(out)).first(*size), arena, notes);
    return tree ? *tree : nullptr;
  }
  std::vector<std::byte> edit_memory = std::vector<std::byte>(64 * kKiB);
  std::vector<std::byte> memory = std::vector<std::byte>(256 * kKiB);
  fw::Arena arena{memory};
  fw::Diagnostics notes{arena};
  fw::Arena edit_arena{edit_memory};
  ChosenEdit edit{edit_arena};
  std::vector<std::uint64_t> out;
  std::size_t written = 0;
};

TEST(TreeEdit, AnEmptyTreeGetsAChosenNode) {
  Edited e;
  e.edit.set_number("linux,uefi-system-table", 0x1'2345'6789);
  e.edit.begin_node("module@1");
  e.edit.set_text("compatible", "multiboot,module");
  e.edit.end_node();
  e.edit.set_cell("after", 7);
  const Tree* const tree = e.write(empty_tree());
  ASSERT_TRUE(tree != nullptr);
  EXPECT_EQ(e.notes.lines().size(), 0u);
  const Node chosen = tree->root().child("chosen");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen.property("linux,uefi-system-table")->as_number(), 0x1'2345'6789u);
  EXPECT_EQ(chosen.cell("after"), 7u);
  EXPECT_EQ(chosen.child("module@1").string("compatible"), "multiboot,module");
}

TEST(TreeEdit, WhatWasThereStays) {
  TreeBuilder b;
  b.reserve(0x4000'0000, 0x1000).text("model", "m");
  b.begin("chosen").text("bootargs", "old").cells("kaslr-seed", {1, 2});
  b.begin("framebuffer").text("status", "okay").end().end();
  b.begin("cpus").begin("cpu@0").cells("reg", {0}).end().end();
  Edited e;
  e.edit.set_text("bootargs", "a longer new one");
  const Tree* const tree = e.write(b.blob());
  ASSERT_TRUE(tree != nullptr);
  EXPECT_EQ(tree->memory_reservations().size(), 1u);
  EXPECT_EQ(tree->root().string("model"), "m");
  const Node chosen = tree->root().child("chosen");
  EXPECT_EQ(chosen.string("bootargs"), "a longer new one");
  unsigned properties = 0;
  for (const fw::dt::Property property : chosen.properties()) {
    static_cast<void>(property);
    ++properties;
  }
  EXPECT_EQ(properties, 2u);
  EXPECT_EQ(chosen.child("framebuffer").string("status"), "okay");
  EXPECT_EQ(tree->find("/cpus/cpu@0").cell("reg"), 0u);
}

TEST(TreeEdit, OnlyTheChosenNodeBelowTheRootIsMeant) {
  TreeBuilder b;
  b.begin("soc").begin("chosen").text("bootargs", "not this").end().end();
  b.begin("chosen").begin("chosen").text("bootargs", "nor this").end().end();
  Edited e;
  e.edit.set_text("bootargs", "new");
  const Tree* const tree = e.write(b.blob());
  ASSERT_TRUE(tree != nullptr);
  EXPECT_EQ(tree->find("/soc/chosen").string("bootargs"), "not this");
  EXPECT_EQ(tree->find("/chosen/chosen").string("bootargs"), "nor this");
  EXPECT_EQ(tree->find("/chosen").string("bootargs"), "new");
}

TEST(TreeEdit, TooLittleRoomIsAnAnswer) {
  Edited e;
  e.edit.set_text("bootargs", "text");
  std::vector<std::byte> room(e.edit.size_bound(empty_tree()));
  const auto needed = e.edit.write(empty_tree(), room);
  ASSERT_TRUE(needed.has_value());
  for (std::size_t size = 0; size < *needed; ++size) {
    std::vector<std::byte> small(size);
    EXPECT_EQ(e.edit.write(empty_tree(), small).error(), Error::kTooLarge);
  }
}

TEST(TreeEdit, AFullArenaIsAnAnswer) {
  std::vector<std::byte> memory(512);
  fw::Arena arena(memory);
  ChosenEdit edit(arena);
  for (int i = 0; i < 100; ++i)
    edit.set_text("bootargs", "something that takes room");
  std::vector<std::byte> room(8192);
  EXPECT_EQ(edit.write(empty_tree(), room).error(), Error::kTooLarge);
}

// Whatever is broken: a tree that opens, or an error; never a read or write outside (ASan).
TEST(TreeEdit, ABrokenTreeIsRefusedOrHarmless) {
  TreeBuilder b;
  b.begin("chosen").text("bootargs", "old").begin("a").end().end().begin("b").end();
  const auto good = b.blob();
  Edited e;
  e.edit.set_text("bootargs", "new");
  e.edit.begin_node("module");
  e.edit.end_node();
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::byte> blob(good.begin(), good.end());
    for (unsigned i = 0; i <= random() % 3; ++i)
      blob[random() % blob.size()] =
          static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 10);
    blob.resize(random() % 4 == 0 ? random() % blob.size() : blob.size());
    blob.shrink_to_fit();
    std::vector<std::byte> out(e.edit.size_bound(blob));
    const auto size = e.edit.write(blob, out);
    EXPECT_TRUE(!size || *size <= out.size());
  }
}

}  // namespace
}  // namespace socle::efi
