// SPDX-License-Identifier: Apache-2.0
#include "hwdom/plan_sweep.h"

#include <map>
#include <random>
#include <vector>

#include "base/test.h"

namespace socle::hwdom {
namespace {

MfnRange frames(std::uint64_t begin, std::uint64_t end) {
  return MfnRange(Mfn(begin), Mfn(end));
}

struct Space {
  std::vector<std::byte> memory = std::vector<std::byte>(256 * kKiB);
  fw::Arena arena{std::span(memory)};
};

Attributes registers() {
  return policy::device(policy::DomainKind::kHardware, {});
}
Attributes sram() {
  static constexpr std::string_view kName[] = {"mmio-sram"};
  return policy::device(policy::DomainKind::kHardware, {.compatibles = kName});
}
Attributes strict() {
  return policy::interrupt_controller();
}

TEST(Sweep, JoinsNeighboursThatAreAlike) {
  Space s;
  Claim claims[] = {{frames(4, 6), registers(), NodeId{2}, true},
                    {frames(2, 4), registers(), NodeId{1}, true},
                    {frames(7, 8), registers(), NodeId{3}, true}};
  MappingList out(s.arena);
  ASSERT_TRUE(sweep(s.arena, claims, out).has_value());
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].mfns(), frames(2, 6));
  EXPECT_EQ(out[0].source, NodeId{1});
  EXPECT_EQ(out[1].mfns(), frames(7, 8));
}

TEST(Sweep, TheStricterTypeWinsWhereClaimsOverlap) {
  Space s;
  Claim claims[] = {{frames(0, 10), sram(), NodeId{1}, true},
                    {frames(4, 6), strict(), NodeId{2}, true}};
  MappingList out(s.arena);
  ASSERT_TRUE(sweep(s.arena, claims, out).has_value());
  ASSERT_EQ(out.size(), 3u);
  EXPECT_TRUE(out[0].attributes == sram());
  EXPECT_TRUE(out[1].attributes.type() == MemoryType::kDeviceNGnRE);
  EXPECT_EQ(out[1].source, NodeId{2});
  EXPECT_TRUE(out[2].attributes == sram());
}

TEST(Sweep, NamesAnEnabledNodeBeforeADisabledOne) {
  Space s;
  Claim claims[] = {{frames(0, 4), registers(), NodeId{1}, false},
                    {frames(0, 4), registers(), NodeId{2}, true}};
  MappingList out(s.arena);
  ASSERT_TRUE(sweep(s.arena, claims, out).has_value());
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].source, NodeId{2});
}

// Random claims and holes against one entry per frame.
TEST(Sweep, AgreesWithAMapOfFrames) {
  std::minstd_rand random(7);
  const Attributes kinds[] = {registers(), sram(), strict(), policy::reserved_memory(false)};
  for (unsigned round = 0; round < 400; ++round) {
    Space s;
    std::vector<Claim> claims;
    std::map<std::uint64_t, std::vector<Attributes>> naive;
    const unsigned count = 1 + static_cast<unsigned>(random() % 12);
    for (unsigned i = 0; i < count; ++i) {
      const std::uint64_t begin = random() % 60;
      const std::uint64_t end = begin + 1 + random() % 12;
      const Attributes& kind = kinds[random() % 4];
      claims.push_back({frames(begin, end), kind, NodeId{i}, random() % 2 == 0});
      for (std::uint64_t f = begin; f < end; ++f)
        naive[f].push_back(kind);
    }
    RangeList holes(s.arena);
    for (unsigned i = 0; i < random() % 6; ++i) {
      const std::uint64_t begin = random() % 70;
      const std::uint64_t end = begin + random() % 5;
      ASSERT_TRUE(holes.push_back(frames(begin, end)).has_value());
      for (std::uint64_t f = begin; f < end; ++f)
        naive.erase(f);
    }
    normalise(holes);

    MappingList swept(s.arena);
    MappingList out(s.arena);
    ASSERT_TRUE(sweep(s.arena, claims, swept).has_value());
    ASSERT_TRUE(cut_out(swept.span(), holes.span(), out).has_value());
    std::uint64_t covered = 0;
    for (const Mapping& mapping : out) {
      for (Mfn f = mapping.machine; f < mapping.mfns().end(); ++f) {
        const auto found = naive.find(f.value());
        ASSERT_TRUE(found != naive.end());
        Attributes all = found->second[0];
        for (const Attributes& other : found->second)
          all = policy::combined(all, other);
        EXPECT_TRUE(mapping.attributes.same_mapping(all));
        bool names_a_claimer = false;
        for (const Claim& claim : claims)
          names_a_claimer = names_a_claimer || claim.node == mapping.source;
        EXPECT_TRUE(names_a_claimer);
        ++covered;
      }
    }
    EXPECT_EQ(covered, naive.size());
  }
}

TEST(Ranges, SubtractAgreesWithASetOfFrames) {
  std::minstd_rand random(3);
  for (unsigned round = 0; round < 400; ++round) {
    Space s;
    RangeList from(s.arena);
    RangeList what(s.arena);
    RangeList out(s.arena);
    std::uint64_t left = 0;
    bool in_from[80] = {};
    for (RangeList* list : {&from, &what}) {
      for (unsigned i = 0; i < random() % 6; ++i) {
        const std::uint64_t begin = random() % 60;
        const std::uint64_t end = begin + random() % 15;
        ASSERT_TRUE(list->push_back(frames(begin, end)).has_value());
        for (std::uint64_t f = begin; f < end; ++f)
          in_from[f] = list == &from;
      }
      normalise(*list);
    }
    for (const bool in : in_from)
      left += in ? 1 : 0;
    ASSERT_TRUE(subtract(from.span(), what.span(), out).has_value());
    std::uint64_t found = 0;
    for (const MfnRange& range : out) {
      for (Mfn f = range.begin(); f < range.end(); ++f) {
        EXPECT_TRUE(in_from[f.value()]);
        ++found;
      }
      EXPECT_TRUE(contained_in_one(from.span(), range));
      EXPECT_FALSE(overlaps_any(what.span(), range));
    }
    EXPECT_EQ(found, left);
  }
}

}  // namespace
}  // namespace socle::hwdom
