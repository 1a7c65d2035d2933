// SPDX-License-Identifier: Apache-2.0

// The domain's device tree: the host's tree, copied node by node in its order, without what the
// plan drops, with our own nodes at the end of the root (xen-abi 2.1).

#include <algorithm>
#include <array>

#include "hwdom/plan_parts.h"
#include "hwdom/tree_writer.h"

namespace socle::hwdom {

using fw::dt::Node;
using fw::dt::Property;

namespace {

// libfdt looks every property name up among the names it has written. That is quadratic; above this
// many steps names are written as often as they are used instead.
constexpr std::uint64_t kDeduplicateUpTo = 256 * kMiB;
constexpr std::size_t kBytesPerName = 32;

bool deduplicates(const fw::dt::Tree& tree) {
  return std::uint64_t{tree.property_count()} * tree.strings_size() <= kDeduplicateUpTo;
}

class TreeWriter {
 public:
  TreeWriter(const PlanInput& input, const DomainPlan& plan, std::span<std::byte> buffer,
             fw::Diagnostics& notes)
      : input_(input),
        plan_(plan),
        tree_(*input.tree),
        platform_(*input.platform),
        notes_(notes),
        out_(buffer, deduplicates(*input.tree)),
        address_cells_(tree_.root().address_cells()),
        size_cells_(tree_.root().size_cells()) {
    const auto phandle = tree_.node(platform_.gic.node).phandle();
    gic_phandle_ = phandle ? *phandle : tree_.largest_phandle() + 1;
  }

  Result<std::size_t> run() {
    TRY(check_root_cells());
    for (const PaRange& reservation : plan_.memory_reservations)
      out_.reservation(reservation);
    out_.end_reservations();
    walk();
    const auto size = out_.finish();
    if (!size)
      return notes_.error(size.error(), "dom0's device tree: cannot be written: {}", size.error());
    return size;
  }

 private:
  // Our nodes at the root state addresses in the root's cells.
  [[nodiscard]] bool fits_root_cells(std::uint64_t begin, std::uint64_t end) const {
    constexpr std::uint64_t kFourGiB = std::uint64_t{4} * kGiB;
    return (address_cells_ == 2 || end <= kFourGiB) && (size_cells_ == 2 || end - begin < kFourGiB);
  }

  Result<> check_root_cells() {
    if (address_cells_ < 1 || address_cells_ > 2 || size_cells_ < 1 || size_cells_ > 2)
      return notes_.error(Error::kUnsupported, "/: #address-cells {} and #size-cells {}",
                          address_cells_, size_cells_);
    for (const MfnRange& bank : plan_.ram)
      if (!fits_root_cells(Pa(bank.begin()).value(), Pa(bank.end()).value()))
        return notes_.error(Error::kUnsupported,
                            "/: #address-cells {} and #size-cells {} cannot describe RAM {}",
                            address_cells_, size_cells_, PaRange(Pa(bank.begin()), Pa(bank.end())));
    return {};
  }

  // A walk without recursion: trees are deep and EL2's stacks are not.
  void walk() {
    Node node = tree_.root();
    begin(node);
    for (;;) {
      Node next = skip_dropped(node.first_child());
      while (!next) {
        end(node);
        if (node.id() == fw::dt::kRoot) return;
        next = skip_dropped(node.next_sibling());
        if (!next) node = node.parent();
      }
      node = next;
      begin(node);
    }
  }

  Node skip_dropped(Node node) const {
    while (node && decision(node).action == NodeAction::kDrop)
      node = node.next_sibling();
    return node;
  }

  [[nodiscard]] NodeDecision decision(const Node& node) const {
    return plan_.nodes[index_of(node.id())];
  }

  void begin(const Node& node) {
    out_.begin(node.c_name());
    switch (decision(node).action) {
      case NodeAction::kKeep:
        return copy_properties(node);
      case NodeAction::kKeepDisabled:
        copy_properties(node, "status");
        return out_.string("status", "disabled");
      case NodeAction::kRewrite:
        return rewrite(node);
      case NodeAction::kDrop:
        return;
    }
  }

  void end(const Node& node) {
    if (node.id() == fw::dt::kRoot) add_our_nodes();
    out_.end();
  }

  void copy_properties(const Node& node, std::string_view except = {}) {
    for (const Property property : node.properties())
      if (property.name() != except && !is_left_out(node, property)) out_.copy(property);
  }

  // Properties that lead to nodes which the domain does not have.
  bool is_left_out(const Node& node, const Property& property) const {
    const std::string_view name = property.name();
    if (name == "xen,passthrough" || name == "numa-node-id") return true;
    if (name == "iommus" || name == "iommu-map" || name == "iommu-map-mask")
      return !has_all_iommus(node);
    if (name == "msi-parent") return leads_nowhere(property, 0);
    if (name == "msi-map") return leads_nowhere(property, 1);
    if (name == "msi-map-mask") {
      const auto map = node.property("msi-map");
      return !map || leads_nowhere(*map, 1);
    }
    return false;
  }

  // Half of a device's IOMMUs is as good as none: it would wait for the others.
  [[nodiscard]] bool has_all_iommus(const Node& node) const {
    const platform::Device* device = platform_.device(node.id());
    if (device == nullptr || (device->iommus.empty() && device->iommu_map.empty())) return false;
    const auto has = [this](NodeId iommu) { return !is_dropped(tree_.node(iommu)); };
    return std::ranges::all_of(device->iommus, has, &platform::IommuBinding::iommu) &&
           std::ranges::all_of(device->iommu_map, has, &platform::RequesterMap::target);
  }

  [[nodiscard]] bool leads_nowhere(const Property& property, std::size_t cell) const {
    const Node target = tree_.find_phandle(property.cell(cell).value_or(0));
    return !target || is_dropped(target);
  }

  [[nodiscard]] bool is_dropped(const Node& node) const {
    return decision(node).action == NodeAction::kDrop;
  }

  void rewrite(const Node& node) {
    if (node.id() == platform_.gic.node) return rewrite_gic(node);
    if (node.id() == platform_.timer.node) return rewrite_timer(node);
    return rewrite_chosen(node);
  }

  // --- the interrupt controller ---

  void rewrite_gic(const Node& node) {
    constexpr std::array<std::string_view, 7> kKept = {
        "#address-cells", "#size-cells",          "ranges",          "phandle",
        "linux,phandle",  "interrupt-controller", "#interrupt-cells"};
    for (const Property property : node.properties())
      if (std::ranges::find(kKept, property.name()) != kKept.end()) out_.copy(property);
    if (!node.phandle()) out_.cell("phandle", gic_phandle_);
    Cells reg;
    if (plan_.gic.version == platform::Gic::Version::kV3) {
      out_.string("compatible", "arm,gic-v3");
      out_.cell("#redistributor-regions",
                static_cast<std::uint32_t>(plan_.gic.redistributors.size()));
      add_reg(node, platform_.gic.distributor.begin(), std::nullopt, reg);
      for (const auto& region : plan_.gic.redistributors)
        add_reg(node, Pa(region.base.value()), region.count * 128 * kKiB, reg);
    } else {
      if (const auto compatible = node.property("compatible")) out_.copy(*compatible);
      add_reg(node, platform_.gic.distributor.begin(), std::nullopt, reg);
      add_reg(node, platform_.gic.cpu_interface.begin(), platform_.gic.cpu_interface.size(), reg);
    }
    out_.property("reg", reg.bytes());
  }

  // The host's entry that leads to `address`, in the words of its bus, with another size.
  void add_reg(const Node& node, Pa address, std::optional<std::uint64_t> size, Cells& out) {
    const std::size_t count = fw::dt::reg_count(node).value_or(0);
    for (std::size_t i = 0; i < count; ++i) {
      const auto range = fw::dt::reg(node, i);
      const auto raw = fw::dt::raw_reg(node, i);
      if (!range || !raw || range->begin() != address) continue;
      out.add(raw->address, node.parent().address_cells());
      out.add(size.value_or(raw->size), node.parent().size_cells());
      return;
    }
  }

  // An interrupt as the GIC's node wants it: PPI, level, active low (as Xen writes it).
  void add_private_interrupt(IntId id, Cells& out) {
    constexpr std::uint32_t kLevelLowOnAllCpus = 0xf08;
    out.add(std::uint32_t{1});
    out.add(id.value() - 16);
    out.add(kLevelLowOnAllCpus);
    for (unsigned i = 3; i < platform_.gic.interrupt_cells; ++i)
      out.add(std::uint32_t{0});
  }

  // --- the timer ---

  void rewrite_timer(const Node& node) {
    // The rest stays: firmware's frequency, errata of the counter that the guest reads itself.
    constexpr std::array<std::string_view, 4> kReplaced = {"interrupts", "interrupts-extended",
                                                           "interrupt-names", "interrupt-parent"};
    for (const Property property : node.properties())
      if (std::ranges::find(kReplaced, property.name()) == kReplaced.end()) out_.copy(property);
    Cells interrupts;
    for (const IntId id : {plan_.timer.secure_physical, plan_.timer.physical, plan_.timer.virt,
                           plan_.timer.hypervisor})
      add_private_interrupt(id, interrupts);
    out_.property("interrupts", interrupts.bytes());
    out_.cell("interrupt-parent", gic_phandle_);
  }

  // --- /chosen ---

  static bool is_boot_loaders(std::string_view name) {
    constexpr std::array<std::string_view, 7> kOurs = {
        "bootargs",         "xen,xen-bootargs", "xen,dom0-bootargs",        "linux,initrd-start",
        "linux,initrd-end", "linux,elfcorehdr", "linux,usable-memory-range"};
    return std::ranges::find(kOurs, name) != kOurs.end() || name.starts_with("linux,uefi-") ||
           name.starts_with("xen,") || name.starts_with("socle,");
  }

  void rewrite_chosen(const Node& node) {
    has_chosen_ = true;
    for (const Property property : node.properties()) {
      const std::string_view name = property.name();
      if (is_boot_loaders(name)) continue;
      if ((name == "stdout-path" || name == "linux,stdout-path") && names_dropped(property))
        continue;
      out_.copy(property);
    }
    add_boot_properties();
  }

  [[nodiscard]] bool names_dropped(const Property& stdout_path) const {
    const std::string_view text = stdout_path.string_at(0).value_or(std::string_view());
    const Node node = tree_.find(text.substr(0, text.find(':')));
    return !node || is_dropped(node);
  }

  void add_boot_properties() {
    if (!plan_.command_line.empty()) {
      // In the blob, so its NUL follows it.
      const char* text = plan_.command_line.data();
      out_.property("bootargs", bytes_of(std::string_view(text, plan_.command_line.size() + 1)));
    }
    if (!plan_.initrd) return;
    Cells begin;
    begin.add(plan_.initrd->target.begin().value(), 2);
    out_.property("linux,initrd-start", begin.bytes());
    Cells end;
    end.add(plan_.initrd->target.end().value(), 2);
    out_.property("linux,initrd-end", end.bytes());
  }

  // --- nodes of our own ---

  void add_our_nodes() {
    if (!has_chosen_) {
      out_.begin("chosen");
      add_boot_properties();
      out_.end();
    }
    add_hypervisor();
    add_psci();
    add_cpus();
    add_memory(plan_.ram);
    add_memory(plan_.reserved_ram);
  }

  void add_range(std::uint64_t begin, std::uint64_t size, Cells& cells) {
    cells.add(begin, address_cells_);
    cells.add(size, size_cells_);
  }

  void add_hypervisor() {
    out_.begin("hypervisor");
    Text<64> compatible("xen,xen-{}", input_.xen_version);
    compatible.append("{}xen,xen{}", '\0', '\0');
    out_.property("compatible", bytes_of(compatible.view()));
    Cells reg;
    const auto add = [&](const GfnRange& range) {
      if (!fits_root_cells(Ipa(range.begin()).value(), Ipa(range.end()).value())) return;
      add_range(Ipa(range.begin()).value(), range.size() << kFrameShift, reg);
    };
    add(plan_.grant_table_window);
    for (const GfnRange& region : plan_.extended_regions)
      add(region);
    out_.property("reg", reg.bytes());
    Cells interrupt;
    add_private_interrupt(plan_.event_channel_ppi, interrupt);
    out_.property("interrupts", interrupt.bytes());
    out_.cell("interrupt-parent", gic_phandle_);
    out_.end();
  }

  void add_psci() {
    out_.begin("psci");
    out_.string("compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci");
    out_.string("method", "hvc");
    out_.cell("cpu_off", 1);
    out_.cell("cpu_on", 2);
    out_.end();
  }

  void add_cpus() {
    out_.begin("cpus");
    out_.cell("#address-cells", 1);
    out_.cell("#size-cells", 0);
    for (const PlannedVcpu& vcpu : plan_.vcpus) {
      const Node host = tree_.node(platform_.cpus[vcpu.cpu].node);
      const auto number = static_cast<std::uint32_t>(vcpu.vmpidr);
      out_.begin(Text<16>("cpu@{x}", number).c_str());
      if (const auto compatible = host.property("compatible")) out_.copy(*compatible);
      out_.string("device_type", "cpu");
      out_.cell("reg", number);
      out_.string("enable-method", "psci");
      // A vCPU stays on its CPU: how fast that is, and who points at it, holds for the vCPU too.
      if (const auto capacity = host.property("capacity-dmips-mhz")) out_.copy(*capacity);
      if (const auto phandle = host.phandle()) out_.cell("phandle", *phandle);
      out_.end();
    }
    out_.end();
  }

  // One node for as many banks as fit; a property of more than 60 banks is no help to anyone.
  void add_memory(std::span<const MfnRange> banks) {
    while (!banks.empty()) {
      const std::uint64_t first = Pa(banks.front().begin()).value();
      Cells reg;
      while (!banks.empty() && reg.has_room(address_cells_ + size_cells_)) {
        add_range(Pa(banks.front().begin()).value(), banks.front().size() << kFrameShift, reg);
        banks = banks.subspan(1);
      }
      out_.begin(Text<32>("memory@{x}", first).c_str());
      out_.string("device_type", "memory");
      out_.property("reg", reg.bytes());
      out_.end();
    }
  }

  const PlanInput& input_;
  const DomainPlan& plan_;
  const fw::dt::Tree& tree_;
  const platform::Platform& platform_;
  fw::Diagnostics& notes_;
  Writer out_;
  unsigned address_cells_;
  unsigned size_cells_;
  std::uint32_t gic_phandle_ = 0;
  bool has_chosen_ = false;
};

}  // namespace

std::size_t tree_size_bound(const PlanInput& input) {
  const fw::dt::Tree& tree = *input.tree;
  constexpr std::size_t kOurNodes = 16 * kKiB;
  constexpr std::size_t kPerCpu = 512;
  std::size_t size = tree.used_size() + kOurNodes + kPerCpu * input.platform->cpus.size();
  size += 64 * (input.platform->ram.size() + input.platform->reserved.size());
  if (input.boot != nullptr) size += input.boot->dom0_command_line.size();
  if (!deduplicates(tree)) size += kBytesPerName * tree.property_count();
  return align_up<std::size_t>(size, 8);
}

Result<std::size_t> write_tree(const PlanInput& input, const DomainPlan& plan,
                               std::span<std::byte> buffer, const fw::BootPhase& phase,
                               fw::Diagnostics& notes) {
  static_cast<void>(phase);  // a permission, not a value
  return TreeWriter(input, plan, buffer, notes).run();
}

}  // namespace socle::hwdom
