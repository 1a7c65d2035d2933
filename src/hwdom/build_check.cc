// SPDX-License-Identifier: Apache-2.0
// The stage-2 tables after the build, walked and held against the plan.
#include <algorithm>

#include "base/log.h"
#include "hwdom/build.h"

namespace socle::hwdom {
namespace {

constexpr unsigned kMaxDifferencesShown = 8;

// A walk through the plan's mappings beside a walk through the tables.
class Comparison {
 public:
  explicit Comparison(const DomainPlan& plan) : plan_(plan) {}

  // One extent of the tables: everything in it must be planned so, and nothing planned before it
  // may have been passed over.
  void extent(const stage2::Extent& extent) {
    Gfn at = extent.range.begin();
    while (at < extent.range.end()) {
      if (index_ == plan_.mappings.size()) {
        differ("maps", GfnRange(at, extent.range.end()), "nothing");
        return;
      }
      const Mapping& wanted = plan_.mappings[index_];
      const Gfn next = std::max(position_, wanted.first);
      if (at < next) {
        const Gfn end = std::min(next, extent.range.end());
        differ("maps", GfnRange(at, end), "nothing");
        at = end;
        continue;
      }
      if (next < at)
        differ("misses", GfnRange(next, std::min(at, wanted.gfns().end())), "a mapping");
      at = compare(extent, wanted, at);
    }
  }

  void finish() {
    for (; index_ < plan_.mappings.size(); ++index_) {
      const GfnRange rest(std::max(position_, plan_.mappings[index_].first),
                          plan_.mappings[index_].gfns().end());
      if (!rest.empty()) differ("misses", rest, "a mapping");
    }
  }

  [[nodiscard]] unsigned differences() const { return differences_; }

 private:
  // Both map `at`: compares as far as both go on. Returns where it stopped.
  Gfn compare(const stage2::Extent& extent, const Mapping& wanted, Gfn at) {
    if (wanted.gfns().end() <= at) {
      ++index_;
      return at;
    }
    const Gfn end = std::min(extent.range.end(), wanted.gfns().end());
    if (extent.mfn + (at - extent.range.begin()) != wanted.machine + (at - wanted.first)) {
      differ("maps", GfnRange(at, end), "another machine frame");
    }
    if (extent.attributes.type != wanted.attributes.type() ||
        extent.attributes.permissions != wanted.attributes.permissions()) {
      differ("maps", GfnRange(at, end), to_string(wanted.attributes.type()));
    }
    position_ = end;
    if (end == wanted.gfns().end()) ++index_;
    return end;
  }

  void differ(const char* what, const GfnRange& range, const char* planned) {
    if (++differences_ <= kMaxDifferencesShown) {
      log_error("dom0: the stage-2 map {} guest frames {}, planned is {}", what, range, planned);
    }
  }

  const DomainPlan& plan_;
  std::size_t index_ = 0;
  Gfn position_{0};
  unsigned differences_ = 0;
};

}  // namespace

bool check(const guest::Domain& domain, const DomainPlan& plan) {
  Comparison comparison(plan);
  domain.address_space.walk(domain.address_space.all(), [&](const stage2::Extent& extent) {
    comparison.extent(extent);
    return true;
  });
  comparison.finish();
  return comparison.differences() == 0;
}

void log_coverage(const guest::Domain& domain, const DomainPlan& plan) {
  std::uint64_t frames_1g = 0;
  std::uint64_t frames_2m = 0;
  std::uint64_t frames_4k = 0;
  for (const MfnRange& bank : plan.ram) {
    Gfn at = direct_mapped(bank.begin());
    const Gfn end = direct_mapped(bank.end());
    while (at < end) {
      const auto found = domain.address_space.lookup(at);
      if (!found.has_value()) {
        ++at;
        continue;
      }
      // Whatever is left of the block that `at` lies in.
      const std::uint64_t block = found->block.count().value();
      const Gfn next = std::min(Gfn((at.value() | (block - 1)) + 1), end);
      const std::uint64_t frames = (next - at).value();
      (found->block >= kOrder1G   ? frames_1g
       : found->block >= kOrder2M ? frames_2m
                                  : frames_4k) += frames;
      at = next;
    }
  }
  const std::uint64_t all = frames_1g + frames_2m + frames_4k;
  const std::uint64_t large = frames_1g + frames_2m;
  log_info(
      "dom0: RAM {} MiB, held in 1 GiB blocks {} MiB, 2 MiB blocks {} MiB, pages {} KiB: {} % in "
      "blocks",
      all >> 8, frames_1g >> 8, frames_2m >> 8, frames_4k << 2, all == 0 ? 0 : large * 100 / all);
}

}  // namespace socle::hwdom
