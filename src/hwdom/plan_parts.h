// SPDX-License-Identifier: Apache-2.0
#pragma once

// Inside hwdom/plan: the steps of plan(), in their order. Each reads what earlier ones wrote.

#include "fw/dt/address.h"
#include "hwdom/plan.h"
#include "policy/policy.h"

namespace socle::hwdom {

// The largest page of Linux. UEFI keeps what has different owners apart by that much (UEFI 2.10,
// 2.3.6), and a kernel that boots with a memory map of its relies on it: it rounds RAM outward to
// its own pages. RAM of a domain on ACPI therefore consists of such pages.
constexpr std::uint64_t kLargestPage = 64 * kKiB;

struct Planner {
  const PlanInput& input;
  fw::Arena& arena;
  fw::Diagnostics& notes;
  DomainPlan& out;
  // Facts that several steps need; sorted and disjoint.
  std::span<const MfnRange> kept_frames{};         // Socle's memory
  std::span<const MfnRange> kept_device_frames{};  // pages of devices that are Socle's alone
  std::span<const MfnRange> host_ram{};            // all of the machine's
  std::span<const MfnRange> domain_ram{};          // banks, and reserved RAM besides them
  std::span<const MfnRange> firmware_frames{};     // ACPI: memory that stays firmware's alone
  std::span<KeptDevice> kept_devices{};            // out.kept_devices, while it is being made

  [[nodiscard]] const platform::Platform& platform() const { return *input.platform; }
  [[nodiscard]] const fw::dt::Tree& tree() const { return *input.tree; }
  [[nodiscard]] bool is_acpi() const { return input.acpi != nullptr; }
  // What ACPI describes has no node, and stays.
  [[nodiscard]] NodeDecision decision(NodeId id) const {
    return id == fw::dt::kNoNode ? NodeDecision() : out.nodes[index_of(id)];
  }
  [[nodiscard]] fw::dt::Path path(NodeId id) const { return tree().node(id).path(); }
  // What messages call it.
  [[nodiscard]] fw::dt::Path name_of(NodeId id, std::string_view name) const {
    return name.empty() ? path(id) : fw::dt::Path("{}", name);
  }
  [[nodiscard]] fw::dt::Path name_of(const platform::Device& device) const {
    return name_of(device.node, device.name);
  }
  [[nodiscard]] const platform::Console* console() const { return input.console; }
  // ACPI: Socle's console is among the devices; counters of IOMMUs go with these.
  [[nodiscard]] bool is_domains(const platform::Device& device) const {
    using Origin = platform::Device::Origin;
    if (device.origin == Origin::kPmcg) return false;
    if (device.origin != Origin::kSerialPort) return is_domains(device.node);
    return console() == nullptr || device.regions.empty() ||
           !device.regions.front().range.overlaps(console()->registers);
  }
  // iommu-passthrough= names nodes: what ACPI describes stays hidden.
  [[nodiscard]] bool is_passed_through(const platform::Iommu& iommu) const {
    return iommu.node != fw::dt::kNoNode && is_domains(iommu.node);
  }
  // The domain sees the node and may touch what it describes.
  [[nodiscard]] bool is_domains(NodeId id) const {
    const NodeAction action = decision(id).action;
    return action == NodeAction::kKeep;
  }
};

Result<> plan_vcpus(Planner& planner);
Result<> plan_gic(Planner& planner);
Result<> decide_nodes(Planner& planner);
Result<> plan_kept(Planner& planner);     // Socle's memory and devices
Result<> plan_memory(Planner& planner);   // banks
Result<> plan_devices(Planner& planner);  // mappings
Result<> plan_interrupts(Planner& planner);
Result<> plan_placements(Planner& planner);  // kernel, tree, initrd
Result<> plan_free_space(Planner& planner);  // grant-table window, extended regions
Result<> plan_permitted(Planner& planner);   // MMIO that may be mapped later

// IOMMUs that the command line wants dom0 to have. Socle drives none yet; one that it drives could
// not be given away.
class IommuRequests {
 public:
  explicit IommuRequests(const Planner& planner);
  // Whether somebody asked for it.
  bool names(const fw::dt::Node& iommu);
  // About requests that no IOMMU has met.
  void warn(Planner& planner) const;

 private:
  struct Request {
    std::string_view name;
    NodeId node = fw::dt::kNoNode;  // if the name is a path that exists
    bool is_met = false;
  };
  InplaceVector<Request, fw::Options::kMaxIommus> requests_;
};

// A page that a kept device has only a part of may go to the domain for its other part? Not with
// ACPI: what else is in such a page is not known from static tables, and a range of the EFI memory
// map that spans it is no other device.
bool may_share_pages(const Planner& planner, NodeReason reason);

// ACPI: what firmware's memory map calls memory of its own, and does not share.
Result<std::span<const MfnRange>> unshared_memory(const PlanInput& input, fw::Arena& arena);

// What policy wants to know of a node. Names beyond the first 16 are not looked at.
struct NodeTraits {
  InplaceVector<std::string_view, 16> compatibles;
  bool no_memory_wc = false;
  bool is_pci_window = false;
  [[nodiscard]] policy::DeviceTraits view() const {
    return {.compatibles = compatibles.span(),
            .no_memory_wc = no_memory_wc,
            .is_pci_window = is_pci_window};
  }
};
NodeTraits traits_of(const fw::dt::Node& node);

// --- sorted, disjoint lists of frame ranges ---
using RangeList = fw::ArenaVector<MfnRange>;
// Sorts and merges in place what overlaps or touches.
void normalise(RangeList& ranges);
// Everything of `from` (sorted, disjoint) that is not in `what` (sorted, disjoint).
Result<> subtract(std::span<const MfnRange> from, std::span<const MfnRange> what, RangeList& out);
// Does `ranges` (sorted, disjoint) meet, or contain, `range`?
bool overlaps_any(std::span<const MfnRange> ranges, const MfnRange& range);
bool contained_in_one(std::span<const MfnRange> ranges, const MfnRange& range);

}  // namespace socle::hwdom
