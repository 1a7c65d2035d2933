// SPDX-License-Identifier: Apache-2.0
#include "image/early_console.h"

#include "base/log.h"
#include "drivers/console.h"
#include "drivers/uart.h"
#include "el2/address_map.h"
#include "el2/log.h"
#include "el2/probe.h"
#include "el2/semihosting.h"
#include "el2/start.h"
#include "fw/cmdline.h"

namespace socle::image {
namespace {

using el2::EarlyTree;

struct Port {
  const UartDriver* driver = nullptr;
  PaRange registers;
  std::uint32_t baud = 0;
  std::uint32_t clock_hz = 0;
  const char* origin = "";
};

// The value of the last `name=value` in a command line.
std::string_view early_option(std::string_view line, std::string_view name) {
  std::string_view value;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(word.size() < line.size() ? word.size() + 1 : word.size());
    if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=')
      value = word.substr(name.size() + 1);
  }
  return value;
}

// The speed in ":115200n8"; 0 if there is none that can be.
std::uint32_t speed_of(std::string_view path) {
  const std::size_t colon = path.find(':');
  return colon == std::string_view::npos ? 0 : fw::read_speed(path.substr(colon + 1));
}

std::optional<Port> port_at(const EarlyTree& tree, const EarlyTree::Path& path) {
  const auto compatible = tree.property(path.node(), "compatible");
  const auto registers = tree.registers(path);
  if (!compatible || !registers) return std::nullopt;
  const UartDriver* const driver = find_uart_driver(*compatible);
  if (driver == nullptr || registers->size() < driver->register_bytes) return std::nullopt;
  return Port{.driver = driver,
              .registers = *registers,
              .clock_hz = tree.number(path.node(), "clock-frequency").value_or(0)};
}

struct Choice {
  std::string_view name;
  const char* origin;
};

// The first that leads to registers decides, as for platform::read_console(): if no driver knows
// that port it is dom0's, and no other port is where somebody looks.
std::optional<Port> find_port(const EarlyTree& tree) {
  const auto chosen = tree.find("/chosen");
  const auto stdout_path =
      chosen ? tree.text(chosen->node(), "stdout-path") : std::optional<std::string_view>{};
  const Choice choices[] = {{early_option(early_command_line(tree), "dtuart"), "dtuart="},
                            {stdout_path.value_or(""), "/chosen/stdout-path"}};
  for (const Choice& choice : choices) {
    const auto path = choice.name.empty() ? std::nullopt : tree.find(choice.name);
    if (!path || !tree.registers(*path)) continue;
    std::optional<Port> port = port_at(tree, *path);
    if (port) {
      port->baud = speed_of(choice.name);
      port->origin = choice.origin;
    }
    return port;
  }
  const auto any = tree.find_if([&tree](const EarlyTree::Path& path) {
    return tree.is_enabled(path.node()) && port_at(tree, path).has_value();
  });
  if (!any) return std::nullopt;
  std::optional<Port> port = port_at(tree, *any);
  port->origin = "the first port of the tree";
  return port;
}

port::MmioRegion region_of(const Port& port) {
  return port::MmioRegion(port.registers.begin().value(), port.registers.size());
}

bool has_acpi(const EarlyTree& tree) {
  const auto chosen = tree.find("/chosen");
  return chosen && tree.property(chosen->node(), "socle,acpi-rsdp").has_value();
}

void open_substitute(const char* why) {
  if (el2::semihosting_answers()) console::open_fallback(el2::semihosting_write);
  el2::set_log_sink(console::write_line);
  log_warning("no serial console: {}", why);
}

}  // namespace

std::string_view early_command_line(const EarlyTree& tree) {
  const auto chosen = tree.find("/chosen");
  if (!chosen) return {};
  if (const auto own = tree.text(chosen->node(), "xen,xen-bootargs")) return *own;
  return tree.text(chosen->node(), "bootargs").value_or("");
}

Result<PaRange> map_tree(Pa tree) {
  if (tree.value() == 0 || el2::walk(tree.value()) == 0) return fail(Error::kNotFound);
  // x0 may be anything: no memory need be there.
  static constinit std::uint64_t header = 0;
  header = tree.value();
  const bool is_memory = el2::survives(
      [] { static_cast<void>(*reinterpret_cast<const volatile unsigned char*>(header)); });
  if (!is_memory) return fail(Error::kNotFound);
  const std::size_t size = TRY(EarlyTree::claimed_size(reinterpret_cast<const void*>(header)));
  const auto range = PaRange::from_size(tree, size);
  if (!range) return fail(Error::kCorrupt);
  TRY(el2::map_identity(*range, el2::Mapping::kReadOnly));
  return *range;
}

EarlyConsole open_early_console(std::optional<PaRange> tree_bytes) {
  if (!tree_bytes) {
    open_substitute("no device tree");
    return {};
  }
  const Result<EarlyTree> tree = EarlyTree::open(
      reinterpret_cast<const void*>(tree_bytes->begin().value()), tree_bytes->size());
  if (!tree) {
    open_substitute("the device tree is damaged");
    return {};
  }
  if (early_option(early_command_line(*tree), "console") == "none") return {};
  const std::optional<Port> port = find_port(*tree);
  if (!port) {
    // ACPI's tables may name one; they are read later (image/acpi.h).
    if (!has_acpi(*tree)) open_substitute("no port that a driver knows in the device tree");
    return {};
  }
  if (!port::mmio_map(port->registers)) {
    open_substitute("the port's registers cannot be mapped");
    return {};
  }
  console::open(*port->driver, region_of(*port), port->baud, port->clock_hz);
  el2::set_log_sink(console::write_line);
  return {.is_port = true, .registers = port->registers, .origin = port->origin};
}

}  // namespace socle::image

namespace socle {
namespace {

void write_polled(const UartDriver& driver, const port::MmioRegion& registers,
                  std::string_view text) {
  for (const char c : text) {
    for (unsigned poll = 0; poll < 1u << 20; ++poll) {
      if (driver.put(registers, static_cast<std::uint8_t>(c))) break;
    }
  }
}

std::string_view explanation(el2::BootProblem problem) {
  switch (problem) {
    case el2::BootProblem::kExceptionLevel:
      return "the CPU was entered at a wrong exception level; Socle needs EL2 (QEMU: "
             "-M virt,virtualization=on). Level: ";
    case el2::BootProblem::kHostExtensions:
      return "this CPU has EL2 only with host extensions (HCR_EL2.E2H cannot be cleared). Value: ";
    case el2::BootProblem::kTables:
      return "the first translation tables could not be made. Value: ";
  }
  return "unknown problem: ";
}

}  // namespace

void report_boot_problem(el2::BootProblem problem, std::uint64_t value, Pa tree) {
  const void* const blob = reinterpret_cast<const void*>(tree.value());
  const Result<std::size_t> size = el2::EarlyTree::claimed_size(blob);
  if (!size) return;
  const Result<el2::EarlyTree> parsed = el2::EarlyTree::open(blob, *size);
  if (!parsed) return;
  const auto port = image::find_port(*parsed);
  if (!port) return;
  const port::MmioRegion registers = image::region_of(*port);
  port->driver->initialise(registers, port->baud, port->clock_hz);
  char number[24];
  const std::size_t length = format_to(number, "{}", value);
  write_polled(*port->driver, registers, "\r\n(SOCLE) Cannot start: ");
  write_polled(*port->driver, registers, explanation(problem));
  write_polled(*port->driver, registers, std::string_view(number, length));
  write_polled(*port->driver, registers, "\r\n");
}

}  // namespace socle
