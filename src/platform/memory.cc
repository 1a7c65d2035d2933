// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "fw/sort.h"
#include "platform/read.h"

namespace socle::platform {

using fw::dt::Node;

bool is_memory_node(const Node& node) {
  const auto type = node.property("device_type");
  return type && type->string_at(0) == "memory";
}

namespace {

// Whole frames of a bank; what sticks out at either end is no use as RAM.
PaRange whole_frames(const PaRange& bytes) {
  const MfnRange frames = frames_inside(bytes);
  return PaRange(Pa(frames.begin()), Pa(frames.end()));
}

Result<> add_bank(const Node& node, std::size_t index, fw::ArenaVector<RamBank>& banks) {
  // Memory stands below the root; its addresses are the CPU's.
  const auto range = fw::dt::reg(node, index);
  if (!range) return range.error() == Error::kUnsupported ? Result<>() : fail(range.error());
  const PaRange frames = whole_frames(*range);
  if (frames.empty()) return {};
  return banks.push_back({frames, node.id()});
}

void sort_and_merge(fw::ArenaVector<RamBank>& banks, const Reader& reader) {
  fw::sort_by(banks.span(), [](const RamBank& bank) { return bank.range.begin(); });
  std::size_t last = 0;
  for (std::size_t i = 1; i < banks.size(); ++i) {
    RamBank& before = banks[last];
    if (banks[i].range.begin() > before.range.end()) {
      banks[++last] = banks[i];
      continue;
    }
    if (banks[i].range.begin() < before.range.end())
      reader.notes.warning("{}: reg: RAM at {} is named twice",
                           reader.tree.node(banks[i].node).path().view(), banks[i].range);
    before.range =
        PaRange(before.range.begin(), std::max(before.range.end(), banks[i].range.end()));
  }
  if (!banks.empty()) banks.truncate(last + 1);
}

}  // namespace

Result<std::span<const RamBank>> read_ram(const fw::dt::Tree& tree, fw::Arena& arena,
                                          fw::Diagnostics& notes) {
  const Reader reader{tree, arena, notes};
  fw::ArenaVector<RamBank> banks(arena);
  for (const Node node : tree.root().children()) {
    if (!is_memory_node(node) || !node.is_available()) continue;
    const auto count = fw::dt::reg_count(node);
    for (std::size_t i = 0; i < count.value_or(0); ++i)
      if (const auto added = add_bank(node, i, banks);
          !added && added.error() != Error::kOutOfRange)
        return fail(added.error());
  }
  sort_and_merge(banks, reader);
  if (banks.empty())
    return notes.error(Error::kNotFound, "device tree: no RAM (no memory node with a size)");
  return banks.finish();
}

namespace {

Result<> add_reserved(const Reader& reader, const Node& node, ReservedRange::Origin origin,
                      fw::ArenaVector<ReservedRange>& out) {
  const auto count = fw::dt::reg_count(node);
  if (!count) return {};
  for (std::size_t i = 0; i < *count; ++i) {
    const auto range = fw::dt::reg(node, i);
    if (!range && range.error() == Error::kUnsupported)
      reader.notes.warning("{}: reg: its parent has no ranges to it, ignored", node.path().view());
    if (range && range->empty())
      reader.notes.warning("{}: reg: size zero at {}", node.path().view(), range->begin());
    if (!range || range->empty()) continue;
    TRY(out.push_back({.range = *range,
                       .origin = origin,
                       .no_map = node.has("no-map"),
                       .reusable = node.has("reusable"),
                       .is_frame_buffer = origin == ReservedRange::Origin::kFrameBuffer ||
                                          node.is_compatible("framebuffer"),
                       .node = node.id()}));
  }
  return {};
}

bool is_frame_buffer(const Node& node) {
  return node.is_compatible("simple-framebuffer");
}

// The binding's other way: the frame buffer is a region of /reserved-memory, and its node points
// there.
void mark_memory_region(const Reader& reader, const Node& frame_buffer,
                        std::span<ReservedRange> list) {
  const auto phandle = frame_buffer.cell("memory-region");
  const Node region = phandle ? reader.tree.find_phandle(*phandle) : Node();
  if (!region) return;
  for (ReservedRange& reserved : list)
    if (reserved.node == region.id()) reserved.is_frame_buffer = true;
}

}  // namespace

Result<std::span<const ReservedRange>> read_reserved(const fw::dt::Tree& tree, fw::Arena& arena,
                                                     fw::Diagnostics& notes) {
  const Reader reader{tree, arena, notes};
  fw::ArenaVector<ReservedRange> out(arena);
  for (const PaRange& range : tree.memory_reservations())
    TRY(out.push_back({.range = range, .origin = ReservedRange::Origin::kMemoryReservation}));
  if (const Node parent = tree.root().child("reserved-memory"))
    for (const Node node : parent.children())
      if (node.is_available())
        TRY(add_reserved(reader, node, ReservedRange::Origin::kReservedMemory, out));
  // What firmware draws into is memory that nobody may reuse, wherever its node stands.
  if (const Node chosen = tree.root().child("chosen"))
    for (const Node node : chosen.children()) {
      if (!node.is_available() || !is_frame_buffer(node)) continue;
      TRY(reader.tree.charge(out.size()));
      mark_memory_region(reader, node, out.span());
      TRY(add_reserved(reader, node, ReservedRange::Origin::kFrameBuffer, out));
    }
  fw::sort_by(out.span(), [](const ReservedRange& reserved) {
    return std::pair(reserved.range.begin(), reserved.range.end());
  });
  return out.finish();
}

namespace {

constexpr Pa kNoLimit{~std::uint64_t{0}};

// The highest aligned place below `end` and not below `begin`.
std::optional<Pa> highest_place(Pa begin, Pa end, const PlaceRequest& request) {
  if (end.value() < request.size) return std::nullopt;
  const std::uint64_t at = align_down(end.value() - request.size, request.alignment);
  if (at < begin.value()) return std::nullopt;
  return Pa(at);
}

// The lowest begin of everything that meets `place`, if anything does.
std::optional<Pa> obstacle(const PaRange& place, std::span<const ReservedRange> reserved,
                           std::span<const PaRange> occupied) {
  std::optional<Pa> lowest;
  const auto look_at = [&](const PaRange& range) {
    if (range.overlaps(place) && (!lowest || range.begin() < *lowest)) lowest = range.begin();
  };
  for (const ReservedRange& range : reserved)
    look_at(range.range);
  for (const PaRange& range : occupied)
    look_at(range);
  return lowest;
}

}  // namespace

Result<PaRange> find_free_ram(std::span<const RamBank> ram, std::span<const ReservedRange> reserved,
                              std::span<const PaRange> occupied, const PlaceRequest& request) {
  for (std::size_t i = ram.size(); i-- != 0;) {
    Pa end = std::min(ram[i].range.end(), request.preferred_limit);
    // Each obstacle lowers `end`, so this ends.
    while (const auto begin = highest_place(ram[i].range.begin(), end, request)) {
      const PaRange place(*begin, *begin + request.size);
      const auto hit = obstacle(place, reserved, occupied);
      if (!hit) return place;
      end = *hit;
    }
  }
  if (request.preferred_limit == kNoLimit) return fail(Error::kNotFound);
  PlaceRequest anywhere = request;
  anywhere.preferred_limit = kNoLimit;
  return find_free_ram(ram, reserved, occupied, anywhere);
}

}  // namespace socle::platform
