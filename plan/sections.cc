// SPDX-License-Identifier: Apache-2.0
#include "plan/sections.h"

#include <algorithm>
#include <fmt/format.h>

namespace socle::plan {

namespace {

using Row = std::vector<std::string>;

std::string digits(std::uint64_t value) {
  return fmt::format("{:09x}", value);
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

const std::vector<Column> kPlaceColumns = {
    {"begin", true}, {"end", true}, {"size", true}, {"what"}, {"node"}};

Row row_of(const Place& place) {
  return {begin_of(place.range), end_of(place.range), human_size(place.range.size()), place.what,
          place.node};
}

Section places(std::string title, const std::vector<Place>& list) {
  Section out{std::move(title), {}, kPlaceColumns, {}};
  for (const Place& place : list)
    out.rows.push_back(row_of(place));
  return out;
}

std::string words_of(const NamedInterrupt& interrupt) {
  return interrupt.trigger.empty()
             ? fmt::format("interrupt {}", interrupt.id)
             : fmt::format("interrupt {}, {}", interrupt.id, interrupt.trigger);
}

std::uint64_t total(const std::vector<Place>& list) {
  std::uint64_t sum = 0;
  for (const Place& place : list)
    sum += place.range.size();
  return sum;
}

// "4 x arm,cortex-a53 (psci)": alike neighbours together.
std::string cpu_words(const PlatformFacts& platform) {
  std::vector<std::string> groups;
  const auto alike = [](const CpuFacts& a, const CpuFacts& b) {
    return a.compatible == b.compatible && a.enable_method == b.enable_method;
  };
  for (std::size_t i = 0; i < platform.cpus.size();) {
    std::size_t end = i + 1;
    while (end < platform.cpus.size() && alike(platform.cpus[i], platform.cpus[end]))
      ++end;
    const CpuFacts& cpu = platform.cpus[i];
    groups.push_back(fmt::format("{} x {} ({})", end - i,
                                 cpu.compatible.empty() ? "CPU" : cpu.compatible,
                                 cpu.enable_method));
    i = end;
  }
  if (platform.cpus_left_out != 0)
    groups.push_back(fmt::format("{} left out", platform.cpus_left_out));
  return joined(groups);
}

Section platform_section(const PlatformFacts& platform) {
  Section out{"Platform", {}, {}, {}};
  const auto fact = [&out](const char* name, std::string value) {
    out.facts.emplace_back(name, std::move(value));
  };
  fact("model", platform.model);
  if (platform.tables.empty()) fact("compatible", joined(platform.compatibles));
  fact("CPUs", cpu_words(platform));
  fact("RAM",
       platform.ram.empty() ? "not known without a memory map" : human_size(total(platform.ram)));
  fact("interrupts", platform.gic_node.empty()
                         ? platform.gic
                         : fmt::format("{} at {}", platform.gic, platform.gic_node));
  std::vector<std::string> timer;
  timer.reserve(platform.timer.size());
  for (const NamedInterrupt& interrupt : platform.timer)
    timer.push_back(fmt::format("{} {}", interrupt.name, interrupt.id));
  fact("timer", timer.empty() ? "none" : joined(timer));
  fact("firmware", platform.psci);
  if (!platform.console) {
    fact("console", "none");
    return out;
  }
  std::string console = fmt::format("{} ({})", platform.console->node, platform.console->what);
  if (platform.console_interrupt) console += ", " + words_of(*platform.console_interrupt);
  if (platform.console_is_dom0s) console += ": dom0's, Socle does not drive it";
  fact("console", std::move(console));
  return out;
}

Section memory_section(const PlatformFacts& platform) {
  Section out = places("Memory and interrupt controller of the machine", platform.ram);
  for (const auto* list : {&platform.reserved, &platform.gic_frames})
    for (const Place& place : *list)
      out.rows.push_back(row_of(place));
  return out;
}

Section iommu_section(const PlatformFacts& platform) {
  Section out{"IOMMUs", {}, {{"kind"}, {"state"}, {"masters", true}, {"node"}}, {}};
  for (const IommuFacts& iommu : platform.iommus)
    out.rows.push_back({iommu.kind,
                        fmt::format("{}{}", iommu.enabled ? "enabled" : "disabled",
                                    iommu.is_dom0s ? ", dom0's" : ""),
                        fmt::format("{}", iommu.masters), iommu.node});
  return out;
}

// Those behind an IOMMU first.
Section master_section(const PlatformFacts& platform) {
  Section out{platform.tables.empty() ? "DMA masters that the tree declares"
                                      : "DMA masters that the tables name",
              {},
              {{"behind an IOMMU"}, {"node"}, {"streams"}},
              {}};
  for (const bool behind : {true, false})
    for (const MasterFacts& master : platform.masters)
      if (master.is_behind_iommu == behind)
        out.rows.push_back(
            {behind ? "yes" : "NO, not protected", master.node, joined(master.streams)});
  return out;
}

Section table_section(const PlatformFacts& platform) {
  Section out{"ACPI tables",
              {},
              {{"table"}, {"revision", true}, {"bytes", true}, {"checksum"}, {"made by"}, {"use"}},
              {}};
  for (const TableFacts& table : platform.tables)
    out.rows.push_back({table.signature, fmt::format("{}", table.revision),
                        fmt::format("{}", table.size), table.checksum_is_right ? "right" : "WRONG",
                        table.oem, table.use});
  return out;
}

Section named_interrupt_section(const PlatformFacts& platform) {
  Section out{
      "Interrupts that the tables name", {}, {{"interrupt", true}, {"trigger"}, {"entry"}}, {}};
  for (const NamedInterrupt& interrupt : platform.interrupts)
    out.rows.push_back({fmt::format("{}", interrupt.id), interrupt.trigger, interrupt.name});
  return out;
}

std::string nodes_of(const MappingFacts& mapping) {
  if (mapping.nodes.empty()) return "";
  if (mapping.nodes.size() == 1) return mapping.nodes.front();
  return fmt::format("{} +{}", mapping.nodes.front(), mapping.nodes.size() - 1);
}

Section domain_section(const DomainFacts& domain) {
  Section out{"dom0", {}, {}, {}};
  const auto fact = [&out](const char* name, std::string value) {
    out.facts.emplace_back(name, std::move(value));
  };
  const auto range = [](const Range<Ipa>& place) {
    return fmt::format("{}-{} ({})", digits(place.begin().value()), digits(place.end().value()),
                       human_size(place.size()));
  };
  fact("vCPUs", fmt::format("{}", domain.vcpus));
  fact("RAM", human_size(domain.ram_bytes));
  fact("events", fmt::format("interrupt {}", domain.event_channel_interrupt));
  fact("grant window", domain.grant_window.empty() ? "none" : range(domain.grant_window));
  for (const Range<Ipa>& region : domain.extended_regions)
    fact("free for grants", range(region));
  if (domain.mmio_fault != fw::MmioFault::kDeny) fact("mmio-fault", to_string(domain.mmio_fault));
  if (domain.kernel) fact("kernel", range(*domain.kernel));
  if (domain.initrd) fact("initrd", range(*domain.initrd));
  if (!domain.command_line.empty()) fact("command line", domain.command_line);
  return out;
}

Section map_section(const DomainFacts& domain) {
  Section out{
      "dom0's map",
      {},
      {{"begin", true}, {"end", true}, {"frames", true}, {"type"}, {"may"}, {"reason"}, {"node"}},
      {}};
  for (const MappingFacts& mapping : domain.mappings) {
    std::string node = nodes_of(mapping);
    if (mapping.guest.begin().value() != mapping.machine.begin().value())
      node = fmt::format("at {}", begin_of(mapping.machine));
    out.rows.push_back({digits(mapping.guest.begin().value()), digits(mapping.guest.end().value()),
                        fmt::format("{}", mapping.machine.size() / kFrameSize), mapping.type,
                        mapping.permissions, to_string(mapping.reason), std::move(node)});
  }
  return out;
}

Section shared_section(const DomainFacts& domain) {
  Section out{"Pages that several regions have a part of", {}, {{"page", true}, {"nodes"}}, {}};
  for (const SharedPage& shared : domain.shared_pages) {
    std::string others = fmt::format("{}, {}", shared.nodes[0], shared.nodes[1]);
    if (shared.nodes.size() > 2) others += fmt::format(" +{}", shared.nodes.size() - 2);
    out.rows.push_back({begin_of(shared.page), std::move(others)});
  }
  return out;
}

Section permitted_section(const DomainFacts& domain) {
  Section out{"MMIO that dom0 may have mapped, on a fault too",
              {},
              {{"begin", true}, {"end", true}, {"size", true}},
              {}};
  for (const PaRange& range : domain.permitted)
    out.rows.push_back({begin_of(range), end_of(range), human_size(range.size())});
  return out;
}

// Neighbours of one node with one trigger are one line.
Section interrupt_section(const DomainFacts& domain) {
  Section out{"dom0's interrupts", {}, {{"interrupts"}, {"trigger"}, {"node"}}, {}};
  if (!domain.all_spis_because_of.empty())
    out.facts.emplace_back(
        "all others, too",
        fmt::format("{} passes on what the tree does not name", domain.all_spis_because_of));
  else if (domain.has_all_spis)
    out.facts.emplace_back("all others, too", "static tables name few of those in use");
  const auto& list = domain.interrupts;
  for (std::size_t i = 0; i < list.size();) {
    std::size_t end = i + 1;
    while (end < list.size() && list[end].id == list[end - 1].id + 1 &&
           list[end].node == list[i].node && list[end].trigger == list[i].trigger)
      ++end;
    std::string ids = end - i == 1 ? fmt::format("{}", list[i].id)
                                   : fmt::format("{}-{}", list[i].id, list[end - 1].id);
    out.rows.push_back({std::move(ids), list[i].trigger, list[i].node});
    i = end;
  }
  return out;
}

Section node_section(const DomainFacts& domain) {
  Section out{"Nodes that dom0 does not get as they are", {}, {{"becomes"}, {"why"}, {"node"}}, {}};
  for (const NodeFacts& node : domain.nodes)
    out.rows.push_back({node.action, node.reason, node.node});
  return out;
}

Section note_section(const Report& report) {
  Section out{"Notes", {}, {{"level"}, {"text"}}, {}};
  for (const Note& note : report.notes)
    out.rows.push_back({note.level, note.text});
  return out;
}

}  // namespace

std::string begin_of(const PaRange& range) {
  return digits(range.begin().value());
}
std::string end_of(const PaRange& range) {
  return digits(range.end().value());
}

std::string verdict_line(const Report& report) {
  switch (report.verdict) {
    case Verdict::kReady:
      return "ready: planned, and nothing that Socle needs is missing";
    case Verdict::kPlanned:
      return fmt::format("planned, but Socle does not run there: {}", report.reason);
    case Verdict::kDescribed:
      return fmt::format("described only: {}", report.reason);
    case Verdict::kRefused:
      return fmt::format("refused: {}", report.reason);
  }
  return "";
}

std::vector<Section> sections(const Report& report) {
  std::vector<Section> out;
  if (report.platform) {
    out.push_back(platform_section(*report.platform));
    out.push_back(memory_section(*report.platform));
    if (!report.platform->tables.empty()) {
      out.push_back(table_section(*report.platform));
      out.push_back(
          places("Registers and memory that the tables name", report.platform->described));
      out.push_back(named_interrupt_section(*report.platform));
      out.push_back(places("Memory that devices use as it is", report.platform->direct_mappings));
    }
  }
  if (report.domain) {
    out.push_back(domain_section(*report.domain));
    out.push_back(map_section(*report.domain));
    out.push_back(places("What Socle keeps", report.domain->kept));
    out.push_back(places("Regions that are not mapped", report.domain->not_mapped));
    out.push_back(shared_section(*report.domain));
    // Without the option: its device mappings.
    if (report.domain->mmio_fault == fw::MmioFault::kMap)
      out.push_back(permitted_section(*report.domain));
    out.push_back(interrupt_section(*report.domain));
  }
  if (report.platform) {
    out.push_back(iommu_section(*report.platform));
    out.push_back(master_section(*report.platform));
  }
  if (report.domain) out.push_back(node_section(*report.domain));
  out.push_back(note_section(report));
  return out;
}

}  // namespace socle::plan
