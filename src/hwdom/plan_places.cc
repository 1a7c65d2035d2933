// SPDX-License-Identifier: Apache-2.0

// Where things go: kernel, tree and initrd in the domain's RAM; the grant-table window and the
// extended regions in guest addresses that nothing else uses.

#include <algorithm>

#include "fw/sort.h"
#include "hwdom/firmware_tables.h"
#include "hwdom/plan_parts.h"

namespace socle::hwdom {

namespace {

constexpr std::uint64_t kKernelAlignment = 2 * kMiB;  // Linux Documentation/arch/arm64/booting
constexpr std::uint64_t kLargestTree = 2 * kMiB;      // same
constexpr std::uint64_t kInitrdWindow = 32 * kGiB;    // same: kernel and initrd together
constexpr std::uint64_t kInitrdWindowAlignment = kGiB;

struct Wish {
  std::uint64_t size = 0;
  std::uint64_t alignment = kFrameSize;
  Pa not_below{};  // default: anywhere
};

// The lowest place in the domain's banks that meets no obstacle (sorted, disjoint).
std::optional<PaRange> find_place(const Planner& planner, std::span<const MfnRange> obstacles,
                                  const Wish& wish) {
  for (const MfnRange& bank : planner.out.ram) {
    const PaRange bytes(Pa(bank.begin()), Pa(bank.end()));
    std::uint64_t at = align_up(std::max(bytes.begin(), wish.not_below).value(), wish.alignment);
    while (at < bytes.end().value() && wish.size <= bytes.end().value() - at) {
      const PaRange place(Pa(at), Pa(at + wish.size));
      const MfnRange frames = frames_touched(place);
      const auto hit = std::ranges::upper_bound(obstacles, frames.begin(), {}, &MfnRange::end);
      if (hit == obstacles.end() || !hit->overlaps(frames)) return place;
      at = align_up(Pa(hit->end()).value(), wish.alignment);
    }
  }
  return std::nullopt;
}

Range<Ipa> as_guest(const PaRange& range) {
  return Range<Ipa>(direct_mapped(range.begin()), direct_mapped(range.end()));
}

class Places {
 public:
  explicit Places(Planner& planner) : planner_(planner) {}

  Result<> run() {
    if (planner_.input.boot == nullptr) return {};
    kernel_ = planner_.input.boot->find(fw::ModuleKind::kKernel);
    initrd_ = planner_.input.boot->find(fw::ModuleKind::kRamdisk);
    if (kernel_ == nullptr)
      return planner_.notes.error(Error::kNotFound, "boot modules: no kernel for dom0");
    TRY(place_kernel());
    TRY(place_initrd());
    TRY(place_tree());
    return planner_.is_acpi() ? place_tables() : Result<>();
  }

 private:
  // What must not be written over, but for one module that is being looked at.
  Result<std::span<const MfnRange>> obstacles(const fw::BootModule* except) {
    RangeList list(planner_.arena);
    const auto add = [&](const PaRange& range) -> Result<> {
      return range.empty() ? Result<>() : list.push_back(frames_touched(range));
    };
    for (const platform::ReservedRange& reserved : planner_.platform().reserved)
      if (reserved.origin != platform::ReservedRange::Origin::kMemoryReservation)
        TRY(add(reserved.range));
    for (const PaRange& reservation : planner_.out.memory_reservations)
      TRY(add(reservation));
    TRY(add(planner_.input.host_tree));
    for (const fw::BootModule& module : planner_.input.boot->modules)
      if (&module != except) TRY(add(module.range));
    for (const PaRange& placed : placed_)
      TRY(add(placed));
    normalise(list);
    return list.finish();
  }

  Result<bool> is_free(const PaRange& place, const fw::BootModule* except) {
    if (!contained_in_one(planner_.out.ram, frames_touched(place))) return false;
    return !overlaps_any(TRY(obstacles(except)), frames_touched(place));
  }

  Result<> place_kernel() {
    const KernelImage& image = planner_.input.kernel;
    const std::uint64_t size = std::max(image.memory_size, image.file_size);
    const Pa at = kernel_->range.begin();
    const auto here = PaRange::from_size(at, size);
    if (image.is_module_as_is && here && at.value() >= image.text_offset &&
        is_aligned(at.value() - image.text_offset, kKernelAlignment) &&
        TRY(is_free(*here, kernel_))) {
      planner_.out.kernel = Placement{kernel_->range, as_guest(*here), true};
      return placed_.push_back(*here);
    }
    const auto place =
        find_place(planner_, TRY(obstacles(nullptr)),
                   {.size = image.text_offset + size, .alignment = kKernelAlignment});
    if (!place)
      return planner_.notes.error(Error::kNotFound,
                                  "dom0: no bank of its RAM has room for the kernel ({} KiB)",
                                  size / kKiB);
    const PaRange target(place->begin() + image.text_offset, place->end());
    planner_.out.kernel = Placement{kernel_->range, as_guest(target), false};
    return placed_.push_back(*place);
  }

  [[nodiscard]] bool near_kernel(const PaRange& place) const {
    const PaRange& kernel = placed_[0];
    const std::uint64_t begin =
        align_down(std::min(place.begin(), kernel.begin()).value(), kInitrdWindowAlignment);
    return std::max(place.end(), kernel.end()).value() - begin <= kInitrdWindow;
  }

  // Behind the kernel first: old kernels make no use of memory below them.
  Result<std::optional<PaRange>> find_beside_kernel(Wish wish) {
    const auto busy = TRY(obstacles(nullptr));
    wish.not_below = placed_[0].begin();
    auto place = find_place(planner_, busy, wish);
    if (!place && planner_.input.kernel.runs_anywhere) {
      wish.not_below = Pa();
      place = find_place(planner_, busy, wish);
    }
    return place;
  }

  Result<> place_initrd() {
    if (initrd_ == nullptr) return {};
    const bool above_kernel = initrd_->range.begin() >= placed_[0].begin();
    if ((above_kernel || planner_.input.kernel.runs_anywhere) && near_kernel(initrd_->range) &&
        TRY(is_free(initrd_->range, initrd_))) {
      planner_.out.initrd = Placement{initrd_->range, as_guest(initrd_->range), true};
      return {};
    }
    const auto place = TRY(find_beside_kernel({.size = initrd_->range.size()}));
    if (!place || !near_kernel(*place))
      return planner_.notes.error(Error::kNotFound,
                                  "dom0: no bank of its RAM has room for the initrd ({} KiB)",
                                  initrd_->range.size() / kKiB);
    planner_.out.initrd = Placement{initrd_->range, as_guest(*place), false};
    return placed_.push_back(*place);
  }

  Result<> place_tree() {
    const std::size_t bound = tree_size_bound(planner_.input);
    const std::uint64_t size =
        std::max<std::uint64_t>(align_up<std::uint64_t>(bound, kFrameSize), kLargestTree);
    const auto place = TRY(find_beside_kernel({.size = size, .alignment = kLargestTree}));
    if (!place)
      return planner_.notes.error(
          Error::kNotFound, "dom0: no bank of its RAM has room for the tree ({} KiB)", size / kKiB);
    planner_.out.tree_slot = as_guest(*place);
    return placed_.push_back(*place);
  }

  // Aligned for kernels with pages of 64 KiB.
  Result<> place_tables() {
    const std::size_t bound = firmware_tables_bound(*planner_.input.acpi, planner_.out);
    const std::uint64_t size = align_up<std::uint64_t>(bound, kLargestPage);
    const auto place = TRY(find_beside_kernel({.size = size, .alignment = kLargestPage}));
    if (!place)
      return planner_.notes.error(Error::kNotFound,
                                  "dom0: no bank of its RAM has room for ACPI's tables ({} KiB)",
                                  size / kKiB);
    planner_.out.tables_slot = as_guest(*place);
    return {};
  }

  Planner& planner_;
  const fw::BootModule* kernel_ = nullptr;
  const fw::BootModule* initrd_ = nullptr;
  InplaceVector<PaRange, 4> placed_;  // the kernel first
};

}  // namespace

Result<> plan_placements(Planner& planner) {
  return Places(planner).run();
}

namespace {

constexpr std::uint64_t kGrantFrames = 64;
constexpr std::uint64_t kRegionAlignment = 2 * kMiB >> kFrameShift;
constexpr std::uint64_t kSmallestRegion = 64 * kMiB >> kFrameShift;
constexpr std::size_t kMaxRegions = 8;
// Linux gives extended regions struct pages, so they must lie in its linear map: with the smallest
// configuration (39 bits of virtual address) that covers 256 GiB from the start of RAM.
constexpr std::uint64_t kLinearMap = 256 * kGiB >> kFrameShift;
// What is enough to map every frame of other domains once.
constexpr std::uint64_t kLargestRegion = 64 * kGiB >> kFrameShift;

MfnRange aligned_inside(const MfnRange& range, std::uint64_t alignment) {
  const std::uint64_t begin = align_up(range.begin().value(), alignment);
  const std::uint64_t end = align_down(range.end().value(), alignment);
  return begin < end ? MfnRange(Mfn(begin), Mfn(end)) : MfnRange();
}

GfnRange as_guest_frames(const MfnRange& range) {
  return GfnRange(direct_mapped(range.begin()), direct_mapped(range.end()));
}

// Guest addresses that stand for RAM of the machine which the domain does not have: certainly no
// device is there.
Result<> list_foreign_ram(Planner& planner, RangeList& out) {
  return subtract(planner.host_ram, planner.domain_ram, out);
}

// Guest addresses where the tree says nothing is.
Result<> list_holes(Planner& planner, RangeList& out) {
  RangeList busy(planner.arena);
  for (const MfnRange& range : planner.host_ram)
    TRY(busy.push_back(range));
  for (const MfnRange& range : planner.kept_frames)
    TRY(busy.push_back(range));
  for (const Mapping& mapping : planner.out.mappings)
    TRY(busy.push_back(MfnRange(Mfn(mapping.first.value()), Mfn(mapping.gfns().end().value()))));
  for (const platform::Device& device : planner.platform().devices)
    for (const platform::Region& region : device.regions)
      TRY(busy.push_back(frames_touched(region.range)));
  for (const platform::ReservedRange& reserved : planner.platform().reserved)
    TRY(busy.push_back(frames_touched(reserved.range)));
  normalise(busy);
  const std::uint64_t begin = planner.host_ram.front().begin().value();
  const std::uint64_t space = std::uint64_t{1} << (planner.input.ipa_bits - kFrameShift);
  const std::uint64_t end = std::min(space, begin + kLinearMap);
  if (begin >= end) return {};
  const MfnRange window{Mfn(begin), Mfn(end)};
  return subtract(std::span(&window, 1), busy.span(), out);
}

Result<GfnRange> choose_grant_window(Planner& planner, RangeList& foreign, RangeList& holes) {
  for (RangeList* list : {&foreign, &holes}) {
    for (MfnRange& range : *list) {
      const std::uint64_t begin = align_up(range.begin().value(), kGrantFrames);
      if (begin + kGrantFrames > range.end().value()) continue;
      const MfnRange window(Mfn(begin), Mfn(begin + kGrantFrames));
      // What is before the window is lost: it is smaller than the window.
      range = MfnRange(window.end(), range.end());
      return as_guest_frames(window);
    }
  }
  return planner.notes.error(Error::kNotFound, "dom0: no free guest addresses for grant tables");
}

Result<> choose_regions(Planner& planner, const RangeList& foreign, const RangeList& holes) {
  fw::ArenaVector<GfnRange> out(planner.arena);
  for (const RangeList* list : {&foreign, &holes}) {
    for (const MfnRange& range : *list) {
      const MfnRange inside = aligned_inside(range, kRegionAlignment);
      if (inside.size() < kSmallestRegion || out.size() == kMaxRegions) continue;
      const FrameCount size(std::min(inside.size(), kLargestRegion));
      TRY(out.push_back(as_guest_frames(MfnRange(inside.begin(), inside.begin() + size))));
    }
  }
  fw::sort_by(out.span(), [](const GfnRange& range) { return range.begin(); });
  planner.out.extended_regions = out.finish();
  return {};
}

}  // namespace

Result<> plan_free_space(Planner& planner) {
  // ACPI's static tables do not say where there is nothing; its Linux takes RAM of its own instead.
  if (planner.is_acpi()) return {};
  RangeList foreign(planner.arena);
  RangeList holes(planner.arena);
  TRY(list_foreign_ram(planner, foreign));
  TRY(list_holes(planner, holes));
  planner.out.grant_table_window = TRY(choose_grant_window(planner, foreign, holes));
  return choose_regions(planner, foreign, holes);
}

}  // namespace socle::hwdom
