// SPDX-License-Identifier: Apache-2.0
#include "test/support/plan_whole.h"

#include <algorithm>
#include <libfdt.h>
#include <utility>

#include "hwdom/plan_check.h"

namespace socle::test {

std::string Whole::text() const {
  std::string all;
  for (const auto& line : notes.lines())
    all.append("  ").append(line.text).append("\n");
  return all;
}

namespace {

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
  const auto is_passed_through = [&](const platform::Iommu& iommu) {
    return plan.nodes[index_of(iommu.node)].action == hwdom::NodeAction::kKeep;
  };
  if (std::cmp_not_equal((*seen)->iommus.size(),
                         std::ranges::count_if(whole.platform->iommus, is_passed_through)))
    return wrong(whole, "domain's tree: has an IOMMU more or less");
  if (notes.mentions("leads to no IOMMU") && !whole.notes.mentions("leads to no IOMMU"))
    return wrong(whole, "domain's tree: the way to an IOMMU is lost");
  const auto& console = whole.console;
  if (console && (*tree)->find(whole.tree->node(console->node).path().view()))
    return wrong(whole, "domain's tree: has the console");
  if (!(*tree)->root().child("hypervisor").is_compatible("xen,xen"))
    return wrong(whole, "domain's tree: has no /hypervisor");
  return true;
}

}  // namespace

Whole::Verdict plan_whole(Whole& whole, std::span<const std::byte> blob,
                          const WholeOptions& options) {
  plan::BoardOptions board_options{.command_line = std::nullopt, .ipa_bits = options.ipa_bits};
  if (!options.command_line.empty()) board_options.command_line = options.command_line;
  Result<> done = plan::plan_board(whole, blob, board_options);
  if (done) {
    const auto good = hwdom::proofread(whole.input, *whole.plan, whole.arena, whole.notes);
    if (good && !*good) return Whole::Verdict::kWrong;
    done = good ? plan::write_domain_tree(whole) : fail(good.error());
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
