// SPDX-License-Identifier: Apache-2.0
#pragma once

// Report: what there is to tell about a board and its plan, as plain values that own their text.
// Every output (text, JSON, picture, page, differences) is made from it and from nothing else, so
// the outputs cannot disagree.
//
// Firmware's bytes are hostile: strings here hold printable ASCII only, anything else is written as
// \xNN. What markup or JSON needs beyond that is each output's business.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/board.h"

namespace socle::plan {

// What becomes of the board.
enum class Verdict : std::uint8_t {
  kReady,      // a plan, and nothing that Socle needs is missing
  kPlanned,    // a plan, but Socle does not run there yet
  kDescribed,  // ACPI without RAM: the machine is known, what dom0 gets is not
  kRefused,    // no plan
};
const char* to_string(Verdict verdict);

struct Place {  // a range of addresses that a node or a part of Socle has
  PaRange range;
  std::string what;
  std::string node;  // or the entry of an ACPI table; empty: of no node
};

struct CpuFacts {
  std::uint64_t mpidr = 0;
  std::string compatible;
  std::string enable_method;
  std::string node;
};

struct NamedInterrupt {
  std::string name;
  std::uint32_t id = 0;
  std::string trigger;
};

struct IommuFacts {
  std::string node;
  std::string kind;
  bool enabled = true;
  bool is_dom0s = false;  // passed through
  unsigned masters = 0;   // enabled devices behind it
};

// A device that does DMA, as far as the tree says so.
struct MasterFacts {
  std::string node;
  bool is_pci_host = false;
  bool is_behind_iommu = false;      // behind one that is enabled
  std::vector<std::string> streams;  // "/soc/iommu@1 0x3", "/soc/iommu@1 requesters 0x0-0x100"
};

// An ACPI table.
struct TableFacts {
  std::string signature;
  unsigned revision = 0;
  std::uint64_t size = 0;
  std::string oem;  // "ARMLTD ARMSBSA"
  bool checksum_is_right = true;
  std::string use;  // what Socle takes from it; empty: nothing
};

struct PlatformFacts {
  std::string model;
  std::vector<std::string> compatibles;
  std::vector<CpuFacts> cpus;
  unsigned cpus_left_out = 0;
  std::vector<Place> ram;
  std::vector<Place> reserved;
  std::string gic;  // "GICv3", "GICv2", "none"
  std::string gic_node;
  std::vector<Place> gic_frames;
  std::string timer_node;
  std::vector<NamedInterrupt> timer;
  std::string psci;              // "PSCI 1.0 by SMC", "none"
  std::optional<Place> console;  // what: its compatible
  std::optional<NamedInterrupt> console_interrupt;
  bool console_is_dom0s = false;  // Socle has no driver for it
  std::vector<IommuFacts> iommus;
  std::vector<MasterFacts> masters;
  // Of ACPI only.
  std::vector<TableFacts> tables;
  std::vector<Place> described;            // registers that tables name
  std::vector<NamedInterrupt> interrupts;  // their interrupts
  std::vector<Place> direct_mappings;      // RMRs; what: the streams
};

struct MappingFacts {
  Range<Ipa> guest;
  PaRange machine;
  std::string type;
  std::string permissions;  // "rw-"
  Reason reason = Reason::kNone;
  std::vector<std::string> nodes;  // whose regions lie in it, each once
};

struct RouteFacts {
  std::uint32_t id = 0;
  std::string trigger;
  std::string node;
};

struct NodeFacts {
  std::string node;
  std::string action;
  std::string reason;
};

// A page that several of dom0's nodes have a part of, because their regions are no whole pages.
struct SharedPage {
  PaRange page;
  std::vector<std::string> nodes;
};

struct DomainFacts {
  unsigned vcpus = 0;
  std::uint64_t ram_bytes = 0;
  std::uint32_t event_channel_interrupt = 0;
  Range<Ipa> grant_window;
  std::vector<Range<Ipa>> extended_regions;
  fw::MmioFault mmio_fault = fw::MmioFault::kDeny;
  std::vector<PaRange> permitted;  // MMIO that may be mapped after it was built
  std::optional<Range<Ipa>> kernel;
  std::optional<Range<Ipa>> initrd;
  std::string command_line;
  std::vector<MappingFacts> mappings;
  std::vector<Place> kept;        // what: why
  std::vector<Place> not_mapped;  // what: why
  std::vector<SharedPage> shared_pages;
  std::vector<RouteFacts> interrupts;
  bool has_all_spis = false;        // not only `interrupts`
  std::string all_spis_because_of;  // the node; empty: of none (ACPI)
  std::vector<NodeFacts> nodes;     // those that are not simply kept
};

struct Note {
  std::string level;  // "error", "warning", "info"
  std::string text;
};

struct Report {
  std::string source;        // the file, as it was named
  std::string command_line;  // Socle's
  unsigned ipa_bits = 0;
  Verdict verdict = Verdict::kRefused;
  std::string reason;  // why not; empty for kReady
  std::optional<PlatformFacts> platform;
  std::optional<DomainFacts> domain;
  std::vector<Note> notes;
};

// `done` is plan_board()'s answer for that board.
Report make_report(const Board& board, const Result<>& done, std::string_view source);

// --- small words that outputs share ---
std::string printable(std::string_view bytes);
std::string hexadecimal(std::uint64_t value);
std::string human_size(std::uint64_t bytes);  // "2 MiB", "1.5 GiB": at most one decimal

}  // namespace socle::plan
