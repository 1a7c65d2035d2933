// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "platform/read.h"
#include "platform/uarts.h"

namespace socle::platform {

using fw::dt::Node;

namespace {

struct Choice {
  std::string_view path;
  std::string_view options;
  std::string_view said_by;
};

Choice choice_of(std::string_view text, std::string_view said_by) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}, said_by};
  return {text.substr(0, colon), text.substr(colon + 1), said_by};
}

std::string_view stdout_path(const fw::dt::Tree& tree) {
  const Node chosen = tree.root().child("chosen");
  if (!chosen) return {};
  auto path = chosen.string("stdout-path");
  if (!path) path = chosen.string("linux,stdout-path");
  return path.value_or(std::string_view());
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

std::optional<Console> read_choice(const Reader& reader, const Choice& choice, const Gic* gic) {
  const Node node = reader.tree.find(choice.path);
  if (!node) {
    reader.notes.warning("console: {} '{}' is no node of the tree", choice.said_by, choice.path);
    return std::nullopt;
  }
  const auto registers = fw::dt::reg(node, 0);
  const auto compatibles = compatibles_of(node, reader.arena);
  if (!registers || registers->empty() || !compatibles) {
    reader.notes.warning("console: {} has no registers that the CPU can reach", node.path().view());
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

bool has_driver(const Console& console) {
  return std::ranges::any_of(kKnownUarts, [&console](const KnownUart& known) {
    return console.registers.size() >= known.register_bytes &&
           std::ranges::find_first_of(console.compatibles, known.compatibles) !=
               console.compatibles.end();
  });
}

bool is_known(const Node& node, const PaRange& registers) {
  return std::ranges::any_of(kKnownUarts, [&](const KnownUart& known) {
    return registers.size() >= known.register_bytes &&
           std::ranges::any_of(known.compatibles,
                               [&](std::string_view name) { return node.is_compatible(name); });
  });
}

// The part of `device` at `registers`, if its own begin there.
bool begins_at(const Device& device, const PaRange& registers) {
  return !device.regions.empty() && registers.contains(device.regions.front().range) &&
         registers.begin() == device.regions.front().range.begin();
}

Console console_of(const Device& device) {
  Console console;
  console.node = device.node;
  console.name = device.name;
  console.registers = device.regions.front().range;
  if (!device.interrupts.empty()) console.interrupt = device.interrupts.front();
  return console;
}

}  // namespace

std::optional<Console> read_console(const fw::dt::Tree& tree, std::string_view dtuart,
                                    fw::Arena& arena, fw::Diagnostics& notes, const Gic* gic) {
  const Reader reader{tree, arena, notes};
  const Choice choices[] = {choice_of(dtuart, "dtuart="),
                            choice_of(stdout_path(tree), "/chosen: stdout-path")};
  for (const Choice& choice : choices) {
    if (choice.path.empty()) continue;
    if (auto console = read_choice(reader, choice, gic)) return console;
  }
  if (choices[0].path.empty() && choices[1].path.empty())
    notes.warning("console: neither dtuart= nor /chosen: stdout-path names a UART");
  return std::nullopt;
}

Console console_in_use(const Platform& platform, const PaRange& registers) {
  if (platform.console && platform.console->registers.begin() == registers.begin())
    return *platform.console;
  Console console;
  console.name = "console";
  for (const Device& device : platform.devices)
    if (begins_at(device, registers)) console = console_of(device);
  console.registers = registers;
  return console;
}

std::optional<Console> choose_console(const Platform& platform, const fw::dt::Tree* tree,
                                      fw::Diagnostics& notes) {
  if (platform.console) {
    if (has_driver(*platform.console)) return platform.console;
    notes.warning("no driver for the console's port: it is dom0's, and Socle has no console");
    return std::nullopt;
  }
  if (tree == nullptr) return std::nullopt;
  for (const Device& device : platform.devices) {
    if (!device.enabled || device.regions.empty() ||
        !is_known(tree->node(device.node), device.regions[0].range))
      continue;
    notes.info("console: {}, the first port with a driver", tree->node(device.node).path().view());
    return console_of(device);
  }
  return std::nullopt;
}

}  // namespace socle::platform
