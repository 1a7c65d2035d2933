// SPDX-License-Identifier: Apache-2.0
#pragma once

// DomainPlan: the hardware domain as a value, computed before anything is touched. Pure: no
// effects, no allocation but in the caller's arena, the same answer at EL2 and on a laptop.
//
//   plan()        Platform + tree + options + modules + what Socle keeps -> DomainPlan
//   write_tree()  host tree + DomainPlan -> the domain's device tree
//
// Invariants of a plan (tested on every board we have):
//   - mappings are sorted by guest frame, disjoint, inside the IPA space, 1:1 but for a GICv2's CPU
//     interface;
//   - no mapping contains RAM that is not the domain's, a frame that Socle keeps, or a page of a
//     device that Socle keeps (a page that a kept UART shares with another device is the exception:
//     it is mapped, with a warning that names both);
//   - every page of a `reg` of an enabled node that is not excluded is in a mapping;
//   - kernel, tree and initrd lie in RAM banks, overlap neither each other nor modules still
//     needed;
//   - the grant-table window and the extended regions overlap no mapping;
//   - no frame that may be mapped later (`permitted`) is memory, Socle's, or a device's that it
//   keeps.
//
// Spans point into the arena; the plan also refers to the tree, the platform and the command lines.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/inplace_vector.h"
#include "base/range.h"
#include "base/result.h"
#include "fw/acpi/tables.h"
#include "fw/arena.h"
#include "fw/boot_modules.h"
#include "fw/boot_phase.h"
#include "fw/cmdline.h"
#include "fw/diagnostics.h"
#include "fw/dt/tree.h"
#include "fw/efi_memory_map.h"
#include "hw/attributes.h"
#include "platform/platform.h"

namespace socle::hwdom {

using fw::dt::NodeId;

// Memory that stays Socle's. Frames touched by the range are kept.
struct KeptMemory {
  std::string_view what;  // "image", "heap"
  PaRange range;
};

// What the kernel module's Image header says (hwdom/build reads it, after unpacking if need be).
struct KernelImage {
  std::uint64_t text_offset = 0;
  std::uint64_t file_size = 0;    // bytes to copy
  std::uint64_t memory_size = 0;  // bytes it occupies when it runs (image_size)
  bool is_module_as_is = true;    // false: unpacked elsewhere, so it cannot run where it lies
  bool runs_anywhere = true;      // flags bit 3: any 2 MiB base, not only near the start of RAM
};

struct PlanInput {
  const fw::dt::Tree* tree = nullptr;
  // With ACPI the platform comes from these tables: the tree has only what a boot loader wrote into
  // it, and the domain gets tables, too.
  const fw::acpi::Tables* acpi = nullptr;
  std::span<const fw::EfiMemoryRange> efi_memory{};  // empty without UEFI
  const platform::Platform* platform = nullptr;
  // The port that Socle uses; null if it uses none: then all are the domain's.
  const platform::Console* console = nullptr;
  const fw::Options* options = nullptr;
  // Null on a laptop: then neither kernel nor initrd is placed and there is no command line.
  const fw::BootInfo* boot = nullptr;
  KernelImage kernel;
  std::span<const KeptMemory> kept;
  // Where the host tree's blob lies, if it must stay readable while the domain is built.
  PaRange host_tree;
  unsigned ipa_bits = 40;  // the domain's guest-physical space
  // platform.cpus index that runs vCPU n. Empty: in the platform's order.
  std::span<const std::uint16_t> cpus;
  // What Socle calls itself towards guests (xen_version): Linux reads it from the tree.
  std::string_view xen_version = "4.17";
};

struct Mapping {
  Gfn first;
  Mfn machine;
  FrameCount count;
  Attributes attributes;
  NodeId source = fw::dt::kNoNode;  // of the first region in it; none for RAM of no single node
  [[nodiscard]] GfnRange gfns() const { return GfnRange(first, first + count); }
  [[nodiscard]] MfnRange mfns() const { return MfnRange(machine, machine + count); }
};

// What became of one region of one node.
struct RegionDecision {
  enum class Outcome : std::uint8_t {
    kMapped,        // all of it, with its own type
    kInRam,         // lies in RAM that the domain has
    kInOtherRam,    // lies in RAM that the domain does not have: not mapped
    kKept,          // Socle's
    kPartlyKept,    // some of its pages are Socle's: those are not mapped
    kNotDescribed,  // its node is left out of the domain's tree
    kBeyondSpace,   // beyond the IPA space: not mapped
    kFirmwares,     // ACPI: in memory that stays firmware's alone: not mapped
    kEmpty,         // size 0
  };
  NodeId node;
  std::string_view name;  // of what has no node (ACPI); else empty
  platform::Region region;
  Outcome outcome;
};

// What happens to a node of the host's tree.
enum class NodeAction : std::uint8_t {
  kKeep,
  kKeepDisabled,  // xen,passthrough: stays, status = "disabled", not mapped
  kRewrite,       // replaced by ours at the same place (GIC, timer, /chosen)
  kDrop,          // with everything below it
};
enum class NodeReason : std::uint8_t {
  kNone,
  kConsole,              // Socle's console
  kInterruptController,  // rewritten for the virtual GIC
  kIts,
  kTimer,
  kMemoryMappedTimer,  // hypervisor's frames
  kIommu,
  kPrivateInterrupt,  // uses a PPI: only Socle's virtual devices have those
  kPmu,
  kCpus,
  kMemory,
  kPsci,
  kHypervisor,  // of another hypervisor's world
  kChosen,
  kBootModule,
  kEdac,         // reads EL3/IMPDEF registers that are not the guest's
  kPassthrough,  // for another domain
  kNuma,
};
const char* to_string(NodeReason reason);
struct NodeDecision {
  NodeAction action = NodeAction::kKeep;
  NodeReason reason = NodeReason::kNone;
  // Part of a region that its parent describes as a whole (pools in on-chip memory).
  bool part_of_parent = false;
};

struct KeptDevice {
  NodeId node;
  std::string_view name;  // of what has no node (ACPI); else empty
  platform::Region region;
  NodeReason reason;
  NodeId shares_page_with = fw::dt::kNoNode;  // a node of the domain in the same page
};

struct InterruptRoute {
  platform::Interrupt interrupt;  // an SPI; virtual INTID == physical INTID
  NodeId node = fw::dt::kNoNode;  // the first that names it
  std::string_view name{};        // of what has no node (ACPI); else empty
};

// Where something goes in the domain's memory.
struct Placement {
  PaRange source;         // where it lies now (empty: made by Socle)
  Range<Ipa> target;      // where it goes
  bool in_place = false;  // source == target: nothing to copy
};

struct PlannedVcpu {
  std::uint16_t cpu = 0;     // index in platform.cpus
  std::uint64_t vmpidr = 0;  // affinity fields
};

// The virtual GIC's registers, at the host's addresses.
struct VirtualGic {
  static constexpr std::size_t kMaxRegions = 32;  // as many as the virtual GIC has
  struct RedistributorRegion {
    Ipa base;
    unsigned count = 0;  // redistributors of 128 KiB each
  };
  platform::Gic::Version version = platform::Gic::Version::kNone;
  Ipa distributor;
  InplaceVector<RedistributorRegion, kMaxRegions> redistributors;  // v3
  Ipa cpu_interface;                                               // v2: where GICV is mapped
};

// The domain's timer interrupts: the host's numbers, or the architecture's usual ones.
struct TimerInterrupts {
  IntId secure_physical{29};
  IntId physical{30};
  IntId virt{27};
  IntId hypervisor{26};
};

// Memory of firmware's that a domain on ACPI sees where it is, as its own EFI memory map tells it:
// the tables that it gets unchanged, what their code works with, and what is set aside
// (EfiReservedMemoryType). Of the last only what a table names is mapped; the rest is `permitted`.
using FirmwareMemory = fw::EfiMemoryRange;

struct DomainPlan {
  std::span<const Mapping> mappings;
  std::span<const MfnRange> ram;  // the domain's banks, 1:1, sorted
  std::uint64_t ram_bytes = 0;
  // Reserved memory of the host that the domain has besides its banks (dom0_mem smaller than RAM).
  std::span<const MfnRange> reserved_ram;
  // /memreserve/ entries that still mean something.
  std::span<const PaRange> memory_reservations;
  std::span<const RegionDecision> regions;  // by node
  std::span<const NodeDecision> nodes;      // by NodeId
  std::span<const KeptDevice> kept_devices;
  std::span<const KeptMemory> kept_memory;
  std::span<const InterruptRoute> interrupts;  // sorted, each once
  // Every SPI that Socle does not use itself is the domain's, not only `interrupts`: because this
  // controller passes on interrupts that the tree does not name, or (kNoNode) since ACPI's static
  // tables name few.
  bool has_all_spis = false;
  NodeId all_spis_because_of = fw::dt::kNoNode;

  InplaceVector<PlannedVcpu, kMaxCpus> vcpus;
  VirtualGic gic;
  TimerInterrupts timer;
  IntId event_channel_ppi;
  GfnRange grant_table_window;  // 64 frames; with ACPI none is needed, and there may be none
  std::span<const GfnRange> extended_regions;

  // What becomes of an access to an address that nothing is mapped at, and the machine frames that
  // the domain may have mapped as MMIO, 1:1 with kMap, sorted, disjoint, none touching the next:
  // those of its device mappings; with kMap also every frame of the address space but memory (other
  // than what firmware has set aside, with ACPI), what Socle keeps (pages that are its in part
  // included), and what the guest address stands for.
  fw::MmioFault mmio_fault = fw::MmioFault::kDeny;
  std::span<const MfnRange> permitted;

  std::optional<Placement> kernel;  // target: text_offset included, memory_size long
  std::optional<Placement> initrd;
  Range<Ipa> tree_slot;  // room for the domain's tree; write_tree() must not need more
  // ACPI: room for write_firmware_tables() (hwdom/firmware_tables.h), and what the tables refer to.
  Range<Ipa> tables_slot;
  std::span<const FirmwareMemory> firmware_memory;
  std::string_view command_line;
};

// kNoMemory: the arena; kTooLarge: dom0_mem; kNotFound: no RAM below 4 GiB, no room for the kernel,
// no GIC; each with an error line in `notes`. Oddities that can be lived with are warnings.
Result<const DomainPlan*> plan(const PlanInput& input, fw::Arena& arena, fw::Diagnostics& notes);

// May the domain touch all of the range, at the machine's addresses: now, or mapped on a fault?
bool can_reach(const DomainPlan& plan, const PaRange& range);

// Bytes that are enough for write_tree()'s buffer.
std::size_t tree_size_bound(const PlanInput& input);

// Writes the domain's tree to `buffer` (aligned to 8) and returns its size. kTooLarge if the buffer
// is too small.
Result<std::size_t> write_tree(const PlanInput& input, const DomainPlan& plan,
                               std::span<std::byte> buffer, const fw::BootPhase& phase,
                               fw::Diagnostics& notes);

}  // namespace socle::hwdom
