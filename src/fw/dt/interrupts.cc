// SPDX-License-Identifier: Apache-2.0
#include "fw/dt/interrupts.h"

#include <algorithm>

namespace socle::fw::dt {

namespace {

constexpr unsigned kMaxMapSteps = 16;
constexpr unsigned kMaxUnitCells = 4;

// A unit interrupt specifier on its way: the child's address and its interrupt cells.
struct Question {
  std::array<std::uint32_t, kMaxUnitCells + kMaxInterruptCells> cells{};
  unsigned address_cells = 0;
  unsigned interrupt_cells = 0;
  [[nodiscard]] unsigned count() const { return address_cells + interrupt_cells; }
};

std::unexpected<Error> wrong(Error error, const Node& node, std::string_view property,
                             std::string_view what) {
  return node.tree().notes().problem(error, "{}: {}: {}", node.path().view(), property, what);
}

// The cells of one interrupt of a controller or nexus; an error if nobody can say how many.
Result<unsigned> cells_of(const Node& controller, const Node& from, std::string_view property) {
  const auto cells = controller.interrupt_cells();
  if (!cells || *cells > kMaxInterruptCells)
    return wrong(Error::kCorrupt, from, property, "its controller has no usable #interrupt-cells");
  return *cells;
}

// One row of an interrupt-map.
struct MapRow {
  std::size_t child_at = 0;  // cell index in the property
  Node parent;
  std::size_t parent_unit_at = 0;
  unsigned parent_unit_cells = 0;
  unsigned parent_cells = 0;
  std::size_t end = 0;
};

// Address cells that a nexus's own map rows begin with: its own statement or that of the nearest
// parent that makes one (existing trees rely on it).
unsigned nexus_address_cells(Node nexus) {
  while (nexus.id() != kRoot && !nexus.states_address_cells())
    nexus = nexus.parent();
  return nexus.address_cells();
}

// Controllers whose rows leave out the parent's unit address (Linux, drivers/of/irq.c, treats them
// apart for the same reason).
bool leaves_out_unit_address(const Node& nexus) {
  if (!nexus.is_interrupt_controller()) return false;
  constexpr std::array<std::string_view, 5> kSuch = {"fsl,ls1021a-extirq", "fsl,ls1043a-extirq",
                                                     "fsl,ls1088a-extirq", "realtek,rtl-intc",
                                                     "renesas,rza1-irqc"};
  return std::ranges::any_of(
      kSuch, [&nexus](std::string_view compatible) { return nexus.is_compatible(compatible); });
}

struct MapFormat {
  unsigned child_cells = 0;
  bool has_unit_address = true;
};

Result<MapRow> read_row(const Node& nexus, const Property& map, std::size_t at,
                        const MapFormat& format) {
  const unsigned child_cells = format.child_cells;
  MapRow row;
  row.child_at = at;
  const auto phandle = map.cell(at + child_cells);
  if (!phandle) return wrong(Error::kCorrupt, nexus, "interrupt-map", "cut off");
  row.parent = nexus.tree().find_phandle(*phandle);
  if (!row.parent)
    return wrong(Error::kCorrupt, nexus, "interrupt-map", "leads to a phandle that no node has");
  row.parent_unit_at = at + child_cells + 1;
  row.parent_unit_cells = format.has_unit_address ? row.parent.unit_address_cells() : 0;
  row.parent_cells = TRY(cells_of(row.parent, nexus, "interrupt-map"));
  row.end = row.parent_unit_at + row.parent_unit_cells + row.parent_cells;
  if (row.end > map.cell_count() || row.parent_unit_cells > kMaxUnitCells)
    return wrong(Error::kCorrupt, nexus, "interrupt-map", "cut off");
  return row;
}

bool matches(const Question& question, const Property& map, const std::optional<Property>& mask,
             std::size_t at) {
  for (unsigned i = 0; i < question.count(); ++i) {
    const std::uint32_t bits = mask ? mask->cell(i).value_or(0xffff'ffff) : 0xffff'ffff;
    if (((map.cell(at + i).value_or(0) ^ question.cells[i]) & bits) != 0) return false;
  }
  return true;
}

void take_parent(Question& question, const Property& map, const MapRow& row) {
  question.address_cells = row.parent_unit_cells;
  question.interrupt_cells = row.parent_cells;
  for (unsigned i = 0; i < question.count(); ++i)
    question.cells[i] = map.cell(row.parent_unit_at + i).value_or(0);
}

// One step through a nexus: replaces `question` by what stands in the matching row.
Result<Node> map_once(const Node& nexus, Question& question) {
  const auto map = nexus.property("interrupt-map");
  const auto mask = nexus.property("interrupt-map-mask");
  if (!map) return fail(Error::kNotFound);
  const MapFormat format{question.count(), !leaves_out_unit_address(nexus)};
  std::size_t at = 0;
  while (at < map->cell_count()) {
    TRY(nexus.tree().charge(1));
    const MapRow row = TRY(read_row(nexus, *map, at, format));
    if (matches(question, *map, mask, row.child_at)) {
      take_parent(question, *map, row);
      return row.parent;
    }
    at = row.end;
  }
  return fail(Error::kNotFound);
}

InterruptSpec answer(const Node& controller, const Question& question) {
  InterruptSpec spec;
  spec.controller = controller;
  spec.count = question.interrupt_cells;
  std::copy_n(question.cells.begin() + question.address_cells, question.interrupt_cells,
              spec.cells.begin());
  return spec;
}

// Follows maps until a controller takes the interrupt.
Result<InterruptSpec> resolve(const Node& from, std::string_view property, Node at,
                              Question question) {
  for (unsigned steps = 0; steps < kMaxMapSteps; ++steps) {
    if (at.is_interrupt_controller() && !at.has_interrupt_map()) return answer(at, question);
    if (at.has_interrupt_map()) {
      const auto next = map_once(at, question);
      if (!next && next.error() == Error::kNotFound)
        return wrong(Error::kInvalid, from, property, "has no row in its parent's interrupt-map");
      at = TRY(next);
      continue;
    }
    // A parent that is neither: it passes the interrupt on unchanged, if the cells agree.
    const Node above = at.interrupt_parent();
    if (!above || above == at || above.interrupt_cells() != question.interrupt_cells)
      return wrong(Error::kInvalid, from, property, "leads to no interrupt controller");
    at = above;
  }
  return wrong(Error::kInvalid, from, property, "leads in circles");
}

// The first cells of `reg`, which a nexus may ask for.
void add_unit_address(const Node& node, const Node& nexus, Question& question) {
  question.address_cells = nexus.has_interrupt_map() ? nexus_address_cells(nexus) : 0;
  if (question.address_cells > kMaxUnitCells) question.address_cells = 0;
  const auto reg = node.property("reg");
  for (unsigned i = 0; i < question.address_cells; ++i)
    question.cells[i] = reg ? reg->cell(i).value_or(0) : 0;
}

}  // namespace

InterruptReader::InterruptReader(const Node& node) : node_(node) {
  if (const auto extended = node.property("interrupts-extended")) {
    property_ = *extended;
    extended_ = true;
  } else if (const auto plain = node.property("interrupts")) {
    property_ = *plain;
  } else {
    ended_ = true;
  }
}

Result<std::optional<InterruptSpec>> InterruptReader::next() {
  const std::string_view name = extended_ ? "interrupts-extended" : "interrupts";
  // A phandle of 0 is a hole: that index has no interrupt.
  while (extended_ && !ended_ && property_.cell(cell_) == 0u) {
    TRY(node_.tree().charge(1));
    ++cell_;
  }
  if (ended_ || cell_ >= property_.cell_count()) return std::nullopt;
  TRY(node_.tree().charge(1));
  const Node controller = extended_ ? node_.tree().find_phandle(property_.cell(cell_++).value_or(0))
                                    : node_.interrupt_parent();
  if (!controller) {
    ended_ = true;
    return wrong(Error::kCorrupt, node_, name, "has no interrupt parent");
  }
  const auto cells = cells_of(controller, node_, name);
  if (!cells || *cells == 0 || cell_ + *cells > property_.cell_count()) {
    ended_ = true;
    if (!cells) return fail(cells.error());
    return wrong(Error::kCorrupt, node_, name, "is cut off");
  }
  Question question;
  add_unit_address(node_, controller, question);
  question.interrupt_cells = *cells;
  for (unsigned i = 0; i < *cells; ++i)
    question.cells[question.address_cells + i] = property_.cell(cell_ + i).value_or(0);
  cell_ += *cells;
  return TRY(resolve(node_, name, controller, question));
}

InterruptMapReader::InterruptMapReader(const Node& nexus) : node_(nexus) {
  const auto map = nexus.property("interrupt-map");
  ended_ = !map || !nexus.interrupt_cells();
  if (ended_) return;
  property_ = *map;
  child_cells_ = nexus_address_cells(nexus) + *nexus.interrupt_cells();
  has_unit_address_ = !leaves_out_unit_address(nexus);
}

Result<std::optional<InterruptSpec>> InterruptMapReader::next() {
  if (ended_ || cell_ >= property_.cell_count()) return std::nullopt;
  TRY(node_.tree().charge(1));
  const auto row = read_row(node_, property_, cell_, {child_cells_, has_unit_address_});
  if (!row) {
    ended_ = true;
    return fail(row.error());
  }
  cell_ = row->end;
  Question question;
  take_parent(question, property_, *row);
  return TRY(resolve(node_, "interrupt-map", row->parent, question));
}

}  // namespace socle::fw::dt
