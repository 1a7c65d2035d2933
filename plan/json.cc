// SPDX-License-Identifier: Apache-2.0
#include "plan/json.h"

#include <nlohmann/json.hpp>

namespace socle::plan {

namespace {

using Json = nlohmann::ordered_json;

// Addresses are strings: JSON's numbers have 53 bits in many readers.
template <typename T>
Json range(const Range<T>& value) {
  return {{"begin", hexadecimal(value.begin().value())},
          {"end", hexadecimal(value.end().value())},
          {"size", value.size()}};
}

// Nothing instead of an empty text.
Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

template <typename List, typename Convert>
Json array(const List& list, const Convert& convert) {
  Json out = Json::array();
  for (const auto& each : list)
    out.push_back(convert(each));
  return out;
}

Json place(const Place& value) {
  Json out = range(value.range);
  out["what"] = value.what;
  out["node"] = text_or_null(value.node);
  return out;
}

Json interrupt(const NamedInterrupt& value) {
  return {{"name", value.name}, {"id", value.id}, {"trigger", text_or_null(value.trigger)}};
}

Json console(const PlatformFacts& platform) {
  if (!platform.console) return nullptr;
  Json out = place(*platform.console);
  out["interrupt"] =
      platform.console_interrupt ? interrupt(*platform.console_interrupt) : Json(nullptr);
  out["is_dom0s"] = platform.console_is_dom0s;
  return out;
}

Json cpu(const CpuFacts& value) {
  return {{"mpidr", hexadecimal(value.mpidr)},
          {"compatible", text_or_null(value.compatible)},
          {"enable_method", value.enable_method},
          {"node", value.node}};
}

Json iommu(const IommuFacts& value) {
  return {{"node", value.node},
          {"kind", value.kind},
          {"enabled", value.enabled},
          {"is_dom0s", value.is_dom0s},
          {"masters", value.masters}};
}

Json master(const MasterFacts& value) {
  return {{"node", value.node},
          {"is_pci_host", value.is_pci_host},
          {"is_behind_iommu", value.is_behind_iommu},
          {"streams", value.streams}};
}

Json table(const TableFacts& value) {
  return {{"signature", value.signature},
          {"revision", value.revision},
          {"size", value.size},
          {"oem", value.oem},
          {"checksum_is_right", value.checksum_is_right},
          {"use", text_or_null(value.use)}};
}

// Null for a tree.
Json acpi(const PlatformFacts& platform) {
  if (platform.tables.empty()) return nullptr;
  return {{"tables", array(platform.tables, table)},
          {"registers", array(platform.described, place)},
          {"interrupts", array(platform.interrupts, interrupt)},
          {"direct_mappings", array(platform.direct_mappings, place)}};
}

Json platform_json(const PlatformFacts& platform) {
  return {{"model", platform.model},
          {"compatible", platform.compatibles},
          {"cpus", array(platform.cpus, cpu)},
          {"cpus_left_out", platform.cpus_left_out},
          {"ram", array(platform.ram, place)},
          {"reserved", array(platform.reserved, place)},
          {"gic",
           {{"version", platform.gic},
            {"node", text_or_null(platform.gic_node)},
            {"frames", array(platform.gic_frames, place)}}},
          {"timer",
           {{"node", text_or_null(platform.timer_node)},
            {"interrupts", array(platform.timer, interrupt)}}},
          {"psci", platform.psci},
          {"console", console(platform)},
          {"iommus", array(platform.iommus, iommu)},
          {"dma_masters", array(platform.masters, master)},
          {"acpi", acpi(platform)}};
}

Json mapping(const MappingFacts& value) {
  return {{"guest", range(value.guest)},
          {"machine", range(value.machine)},
          {"frames", value.machine.size() / kFrameSize},
          {"type", value.type},
          {"permissions", value.permissions},
          {"reason", to_string(value.reason)},
          {"nodes", value.nodes}};
}

Json route(const RouteFacts& value) {
  return {{"id", value.id},
          {"trigger", text_or_null(value.trigger)},
          {"node", text_or_null(value.node)}};
}

Json shared_page(const SharedPage& value) {
  return {{"page", range(value.page)}, {"nodes", value.nodes}};
}

Json node(const NodeFacts& value) {
  return {{"node", value.node}, {"action", value.action}, {"reason", value.reason}};
}

Json domain_json(const DomainFacts& domain) {
  const auto optional_range = [](const auto& value) {
    return value ? range(*value) : Json(nullptr);
  };
  return {{"vcpus", domain.vcpus},
          {"ram_bytes", domain.ram_bytes},
          {"event_channel_interrupt", domain.event_channel_interrupt},
          {"grant_window", range(domain.grant_window)},
          {"extended_regions", array(domain.extended_regions, range<Ipa>)},
          {"mmio_fault", to_string(domain.mmio_fault)},
          {"permitted", array(domain.permitted, range<Pa>)},
          {"kernel", optional_range(domain.kernel)},
          {"initrd", optional_range(domain.initrd)},
          {"command_line", domain.command_line},
          {"mappings", array(domain.mappings, mapping)},
          {"kept", array(domain.kept, place)},
          {"not_mapped", array(domain.not_mapped, place)},
          {"shared_pages", array(domain.shared_pages, shared_page)},
          {"interrupts", array(domain.interrupts, route)},
          {"has_all_spis", domain.has_all_spis},
          {"all_spis_because_of", text_or_null(domain.all_spis_because_of)},
          {"nodes", array(domain.nodes, node)}};
}

Json note(const Note& value) {
  return {{"level", value.level}, {"text", value.text}};
}

}  // namespace

std::string to_json(const Report& report) {
  const Json out = {{"schema", "socle-plan"},
                    {"version", kJsonVersion},
                    {"source", report.source},
                    {"command_line", report.command_line},
                    {"ipa_bits", report.ipa_bits},
                    {"verdict", to_string(report.verdict)},
                    {"reason", text_or_null(report.reason)},
                    {"platform", report.platform ? platform_json(*report.platform) : Json(nullptr)},
                    {"domain", report.domain ? domain_json(*report.domain) : Json(nullptr)},
                    {"notes", array(report.notes, note)}};
  return out.dump(2) + "\n";
}

}  // namespace socle::plan
