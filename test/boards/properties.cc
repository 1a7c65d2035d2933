// SPDX-License-Identifier: Apache-2.0
#include "test/boards/properties.h"

#include <algorithm>
#include <fmt/format.h>
#include <libfdt.h>
#include <map>
#include <optional>
#include <set>

#include "fw/dt/address.h"
#include "plan/dtc.h"

namespace socle::test {

namespace {

using fw::dt::Node;

// Frames, as disjoint intervals with a number each.
class FrameSet {
 public:
  // False if a part of it is there already.
  bool add(const MfnRange& frames) {
    if (frames.empty()) return true;
    const auto next = ends_.upper_bound(frames.begin());
    if (next != ends_.end() && next->second < frames.end()) return false;
    ends_[frames.end()] = frames.begin();
    return true;
  }
  [[nodiscard]] bool contains(Mfn frame) const {
    const auto next = ends_.upper_bound(frame);
    return next != ends_.end() && next->second <= frame;
  }
  [[nodiscard]] bool overlaps(const MfnRange& frames) const {
    const auto next = ends_.upper_bound(frames.begin());
    return !frames.empty() && next != ends_.end() && next->second < frames.end();
  }

 private:
  std::map<Mfn, Mfn> ends_;  // end -> begin
};

class Checker {
 public:
  explicit Checker(const Whole& whole) : whole_(whole), plan_(*whole.plan) {}

  std::vector<std::string> run() {
    add_mappings();
    check_ram();
    check_permitted();
    for (std::uint32_t i = 0; i < whole_.tree->node_count(); ++i)
      check_node(whole_.tree->node(fw::dt::NodeId{i}));
    check_phandles();
    check_that_it_compiles();
    return std::move(broken_);
  }

 private:
  template <typename... Args>
  void broken(fmt::format_string<Args...> text, Args&&... args) {
    broken_.push_back(fmt::format(text, std::forward<Args>(args)...));
  }

  // No frame twice, at either side.
  void add_mappings() {
    FrameSet guest;
    for (const hwdom::Mapping& mapping : plan_.mappings) {
      if (!mapped_.add(mapping.mfns()))
        broken("machine frame {:#x} is mapped twice", mapping.machine.value());
      if (!guest.add(MfnRange(Mfn(mapping.first.value()), Mfn(mapping.gfns().end().value()))))
        broken("guest frame {:#x} is mapped twice", mapping.first.value());
    }
  }

  // What is RAM is mapped only if it is dom0's: in its banks, or reserved memory that it has. (A
  // tree that puts RAM over everything does not turn the GIC's registers into RAM.)
  void check_ram() {
    for (const platform::RamBank& bank : whole_.platform->ram)
      (void)ram_.add(frames_inside(bank.range));
    FrameSet given;
    for (const auto list : {plan_.ram, plan_.reserved_ram})
      for (const MfnRange& range : list)
        (void)given.add(range);
    for (const hwdom::Mapping& mapping : plan_.mappings) {
      if (!ram_.overlaps(mapping.mfns()) || is_gicv2_interface(mapping)) continue;
      for (const Mfn edge : {mapping.machine, mapping.mfns().end() - FrameCount(1)})
        if (ram_.contains(edge) && !given.contains(edge) && !is_reserved(mapping, edge))
          broken("frame {:#x} is RAM, mapped, and not dom0's", edge.value());
    }
    for (const hwdom::KeptMemory& memory : plan_.kept_memory)
      if (mapped_.overlaps(frames_touched(memory.range)))
        broken("Socle's {} is mapped", memory.what);
  }

  [[nodiscard]] bool is_gicv2_interface(const hwdom::Mapping& mapping) const {
    return mapping.attributes.reason() == Reason::kInterruptController &&
           frames_inside(whole_.platform->gic.virtual_interface).contains(mapping.mfns());
  }

  // With dom0_mem, memory that firmware reserves comes on top of the banks.
  [[nodiscard]] bool is_reserved(const hwdom::Mapping& mapping, Mfn frame) const {
    return (mapping.attributes.reason() == Reason::kReservedMemory ||
            mapping.attributes.reason() == Reason::kFrameBuffer) &&
           std::ranges::any_of(whole_.platform->reserved, [&](const auto& reserved) {
             return frames_touched(reserved.range).contains(frame);
           });
  }

  // Nobody may map RAM later, nor what is reserved or Socle's; and around each run of frames that
  // may be mapped there is, right at its ends, a reason why it ends (requirements 1.13, 1.15).
  void check_permitted() {
    for (const hwdom::KeptMemory& memory : plan_.kept_memory)
      deny(frames_touched(memory.range));
    for (const platform::RamBank& bank : whole_.platform->ram)
      deny(frames_touched(bank.range));
    for (const platform::ReservedRange& reserved : whole_.platform->reserved)
      deny(frames_touched(reserved.range));
    for (std::uint32_t i = 0; i < whole_.tree->node_count(); ++i) {
      const Node node = whole_.tree->node(fw::dt::NodeId{i});
      const auto count = fw::dt::reg_count(node);
      for (std::size_t r = 0; is_withheld(node) && count && r < *count; ++r)
        if (const auto range = fw::dt::reg(node, r)) deny(frames_touched(*range));
    }
    const bool maps = plan_.mmio_fault == fw::MmioFault::kMap;
    for (const MfnRange& range : plan_.permitted) {
      check_edge(range.begin(), maps && range.begin() != Mfn(0)
                                    ? std::optional(range.begin() - FrameCount(1))
                                    : std::nullopt);
      const Mfn space(std::uint64_t{1} << (whole_.input.ipa_bits - kFrameShift));
      check_edge(range.end() - FrameCount(1),
                 maps && range.end() < space ? std::optional(range.end()) : std::nullopt);
      for (const auto& [begin, end] : denied_)
        if (MfnRange(begin, end).overlaps(range)) check_overlap(MfnRange(begin, end), range);
    }
  }

  void deny(const MfnRange& frames) {
    if (!frames.empty()) denied_.emplace_back(frames.begin(), frames.end());
  }

  [[nodiscard]] bool is_denied(Mfn frame) const {
    const auto has = [&](const GfnRange& range) { return range.contains(direct_mapped(frame)); };
    return std::ranges::any_of(
               denied_,
               [&](const auto& range) { return range.first <= frame && frame < range.second; }) ||
           has(plan_.grant_table_window) || std::ranges::any_of(plan_.extended_regions, has) ||
           std::ranges::any_of(plan_.mappings, [&](const hwdom::Mapping& mapping) {
             return !is_of_a_device(mapping) &&
                    (has(mapping.gfns()) || mapping.mfns().contains(frame));
           });
  }

  // Pages that the plan maps as a device's may be a kept device's as well; nothing else is both.
  void check_edge(Mfn inside, std::optional<Mfn> outside) {
    if (is_denied(inside) && !is_planned_device(inside))
      broken("frame {:#x} may be mapped, and must not", inside.value());
    if (outside && !is_denied(*outside))
      broken("frame {:#x} may not be mapped, for no reason", outside->value());
  }

  void check_overlap(const MfnRange& denied, const MfnRange& permitted) {
    const MfnRange both = denied.intersection(permitted);
    for (Mfn frame = both.begin(); frame < both.end(); frame = frame + FrameCount(1)) {
      if (is_planned_device(frame)) continue;
      broken("frame {:#x} may be mapped, and must not", frame.value());
      return;
    }
  }

  static bool is_of_a_device(const hwdom::Mapping& mapping) {
    const Reason reason = mapping.attributes.reason();
    return reason != Reason::kDomainRam && reason != Reason::kReservedMemory &&
           reason != Reason::kInterruptController;
  }

  [[nodiscard]] bool is_planned_device(Mfn frame) const {
    return std::ranges::any_of(plan_.mappings, [&](const hwdom::Mapping& mapping) {
      return is_of_a_device(mapping) && mapping.mfns().contains(frame);
    });
  }

  [[nodiscard]] bool is_withheld(const Node& node) const {
    const hwdom::NodeDecision& decision = plan_.nodes[index_of(node.id())];
    return is_kept(node) || decision.reason == hwdom::NodeReason::kIommu ||
           decision.reason == hwdom::NodeReason::kMemoryMappedTimer ||
           decision.reason == hwdom::NodeReason::kPassthrough ||
           decision.reason == hwdom::NodeReason::kInterruptController;
  }

  // Is it one that must stay with Socle, by what the tree says of it?
  [[nodiscard]] bool is_kept(const Node& node) const {
    const bool is_console = whole_.console && whole_.console->node == node.id();
    const bool is_hidden_iommu =
        node.has("#iommu-cells") && whole_.input.options->iommu_passthrough.empty();
    return is_console || node.id() == whole_.platform->gic.node || is_hidden_iommu ||
           node.is_compatible("arm,gic-v3-its");
  }

  void check_node(const Node& node) {
    const hwdom::NodeDecision& decision = plan_.nodes[index_of(node.id())];
    const platform::Device* device = whole_.platform->device(node.id());
    if (!node.is_enabled() || device == nullptr) return;
    const auto count = fw::dt::reg_count(node);
    for (std::size_t i = 0; count && i < *count; ++i) {
      const auto range = fw::dt::reg(node, i);
      if (!range) return;
      if (is_kept(node))
        check_kept(node, *range);
      else if (decision.action == hwdom::NodeAction::kKeep && !decision.part_of_parent)
        check_mapped(node, *range);
    }
  }

  // Frames that belong to the device alone.
  void check_kept(const Node& node, const PaRange& range) {
    const MfnRange frames = frames_inside(range);
    if (frames.empty() || !mapped_.overlaps(frames)) return;
    const bool is_gicv2_interface = std::ranges::any_of(plan_.mappings, [&](const auto& mapping) {
      return mapping.attributes.reason() == Reason::kInterruptController &&
             frames.contains(mapping.mfns());
    });
    if (!is_gicv2_interface) broken("{} is Socle's, and mapped", node.path().view());
  }

  void check_mapped(const Node& node, const PaRange& range) {
    if (range.empty()) return;
    const MfnRange frames = frames_touched(range);
    const Mfn space(std::uint64_t{1} << (whole_.input.ipa_bits - kFrameShift));
    // The first and last page of each stretch of 2 MiB: regions have up to 512 GiB.
    constexpr FrameCount kStep(512);
    for (Mfn frame = frames.begin(); frame < std::min(frames.end(), space); frame = frame + kStep) {
      const Mfn last = std::min(frame + kStep, std::min(frames.end(), space)) - FrameCount(1);
      if (is_accounted_for(frame) && is_accounted_for(last)) continue;
      broken("{}: a page at {:#x} is not mapped", node.path().view(), frame.value());
      return;
    }
  }

  [[nodiscard]] bool is_accounted_for(Mfn frame) const {
    return mapped_.contains(frame) || ram_.contains(frame) ||
           std::ranges::any_of(plan_.kept_devices, [&](const hwdom::KeptDevice& device) {
             return frames_touched(device.region.range).contains(frame);
           });
  }

  void check_phandles() {
    std::set<std::uint32_t> seen;
    const void* blob = whole_.written.data();
    for (int node = 0; node >= 0; node = fdt_next_node(blob, node, nullptr)) {
      const std::uint32_t phandle = fdt_get_phandle(blob, node);
      if (phandle != 0 && !seen.insert(phandle).second)
        broken("dom0's tree: phandle {:#x} is used twice", phandle);
    }
  }

  void check_that_it_compiles() {
    const auto bytes = whole_.domain_tree();
    const auto source =
        plan::decompile_tree({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!source) return broken("dom0's tree: {}", source.error().message);
    const auto again = plan::compile_tree(*source);
    if (!again) broken("dom0's tree: {}", again.error().message);
  }

  const Whole& whole_;
  const hwdom::DomainPlan& plan_;
  FrameSet mapped_;
  FrameSet ram_;
  std::vector<std::pair<Mfn, Mfn>> denied_;
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_promises(const Whole& whole) {
  return Checker(whole).run();
}

}  // namespace socle::test
