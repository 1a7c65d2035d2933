// SPDX-License-Identifier: Apache-2.0
#pragma once

// Board: the whole way from a tree's bytes, or from ACPI's tables, to a plan, as boot goes it,
// without the board.
//
// What only a real boot knows is assumed:
//   - RAM: trees of kernel packages leave its size to the boot loader; give_ram() does as one does;
//   - Socle: an image of 2 MiB and a heap of 8 MiB and 1/512 of RAM, at the top of the highest RAM
//     that is free, where boot puts its heap;
//   - the modules: as the tree names them; without a kernel module none is placed;
//   - CPUs: all come up that boot would start (platform::can_start());
//   - the address space: 48 bits (boot takes what the CPU has, at most 48);
//   - RAM, of ACPI tables without a memory map: the ranges of SRAT, all of it free but for memory
//     that tables name. Without an SRAT there is no plan, only the platform.
// Each is a note of the plan or in the manual page.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "hwdom/plan.h"

namespace socle::plan {

// Everything that one run made, and keeps alive.
struct Board {
  // `memory` is the arena's; it may be used again when the Board is gone.
  explicit Board(std::span<std::byte> memory) : arena(memory), notes(arena) {}

  fw::Arena arena;
  fw::Diagnostics notes;
  const fw::dt::Tree* tree = nullptr;      // with ACPI: an empty one
  fw::acpi::Tables tables;                 // empty with a tree
  std::vector<std::uint64_t> loader_tree;  // ACPI: what a boot loader would have written
  const platform::Platform* platform = nullptr;
  std::optional<platform::Console> console;  // that Socle would use
  fw::BootInfo boot;
  std::string_view command_line;  // Socle's
  fw::Options options;
  std::vector<std::uint16_t> cpus;  // that boot would start
  bool has_memory_map = false;      // input.efi_memory was given, not assumed
  hwdom::PlanInput input;
  hwdom::KeptMemory kept[2];
  const hwdom::DomainPlan* plan = nullptr;
  std::size_t arena_used = 0;          // by tree, platform and plan
  std::vector<std::uint64_t> written;  // the domain's tree, aligned
  std::size_t written_size = 0;

  [[nodiscard]] bool is_acpi() const { return !tables.all.empty(); }
  [[nodiscard]] std::span<const std::byte> domain_tree() const {
    return std::as_bytes(std::span(written)).first(written_size);
  }
};

struct BoardOptions {
  // Instead of the one in the tree. Must outlive the Board.
  std::optional<std::string_view> command_line{};
  unsigned ipa_bits = 48;
  // UEFI's memory map, as a boot has it: says what is RAM instead of the tree or SRAT.
  std::optional<fw::EfiMemoryMapBytes> efi_memory{};
};

// Fills in the Board as far as it gets: what is null afterwards was not reached. An error has its
// line in the notes (kNoMemory may not). The blob must outlive the Board.
Result<> plan_board(Board& board, std::span<const std::byte> blob, const BoardOptions& options);

// The same from ACPI's tables at these addresses. The memory must outlive the Board.
Result<> plan_acpi_board(Board& board, std::span<const Pa> addresses, fw::acpi::Memory memory,
                         const BoardOptions& options);

// The domain's tree, into `written`. Only with a plan, and not with ACPI: then dom0 has tables.
Result<> write_domain_tree(Board& board);

// What a boot loader does: 1 GiB where the memory node stands, if no memory node has a size. The
// tree is edited in place, in a buffer with kRoomForRam bytes to spare behind it. Answers with what
// it gave, if it did; a blob that is no tree stays as it is.
inline constexpr std::size_t kRoomForRam = 4096;
std::optional<PaRange> give_ram(std::span<std::byte> blob);
// A tree with nothing but its root.
std::vector<std::uint64_t> empty_tree();

}  // namespace socle::plan
