// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "platform/read.h"

namespace socle::platform {

using fw::dt::Node;

namespace {

struct Choice {
  std::string_view path;
  std::string_view options;
  std::string_view said_by;
};

Choice choose(const fw::dt::Tree& tree, std::string_view dtuart) {
  Choice choice{dtuart, {}, "dtuart="};
  if (dtuart.empty()) {
    choice.said_by = "/chosen: stdout-path";
    const Node chosen = tree.root().child("chosen");
    if (!chosen) return choice;
    auto path = chosen.string("stdout-path");
    if (!path) path = chosen.string("linux,stdout-path");
    choice.path = path.value_or(std::string_view());
  }
  if (const std::size_t colon = choice.path.find(':'); colon != std::string_view::npos) {
    choice.options = choice.path.substr(colon + 1);
    choice.path = choice.path.substr(0, colon);
  }
  return choice;
}

// fixed-clock, or what firmware wrote next to the UART.
std::uint32_t clock_hz(const Node& node) {
  if (const auto stated = node.cell("clock-frequency")) return *stated;
  const auto clocks = node.property("clocks");
  if (!clocks) return 0;
  const Node clock = node.tree().find_phandle(clocks->cell(0).value_or(0));
  return clock ? clock.cell("clock-frequency").value_or(0) : 0;
}

Result<std::span<const std::string_view>> compatibles_of(const Node& node, fw::Arena& arena) {
  fw::ArenaVector<std::string_view> out(arena);
  const auto property = node.property("compatible");
  for (std::size_t i = 0; property && i < 16; ++i) {
    const auto name = property->string_at(i);
    if (!name) break;
    TRY(out.push_back(*name));
  }
  return out.finish();
}

}  // namespace

std::optional<Console> read_console(const fw::dt::Tree& tree, std::string_view dtuart,
                                    fw::Arena& arena, fw::Diagnostics& notes, const Gic* gic) {
  const Choice choice = choose(tree, dtuart);
  if (choice.path.empty()) {
    notes.warning("console: neither dtuart= nor /chosen: stdout-path names a UART");
    return std::nullopt;
  }
  const Node node = tree.find(choice.path);
  if (!node) {
    notes.warning("console: {} '{}' is no node of the tree", choice.said_by, choice.path);
    return std::nullopt;
  }
  const auto registers = fw::dt::reg(node, 0);
  const auto compatibles = compatibles_of(node, arena);
  if (!registers || registers->empty() || !compatibles) {
    notes.warning("console: {} has no registers that the CPU can reach", node.path().view());
    return std::nullopt;
  }
  Console console;
  console.node = node.id();
  console.compatibles = *compatibles;
  console.registers = *registers;
  console.options = choice.options;
  console.clock_hz = clock_hz(node);
  console.register_shift = std::min(node.cell("reg-shift").value_or(0), 8u);
  console.register_io_width = node.cell("reg-io-width").value_or(1);
  if (gic == nullptr) return console;
  fw::dt::InterruptReader interrupts(node);
  if (const auto spec = interrupts.next(); spec && *spec)
    console.interrupt = decode_interrupt(*gic, node, **spec);
  return console;
}

}  // namespace socle::platform
