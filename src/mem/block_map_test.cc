// SPDX-License-Identifier: Apache-2.0
#include "mem/block_map.h"

#include <array>

#include "base/test.h"

namespace socle::mem {
namespace {

constexpr std::uint64_t kGib = kOrder1G.count().value();

constexpr MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}

constinit std::array<Block, 3 * kBlocksPerGiB> storage{};

// RAM in the second and third GiB, and a little at 8 GiB.
constexpr std::array<MfnRange, 3> kBanks{frames(8 * kGib + 7, 8 * kGib + 8),
                                         frames(kGib + 100, 2 * kGib),
                                         frames(2 * kGib, 2 * kGib + 1)};

struct Map {
  Map() {
    EXPECT_EQ(make_sections(kBanks, sections), 2u);
    map.attach(sections, storage);
  }
  std::array<Section, 2> sections{};
  BlockMap map;
};

TEST(BlockMap, SectionsJoinGibibytesThatTouchAndSkipGaps) {
  const Map machine;
  EXPECT_EQ(machine.sections[0].first_gib, 1u);
  EXPECT_EQ(machine.sections[0].blocks, 2 * kBlocksPerGiB);
  EXPECT_EQ(machine.sections[1].first_gib, 8u);
  EXPECT_EQ(machine.sections[1].base, 2 * kBlocksPerGiB);
  EXPECT_EQ(blocks_needed(kBanks), 3u * kBlocksPerGiB);
}

TEST(BlockMap, NoRamNeedsNoSection) {
  const std::array<MfnRange, 1> nothing{frames(5, 5)};
  EXPECT_EQ(make_sections({}, {}), 0u);
  EXPECT_EQ(make_sections(nothing, {}), 0u);
  EXPECT_EQ(blocks_needed(nothing), 0u);
}

TEST(BlockMap, IndexesAndFramesTranslateBothWays) {
  const Map machine;
  EXPECT_EQ(machine.map.index_of(Mfn(kGib)), 0u);
  EXPECT_EQ(machine.map.index_of(Mfn(3 * kGib - 1)), 2 * kBlocksPerGiB - 1);
  EXPECT_EQ(machine.map.index_of(Mfn(8 * kGib + 512)), 2 * kBlocksPerGiB + 1);
  for (BlockIndex index = 0; index < machine.map.size(); ++index)
    EXPECT_EQ(machine.map.index_of(machine.map.first_frame(index)), index);
}

TEST(BlockMap, FramesOutsideAllSectionsHaveNoBlock) {
  const Map machine;
  EXPECT_EQ(machine.map.index_of(Mfn(0)), kNoBlock);
  EXPECT_EQ(machine.map.index_of(Mfn(kGib - 1)), kNoBlock);
  EXPECT_EQ(machine.map.index_of(Mfn(3 * kGib)), kNoBlock);
  EXPECT_EQ(machine.map.index_of(Mfn(9 * kGib)), kNoBlock);
  EXPECT_EQ(machine.map.index_of(Mfn(~std::uint64_t{0})), kNoBlock);
  EXPECT_EQ(machine.map.head_of(Mfn(0)), kNoBlock);
}

TEST(BlockMap, EveryBlockOfARunFindsItsHead) {
  Map machine;
  EXPECT_EQ(machine.map.head_of(BlockIndex{511}), 0u);
  EXPECT_EQ(machine.map.halve(0), 256u);
  EXPECT_EQ(machine.map.halve(256), 384u);
  EXPECT_EQ(machine.map.head_of(BlockIndex{255}), 0u);
  EXPECT_EQ(machine.map.head_of(BlockIndex{383}), 256u);
  EXPECT_EQ(machine.map.head_of(BlockIndex{384}), 384u);
  EXPECT_EQ(machine.map.head_of(BlockIndex{512}), 512u);
}

TEST(BlockMap, HeadsFollowEachOtherWithoutGaps) {
  Map machine;
  machine.map.halve(0);
  BlockIndex head = machine.map.next_head(0);
  EXPECT_EQ(head, 256u);
  head = machine.map.next_head(head);
  EXPECT_EQ(head, 512u);
  EXPECT_TRUE(machine.map.frames_of(256) == frames(kGib + 256 * 512, 2 * kGib));
}

}  // namespace
}  // namespace socle::mem
