// SPDX-License-Identifier: Apache-2.0
#include "plan/board.h"

#include <algorithm>

#include "fw/acpi/mcfg.h"
#include "fw/acpi/named_memory.h"
#include "fw/boot_modules.h"
#include "fw/boot_phase_host.h"
#include "platform/requirements.h"

namespace socle::plan {

namespace {

constexpr std::uint64_t kImageSize = 2 * kMiB;
constexpr std::uint64_t kHeapFloor = 8 * kMiB;
constexpr std::uint64_t kHeapShareOfRam = 512;

Result<> place_socle(Board& board) {
  const platform::Platform& machine = *board.platform;
  const auto image = TRY(platform::find_free_ram(machine.ram, machine.reserved, {},
                                                 {.size = kImageSize, .alignment = 2 * kMiB}));
  const std::uint64_t size = kHeapFloor + machine.ram_bytes() / kHeapShareOfRam;
  const auto heap = TRY(platform::find_free_ram(
      machine.ram, machine.reserved, std::span(&image, 1),
      {.size = align_up<std::uint64_t>(size, 2 * kMiB), .alignment = 2 * kMiB}));
  board.kept[0] = {"image", image};
  board.kept[1] = {"heap", heap};
  board.input.kept = board.kept;
  return {};
}

// As boot does.
void choose_console(Board& board) {
  if (board.options.console == "none") return;
  board.console = platform::choose_console(*board.platform, board.is_acpi() ? nullptr : board.tree,
                                           board.notes);
  if (board.console) board.input.console = &*board.console;
}

// As boot does, if all come up.
void choose_cpus(Board& board) {
  const platform::Platform& machine = *board.platform;
  for (std::size_t i = 0; i < machine.cpus.size(); ++i)
    if (platform::can_start(machine, i)) board.cpus.push_back(static_cast<std::uint16_t>(i));
  board.input.cpus = board.cpus;
  if (const std::size_t off = machine.cpus.size() - board.cpus.size(); off != 0)
    board.notes.warning("{} of {} CPUs stay off: PSCI cannot start them", off, machine.cpus.size());
}

Result<> plan_domain(Board& board) {
  choose_cpus(board);
  if (const auto placed = place_socle(board); !placed)
    return board.notes.error(placed.error(), "no room in RAM for Socle");
  board.input.tree = board.tree;
  board.input.platform = board.platform;
  board.input.options = &board.options;
  board.plan = TRY(hwdom::plan(board.input, board.arena, board.notes));
  board.arena_used = board.arena.used();
  return {};
}

Result<> read_memory_map(Board& board, const BoardOptions& options) {
  if (!options.efi_memory) return {};
  board.input.efi_memory =
      TRY(fw::read_efi_memory_map(*options.efi_memory, board.arena, board.notes));
  board.has_memory_map = true;
  return {};
}

// Its changes stand below /fragment@N/__overlay__, and there is no machine.
bool is_overlay(const fw::dt::Tree& tree) {
  for (const fw::dt::Node node : tree.root().children())
    if (node.child("__overlay__")) return true;
  return false;
}

}  // namespace

Result<> plan_board(Board& board, std::span<const std::byte> blob, const BoardOptions& options) {
  board.tree = TRY(fw::dt::Tree::open(blob, board.arena, board.notes));
  if (is_overlay(*board.tree)) {
    return board.notes.error(
        Error::kInvalid, "an overlay, not a machine's tree: apply it to one (fdtoverlay) first");
  }
  TRY(fw::read_boot_info(*board.tree, board.boot));
  board.command_line = options.command_line.value_or(board.boot.socle_command_line);
  board.options = fw::parse_options(board.command_line, board.notes);
  TRY(read_memory_map(board, options));
  board.platform = TRY(platform::read(
      *board.tree, {.dtuart = board.options.dtuart, .efi_memory = board.input.efi_memory},
      board.arena, board.notes));
  choose_console(board);
  board.input.ipa_bits = options.ipa_bits;
  if (const auto* kernel = board.boot.find(fw::ModuleKind::kKernel); kernel != nullptr) {
    board.input.boot = &board.boot;
    board.input.kernel.file_size = kernel->range.size();
  }
  return plan_domain(board);
}

namespace {

// SRAT's ranges of memory, as a memory map of UEFI's. All else that it says is that memory which
// tables name has been set aside.
Result<std::span<const fw::EfiMemoryRange>> read_srat(Board& board) {
  fw::ArenaVector<fw::EfiMemoryRange> ranges(board.arena);
  const fw::acpi::Table* table = board.tables.find("SRAT");
  if (table == nullptr) return ranges.finish();
  auto walk = fw::acpi::srat_structures(*table, board.notes);
  while (const auto structure = walk.next()) {
    if (structure->type != static_cast<std::uint8_t>(fw::acpi::SratType::kMemory)) continue;
    const auto memory = fw::acpi::read_memory_affinity(*structure, board.notes);
    if (!memory || !memory->is_enabled || memory->is_hot_pluggable) continue;
    const MfnRange frames = frames_inside(memory->range);
    if (!frames.empty())
      TRY(ranges.push_back({.range = PaRange(Pa(frames.begin()), Pa(frames.end())),
                            .type = fw::EfiMemoryType::kConventional,
                            .attributes = fw::kEfiMemoryWriteBack}));
  }
  if (ranges.empty()) return ranges.finish();
  const std::size_t ram = ranges.size();
  for (const fw::acpi::NamedMemory& named : board.tables.named) {
    const MfnRange frames = frames_touched(named.range);
    if (std::ranges::none_of(ranges.span().first(ram), [&](const fw::EfiMemoryRange& range) {
          return range.range.overlaps(named.range);
        }))
      continue;  // a device's registers, perhaps
    TRY(ranges.push_back({.range = PaRange(Pa(frames.begin()), Pa(frames.end())),
                          .type = fw::EfiMemoryType::kReserved,
                          .attributes = fw::kEfiMemoryWriteBack}));
  }
  std::ranges::sort(ranges, {},
                    [](const fw::EfiMemoryRange& range) { return range.range.begin(); });
  return ranges.finish();
}

// Only a stranger hands such tables in, and what is missing for Arm is not what is wrong with them.
Result<> check_architecture(Board& board) {
  const fw::acpi::Table* madt = board.tables.find("APIC");
  constexpr std::size_t kStructures = 44;
  for (std::size_t at = kStructures; madt != nullptr && madt->fields.has(at, 2);) {
    const std::uint8_t type = madt->fields.u8(at);
    const char* machine = nullptr;
    if (type == 0 || type == 1 || type == 9) machine = "an x86";
    if (type == 0x11) machine = "a LoongArch";
    if (type == 0x18) machine = "a RISC-V";
    if (machine != nullptr)
      return board.notes.error(Error::kUnsupported,
                               "APIC: its CPUs are those of {} machine: Socle is for 64-bit Arm",
                               machine);
    if (madt->fields.u8(at + 1) < 2) return {};
    at += madt->fields.u8(at + 1);
  }
  return {};
}

Result<> assume_memory(Board& board) {
  board.input.efi_memory = TRY(read_srat(board));
  if (board.input.efi_memory.empty())
    board.notes.info("RAM is not known: tables do not name it, and there is no SRAT");
  else
    board.notes.info("assumed: RAM as SRAT has it; UEFI's memory map would take from it");
  return {};
}

}  // namespace

Result<> plan_acpi_board(Board& board, std::span<const Pa> addresses, fw::acpi::Memory memory,
                         const BoardOptions& options) {
  board.command_line = options.command_line.value_or("");
  board.options = fw::parse_options(board.command_line, board.notes);
  board.tables = TRY(fw::acpi::read_loose_tables(addresses, memory, board.arena, board.notes));
  board.loader_tree = empty_tree();
  board.tree = TRY(
      fw::dt::Tree::open(std::as_bytes(std::span(board.loader_tree)), board.arena, board.notes));
  TRY(check_architecture(board));
  TRY(read_memory_map(board, options));
  if (!board.has_memory_map) TRY(assume_memory(board));
  board.platform = TRY(platform::read_acpi(
      board.tables, {}, {.dtuart = board.options.dtuart, .efi_memory = board.input.efi_memory},
      board.arena, board.notes));
  choose_console(board);
  board.input.acpi = &board.tables;
  board.input.ipa_bits = options.ipa_bits;
  return board.input.efi_memory.empty() ? Result<>() : plan_domain(board);
}

Result<> write_domain_tree(Board& board) {
  board.written.resize(hwdom::tree_size_bound(board.input) / 8 + 1);
  const auto phase = image::BootPhaseMaker::make();
  board.written_size =
      TRY(hwdom::write_tree(board.input, *board.plan,
                            std::as_writable_bytes(std::span(board.written)), phase, board.notes));
  return {};
}

}  // namespace socle::plan
