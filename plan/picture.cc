// SPDX-License-Identifier: Apache-2.0
#include "plan/picture.h"

#include <algorithm>
#include <set>

namespace socle::plan {

namespace {

// A range that wants to be seen; the later of two owners in this order paints over the other.
enum class Layer : std::uint8_t { kNotMapped, kMapped, kReserved, kKept };

struct Patch {
  Band band;
  Layer layer = Layer::kNotMapped;
};

std::string last_part(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

Owner owner_of(Reason reason) {
  switch (reason) {
    case Reason::kDomainRam:
      return Owner::kRam;
    case Reason::kPciWindow:
      return Owner::kPci;
    case Reason::kOnChipSram:
      return Owner::kSram;
    case Reason::kReservedMemory:
      return Owner::kReserved;
    case Reason::kNone:
    case Reason::kDeviceRegisters:
    case Reason::kInterruptController:
    case Reason::kFrameBuffer:
    case Reason::kSharedInfo:
    case Reason::kGrantTable:
    case Reason::kGrantMapping:
    case Reason::kForeignMapping:
    case Reason::kOnDemand:
    case Reason::kSocle:
      return Owner::kDevice;
  }
  return Owner::kDevice;
}

void add_places(const std::vector<Place>& places, Owner owner, Layer layer,
                std::vector<Patch>& out) {
  for (const Place& place : places)
    out.push_back(
        {{place.range, owner, {place.node.empty() ? place.what : last_part(place.node)}}, layer});
}

std::vector<Patch> patches_of(const Report& report) {
  std::vector<Patch> out;
  if (report.platform) {
    // What dom0 and Socle leave of it lies idle, or is other domains'.
    for (const Place& place : report.platform->ram)
      out.push_back({{place.range, Owner::kNotMapped, {place.what}}, Layer::kNotMapped});
    add_places(report.platform->reserved, Owner::kReserved, Layer::kReserved, out);
    if (!report.platform->tables.empty()) {
      add_places(report.platform->described, Owner::kNotMapped, Layer::kMapped, out);
      add_places(report.platform->gic_frames, Owner::kSocle, Layer::kKept, out);
    }
  }
  if (!report.domain) return out;
  add_places(report.domain->not_mapped, Owner::kNotMapped, Layer::kNotMapped, out);
  add_places(report.domain->kept, Owner::kSocle, Layer::kKept, out);
  for (const MappingFacts& mapping : report.domain->mappings) {
    Band band{mapping.machine, owner_of(mapping.reason), {}};
    for (const std::string& node : mapping.nodes)
      band.names.push_back(last_part(node));
    if (band.names.empty()) band.names.push_back(to_string(mapping.reason));
    out.push_back({std::move(band), Layer::kMapped});
  }
  return out;
}

// One sweep over begins and ends: at each address the topmost patch.
std::vector<Band> flattened(const std::vector<Patch>& patches) {
  struct Edge {
    Pa at;
    bool is_begin;
    std::size_t patch;
  };
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < patches.size(); ++i) {
    if (patches[i].band.range.empty()) continue;
    edges.push_back({patches[i].band.range.begin(), true, i});
    edges.push_back({patches[i].band.range.end(), false, i});
  }
  std::ranges::sort(edges, {}, &Edge::at);
  std::set<std::pair<Layer, std::size_t>> open;
  std::vector<Band> out;
  std::size_t last = patches.size();
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const std::pair key{patches[edges[i].patch].layer, edges[i].patch};
    if (edges[i].is_begin)
      open.insert(key);
    else
      open.erase(key);
    if (open.empty() || i + 1 == edges.size() || edges[i + 1].at == edges[i].at) continue;
    const std::size_t top = open.rbegin()->second;
    const PaRange range(edges[i].at, edges[i + 1].at);
    if (top == last && out.back().range.end() == range.begin()) {
      out.back().range = PaRange(out.back().range.begin(), range.end());
    } else {
      out.push_back(patches[top].band);
      out.back().range = range;
      last = top;
    }
  }
  return out;
}

// Neighbours of one owner that are no more than `gap` apart become one.
std::vector<Band> joined(std::vector<Band> bands, std::uint64_t gap) {
  std::vector<Band> out;
  for (Band& band : bands) {
    const bool joins = !out.empty() && out.back().owner == band.owner &&
                       band.range.begin().value() - out.back().range.end().value() <= gap;
    if (!joins) {
      out.push_back(std::move(band));
      continue;
    }
    out.back().range = PaRange(out.back().range.begin(), band.range.end());
    for (std::string& name : band.names)
      if (out.back().names.empty() || out.back().names.back() != name)
        out.back().names.push_back(std::move(name));
  }
  return out;
}

}  // namespace

const char* to_string(Owner owner) {
  switch (owner) {
    case Owner::kRam:
      return "dom0 RAM";
    case Owner::kDevice:
      return "dom0 device registers";
    case Owner::kPci:
      return "dom0 PCI window";
    case Owner::kSram:
      return "dom0 on-chip memory";
    case Owner::kReserved:
      return "reserved memory";
    case Owner::kSocle:
      return "kept by Socle";
    case Owner::kNotMapped:
      return "not mapped";
  }
  return "";
}

char letter_of(Owner owner) {
  return "RDPMVSN"[static_cast<std::size_t>(owner)];
}

Picture draw_up(const Report& report, std::size_t most_bands) {
  Picture out;
  out.bands = joined(flattened(patches_of(report)), 0);
  for (std::uint64_t gap = kFrameSize; out.bands.size() > most_bands && gap != 0; gap <<= 1)
    out.bands = joined(std::move(out.bands), gap);
  if (out.bands.size() > most_bands) {
    out.left_out = out.bands.size() - most_bands;
    out.bands.resize(most_bands);
  }
  return out;
}

}  // namespace socle::plan
