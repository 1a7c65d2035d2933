// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/passed_through.h"

#include <array>

#include "base/test.h"

#include "test/support/tree_builder.h"

namespace socle::fw::dt {
namespace {

using test::Opened;
using test::TreeBuilder;

constexpr std::array<std::string_view, 2> kNames = {"device-gre", "normal-wb"};

// One device below "passthrough" with two cells each, but for what `device` says.
struct Read {
  template <typename Device>
  explicit Read(Device device, std::uint32_t address_cells = 2, std::uint32_t size_cells = 2) {
    TreeBuilder b;
    b.begin("passthrough").cells("#address-cells", {address_cells});
    b.cells("#size-cells", {size_cells}).begin("dev@0");
    device(b);
    b.end().end();
    opened.emplace(b);
    regions = passed_through_regions(opened->node("/passthrough/dev@0"), kNames, opened->arena);
  }
  [[nodiscard]] bool fails(Error error, std::string_view text) const {
    return !regions && regions.error() == error && opened->notes.mentions(text) &&
           opened->notes.mentions("/passthrough/dev@0: ");
  }
  std::optional<Opened> opened;
  Result<std::span<const PassedThroughRegion>> regions = fail(Error::kNotFound);
};

TEST(PassedThrough, RegionsHaveMachineAddressSizeAndGuestAddress) {
  const Read read([](TreeBuilder& b) {
    b.wide("xen,reg", {0xff0e'0000, 0x1000, 0x1000'0000, 0x8'0000'0000, 0x80'0000, 0x2000'0000});
  });
  ASSERT_TRUE(read.regions.has_value());
  ASSERT_EQ(read.regions->size(), 2u);
  const PassedThroughRegion& second = (*read.regions)[1];
  EXPECT_EQ((*read.regions)[0].machine, MfnRange(Mfn(0xff0e0), Mfn(0xff0e1)));
  EXPECT_EQ((*read.regions)[0].guest, Gfn(0x10000));
  EXPECT_EQ(second.machine, MfnRange(Mfn(0x80'0000), Mfn(0x80'0800)));
  EXPECT_EQ(second.guest, Gfn(0x20000));
  EXPECT_TRUE(second.memory_type.empty());
}

TEST(PassedThrough, CellsAreTheParents) {
  const Read read([](TreeBuilder& b) { b.cells("xen,reg", {0xff0e'0000, 0x1000, 0x1000}); }, 1, 1);
  ASSERT_TRUE(read.regions.has_value());
  EXPECT_EQ((*read.regions)[0].guest, Gfn(1));
  for (const auto& [address, size] : {std::pair{0u, 0u}, {0u, 1u}, {3u, 1u}, {1u, 0u}, {2u, 3u}}) {
    const Read odd([](TreeBuilder& b) { b.wide("xen,reg", {0, 0x1000, 0}); }, address, size);
    EXPECT_TRUE(odd.fails(Error::kUnsupported, "xen,reg: the parent has #address-cells"));
  }
}

TEST(PassedThrough, ANodeWithoutThePropertiesHasNoRegions) {
  const Read read([](TreeBuilder& b) { b.wide("reg", {0x1000, 0x1000}); });
  ASSERT_TRUE(read.regions.has_value());
  EXPECT_TRUE(read.regions->empty());
  EXPECT_TRUE(read.opened->notes.lines().empty());
}

TEST(PassedThrough, OneTypeIsForAllAndManyAreOneForEach) {
  const auto two = [](TreeBuilder& b) -> TreeBuilder& {
    return b.wide("xen,reg", {0x1000, 0x1000, 0x1000, 0x4000, 0x1000, 0x4000});
  };
  const Read one([&](TreeBuilder& b) { two(b).text("socle,memory-type", "normal-wb"); });
  ASSERT_TRUE(one.regions.has_value());
  for (const PassedThroughRegion& region : *one.regions)
    EXPECT_EQ(region.memory_type, "normal-wb");
  const Read each(
      [&](TreeBuilder& b) { two(b).texts("socle,memory-type", {"normal-wb", "device-gre"}); });
  ASSERT_TRUE(each.regions.has_value());
  EXPECT_EQ((*each.regions)[0].memory_type, "normal-wb");
  EXPECT_EQ((*each.regions)[1].memory_type, "device-gre");
}

TEST(PassedThrough, BadTypesNameTheNodeAndTheValue) {
  const auto with = [](std::initializer_list<std::string_view> types) {
    return Read([types](TreeBuilder& b) {
      b.wide("xen,reg", {0x1000, 0x1000, 0x1000, 0x4000, 0x1000, 0x4000});
      b.texts("socle,memory-type", types);
    });
  };
  EXPECT_TRUE(with({"normal-wt"}).fails(Error::kInvalid, "'normal-wt' is no memory type"));
  EXPECT_TRUE(with({"normal-wb", ""}).fails(Error::kInvalid, "'' is no memory type"));
  EXPECT_TRUE(with({"normal-wb", "normal-wb", "normal-wb"})
                  .fails(Error::kInvalid, "socle,memory-type: 3 types for 2 regions"));
  const Read alone([](TreeBuilder& b) { b.text("socle,memory-type", "normal-wb"); });
  EXPECT_TRUE(alone.fails(Error::kInvalid, "socle,memory-type without xen,reg"));
}

TEST(PassedThrough, BadRegionsNameTheNodeAndTheValue) {
  const auto with = [](std::initializer_list<std::uint64_t> values) {
    return Read([values](TreeBuilder& b) { b.wide("xen,reg", values); });
  };
  EXPECT_TRUE(with({0x1010, 0x1000, 0x1000}).fails(Error::kInvalid, "0x1010 is no multiple"));
  EXPECT_TRUE(with({0x1000, 0x800, 0x1000}).fails(Error::kInvalid, "0x800 is no multiple"));
  EXPECT_TRUE(with({0x1000, 0x1000, 0xfff}).fails(Error::kInvalid, "0xfff is no multiple"));
  EXPECT_TRUE(with({0x1000, 0, 0x1000}).fails(Error::kInvalid, "size zero at 0x1000"));
  const std::uint64_t top = ~std::uint64_t{0xfff};
  EXPECT_TRUE(with({top, 0x2000, 0}).fails(Error::kOutOfRange, "passes 64 bits"));
  EXPECT_TRUE(with({0, 0x2000, top}).fails(Error::kOutOfRange, "passes 64 bits"));
  EXPECT_TRUE(with({0x1000, 0x2000, 0x1000, 0x2000, 0x1000, 0x9000})
                  .fails(Error::kInvalid, "regions 0 and 1 overlap"));
  EXPECT_TRUE(with({0x1000, 0x2000, 0x1000, 0x8000, 0x1000, 0x2000})
                  .fails(Error::kInvalid, "regions 0 and 1 overlap"));
}

TEST(PassedThrough, LengthsAreCheckedByTheByte) {
  for (std::size_t size = 0; size <= 3 * 24; ++size) {
    const std::vector<std::byte> bytes(size);
    const Read read([&](TreeBuilder& b) { b.raw("xen,reg", bytes); });
    ASSERT_FALSE(read.regions.has_value());  // zeros are no region either
    EXPECT_EQ(read.regions.error(),
              size == 0 || size % 24 != 0 ? Error::kCorrupt : Error::kInvalid);
  }
  for (const std::string_view text : {std::string_view("normal-wb"), std::string_view(""),
                                      std::string_view("normal-wb\0normal-wb", 19)}) {
    const Read read([&](TreeBuilder& b) {
      b.wide("xen,reg", {0x1000, 0x1000, 0x1000});
      const auto bytes = std::as_bytes(std::span(text));
      b.raw("socle,memory-type", std::vector<std::byte>(bytes.begin(), bytes.end()));
    });
    EXPECT_TRUE(read.fails(Error::kCorrupt, "socle,memory-type: no string, or one without end"));
  }
}

TEST(PassedThrough, ThereIsAnEndToTheRegions) {
  for (const std::uint32_t count : {64u, 65u}) {
    const Read read(
        [count](TreeBuilder& b) {
          std::vector<std::uint32_t> cells;
          for (std::uint32_t i = 1; i <= count; ++i)
            cells.insert(cells.end(), {0x1000 * i, 0x1000, 0x1000 * i});
          b.cells("xen,reg", cells);
        },
        1, 1);
    EXPECT_EQ(read.regions.has_value(), count == 64);
    if (count == 65)
      EXPECT_TRUE(read.fails(Error::kTooLarge, "xen,reg has 65 regions, more than 64"));
  }
}

}  // namespace
}  // namespace socle::fw::dt
