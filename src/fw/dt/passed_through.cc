// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/passed_through.h"

#include <algorithm>

#include "fw/arena.h"

namespace socle::fw::dt {

namespace {

constexpr const char* kRegions = "xen,reg";
constexpr const char* kTypes = "socle,memory-type";

class RegionReader {
 public:
  RegionReader(const Node& node, const Property& property)
      : node_(node),
        property_(property),
        address_cells_(node.parent().address_cells()),
        size_cells_(node.parent().size_cells()) {}

  Result<std::size_t> count() const {
    if (address_cells_ < 1 || address_cells_ > 2 || size_cells_ < 1 || size_cells_ > 2)
      return notes().error(Error::kUnsupported,
                           "{}: {}: the parent has #address-cells {} and #size-cells {}",
                           node_.path().view(), kRegions, address_cells_, size_cells_);
    const std::size_t row = std::size_t{row_cells()} * 4;
    if (property_.size() == 0 || property_.size() % row != 0)
      return notes().error(Error::kCorrupt, "{}: {} has {} bytes, not a multiple of {}",
                           node_.path().view(), kRegions, property_.size(), row);
    const std::size_t count = property_.size() / row;
    if (count > kMaxPassedThroughRegions)
      return notes().error(Error::kTooLarge, "{}: {} has {} regions, more than {}",
                           node_.path().view(), kRegions, count, kMaxPassedThroughRegions);
    return count;
  }

  Result<PassedThroughRegion> read(std::size_t index) const {
    const std::size_t at = index * row_cells();
    const std::uint64_t machine = number(at, address_cells_);
    const std::uint64_t size = number(at + address_cells_, size_cells_);
    const std::uint64_t guest = number(at + address_cells_ + size_cells_, address_cells_);
    for (const std::uint64_t value : {machine, size, guest})
      if (value % kFrameSize != 0)
        return notes().error(Error::kInvalid, "{}: {}: {#x} is no multiple of a page",
                             node_.path().view(), kRegions, value);
    if (size == 0)
      return notes().error(Error::kInvalid, "{}: {}: size zero at {#x}", node_.path().view(),
                           kRegions, machine);
    for (const std::uint64_t begin : {machine, guest})
      if (begin + size < begin)
        return notes().error(Error::kOutOfRange, "{}: {}: {#x} + {#x} passes 64 bits",
                             node_.path().view(), kRegions, begin, size);
    const Mfn first = Pa(machine).frame();
    return PassedThroughRegion{.machine = MfnRange(first, first + FrameCount(size >> kFrameShift)),
                               .guest = Ipa(guest).frame(),
                               .memory_type = {}};
  }

 private:
  [[nodiscard]] unsigned row_cells() const { return 2 * address_cells_ + size_cells_; }
  [[nodiscard]] Diagnostics& notes() const { return node_.tree().notes(); }
  // count() has made sure that it is there.
  [[nodiscard]] std::uint64_t number(std::size_t at, unsigned cells) const {
    return property_.number(at, cells).value_or(0);
  }

  const Node& node_;
  const Property& property_;
  const unsigned address_cells_;
  const unsigned size_cells_;
};

Result<> check_overlaps(const Node& node, std::span<const PassedThroughRegion> regions) {
  const auto guest = [](const PassedThroughRegion& region) {
    return GfnRange(region.guest, region.guest + FrameCount(region.machine.size()));
  };
  for (std::size_t i = 0; i < regions.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (regions[i].machine.overlaps(regions[j].machine) ||
          guest(regions[i]).overlaps(guest(regions[j])))
        return node.tree().notes().error(Error::kInvalid,
                                         "{}: {}: regions {} and {} overlap, at {} or in the guest",
                                         node.path().view(), kRegions, j, i, regions[i].machine);
  return {};
}

// Strings of the list; it ends with one.
Result<std::size_t> count_types(const Node& node, const Property& property) {
  if (property.size() == 0 || property.bytes().back() != std::byte{0})
    return node.tree().notes().error(Error::kCorrupt, "{}: {}: no string, or one without end",
                                     node.path().view(), kTypes);
  return static_cast<std::size_t>(std::ranges::count(property.bytes(), std::byte{0}));
}

Result<> read_types(const Node& node, const Property& property,
                    std::span<const std::string_view> names,
                    std::span<PassedThroughRegion> regions) {
  Diagnostics& notes = node.tree().notes();
  const std::size_t count = TRY(count_types(node, property));
  if (regions.empty())
    return notes.error(Error::kInvalid, "{}: {} without {}", node.path().view(), kTypes, kRegions);
  if (count != 1 && count != regions.size())
    return notes.error(Error::kInvalid, "{}: {}: {} types for {} regions", node.path().view(),
                       kTypes, count, regions.size());
  for (std::size_t i = 0; i < regions.size(); ++i) {
    const std::string_view name =
        property.string_at(count == 1 ? 0 : i).value_or(std::string_view());
    if (std::ranges::find(names, name) == names.end())
      return notes.error(Error::kInvalid, "{}: {}: '{}' is no memory type", node.path().view(),
                         kTypes, name);
    regions[i].memory_type = name;
  }
  return {};
}

}  // namespace

Result<std::span<const PassedThroughRegion>> passed_through_regions(
    const Node& node, std::span<const std::string_view> type_names, Arena& arena) {
  std::span<PassedThroughRegion> regions;
  if (const auto property = node.property(kRegions)) {
    const RegionReader reader(node, *property);
    regions = TRY(arena.allocate<PassedThroughRegion>(TRY(reader.count())));
    for (std::size_t i = 0; i < regions.size(); ++i)
      regions[i] = TRY(reader.read(i));
    TRY(check_overlaps(node, regions));
  }
  if (const auto types = node.property(kTypes)) TRY(read_types(node, *types, type_names, regions));
  return regions;
}

}  // namespace socle::fw::dt
