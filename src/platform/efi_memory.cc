// SPDX-License-Identifier: Apache-2.0
// RAM and reservations as UEFI's memory map tells them.

#include <algorithm>

#include "fw/sort.h"
#include "platform/read.h"

namespace socle::platform {

namespace {

using Use = fw::EfiMemoryRange::Use;

// RAM, or all else, in order and without overlaps: one pass over both is then enough.
Result<std::span<const PaRange>> merged(std::span<const fw::EfiMemoryRange> map, bool ram,
                                        fw::Arena& arena) {
  fw::ArenaVector<PaRange> out(arena);
  for (const fw::EfiMemoryRange& range : map) {
    if ((range.use() == Use::kRam) != ram) continue;
    if (out.empty() || range.range.begin() > out.back().end()) {
      TRY(out.push_back(range.range));
    } else {
      out.back() = PaRange(out.back().begin(), std::max(out.back().end(), range.range.end()));
    }
  }
  return out.finish();
}

}  // namespace

Result<std::span<const RamBank>> read_ram(std::span<const fw::EfiMemoryRange> map, fw::Arena& arena,
                                          fw::Diagnostics& notes) {
  const std::span<const PaRange> taken = TRY(merged(map, false, arena));
  fw::ArenaVector<RamBank> banks(arena);
  const auto add = [&banks](Pa begin, Pa end) -> Result<> {
    return begin < end ? banks.push_back({.range = PaRange(begin, end)}) : Result<>();
  };
  std::size_t next = 0;
  for (const PaRange& ram : TRY(merged(map, true, arena))) {
    Pa from = ram.begin();
    for (; next < taken.size() && taken[next].begin() < ram.end(); ++next) {
      TRY(add(from, taken[next].begin()));
      from = std::max(from, taken[next].end());
      if (from > ram.end()) break;  // it may meet the next one, too
    }
    TRY(add(from, ram.end()));
  }
  if (banks.empty()) return notes.error(Error::kNotFound, "EFI memory map: no RAM");
  return banks.finish();
}

Result<std::span<const ReservedRange>> read_reserved(std::span<const fw::EfiMemoryRange> map,
                                                     std::span<const ReservedRange> others,
                                                     fw::Arena& arena) {
  fw::ArenaVector<ReservedRange> out(arena);
  for (const ReservedRange& range : others)
    TRY(out.push_back(range));
  for (const fw::EfiMemoryRange& range : map)
    if (range.use() == Use::kFirmware)
      TRY(out.push_back(
          {.range = range.range, .origin = ReservedRange::Origin::kFirmware, .no_map = true}));
  fw::sort_by(out.span(), [](const ReservedRange& reserved) {
    return std::pair(reserved.range.begin(), reserved.range.end());
  });
  return out.finish();
}

}  // namespace socle::platform
