// SPDX-License-Identifier: Apache-2.0
#pragma once

// Interrupts in a device tree: from a node to the controller that takes them, through
// interrupt-parent, interrupts, interrupts-extended and interrupt-map (nested maps included; loops
// end at a bound). The meaning of the specifier is the controller's business.
//
// Source: Devicetree Specification v0.4, 2.4.

#include "fw/dt/tree.h"

namespace socle::fw::dt {

inline constexpr unsigned kMaxInterruptCells = 8;

struct InterruptSpec {
  Node controller;
  std::array<std::uint32_t, kMaxInterruptCells> cells{};
  unsigned count = 0;
};

// Reads the interrupts of one node in order:
//   InterruptReader reader(node);
//   while (auto spec = TRY(reader.next())) ...
// An entry that leads nowhere (no such phandle, a loop, no entry in a map) is an error with a line;
// reading may go on after it, except after kCorrupt (the property itself is malformed).
class InterruptReader {
 public:
  explicit InterruptReader(const Node& node);
  // The next interrupt; nothing after the last one (or if the node has none).
  Result<std::optional<InterruptSpec>> next();

 private:
  Node node_;
  Property property_;
  bool extended_ = false;
  bool ended_ = false;
  std::size_t cell_ = 0;
};

// Reads where the entries of an interrupt-map lead (all entries: for a PCI host bridge, every
// legacy interrupt that its devices can raise).
class InterruptMapReader {
 public:
  explicit InterruptMapReader(const Node& nexus);
  Result<std::optional<InterruptSpec>> next();

 private:
  Node node_;
  Property property_;
  unsigned child_cells_ = 0;
  bool has_unit_address_ = true;
  bool ended_ = false;
  std::size_t cell_ = 0;
};

}  // namespace socle::fw::dt
