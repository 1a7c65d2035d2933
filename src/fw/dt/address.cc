// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/address.h"

#include <algorithm>

namespace socle::fw::dt {

namespace {

// An address on some bus. Buses with three address cells put a space code (PCI) or flags into the
// first; everywhere else `flags` is 0.
struct BusAddress {
  std::uint32_t flags = 0;
  std::uint64_t value = 0;
};

constexpr std::uint32_t kPciSpaceMask = 0x0300'0000;
constexpr unsigned kMaxAddressCells = 3;
constexpr unsigned kMaxSizeCells = 2;

bool has_usable_cells(const Node& bus) {
  return bus.address_cells() >= 1 && bus.address_cells() <= kMaxAddressCells &&
         bus.size_cells() <= kMaxSizeCells;
}

std::optional<BusAddress> read_address(const Property& property, std::size_t index,
                                       unsigned cells) {
  BusAddress address;
  unsigned value_cells = cells;
  if (cells == kMaxAddressCells) {
    const auto flags = property.cell(index);
    if (!flags) return std::nullopt;
    address.flags = *flags;
    ++index;
    value_cells = 2;
  }
  const auto value = property.number(index, value_cells);
  if (!value) return std::nullopt;
  address.value = *value;
  return address;
}

// One row of `ranges` or `dma-ranges`.
struct Row {
  BusAddress child;
  BusAddress parent;
  std::uint64_t size = 0;
};

// The rows of a bus's `ranges`; reading one is bounded and checked.
class Rows {
 public:
  // kNotFound without the property; kUnsupported for cells that nobody can read as addresses.
  static Result<Rows> of(const Node& bus, std::string_view name) {
    const auto property = bus.property(name);
    if (!property) return fail(Error::kNotFound);
    Rows rows;
    rows.property_ = *property;
    rows.child_cells_ = bus.address_cells();
    rows.parent_cells_ = bus.parent() ? bus.parent().address_cells() : 0;
    rows.size_cells_ = bus.size_cells();
    if (property->size() == 0) return rows;
    if (!has_usable_cells(bus) || rows.parent_cells_ < 1 || rows.parent_cells_ > kMaxAddressCells)
      return fail(Error::kUnsupported);
    const std::size_t row = rows.row_cells() * 4;
    if (property->size() % row != 0)
      return bus.tree().notes().problem(Error::kCorrupt,
                                        "{}: {} has {} bytes, not a multiple of its rows of {}",
                                        bus.path().view(), name, property->size(), row);
    rows.count_ = property->size() / row;
    return rows;
  }

  [[nodiscard]] bool is_identity() const { return property_.size() == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] Row operator[](std::size_t index) const {
    const std::size_t at = index * row_cells();
    const auto child = read_address(property_, at, child_cells_);
    const auto parent = read_address(property_, at + child_cells_, parent_cells_);
    const auto size = property_.number(at + child_cells_ + parent_cells_, size_cells_);
    CHECK(child && parent && size);  // of() has counted
    return {*child, *parent, *size};
  }

 private:
  [[nodiscard]] std::size_t row_cells() const {
    return std::size_t{child_cells_} + parent_cells_ + size_cells_;
  }

  Property property_;
  std::size_t count_ = 0;
  unsigned child_cells_ = 0;
  unsigned parent_cells_ = 0;
  unsigned size_cells_ = 0;
};

bool same_space(const Node& bus, std::uint32_t a, std::uint32_t b) {
  return bus.is_pci_bus() ? ((a ^ b) & kPciSpaceMask) == 0 : a == b;
}

// One step up: an address on `bus` as an address on the bus above it.
Result<BusAddress> translate_up(const Node& bus, const BusAddress& address) {
  const auto rows = Rows::of(bus, "ranges");
  if (!rows) return fail(rows.error() == Error::kNotFound ? Error::kUnsupported : rows.error());
  if (rows->is_identity()) return address;
  TRY(bus.tree().charge(rows->count()));
  for (std::size_t i = 0; i < rows->count(); ++i) {
    const Row row = (*rows)[i];
    if (!same_space(bus, row.child.flags, address.flags)) continue;
    if (address.value < row.child.value || address.value - row.child.value >= row.size) continue;
    BusAddress above = row.parent;
    if (__builtin_add_overflow(above.value, address.value - row.child.value, &above.value))
      return bus.tree().notes().problem(Error::kOutOfRange, "{}: ranges leads beyond 64 bits",
                                        bus.path().view());
    return above;
  }
  return fail(Error::kUnsupported);
}

// An address on `bus`, whose root-ward side is the CPU, as the CPU sees it.
Result<Pa> translate_to_cpu(Node bus, BusAddress address) {
  while (bus.id() != kRoot) {
    // A configuration-space address is reached through the bridge, not through a window.
    if (bus.is_pci_bus() && (address.flags & kPciSpaceMask) == 0) return fail(Error::kUnsupported);
    address = TRY(translate_up(bus, address));
    bus = bus.parent();
  }
  return Pa(address.value);
}

Result<PaRange> cpu_range(const Node& bus, const BusAddress& address, std::uint64_t size,
                          const Node& node, const char* name) {
  const Pa begin = TRY(translate_to_cpu(bus, address));
  const auto range = PaRange::from_size(begin, size);
  if (!range)
    return node.tree().notes().problem(Error::kOutOfRange, "{}: {}: {#x} + {#x} passes 64 bits",
                                       node.path().view(), name, begin.value(), size);
  return *range;
}

}  // namespace

Result<std::size_t> reg_count(const Node& node) {
  const auto property = node.property("reg");
  if (!property || node.id() == kRoot) return fail(Error::kNotFound);
  const Node bus = node.parent();
  if (!has_usable_cells(bus)) return fail(Error::kUnsupported);
  const std::size_t entry = (std::size_t{bus.address_cells()} + bus.size_cells()) * 4;
  if (property->size() % entry != 0)
    return node.tree().notes().problem(Error::kCorrupt,
                                       "{}: reg has {} bytes, not a multiple of its entries of {}",
                                       node.path().view(), property->size(), entry);
  return property->size() / entry;
}

namespace {

struct RegEntry {
  BusAddress address;
  std::uint64_t size;
};

Result<RegEntry> reg_entry(const Node& node, std::size_t index) {
  if (index >= TRY(reg_count(node))) return fail(Error::kNotFound);
  const Node bus = node.parent();
  const auto property = node.property("reg");
  const std::size_t at = index * (std::size_t{bus.address_cells()} + bus.size_cells());
  const auto address = read_address(*property, at, bus.address_cells());
  const auto size = property->number(at + bus.address_cells(), bus.size_cells());
  CHECK(address && size);
  return RegEntry{*address, *size};
}

}  // namespace

Result<PaRange> reg(const Node& node, std::size_t index) {
  const RegEntry entry = TRY(reg_entry(node, index));
  return cpu_range(node.parent(), entry.address, entry.size, node, "reg");
}

Result<RawReg> raw_reg(const Node& node, std::size_t index) {
  const RegEntry entry = TRY(reg_entry(node, index));
  return RawReg{.address = entry.address.value, .size = entry.size};
}

Result<std::size_t> window_count(const Node& bus) {
  return TRY(Rows::of(bus, "ranges")).count();
}

Result<BusWindow> window(const Node& bus, std::size_t index) {
  const Rows rows = TRY(Rows::of(bus, "ranges"));
  if (index >= rows.count()) return fail(Error::kNotFound);
  const Row row = rows[index];
  BusWindow out;
  out.bus_address = row.child.value;
  out.pci_flags = row.child.flags;
  out.cpu = TRY(cpu_range(bus.parent(), row.parent, row.size, bus, "ranges"));
  return out;
}

namespace {

// A piece of a device's DMA space on its way to the CPU.
struct Piece {
  std::uint64_t device = 0;
  BusAddress here;
  std::uint64_t size = 0;
};

constexpr std::size_t kMaxPieces = 1024;

// [a, a + a_size) and [b, b + b_size): the part they share, nothing if none.
std::optional<std::pair<std::uint64_t, std::uint64_t>> shared_part(std::uint64_t a,
                                                                   std::uint64_t a_size,
                                                                   std::uint64_t b,
                                                                   std::uint64_t b_size) {
  const std::uint64_t begin = std::max(a, b);
  const std::uint64_t a_left = begin - a < a_size ? a_size - (begin - a) : 0;
  const std::uint64_t b_left = begin - b < b_size ? b_size - (begin - b) : 0;
  const std::uint64_t size = std::min(a_left, b_left);
  if (size == 0) return std::nullopt;
  return std::pair(begin, size);
}

Result<> step_up(const Node& bus, const Rows& rows, std::span<const Piece> below, bool first,
                 ArenaVector<Piece>& above) {
  TRY(bus.tree().charge(rows.count() * std::max<std::size_t>(below.size(), 1)));
  for (std::size_t i = 0; i < rows.count(); ++i) {
    const Row row = rows[i];
    if (first) {
      TRY(above.push_back({row.child.value, row.parent, row.size}));
      continue;
    }
    for (const Piece& piece : below) {
      if (!same_space(bus, row.child.flags, piece.here.flags)) continue;
      const auto part = shared_part(piece.here.value, piece.size, row.child.value, row.size);
      if (!part) continue;
      BusAddress parent = row.parent;
      if (__builtin_add_overflow(parent.value, part->first - row.child.value, &parent.value))
        continue;
      TRY(above.push_back({piece.device + (part->first - piece.here.value), parent, part->second}));
    }
    if (above.size() > kMaxPieces) return fail(Error::kTooLarge);
  }
  return {};
}

}  // namespace

Result<std::span<const DmaWindow>> dma_windows_below(const Node& bus, Arena& arena) {
  std::span<const Piece> pieces;
  bool is_identity = true;
  for (Node at = bus; at.id() != kRoot; at = at.parent()) {
    const auto rows = Rows::of(at, "dma-ranges");
    if (!rows && rows.error() != Error::kNotFound) return fail(rows.error());
    if (!rows || rows->is_identity()) continue;
    ArenaVector<Piece> above(arena);
    TRY(step_up(at, *rows, pieces, is_identity, above));
    pieces = above.span();
    is_identity = false;
  }
  ArenaVector<DmaWindow> windows(arena);
  for (const Piece& piece : pieces) {
    const auto cpu = PaRange::from_size(Pa(piece.here.value), piece.size);
    if (!cpu)
      return bus.tree().notes().problem(Error::kOutOfRange,
                                        "{}: dma-ranges: {#x} + {#x} passes 64 bits",
                                        bus.path().view(), piece.here.value, piece.size);
    TRY(windows.push_back({piece.device, *cpu}));
  }
  return std::span<const DmaWindow>(windows.span());
}

Result<std::span<const DmaWindow>> dma_windows(const Node& node, Arena& arena) {
  if (node.id() == kRoot) return std::span<const DmaWindow>();
  return dma_windows_below(node.parent(), arena);
}

}  // namespace socle::fw::dt
