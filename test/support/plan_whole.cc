// SPDX-License-Identifier: Apache-2.0
#include "test/support/plan_whole.h"

#include <algorithm>
#include <libfdt.h>

#include "hwdom/plan_check.h"

namespace socle::test {

std::string Whole::text() const {
  std::string all;
  for (const auto& line : notes.lines())
    all.append("  ").append(line.text).append("\n");
  return all;
}

namespace {

// Socle's image and heap, where boot would put them: 2 MiB and 1 % of RAM.
Result<> keep_memory(Whole& whole) {
  const auto image = TRY(platform::find_free_ram(whole.platform->ram, whole.platform->reserved, {},
                                                 {.size = 2 * kMiB, .alignment = 2 * kMiB}));
  whole.kept[0] = {"image", image};
  const std::uint64_t wanted = whole.platform->ram_bytes() / 100;
  const auto heap = TRY(platform::find_free_ram(
      whole.platform->ram, whole.platform->reserved, std::span(&image, 1),
      {.size = align_up<std::uint64_t>(std::max<std::uint64_t>(wanted, 1), 2 * kMiB),
       .alignment = 2 * kMiB}));
  whole.kept[1] = {"heap", heap};
  whole.input.kept = whole.kept;
  return {};
}

Result<> plan_it(Whole& whole, std::span<const std::byte> blob, const WholeOptions& options) {
  whole.tree = TRY(fw::dt::Tree::open(blob, whole.arena, whole.notes));
  TRY(fw::read_boot_info(*whole.tree, whole.boot));
  whole.options = fw::parse_options(
      options.command_line.empty() ? whole.boot.socle_command_line : options.command_line,
      whole.notes);
  auto read =
      platform::read(*whole.tree, {.dtuart = whole.options.dtuart}, whole.arena, whole.notes);
  whole.platform = TRY(std::move(read));
  const auto kept = keep_memory(whole);
  if (!kept) return whole.notes.error(kept.error(), "no room in RAM for Socle");
  whole.input.tree = whole.tree;
  whole.input.platform = whole.platform;
  whole.input.options = &whole.options;
  whole.input.ipa_bits = options.ipa_bits;
  if (whole.boot.find(fw::ModuleKind::kKernel) != nullptr) {
    whole.input.boot = &whole.boot;
    whole.input.kernel.file_size = whole.boot.find(fw::ModuleKind::kKernel)->range.size();
  }
  whole.plan = TRY(hwdom::plan(whole.input, whole.arena, whole.notes));
  whole.arena_used = whole.arena.used();
  return {};
}

Result<> write_it(Whole& whole) {
  const std::size_t bound = hwdom::tree_size_bound(whole.input);
  whole.written.resize(bound / 8 + 1);
  whole.written_size = TRY(hwdom::write_tree(
      whole.input, *whole.plan, std::as_writable_bytes(std::span(whole.written)), whole.notes));
  return {};
}

template <typename... Args>
bool wrong(Whole& whole, FormatString<std::type_identity_t<Args>...> format, const Args&... args) {
  whole.notes.add(LogLevel::kError, Text<200>(format, args...).view());
  return false;
}

// What a kernel would find in the domain's tree is what was planned.
bool tree_says_the_plan(Whole& whole) {
  fw::Diagnostics notes(whole.arena);
  if (fdt_check_full(whole.written.data(), whole.written_size) != 0)
    return wrong(whole, "domain's tree: libfdt does not accept it");
  const auto tree = fw::dt::Tree::open(whole.domain_tree(), whole.arena, notes);
  if (!tree) return wrong(whole, "domain's tree: cannot be read back");
  if (notes.mentions("belongs to") && !whole.notes.mentions("belongs to"))
    return wrong(whole, "domain's tree: a phandle is used twice");
  const auto seen = platform::read(**tree, {}, whole.arena, notes);
  if (!seen) return wrong(whole, "domain's tree: shows no machine: {}", seen.error());
  const hwdom::DomainPlan& plan = *whole.plan;
  std::uint64_t described = 0;
  for (const auto list : {plan.ram, plan.reserved_ram})
    for (const MfnRange& range : list)
      described += range.size() << kFrameShift;
  if ((*seen)->ram_bytes() != described) return wrong(whole, "domain's tree: other RAM");
  if ((*seen)->cpus.size() != plan.vcpus.size()) return wrong(whole, "domain's tree: other CPUs");
  if ((*seen)->psci.conduit != platform::Psci::Conduit::kHvc)
    return wrong(whole, "domain's tree: PSCI is not by HVC");
  if ((*seen)->gic.distributor.begin().value() != plan.gic.distributor.value())
    return wrong(whole, "domain's tree: the GIC is elsewhere");
  if (!(*seen)->iommus.empty()) return wrong(whole, "domain's tree: has an IOMMU");
  const auto console = whole.platform->console;
  if (console && (*tree)->find(whole.tree->node(console->node).path().view()))
    return wrong(whole, "domain's tree: has the console");
  if (!(*tree)->root().child("hypervisor").is_compatible("xen,xen"))
    return wrong(whole, "domain's tree: has no /hypervisor");
  return true;
}

}  // namespace

Whole::Verdict plan_whole(Whole& whole, std::span<const std::byte> blob,
                          const WholeOptions& options) {
  Result<> done = plan_it(whole, blob, options);
  if (done) {
    const auto good = hwdom::proofread(whole.input, *whole.plan, whole.arena, whole.notes);
    if (good && !*good) return Whole::Verdict::kWrong;
    done = good ? write_it(whole) : fail(good.error());
  }
  if (!done) {
    const bool has_reason = done.error() == Error::kNoMemory ||
                            std::ranges::any_of(whole.notes.lines(), [](const auto& line) {
                              return line.level == LogLevel::kError;
                            });
    return has_reason ? Whole::Verdict::kRefused : Whole::Verdict::kWrong;
  }
  return tree_says_the_plan(whole) ? Whole::Verdict::kPlanned : Whole::Verdict::kWrong;
}

}  // namespace socle::test
