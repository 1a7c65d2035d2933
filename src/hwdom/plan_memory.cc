// SPDX-License-Identifier: Apache-2.0

// Which RAM the domain gets: all that Socle does not keep, or dom0_mem in the largest aligned banks
// that fit, the first one below 4 GiB (32-bit DMA needs some memory there).

#include <algorithm>

#include "hwdom/plan_parts.h"

namespace socle::hwdom {

namespace {

constexpr Mfn kFourGiB{4 * kGiB >> kFrameShift};

std::uint64_t frames_in(std::span<const MfnRange> ranges) {
  std::uint64_t total = 0;
  for (const MfnRange& range : ranges)
    total += range.size();
  return total;
}

constexpr std::uint64_t frames_of(std::uint64_t bytes) {
  return bytes >> kFrameShift;
}

constexpr std::uint64_t kFramesInLargestPage = frames_of(kLargestPage);

// ACPI: the pages of 64 KiB in free RAM. What is left at the edges stays in Socle's heap.
void keep_whole_pages(const Planner& planner, RangeList& free) {
  if (!planner.is_acpi()) return;
  for (MfnRange& range : free) {
    const std::uint64_t begin = align_up(range.begin().value(), kFramesInLargestPage);
    const std::uint64_t end = align_down(range.end().value(), kFramesInLargestPage);
    range = MfnRange(Mfn(begin), Mfn(std::max(begin, end)));
  }
  normalise(free);
}

Result<> list_host_ram(Planner& planner) {
  RangeList ram(planner.arena);
  for (const platform::RamBank& bank : planner.platform().ram)
    TRY(ram.push_back(frames_inside(bank.range)));
  normalise(ram);
  // A tree that puts RAM over the GIC or the console is wrong about the RAM.
  RangeList rest(planner.arena);
  TRY(subtract(ram.span(), planner.kept_device_frames, rest));
  if (frames_in(rest.span()) != frames_in(ram.span()))
    planner.notes.warning("the tree's RAM contains {} KiB of registers of devices that Socle keeps",
                          (frames_in(ram.span()) - frames_in(rest.span())) * 4);
  planner.host_ram = rest.finish();
  return {};
}

// Frames the options ask for; `available` when they leave it open.
Result<std::uint64_t> wanted_frames(Planner& planner, std::uint64_t available) {
  const fw::Dom0Memory& memory = planner.input.options->dom0_mem;
  const auto frames = [&planner](std::uint64_t bytes) {
    return planner.is_acpi() ? align_up(frames_of(bytes), kFramesInLargestPage) : frames_of(bytes);
  };
  std::uint64_t wanted = memory.size ? frames(*memory.size) : available;
  if (memory.minimum) wanted = std::max(wanted, frames(*memory.minimum));
  if (memory.maximum && (memory.size || frames(*memory.maximum) < wanted))
    wanted = std::min(wanted, frames(*memory.maximum));
  if (wanted == 0) return planner.notes.error(Error::kInvalid, "dom0_mem: less than a page");
  if (wanted > available)
    return planner.notes.error(
        Error::kTooLarge, "dom0_mem: {} MiB asked for, {} MiB of the machine's {} MiB can be given",
        wanted >> 8, available >> 8, frames_in(planner.host_ram) >> 8);
  return wanted;
}

struct Candidate {
  MfnRange range;
  std::uint64_t alignment = 0;
};

// The best a free range can do for `wanted` frames: a gigabyte-aligned start if that costs nothing,
// else one of 2 MiB, else any.
Candidate best_in(const MfnRange& free, std::uint64_t wanted) {
  constexpr std::uint64_t kAlignments[] = {kGiB >> kFrameShift, 2 * kMiB >> kFrameShift, 1};
  Candidate best;
  for (const std::uint64_t alignment : kAlignments) {
    const std::uint64_t begin = align_up(free.begin().value(), alignment);
    if (begin >= free.end().value()) continue;
    const std::uint64_t size = std::min(free.end().value() - begin, wanted);
    if (size > best.range.size())
      best = {MfnRange(Mfn(begin), Mfn(begin) + FrameCount(size)), alignment};
  }
  return best;
}

Candidate best_of(std::span<const MfnRange> free, std::uint64_t wanted, Mfn limit) {
  Candidate best;
  for (const MfnRange& range : free) {
    if (range.begin() >= limit) break;
    const Candidate here = best_in(MfnRange(range.begin(), std::min(range.end(), limit)), wanted);
    const bool better = here.range.size() > best.range.size() ||
                        (here.range.size() == best.range.size() && here.alignment > best.alignment);
    if (better) best = here;
  }
  return best;
}

// Takes a candidate out of the free list (it lies inside one range).
Result<> take(RangeList& free, const MfnRange& taken) {
  for (MfnRange& range : free) {
    if (!range.contains(taken)) continue;
    const MfnRange after(taken.end(), range.end());
    range = MfnRange(range.begin(), taken.begin());
    TRY(free.push_back(after));
    break;
  }
  normalise(free);
  return {};
}

Result<> choose_banks(Planner& planner, RangeList& free, std::uint64_t wanted, RangeList& banks) {
  constexpr unsigned kMaxBanks = 64;
  Mfn limit = kFourGiB;
  while (wanted != 0) {
    Candidate bank = best_of(free.span(), wanted, limit);
    if (bank.range.empty() && limit == kFourGiB && banks.empty()) {
      planner.notes.warning("dom0: no free RAM below 4 GiB: devices with 32-bit DMA will not work");
      bank = best_of(free.span(), wanted, Mfn(~std::uint64_t{0}));
    }
    if (bank.range.empty() || banks.size() == kMaxBanks)
      return planner.notes.error(Error::kTooLarge,
                                 "dom0_mem: the free RAM is in too many pieces, {} MiB are missing",
                                 wanted >> 8);
    TRY(banks.push_back(bank.range));
    TRY(take(free, bank.range));
    wanted -= bank.range.size();
    limit = Mfn(~std::uint64_t{0});
  }
  return {};
}

// Frames of RAM that firmware reserves, as the plan must keep them out of chosen banks.
Result<std::span<const MfnRange>> reserved_frames(Planner& planner, bool with_no_map) {
  RangeList touched(planner.arena);
  RangeList not_ram(planner.arena);
  RangeList in_ram(planner.arena);
  for (const platform::ReservedRange& reserved : planner.platform().reserved)
    if (with_no_map || !reserved.no_map) TRY(touched.push_back(frames_touched(reserved.range)));
  normalise(touched);
  TRY(subtract(touched.span(), planner.host_ram, not_ram));
  TRY(subtract(touched.span(), not_ram.span(), in_ram));
  return in_ram.finish();
}

// dom0_mem: banks out of what nobody reserves; reserved memory comes on top, as it is.
Result<> plan_limited(Planner& planner, std::span<const MfnRange> available, std::uint64_t wanted) {
  const auto reserved = TRY(reserved_frames(planner, true));
  RangeList free(planner.arena);
  TRY(subtract(available, reserved, free));
  keep_whole_pages(planner, free);
  if (wanted > frames_in(free.span()))
    return planner.notes.error(Error::kTooLarge,
                               "dom0_mem: {} MiB asked for, {} MiB of RAM are free of reservations",
                               wanted >> 8, frames_in(free.span()) >> 8);
  RangeList banks(planner.arena);
  TRY(choose_banks(planner, free, wanted, banks));
  normalise(banks);
  planner.out.ram = banks.finish();

  RangeList mappable(planner.arena);
  TRY(subtract(TRY(reserved_frames(planner, false)), planner.kept_frames, mappable));
  planner.out.reserved_ram = mappable.finish();
  RangeList all(planner.arena);
  TRY(subtract(reserved, planner.kept_frames, all));
  for (const MfnRange& bank : planner.out.ram)
    TRY(all.push_back(bank));
  normalise(all);
  planner.domain_ram = all.finish();
  return {};
}

// Boot loaders reserve what they loaded; once it is in the domain's memory, that is over.
bool is_stale(const Planner& planner, const PaRange& reservation) {
  if (reservation.overlaps(planner.input.host_tree)) return true;
  return planner.input.boot != nullptr &&
         std::ranges::any_of(planner.input.boot->modules, [&](const fw::BootModule& module) {
           return module.range.overlaps(reservation);
         });
}

Result<> plan_reservations(Planner& planner) {
  fw::ArenaVector<PaRange> list(planner.arena);
  for (const PaRange& reservation : planner.tree().memory_reservations())
    if (!is_stale(planner, reservation)) TRY(list.push_back(reservation));
  planner.out.memory_reservations = list.finish();
  return {};
}

void warn_of_dynamic_reservations(Planner& planner) {
  for (const platform::DynamicReservation& wanted : planner.platform().dynamic_reservations) {
    const auto fits = [&](const PaRange& allowed) {
      return std::ranges::any_of(planner.out.ram, [&](const MfnRange& bank) {
        return bank.intersection(frames_inside(allowed)).size() >= wanted.size >> kFrameShift;
      });
    };
    if (!wanted.allowed.empty() && std::ranges::none_of(wanted.allowed, fits))
      planner.notes.warning("{}: alloc-ranges: none of the domain's RAM lies there",
                            planner.path(wanted.node).view());
  }
}

}  // namespace

Result<> plan_memory(Planner& planner) {
  TRY(list_host_ram(planner));
  RangeList available(planner.arena);
  TRY(subtract(planner.host_ram, planner.kept_frames, available));
  keep_whole_pages(planner, available);
  const std::uint64_t total = frames_in(available.span());
  if (total == 0)
    return planner.notes.error(Error::kNotFound, "dom0: Socle and its devices leave no RAM");
  const std::uint64_t wanted = TRY(wanted_frames(planner, total));
  if (wanted == total) {
    planner.out.ram = available.finish();
    planner.domain_ram = planner.out.ram;
  } else {
    TRY(plan_limited(planner, available.span(), wanted));
  }
  planner.out.ram_bytes = frames_in(planner.out.ram) << kFrameShift;
  const std::uint64_t space = std::uint64_t{1} << (planner.input.ipa_bits - kFrameShift);
  if (!planner.out.ram.empty() && planner.out.ram.back().end().value() > space)
    return planner.notes.error(Error::kOutOfRange,
                               "dom0: RAM up to {#x}, beyond the CPUs' {} address bits",
                               Pa(planner.out.ram.back().end()).value(), planner.input.ipa_bits);
  TRY(plan_reservations(planner));
  warn_of_dynamic_reservations(planner);
  return {};
}

}  // namespace socle::hwdom
