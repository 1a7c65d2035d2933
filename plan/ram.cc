// SPDX-License-Identifier: Apache-2.0

// A boot loader's part: RAM for trees that leave its size open.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <libfdt.h>

#include "plan/board.h"

namespace socle::plan {

namespace {

constexpr std::uint64_t kDefaultBase = 0x8000'0000;
constexpr std::uint64_t kSize = kGiB;

bool is_memory(const void* blob, int node) {
  int length = 0;
  const void* type = fdt_getprop(blob, node, "device_type", &length);
  return type != nullptr && length == sizeof "memory" && std::memcmp(type, "memory", 7) == 0;
}

// Does any entry of the node's `reg` have a size?
bool has_size(const void* blob, int node, int address_cells, int size_cells) {
  int length = 0;
  const auto* reg = static_cast<const unsigned char*>(fdt_getprop(blob, node, "reg", &length));
  const int entry = 4 * (address_cells + size_cells);
  for (int i = 0; reg != nullptr && i < length; ++i)
    if (i % entry >= 4 * address_cells && reg[i] != 0) return true;
  return false;
}

std::uint64_t base_of(const void* blob, int node) {
  const char* name = fdt_get_name(blob, node, nullptr);
  const char* at = name == nullptr ? nullptr : std::strchr(name, '@');
  return at == nullptr ? kDefaultBase : std::strtoull(at + 1, nullptr, 16) & ~(kFrameSize - 1);
}

int append_number(void* blob, int node, int cells, std::uint64_t value) {
  return cells == 2 ? fdt_appendprop_u64(blob, node, "reg", value)
                    : fdt_appendprop_u32(blob, node, "reg", static_cast<std::uint32_t>(value));
}

}  // namespace

std::optional<PaRange> give_ram(std::span<std::byte> bytes) {
  void* blob = bytes.data();
  if (bytes.size() < kRoomForRam + sizeof(fdt_header) || fdt_check_header(blob) != 0 ||
      fdt_totalsize(blob) > bytes.size() - kRoomForRam ||
      fdt_open_into(blob, blob, static_cast<int>(bytes.size())) != 0)
    return std::nullopt;
  const int address_cells = fdt_address_cells(blob, 0);
  const int size_cells = fdt_size_cells(blob, 0);
  if (address_cells < 1 || address_cells > 2 || size_cells < 1 || size_cells > 2)
    return std::nullopt;
  int memory = -1;
  for (int node = fdt_first_subnode(blob, 0); node >= 0; node = fdt_next_subnode(blob, node)) {
    if (!is_memory(blob, node)) continue;
    if (has_size(blob, node, address_cells, size_cells)) return std::nullopt;
    memory = node;
  }
  const std::uint64_t base = memory < 0 ? kDefaultBase : base_of(blob, memory);
  const auto range = PaRange::from_size(Pa(base), kSize);
  if (!range || (address_cells == 1 && range->end().value() > 0x1'0000'0000)) return std::nullopt;
  if (memory < 0) {
    memory = fdt_add_subnode(blob, 0, "memory@80000000");
    if (memory < 0 || fdt_setprop_string(blob, memory, "device_type", "memory") != 0)
      return std::nullopt;
  }
  if (fdt_setprop(blob, memory, "reg", nullptr, 0) != 0 ||
      append_number(blob, memory, address_cells, base) != 0 ||
      append_number(blob, memory, size_cells, kSize) != 0)
    return std::nullopt;
  return range;
}

std::vector<std::uint64_t> empty_tree() {
  constexpr std::size_t kWords = 64;
  std::vector<std::uint64_t> blob(kWords);
  if (fdt_create_empty_tree(blob.data(), kWords * sizeof(std::uint64_t)) != 0) std::abort();
  return blob;
}

}  // namespace socle::plan
