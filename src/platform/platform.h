// SPDX-License-Identifier: Apache-2.0
#pragma once

// Platform: what the firmware says about the machine, in one typed form, read once at boot from a
// device tree or from ACPI's static tables. It states facts; what to do with them is hwdom/plan's
// business. Lists live in the arena given to read(), names point into it or into the firmware's
// tables: both must outlive the Platform. Read-only after read(); any CPU.
//
// Where a thing is described: in a tree by its `node`; ACPI has no nodes (kNoNode), but a `name`
// for messages and plans, as "MCFG[0]" or "IORT SMMUv3 at 0x9050000".
//
// Source: Linux device-tree bindings (arm/cpus, arm/psci, timer/arm,arch_timer,
// interrupt-controller/arm,gic and arm,gic-v3, reserved-memory, iommu, pci); ACPI: fw/acpi.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/inplace_vector.h"
#include "base/range.h"
#include "base/result.h"
#include "base/types.h"
#include "fw/acpi/tables.h"
#include "fw/arena.h"
#include "fw/diagnostics.h"
#include "fw/dt/tree.h"
#include "fw/efi_memory_map.h"

namespace socle::platform {

using fw::dt::NodeId;

enum class Trigger : std::uint8_t { kUnknown, kEdgeRising, kEdgeFalling, kLevelHigh, kLevelLow };
constexpr bool is_edge(Trigger trigger) {
  return trigger == Trigger::kEdgeRising || trigger == Trigger::kEdgeFalling;
}

struct Interrupt {
  IntId id;
  Trigger trigger = Trigger::kUnknown;
  bool operator==(const Interrupt&) const = default;
};

struct Cpu {
  enum class EnableMethod : std::uint8_t { kNone, kPsci, kSpinTable, kParkingProtocol, kOther };
  std::uint64_t mpidr = 0;  // affinity fields only
  EnableMethod enable_method = EnableMethod::kNone;
  std::uint64_t release_address = 0;  // spin-table, parking protocol
  NodeId node = fw::dt::kNoNode;
  static constexpr std::uint32_t kNoUid = ~std::uint32_t{0};
  std::uint32_t uid = 0;  // ACPI's number for it; kNoUid: the table does not know this CPU
};

// A bank of RAM. Sorted by address, merged where they touch, none empty.
struct RamBank {
  PaRange range;
  NodeId node = fw::dt::kNoNode;
};

struct ReservedRange {
  // kFirmware: UEFI's own. It lies outside the banks, and no domain gets it unasked.
  enum class Origin : std::uint8_t { kMemoryReservation, kReservedMemory, kFrameBuffer, kFirmware };
  PaRange range;
  Origin origin = Origin::kMemoryReservation;
  bool no_map = false;
  bool reusable = false;
  // Firmware draws into it: a "framebuffer" of /reserved-memory, what a simple-framebuffer's
  // memory-region leads to, or its own `reg`.
  bool is_frame_buffer = false;
  NodeId node = fw::dt::kNoNode;
};

// A /reserved-memory child without `reg`: the operating system finds a place.
struct DynamicReservation {
  std::uint64_t size = 0;
  std::uint64_t alignment = 0;
  std::span<const PaRange> allowed;  // alloc-ranges; empty: anywhere
  NodeId node = fw::dt::kNoNode;
};

struct Its {
  PaRange range;
  NodeId node = fw::dt::kNoNode;
  std::string_view name{};
};

struct Gic {
  enum class Version : std::uint8_t { kNone, kV2, kV3 };
  // ACPI may name each CPU's by itself.
  static constexpr std::size_t kMaxRedistributorRegions = kMaxCpus;
  static constexpr std::size_t kMaxIts = 32;

  Version version = Version::kNone;
  NodeId node = fw::dt::kNoNode;
  std::string_view name{};
  unsigned interrupt_cells = 3;
  PaRange distributor;
  std::optional<Interrupt> maintenance;
  // v3
  InplaceVector<PaRange, kMaxRedistributorRegions> redistributors;
  std::uint64_t redistributor_stride = 0;  // 0: not stated (two 64 KiB frames, four with VLPIs)
  InplaceVector<Its, kMaxIts> its;
  // v2
  PaRange cpu_interface;
  PaRange hypervisor_interface;  // GICH
  PaRange virtual_interface;     // GICV
  // v3 may have GICC, GICH, GICV too, for old guests.
};

struct Timer {
  NodeId node = fw::dt::kNoNode;
  std::string_view name{};
  std::optional<Interrupt> secure_physical;
  std::optional<Interrupt> physical;  // non-secure EL1
  std::optional<Interrupt> virt;
  std::optional<Interrupt> hypervisor;          // EL2 physical
  std::optional<Interrupt> hypervisor_virtual;  // EL2 virtual (VHE)
  // Firmware's word, for firmware that left CNTFRQ_EL0 unset. 0: not stated.
  std::uint32_t frequency_hz = 0;
};

struct Psci {
  enum class Conduit : std::uint8_t { kNone, kSmc, kHvc };
  enum class Version : std::uint8_t { kNone, k0_1, k0_2, k1_0 };
  Conduit conduit = Conduit::kNone;
  Version version = Version::kNone;
  // Function numbers of PSCI 0.1, which has none of its own; 0 if not stated.
  std::uint32_t cpu_on_0_1 = 0;
  std::uint32_t cpu_off_0_1 = 0;
  NodeId node = fw::dt::kNoNode;
};

// The UART that firmware names as the console. Socle's, if it has a driver (choose_console()).
struct Console {
  NodeId node = fw::dt::kNoNode;
  std::string_view name{};
  std::span<const std::string_view> compatibles;
  PaRange registers;
  std::optional<Interrupt> interrupt;
  std::string_view options;  // "115200n8"; empty: as firmware left it
  std::uint32_t clock_hz = 0;
  unsigned register_shift = 0;     // reg-shift
  unsigned register_io_width = 1;  // reg-io-width
};

// Platform::iommu() finds the IOMMU of the following two: a tree's by its node, ACPI's by the
// number it has in Platform::iommus.
inline constexpr std::uint32_t kNoUnit = ~std::uint32_t{0};

// One stream (SMMU), micro-TLB (IPMMU) or other name under which a device reaches an IOMMU.
struct IommuBinding {
  NodeId iommu = fw::dt::kNoNode;
  std::array<std::uint32_t, 4> cells{};
  unsigned count = 0;
  std::uint32_t unit = kNoUnit;
};

// A span of PCI requester IDs behind an IOMMU or MSI controller (iommu-map, msi-map).
struct RequesterMap {
  std::uint32_t first_requester = 0;
  NodeId target = fw::dt::kNoNode;
  std::uint32_t first_output = 0;
  std::uint32_t count = 0;
  std::uint32_t unit = kNoUnit;
};

// A range of addresses of a device, as the CPU sees it.
struct Region {
  // kMemory: ACPI's tables name it as memory of firmware's (fw/acpi/named_memory.h).
  enum class Kind : std::uint8_t { kRegisters, kPciConfiguration, kPciMemory, kPciIo, kMemory };
  PaRange range;
  Kind kind = Kind::kRegisters;
};

// A node with registers, interrupts or streams of its own; in ACPI, what a static table describes
// (most devices are in the DSDT only, which nobody reads here).
struct Device {
  enum class Origin : std::uint8_t {
    kNode,
    kEcam,            // MCFG: PCI's configuration space
    kRootComplex,     // IORT: one without an entry in MCFG
    kNamedComponent,  // IORT: a device of the DSDT, of which only the streams are known
    kPmcg,            // IORT: counters of an SMMU
    kMsiFrame,        // MADT: GICv2m
    kCounter,         // GTDT: the system counter's frames
    kTimerBlock,      // GTDT: memory-mapped timers
    kWatchdog,        // GTDT
    kSerialPort,      // SPCR, DBG2
    kFirmwareMemory,  // BERT, HEST and others: memory that a table names, with the table's name
  };
  NodeId node = fw::dt::kNoNode;
  Origin origin = Origin::kNode;
  std::string_view name{};
  // The node and all its parents are available; not reserved for the secure world.
  bool enabled = true;
  bool is_pci_host = false;
  std::span<const Region> regions;
  std::span<const Interrupt> interrupts;  // those that reach the GIC
  std::span<const IommuBinding> iommus;
  std::span<const RequesterMap> iommu_map;  // PCI hosts; named components with more than a stream
  std::uint16_t segment = 0;                // of an ACPI PCI host
  // A DMA master for sure (streams, dma-coherent, dma-ranges, PCI); false says nothing.
  bool declares_dma = false;
};

enum class IommuKind : std::uint8_t {
  kSmmuV1V2,
  kSmmuV3,
  kQualcommSmmu,
  kIpmmu,
  kApple,
  kExynos,
  kMediatek,
  kRockchip,
  kSunxi,
  kTegra,
  kVirtio,
  kOther
};
const char* to_string(IommuKind kind);

struct Iommu {
  IommuKind kind = IommuKind::kOther;
  NodeId node = fw::dt::kNoNode;
  std::string_view name{};
  bool enabled = true;
  std::span<const Region> regions;
  std::span<const Interrupt> interrupts;
};

// Memory that devices use from before the operating system on (IORT's RMR nodes): an IOMMU that is
// switched on has to map it as it is for those streams (first_output, count).
struct DirectMapping {
  PaRange range;
  std::uint32_t flags = 0;  // as IORT has them
  std::span<const RequesterMap> streams;
  std::string_view name{};
};

// A node of an earlier hypervisor's world in a host's tree (Socle is nested, or the tree was
// edited for another hypervisor).
struct Leftover {
  NodeId node = fw::dt::kNoNode;
};

struct Platform {
  InplaceVector<Cpu, kMaxCpus> cpus;  // the boot CPU first
  unsigned cpus_left_out = 0;         // beyond kMaxCpus
  std::span<const RamBank> ram;
  std::span<const ReservedRange> reserved;  // sorted by address; may overlap
  std::span<const DynamicReservation> dynamic_reservations;
  Gic gic;
  Timer timer;
  Psci psci;
  std::optional<Console> console;
  std::span<const Device> devices;  // by node
  std::span<const Iommu> iommus;    // by node
  std::span<const DirectMapping> direct_mappings;
  std::span<const Leftover> leftovers;
  // Set when a controller between devices and the GIC passes interrupts on without naming them
  // (an interrupt controller below the GIC that has no `interrupts`): then any SPI may be in use.
  NodeId opaque_interrupt_controller = fw::dt::kNoNode;

  [[nodiscard]] std::uint64_t ram_bytes() const;
  [[nodiscard]] const Device* device(NodeId node) const;  // by binary search; null without one
  // Null if it leads to none (an MSI controller, a node that is no IOMMU).
  [[nodiscard]] const Iommu* iommu(const IommuBinding& binding) const;
  [[nodiscard]] const Iommu* iommu(const RequesterMap& row) const;
};

// Reads the machine from its tree. `dtuart` is the option of that name (empty: /chosen's
// stdout-path). `boot_mpidr`: the affinity of the CPU that runs this, to put it first; if no CPU
// node has it, that is an error.
// Errors (kNotFound: no memory, no CPUs; kCorrupt; kTooLarge; kNoMemory) have a line in `notes`.
// A missing GIC, timer, PSCI or console is no error here: the caller says what it cannot do.
struct ReadOptions {
  std::string_view dtuart{};
  std::optional<std::uint64_t> boot_mpidr{};
  // UEFI's memory map (fw::read_efi_memory_map). If there is one, it says what is RAM: the tree's
  // memory nodes are ignored; what the tree reserves is reserved besides.
  std::span<const fw::EfiMemoryRange> efi_memory{};
  // ACPI: the console that read_acpi_console() found before, so that it is not sought again.
  const std::optional<Console>* acpi_console = nullptr;
};
Result<const Platform*> read(const fw::dt::Tree& tree, const ReadOptions& options, fw::Arena& arena,
                             fw::Diagnostics& notes);

// Reads the machine from ACPI's static tables. RAM and reserved ranges are not in them: they come
// from options.efi_memory; without one, `memory` is taken over as it is (see RamBank and
// Platform::reserved for the order; empty where nobody knows) and must outlive the Platform. The
// console is SPCR's port, else one of DBG2's; `dtuart` does not count. Streams come from IORT.
// Errors as for read(); also kUnsupported for tables with which Linux would not use ACPI.
struct MemoryMap {
  std::span<const RamBank> ram;
  std::span<const ReservedRange> reserved;
};
Result<const Platform*> read_acpi(const fw::acpi::Tables& tables, const MemoryMap& memory,
                                  const ReadOptions& options, fw::Arena& arena,
                                  fw::Diagnostics& notes);
// The console alone, as read_console(), with its interrupt: the first port of SPCR and DBG2 that is
// not where `options.efi_memory` has memory, and that `responds` (may be null) finds there.
using PortProbe = bool (*)(const PaRange& registers);
std::optional<Console> read_acpi_console(const fw::acpi::Tables& tables, const ReadOptions& options,
                                         PortProbe responds, fw::Arena& arena,
                                         fw::Diagnostics& notes);

// Which port is Socle's console. It keeps that one; all others are the hardware domain's, the one
// that firmware names included if no driver knows it.
//   console_in_use()  on the machine: the port that boot has opened, whatever named it
//   choose_console()  elsewhere: the port that boot would open (image/early_console.h has the rule;
//                     `tree`: of a machine that a tree describes, else null)
Console console_in_use(const Platform& platform, const PaRange& registers);
std::optional<Console> choose_console(const Platform& platform, const fw::dt::Tree* tree,
                                      fw::Diagnostics& notes);

// Parts that boot needs before it has memory for the whole.
// The console alone: the first of dtuart= and stdout-path that leads to registers; nothing if none
// does. Each that does not has a warning that says why. Without a GIC its interrupt is not known.
std::optional<Console> read_console(const fw::dt::Tree& tree, std::string_view dtuart,
                                    fw::Arena& arena, fw::Diagnostics& notes,
                                    const Gic* gic = nullptr);
Result<std::span<const RamBank>> read_ram(const fw::dt::Tree& tree, fw::Arena& arena,
                                          fw::Diagnostics& notes);
Result<std::span<const ReservedRange>> read_reserved(const fw::dt::Tree& tree, fw::Arena& arena,
                                                     fw::Diagnostics& notes);
// The same from UEFI's memory map. Banks: memory that is free after boot services, less all that
// something else claims, too. Reserved: firmware's memory, added to `others`.
Result<std::span<const RamBank>> read_ram(std::span<const fw::EfiMemoryRange> map, fw::Arena& arena,
                                          fw::Diagnostics& notes);
Result<std::span<const ReservedRange>> read_reserved(std::span<const fw::EfiMemoryRange> map,
                                                     std::span<const ReservedRange> others,
                                                     fw::Arena& arena);

// A place of `size` bytes in RAM that meets none of `reserved` and none of `occupied`, at a
// multiple of `alignment` (a power of two); the highest, so that the low banks stay whole, and
// below `preferred_limit` if there is one. kNotFound if there is none at all.
struct PlaceRequest {
  std::uint64_t size = 0;
  std::uint64_t alignment = kFrameSize;
  Pa preferred_limit{~std::uint64_t{0}};
};
Result<PaRange> find_free_ram(std::span<const RamBank> ram, std::span<const ReservedRange> reserved,
                              std::span<const PaRange> occupied, const PlaceRequest& request);

}  // namespace socle::platform
