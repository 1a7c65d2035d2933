// SPDX-License-Identifier: Apache-2.0
#include "plan/diff.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "plan/sections.h"

namespace socle::plan {

namespace {

// What a mapping means at one address, without where it begins.
std::string meaning(const MappingFacts& mapping) {
  std::string text =
      fmt::format("{} {} {}", mapping.type, mapping.permissions, to_string(mapping.reason));
  const std::uint64_t offset = mapping.machine.begin().value() - mapping.guest.begin().value();
  if (offset != 0) text += fmt::format(", at {}", begin_of(mapping.machine));
  return text;
}

// The mapping that contains each of ascending addresses, in one pass.
class Cursor {
 public:
  explicit Cursor(const std::vector<MappingFacts>& mappings) : mappings_(mappings) {}
  const MappingFacts* at(Ipa address) {
    while (next_ < mappings_.size() && mappings_[next_].guest.end() <= address)
      ++next_;
    const bool is_there = next_ < mappings_.size() && mappings_[next_].guest.contains(address);
    return is_there ? &mappings_[next_] : nullptr;
  }

 private:
  const std::vector<MappingFacts>& mappings_;
  std::size_t next_ = 0;
};

std::string change_of(const MappingFacts* before, const MappingFacts* after) {
  if (before == nullptr && after == nullptr) return "";
  if (before == nullptr) return fmt::format("+ {}", meaning(*after));
  if (after == nullptr) return fmt::format("- {}", meaning(*before));
  if (meaning(*before) == meaning(*after)) return "";
  return fmt::format("~ {} -> {}", meaning(*before), meaning(*after));
}

std::vector<std::string> compare_mappings(const std::vector<MappingFacts>& before,
                                          const std::vector<MappingFacts>& after) {
  std::set<Ipa> cuts;
  for (const auto* list : {&before, &after})
    for (const MappingFacts& mapping : *list) {
      cuts.insert(mapping.guest.begin());
      cuts.insert(mapping.guest.end());
    }
  struct Change {
    PaRange range;
    std::string what;
  };
  std::vector<Change> changes;
  Cursor in_before(before);
  Cursor in_after(after);
  for (auto cut = cuts.begin(); cut != cuts.end() && std::next(cut) != cuts.end(); ++cut) {
    std::string what = change_of(in_before.at(*cut), in_after.at(*cut));
    const PaRange range(Pa(cut->value()), Pa(std::next(cut)->value()));
    if (what.empty()) continue;
    if (!changes.empty() && changes.back().what == what &&
        changes.back().range.end() == range.begin())
      changes.back().range = PaRange(changes.back().range.begin(), range.end());
    else
      changes.push_back({range, std::move(what)});
  }
  std::vector<std::string> lines;
  lines.reserve(changes.size());
  for (const Change& change : changes)
    lines.push_back(fmt::format("{} {}-{} {}", change.what.front(), begin_of(change.range),
                                end_of(change.range), change.what.substr(2)));
  return lines;
}

// Facts with a name: what the name means in each.
using Facts = std::map<std::string, std::string>;

std::vector<std::string> compare_facts(const Facts& before, const Facts& after) {
  std::vector<std::string> lines;
  for (const auto& [name, value] : before) {
    const auto other = after.find(name);
    if (other == after.end())
      lines.push_back(fmt::format("- {}: {}", name, value));
    else if (other->second != value)
      lines.push_back(fmt::format("~ {}: {} -> {}", name, value, other->second));
  }
  for (const auto& [name, value] : after)
    if (!before.contains(name)) lines.push_back(fmt::format("+ {}: {}", name, value));
  return lines;
}

Facts general(const Report& report) {
  Facts out = {{"verdict", verdict_line(report)}};
  if (!report.domain) return out;
  const DomainFacts& domain = *report.domain;
  out["vCPUs"] = fmt::format("{}", domain.vcpus);
  out["RAM"] = fmt::format("{} KiB", domain.ram_bytes >> 10);
  out["event interrupt"] = fmt::format("{}", domain.event_channel_interrupt);
  out["grant window"] = domain.grant_window.empty()
                            ? std::string("none")
                            : hexadecimal(domain.grant_window.begin().value());
  out["mmio-fault"] = to_string(domain.mmio_fault);
  out["interrupts that nothing names"] =
      !domain.has_all_spis                 ? "not dom0's"
      : domain.all_spis_because_of.empty() ? "dom0's"
                                           : fmt::format("dom0's: {}", domain.all_spis_because_of);
  return out;
}

Facts machine(const Report& report) {
  Facts out;
  if (!report.platform) return out;
  // In the words of the other outputs; it is the first section there.
  const std::vector<Section> all = sections(report);
  for (const auto& [name, value] : all.front().facts)
    out[name] = value;
  return out;
}

Facts iommus(const PlatformFacts& platform) {
  Facts out;
  for (const IommuFacts& iommu : platform.iommus)
    out[iommu.node] =
        fmt::format("{}, {}{}, {} masters", iommu.kind, iommu.enabled ? "enabled" : "disabled",
                    iommu.is_dom0s ? ", dom0's" : "", iommu.masters);
  return out;
}

Facts masters(const PlatformFacts& platform) {
  Facts out;
  for (const MasterFacts& master : platform.masters)
    out[master.node] =
        fmt::format("{}{}{}", master.is_behind_iommu ? "behind an IOMMU" : "not protected",
                    master.streams.empty() ? "" : ", ", fmt::join(master.streams, ", "));
  return out;
}

Facts places(const std::vector<Place>& list) {
  Facts out;
  for (const Place& place : list)
    out[fmt::format("{}-{} {}", begin_of(place.range), end_of(place.range), place.node)] =
        place.what;
  return out;
}

// With mmio-fault=map; otherwise it is the device mappings.
Facts permitted(const DomainFacts& domain) {
  Facts out;
  if (domain.mmio_fault != fw::MmioFault::kMap) return out;
  for (const PaRange& range : domain.permitted)
    out[fmt::format("{}-{}", begin_of(range), end_of(range))] = human_size(range.size());
  return out;
}

Facts interrupts(const DomainFacts& domain) {
  Facts out;
  for (const RouteFacts& route : domain.interrupts)
    out[fmt::format("{:4}", route.id)] = fmt::format("{} {}", route.node, route.trigger);
  return out;
}

Facts nodes(const DomainFacts& domain) {
  Facts out;
  for (const NodeFacts& node : domain.nodes)
    out[node.node] = fmt::format("{} ({})", node.action, node.reason);
  return out;
}

void add(std::string& out, std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  out += fmt::format("{}\n", title);
  for (const std::string& line : lines)
    out += fmt::format("  {}\n", line);
}

}  // namespace

std::string differences(const Report& before, const Report& after) {
  const DomainFacts none;
  const DomainFacts& first = before.domain ? *before.domain : none;
  const DomainFacts& second = after.domain ? *after.domain : none;
  const PlatformFacts nothing;
  const PlatformFacts& machine_before = before.platform ? *before.platform : nothing;
  const PlatformFacts& machine_after = after.platform ? *after.platform : nothing;
  std::string out;
  add(out, "plan", compare_facts(general(before), general(after)));
  add(out, "machine", compare_facts(machine(before), machine(after)));
  add(out, "mappings", compare_mappings(first.mappings, second.mappings));
  add(out, "kept by Socle", compare_facts(places(first.kept), places(second.kept)));
  add(out, "not mapped", compare_facts(places(first.not_mapped), places(second.not_mapped)));
  add(out, "may be mapped", compare_facts(permitted(first), permitted(second)));
  add(out, "interrupts", compare_facts(interrupts(first), interrupts(second)));
  add(out, "IOMMUs", compare_facts(iommus(machine_before), iommus(machine_after)));
  add(out, "DMA masters", compare_facts(masters(machine_before), masters(machine_after)));
  add(out, "nodes", compare_facts(nodes(first), nodes(second)));
  return out;
}

}  // namespace socle::plan
